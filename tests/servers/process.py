"""A real server, a process of its own on a free port of 127.0.0.1, and a raw client."""

import os
import select
import signal
import socket
import subprocess
from pathlib import Path
from typing import NamedTuple

SOURCES = Path(__file__).parents[2] / "src"
SECONDS = 20
"""Nothing here takes longer, however busy the machine is."""


class Reply(NamedTuple):
    """An answer as it came: the status, the header lines, the rest."""

    status: int
    lines: list[bytes]
    body: bytes

    def values(self, name):
        start = name.lower().encode() + b":"
        return [line[len(start) :].strip() for line in self.lines if line.lower().startswith(start)]


class Server:
    """A server's process.

    Args:
        name: What it is called when it does not start or end.
        command: What starts it. It prints its port, in a line of its own.
        folder: Where its log goes.
        keys: What the test knows of the keys that it takes.
        environ: Variables of its environment, beside ours.
    """

    def __init__(self, name, command, folder, keys, **environ):
        self.name, self.folder, self.keys = name, folder, keys
        self.log = folder / "log"
        ours = {"PYTHONPATH": str(SOURCES), "PYTHONUNBUFFERED": "1"}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=log,
                env=os.environ | ours | environ,
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

    def kill(self):
        """End the process and its children at once, as a power failure does."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(SECONDS)
        self.process.stdout.close()

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
