import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from click.testing import CliRunner, Result

from bearer_auth import IssuedKey, Keyring
from bearer_auth.cli.app import commands
from bearer_auth.stores.sql import SQLStore

SOURCE = Path(__file__).parents[2] / "src"


@pytest.fixture(autouse=True)
def _nothing_inherited(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(("BEARER_AUTH", "HTTP_AUTHORIZATION")) or name.lower().endswith("proxy"):
            monkeypatch.delenv(name)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("APACHE_CONFDIR", raising=False)


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a store that isn't there yet; it stands in BEARER_AUTH_STORE too."""
    url = f"sqlite:///{tmp_path}/keys.db"
    monkeypatch.setenv("BEARER_AUTH_STORE", url)
    return url


@pytest.fixture
def store(url: str) -> Iterator[SQLStore]:
    store = SQLStore(url)
    yield store
    store.close()


@pytest.fixture
def keyring(store: SQLStore) -> Keyring:
    return Keyring(store)


@pytest.fixture
def issued(keyring: Keyring) -> IssuedKey:
    return keyring.create(user_id="user_123", plan="pro", name="CI", scopes=["jobs:run"])


Run = Callable[..., Result]


@pytest.fixture
def run() -> Run:
    """Runs a command in this process. With ``code``, its exit code must be that one."""

    def run(*words: str, code: int = 0, **kwargs: Any) -> Result:
        result = CliRunner().invoke(commands, words, **kwargs)
        assert result.exit_code == code, result.output
        return result

    return run


@pytest.fixture
def answer(run: Run) -> Callable[..., Any]:
    """Runs a command with ``--json`` and gives what it answers."""
    return lambda *words, **kwargs: json.loads(run(*words, "--json", **kwargs).stdout)


Shell = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def child_env(tmp_path: Path, url: str) -> dict[str, str]:
    """The environment of a process that finds ``bearer-auth`` in its PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    script = folder / "bearer-auth"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m bearer_auth.cli "$@"\n')
    script.chmod(0o755)
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "PYTHONPATH": str(SOURCE)}


@pytest.fixture
def shell(child_env: dict[str, str], tmp_path: Path) -> Shell:
    """Runs a script of a POSIX shell that finds ``bearer-auth`` in its PATH."""

    def shell(script: str, **env: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["sh", "-c", script],
            env=child_env | env,
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )

    return shell


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def serve() -> Iterator[Callable[[Any], str]]:
    """Serves a WSGI app on a free port; gives its address."""
    running: list[tuple[Any, threading.Thread]] = []

    def serve(app: Any) -> str:
        server = make_server("127.0.0.1", 0, app, handler_class=_Quiet)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        running.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}"

    yield serve
    for server, thread in running:
        server.shutdown()
        thread.join()
        server.server_close()
