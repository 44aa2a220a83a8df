"""``make demo``, run for real: gunicorn, curl, SQLite, signals; only the Python is this one."""

import hashlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from bearer_auth import Keyring
from bearer_auth.stores.sql import SQLStore
from demo.keys import demo_keys, store_url

pytestmark = pytest.mark.once

ROOT = Path(__file__).parents[1]
DOCUMENTED_API = "068e9ad54e99dcbc6d7c7a8f2a3afed2315ce56556bb384d1c095bbcf03830f0"
"""SHA-256 of docs/authentication.md, as it was given to us."""

ALL_AS_DOCUMENTED = """\
ok   200: a key that may execute
ok   200: who am I?
ok   401: no key
ok   401: a key that was never issued here
ok   403: a key without scopes
ok   200: the X-Request-ID comes back in the headers
ok   the dashboard asks who you are
All as documented.
"""


def demo(
    *arguments: str | Path, root: Path = ROOT, timeout: float = 60
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, root / "examples" / "demo", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )


@contextmanager
def running_demo(folder: Path) -> Iterator[tuple["subprocess.Popen[str]", list[str]]]:
    """The demo on a free port, and the lines that it printed."""
    process = subprocess.Popen(
        [sys.executable, ROOT / "examples" / "demo", "--port", "0", "--folder", folder],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout is not None
        lines: list[str] = []
        while sum("http://127.0.0.1" in line for line in lines) < 8:
            line = process.stdout.readline()
            assert line, "the demo ended: " + "".join(lines)
            lines.append(line)
        yield process, lines
    finally:
        process.terminate()
        process.communicate(timeout=30)


def port_of(lines: list[str]) -> str:
    """That of the API, whose address comes first."""
    found = re.search(r"http://127\.0\.0\.1:(\d+) is the API", "".join(lines))
    assert found
    return found[1]


def test_check_finds_a_real_server_to_answer_as_documented(tmp_path: Path) -> None:
    done = demo("--check", "--port", "0", "--folder", tmp_path)
    assert (done.stdout, done.stderr, done.returncode) == (ALL_AS_DOCUMENTED, "", 0)


def test_check_says_what_is_not_as_documented(tmp_path: Path) -> None:
    for folder in ("examples", "docs"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    documentation = tmp_path / "docs" / "authentication.md"
    text = documentation.read_text()
    documentation.write_text(text.replace('"message": "Invalid API key"', '"message": "Go away"'))

    done = demo("--check", "--port", "0", root=tmp_path)

    assert done.returncode == 1
    assert "FAIL 401: no key: the body is {'success': False, 'error':" in done.stdout
    assert "ok   403: a key without scopes" in done.stdout
    assert done.stdout.endswith("Not as documented.\n")


def test_check_asks_the_demo_that_runs_and_leaves_it_running(tmp_path: Path) -> None:
    with running_demo(tmp_path) as (process, lines):
        done = demo("--check", "--port", port_of(lines), "--folder", tmp_path)
        assert (done.stdout, done.returncode) == (ALL_AS_DOCUMENTED, 0)
        assert process.poll() is None


def test_the_documented_lines_are_printed_with_the_real_keys_in_them(tmp_path: Path) -> None:
    with running_demo(tmp_path) as (_, lines):
        printed = "".join(lines)
    tokens = json.loads((tmp_path / "tokens.json").read_text())
    address = f"http://127.0.0.1:{port_of(lines)}"
    for token in (tokens["user_123"], tokens["without_scopes"]):
        assert f'curl -H "Authorization: Bearer {token}" \\\n  {address}/execute/' in printed
    assert f'"Authorization: Bearer {tokens["user_123"]}" \\\n  {address}/health\n' in printed
    assert f"\ncurl {address}/execute/your-ensemble\n" in printed
    assert 'curl -i -H "X-Request-ID: unique-request-id" \\\n' in printed
    assert "YOUR_API_KEY" not in printed


def test_the_dashboard_of_the_same_keys_is_opened_by_the_printed_link(tmp_path: Path) -> None:
    with running_demo(tmp_path) as (_, lines):
        (link,) = re.findall(r"dashboard; .* once, .*: (http://127\.0\.0\.1:\d+/\S+)$", lines[-1])
        address, _, path = link.partition("/sign-in")
        page = ask(address, "GET", f"/sign-in{path}").read().decode()
        fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Sec-Fetch-Site": "same-origin",
        }
        signed_in = ask(address, "POST", "/sign-in/link", urlencode(fields), headers)
        cookie = signed_in.headers["Set-Cookie"].partition(";")[0]
        keys = ask(address, "GET", "/", headers={"Cookie": cookie}).read().decode()
    assert (signed_in.status, "user_123" in keys, "user_456" in keys) == (303, True, True)


def ask(
    address: str, method: str, path: str, body: str | None = None, headers: Any = None
) -> http.client.HTTPResponse:
    """An answer, wherever it redirects to; no connection is kept."""
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=30)
    connection.request(method, path, body, {**(headers or {}), "Connection": "close"})
    return connection.getresponse()


