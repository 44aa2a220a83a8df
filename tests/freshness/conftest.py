"""Workers in processes of their own, and a store in this one that changes keys under them."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
import sqlalchemy
from sqlalchemy.pool import NullPool

from bearer_auth import Keyring
from bearer_auth.stores.sql import SQLStore

READER = Path(__file__).with_name("reader.py")
SOURCE = Path(__file__).parents[2] / "src"

# `make soak` runs the full number with the defaults.
SOAK = bool(os.environ.get("BEARER_AUTH_SOAK"))


class Readers:
    """Some workers on one store."""

    def __init__(self, url, number, timeout):
        self.processes = [
            subprocess.Popen(
                [sys.executable, str(READER), url, str(timeout)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, "PYTHONPATH": str(SOURCE)},
            )
            for _ in range(number)
        ]
        assert self._read() == ["ready"] * number

    def watch(self, token):
        """Let all of them ask with this key; returns when each has been let in."""
        self._write(f"watch {token}")
        assert self._read() == ["seen"] * len(self.processes)

    def answers_after(self, since):
        """What they were answered to requests that began after this time: how often each."""
        self._write(f"after {since!r}")
        total = {}
        for line in self._read():
            for status, count in json.loads(line).items():
                total[int(status)] = total.get(int(status), 0) + count
        return total

    def signal(self, number):
        for process in self.processes:
            process.send_signal(number)

    def close(self):
        for process in self.processes:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)
            process.kill()
            process.communicate()

    def _write(self, line):
        for process in self.processes:
            process.stdin.write(line + "\n")
            process.stdin.flush()

    def _read(self):
        return [process.stdout.readline().strip() for process in self.processes]


class Gate:
    """A TCP proxy on 127.0.0.1 that can be shut: then it takes bytes and passes none on."""

    def __init__(self, target):
        self._target = target
        self._open = threading.Event()
        self._open.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._sockets = []
        threading.Thread(target=self._accept, daemon=True).start()

    def shut(self):
        self._open.clear()

    def open(self):
        self._open.set()

    def close(self):
        self._open.set()
        for one in (self._listener, *self._sockets):
            with suppress(OSError):
                one.close()

    def _accept(self):
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._target)
                self._sockets += [client, server]
                for one, other in ((client, server), (server, client)):
                    threading.Thread(target=self._pass, args=(one, other), daemon=True).start()

    def _pass(self, one, other):
        with suppress(OSError):
            while data := one.recv(65536):
                self._open.wait()
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)


class World:
    """A database, a keyring on it, and workers."""

    def __init__(self, url, lease_ms):
        self.url = url
        self.lease_ms = lease_ms
        self.store = SQLStore(url, create=True, lease_ms=lease_ms)
        self.keyring = Keyring(self.store)
        self.is_sqlite = url.startswith("sqlite")
        self._closing = [self.store.close]

    def readers(self, number=3, url=None, timeout=20.0):
        # By default long: on a busy machine a 503 for want of time is not what is looked for.
        readers = Readers(url or self.url, number, timeout)
        self._closing.append(readers.close)
        return readers

    def gate(self):
        """A proxy to the server, and the URL that leads through it."""
        address = sqlalchemy.make_url(self.url)
        gate = Gate((address.host, address.port))
        self._closing.append(gate.close)
        return gate, address.set(port=gate.port).render_as_string(hide_password=False)

    def run(self, *statements):
        """SQL, as another program would, in one transaction."""
        engine = sqlalchemy.create_engine(self.url, poolclass=NullPool)
        with engine.begin() as connection:
            for statement in statements:
                result = connection.exec_driver_sql(statement)
            return result.all() if result.returns_rows else None

    def changed(self, change):
        """When a change of keys had returned."""
        change()
        return time.monotonic()

    def close(self):
        for close in reversed(self._closing):
            close()


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def make_world(request, servers, tmp_path):
    made = []

    def make(lease_ms):
        if request.param == "sqlite":
            url = f"sqlite:///{tmp_path / 'keys.db'}"
        else:
            url = servers.database(request.param)
        made.append(World(url, lease_ms))
        return made[-1]

    yield make
    for world in made:
        world.close()


@pytest.fixture
def rounds():
    return 300 if SOAK else 24


@pytest.fixture
def world(make_world):
    return make_world(None if SOAK else 20)
