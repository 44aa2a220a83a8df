"""The demo's server: gunicorn with two workers, as a child that ends when we do."""

import errno
import fcntl
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from keys import store_url

EXAMPLES = Path(__file__).parents[1]
START_S = 30
STOP_S = 10

# Straight to this machine, whatever proxy the environment names.
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class CannotStart(Exception):
    """What is wrong and how to mend it, in one line."""


class Running:
    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.process = process

    def wait(self) -> None:
        self.process.wait()
        raise CannotStart(f"The server ended by itself; exit code {self.process.returncode}.")


def port_of(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) <= 65535):
        raise CannotStart(f"{text} is no port; take one from 1024 to 65535.")
    return int(text)


def address_of(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def runs_at(folder: Path, port: int) -> bool:
    """Whether a demo of this folder serves this port, or is about to."""
    try:
        with open(_lock_path(folder, port)) as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        _wait_until_it_answers(f"http://127.0.0.1:{port}")
        return True
    return False


@contextmanager
def listening(folder: Path, port: int) -> Iterator[socket.socket]:
    """The bound socket: whoever has it has the port, so nothing can come in between."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
            listener.listen()
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            reason = "is in use" if error.errno == errno.EADDRINUSE else "needs root"
            raise CannotStart(
                f"Port {port} {reason}. Take another one: make demo PORT={max(port, 8000) + 1}"
            ) from None
        # The lock goes with the process, however it ends.
        with open(_lock_path(folder, listener.getsockname()[1]), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield listener


@contextmanager
def started(folder: Path, listener: socket.socket) -> Iterator[Running]:
    """The server, from its first answer until it is gone, with its workers."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "gunicorn", "--chdir", EXAMPLES, "conductor.wsgi:app"),
            *("--workers", "2", "--bind", f"fd://{listener.fileno()}"),
            *("--log-level", "warning", "--no-control-socket"),
        ],
        env={**os.environ, "BEARER_AUTH_STORE": store_url(folder)},
        pass_fds=[listener.fileno()],
        # Ctrl-C in a terminal reaches the whole group; only we decide when the server ends.
        start_new_session=True,
    )
    address = address_of(listener)
    try:
        listener.close()
        _wait_until_it_answers(address, process)
        yield Running(process)
    finally:
        stop(process)


def _wait_until_it_answers(address: str, process: "subprocess.Popen[bytes] | None" = None) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if process is not None and process.poll() is not None:
            raise CannotStart(f"The server could not start; exit code {process.returncode}.")
        try:
            with opener.open(f"{address}/docs", timeout=START_S):
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.05)
    raise CannotStart(f"{address} did not answer within {START_S} seconds.")


def stop(process: "subprocess.Popen[bytes] | subprocess.Popen[str]") -> None:
    """End it, if need be by force."""
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def note_dashboard(folder: Path, listener: socket.socket, url: str) -> None:
    """Write down where the dashboard of a demo is, for who checks it; in the lock, which is there
    as long as it is true."""
    _lock_path(folder, listener.getsockname()[1]).write_text(url)


def dashboard_of(folder: Path, port: int) -> str:
    """Where the dashboard of the demo is that serves a port."""
    return _lock_path(folder, port).read_text()


def _lock_path(folder: Path, port: int) -> Path:
    return folder / f"{port}.lock"
