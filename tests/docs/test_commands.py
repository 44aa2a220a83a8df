"""The commands of the documentation, in a real shell, with real curl and a real server."""

import hashlib
import json
import os
import re
import subprocess
import sys
import threading
import tomllib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import make_server

from bearer_auth import BearerAuth, KeyRecord, Keyring
from bearer_auth.stores.sql import SQLStore
from bearer_auth.token import mint

from .blocks import OF_THE_SDKS

pytestmark = pytest.mark.once

LANGUAGES = ("bash", "console", "sh")

ROOT = Path(__file__).parents[2]
EXAMPLE_ID = re.compile(
    r"(?<!--id )\b(?=\w*[0-9])(?=\w*[a-z])(?=\w*[A-Z])[0-9A-Za-z]{16}\b"  # --id is a new key's
)
RUNS = re.compile(r"(KEY=\$\()?(bearer-auth|printf|export|curl) ")


def commands_of(block: Any) -> list[tuple[str, str]]:
    """Each command, and the output that is shown below it; then ``$`` marks the commands."""
    found: list[tuple[str, str]] = []
    for line in block.text.replace("\\\n", " ").splitlines():
        if block.language != "console":
            found.append((line.split("  # ")[0].strip(), ""))
        elif line.startswith("$ "):
            found.append((line[2:], ""))
        else:
            command, output = found.pop()
            found.append((command, output + line + "\n"))
    return found


def app(environ: Any, start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"ok"]


@contextmanager
def serving(store: SQLStore) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, BearerAuth(app, store), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


SERVER = "postgresql://user@host/name"


@pytest.fixture
def shell(tmp_path: Path, servers: Any) -> Callable[[Any, list[str]], list[str]]:
    """Runs commands in an empty folder, over a store that holds the block's keys; gives what each
    of them wrote to stdout."""
    program = tmp_path / "bin" / "bearer-auth"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m bearer_auth.cli "$@"\n')
    program.chmod(0o755)

    def run(block: Any, commands: list[str]) -> list[str]:
        with closing(SQLStore(f"sqlite:///{tmp_path}/keys.db")) as store, serving(store) as address:
            known = Keyring(store).create(user_id="user_123", allowed_ips=["192.0.2.7"])
            store.add(
                KeyRecord.from_token(mint("ba", "production", key_id), user_id="user_123")
                for key_id in set(EXAMPLE_ID.findall(block.text))
            )
            script = "".join(f"{command}\necho ====$?\n" for command in commands)
            for documented in ("http://127.0.0.1:8000", "https://api.example.com"):
                script = script.replace(documented, address)
            if SERVER in script:
                script = script.replace(SERVER, servers.database("postgresql"))
            done = subprocess.run(
                ["sh"],
                input=script,
                capture_output=True,
                text=True,
                check=False,
                cwd=tmp_path,
                env={
                    "PATH": f"{program.parent}:{os.environ['PATH']}",
                    "PYTHONPATH": str(ROOT / "src"),
                    "BEARER_AUTH_STORE": "sqlite:///keys.db",
                    "BEARER_AUTH_PEPPERS": "a-pepper-for-the-tests-of-the-documentation",
                    "KEY": known.token,
                    "OLD_KEY": "a-key-that-somebody-has",
                    "HASH": "$sha256$" + hashlib.sha256(b"some token").hexdigest(),
                    "no_proxy": "127.0.0.1",
                },
            )
        *written, _ = done.stdout.split("====0\n")
        assert len(written) == len(commands), f"{script}\n{done.stdout}\n{done.stderr}"
        return written

    return run


def test_commands_run_and_print_what_is_shown(
    block: Any, shell: Callable[[Any, list[str]], list[str]]
) -> None:
    """Ours and curl's; each exits with 0."""
    shown = {command: text for command, text in commands_of(block) if RUNS.match(command)}
    for (command, text), written in zip(shown.items(), shell(block, list(shown)), strict=True):
        if text.startswith("{"):
            assert json.loads(written) == json.loads(text), command
        elif text:
            pattern = re.escape(text).replace("…", "[0-9A-Za-z+/]+")
            assert re.fullmatch(pattern, written), command


def test_other_commands_exist(block: Any) -> None:
    """Targets of make, extras of the package."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    if OF_THE_SDKS.search(block.text):
        return
    for command, _ in commands_of(block):
        if match := re.fullmatch(r'pip install "\.\[([\w,]+)\]"', command):
            assert set(match[1].split(",")) <= project["optional-dependencies"].keys()
        elif match := re.match(r"make ([\w-]+)", command):
            assert match[1] in targets
        else:
            assert RUNS.match(command), f"nobody checks this: {command}"


def test_each_file_that_the_makefile_names_exists() -> None:
    words = (ROOT / "Makefile").read_text().replace("@", " ").split()
    named = {word for word in words if re.fullmatch(r"\w+(/[\w.-]+)+|[\w-]+\.(txt|toml)", word)}
    assert {"tools/venv", "bench/run.py", "requirements-dev.txt"} <= named
    assert {name for name in named if not (ROOT / name).exists()} == set()