def test_check_says_when_the_dashboard_does_not_answer(tmp_path: Path) -> None:
    with running_demo(tmp_path) as (_, lines), socket.create_server(("127.0.0.1", 0)) as other:
        port = port_of(lines)
        nobody = other.getsockname()[1]
        other.close()
        (tmp_path / f"{port}.lock").write_text(f"http://127.0.0.1:{nobody}/")
        done = demo("--check", "--port", port, "--folder", tmp_path)
    assert done.returncode == 1
    assert "FAIL the dashboard asks who you are: <urlopen error" in done.stdout


def test_ctrl_c_ends_it_without_a_word_and_leaves_no_process(tmp_path: Path) -> None:
    with running_demo(tmp_path) as (process, lines):
        process.send_signal(signal.SIGINT)
        # The workers write to the same pipe, so its end is theirs too.
        rest, _ = process.communicate(timeout=30)
        assert (rest, process.returncode) == ("", 0)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", int(port_of(lines))))


def test_a_second_start_reuses_the_keys(tmp_path: Path) -> None:
    demo("--check", "--port", "0", "--folder", tmp_path)
    first = (tmp_path / "tokens.json").read_text()
    demo("--check", "--port", "0", "--folder", tmp_path)
    assert (tmp_path / "tokens.json").read_text() == first


def test_keys_that_no_longer_work_are_replaced(tmp_path: Path) -> None:
    first = demo_keys(tmp_path)
    assert demo_keys(tmp_path) == first
    with closing(SQLStore(store_url(tmp_path))) as store:
        Keyring(store).revoke_all(user_id="user_123")
    second = demo_keys(tmp_path)
    assert second.user_123 != first.user_123
    assert demo_keys(tmp_path) == second


def test_only_the_owner_can_read_the_tokens_and_the_keys(tmp_path: Path) -> None:
    demo_keys(tmp_path)
    assert stat.S_IMODE((tmp_path / "tokens.json").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "keys.db").stat().st_mode) == 0o600


@pytest.mark.parametrize("arguments", [(), ("--check",)])
def test_a_port_in_use_is_one_line_with_the_fix(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = demo("--port", str(port), "--folder", tmp_path, *arguments)
    assert done.stderr == (
        f"Port {port} is in use. Take another one: make demo PORT={max(port, 8000) + 1}\n"
    )
    assert (done.stdout, done.returncode) == ("", 1)


@pytest.mark.parametrize("port", ["80000", "abc", ""])
def test_what_is_no_port_is_one_line(tmp_path: Path, port: str) -> None:
    done = demo(f"--port={port}", "--folder", tmp_path)
    assert done.stderr == f"{port} is no port; take one from 1024 to 65535.\n"


@pytest.mark.parametrize(("variable", "checks"), [("CHECK=1", True), ("CHECK=0", False)])
def test_make_demo_checks_if_it_is_told_to(variable: str, checks: bool) -> None:
    done = subprocess.run(
        ["make", "--no-print-directory", "--dry-run", "demo", variable],  # make may be our parent
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.rstrip().endswith("--check") == checks


def test_a_reader_that_goes_away_ends_it(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as broken:
        done = subprocess.run(
            [sys.executable, ROOT / "examples" / "demo", "--port", "0", "--folder", tmp_path],
            stdout=broken,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
    assert (done.stderr, done.returncode) == ("", 0)


def test_the_documented_api_is_kept_to_the_letter() -> None:
    text = (ROOT / "docs" / "authentication.md").read_bytes()
    assert hashlib.sha256(text).hexdigest() == DOCUMENTED_API
