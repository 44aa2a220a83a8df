"""Real servers, each a process of its own on a free port of 127.0.0.1, and a raw client."""

import os
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from bearer_auth import Keyring
from bearer_auth.stores.sql import SQLStore

HERE = Path(__file__).parent
SOURCES = HERE.parent.parent / "src"
SECONDS = 20
"""Nothing here takes longer, however busy the machine is."""

GUNICORN = [sys.executable, "-m", "gunicorn", "--config", str(HERE / "gunicorn_conf.py")]
GUNICORN += ["--bind", "127.0.0.1:0", "--chdir", str(HERE), "served:application"]
OWN = [sys.executable, str(HERE / "serve.py")]

COMMANDS = {
    "gunicorn-sync": [*GUNICORN, "--worker-class", "sync"],
    "gunicorn-gthread": [*GUNICORN, "--worker-class", "gthread", "--threads", "4"],
    "gunicorn-gevent": [*GUNICORN, "--worker-class", "gevent"],
    "waitress": [*OWN, "waitress"],
    "cheroot": [*OWN, "cheroot"],
    "werkzeug": [*OWN, "werkzeug"],
    "wsgiref": [*OWN, "wsgiref"],
    "gevent": [*OWN, "gevent"],
}


class Keys:
    """A store in a file, written by the test's process and read by the server's."""

    def __init__(self, folder):
        self.path = folder / "keys.db"
        self.store = SQLStore(f"sqlite:///{self.path}")
        self.ring = Keyring(self.store)
        self.user = self.ring.create(user_id="user_123", plan="pro").token
        self.admin = self.ring.create(user_id="admin", scopes=["admin"]).token


class Reply(NamedTuple):
    """An answer as it came: the status, the header lines, the rest."""

    status: int
    lines: list[bytes]
    body: bytes

    def values(self, name):
        start = name.lower().encode() + b":"
        return [line[len(start) :].strip() for line in self.lines if line.lower().startswith(start)]


class Server:
    """A server's process."""

    def __init__(self, name, folder, keys, *options):
        self.name, self.folder, self.keys = name, folder, keys
        self.log = folder / "log"
        for fifo in ("first-arrived", "closed"):
            os.mkfifo(folder / fifo)
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*COMMANDS[name], *options],
                stdout=subprocess.PIPE,
                stderr=log,
                env=os.environ
                | {
                    "SERVED_STORE": str(keys.path),
                    "SERVED_FOLDER": str(folder),
                    "PYTHONPATH": str(SOURCES),
                    "PYTHONUNBUFFERED": "1",
                },
                start_new_session=True,
            )
        ready, _, _ = select.select([self.process.stdout], [], [], SECONDS)
        line = self.process.stdout.readline() if ready else b""
        if not line:
            self.stop()
            raise RuntimeError(f"{name} did not start: {self.log.read_text()}")
        self.port = int(line)

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS)

    def raw(self, data, end=False):
        """Send bytes (``end``: and say that these were all), read to the end of the connection."""
        with self.connect() as connection:
            connection.sendall(data)
            if end:
                connection.shutdown(socket.SHUT_WR)
            received = b""
            try:
                while more := connection.recv(65_536):
                    received += more
            except ConnectionResetError:  # it closed with something of ours unread
                pass
        return received

    def send(self, target="/", *lines, method="GET", key=None, body=b""):
        """One request on a connection of its own."""
        head = [f"{method} {target} HTTP/1.1", "Host: localhost", "Connection: close", *lines]
        if key is not None:
            head.append(f"Authorization: Bearer {key}")
        data = "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + body
        return parse(self.raw(data))

    def stop(self):
        """End the process and see that nothing of it is left."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(SECONDS)
        finally:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
                left = True
            except ProcessLookupError:
                left = False
            self.process.wait(SECONDS)
            self.process.stdout.close()
        return left


def parse(data):
    head, _, body = data.partition(b"\r\n\r\n")
    status, *lines = head.split(b"\r\n")
    return Reply(int(status.split()[1]), lines, body)


@pytest.fixture(scope="session")
def start(tmp_path_factory):
    """``start(name, *options)`` starts a server of one's own; all are stopped at the end."""
    started = []

    def start(name, *options):
        folder = tmp_path_factory.mktemp(name)
        server = Server(name, folder, Keys(folder), *options)
        started.append(server)
        return server

    yield start
    left = [server.name for server in started if server.stop()]
    for server in started:
        server.keys.store.close()
    assert left == []


@pytest.fixture(
    scope="session",
    params=[
        pytest.param(name, marks=pytest.mark.xdist_group(f"server-{name}")) for name in COMMANDS
    ],
)
def server(request, start):
    return start(request.param)
