"""examples/conductor behind gunicorn with two workers, as in ``make demo``; what it was asked, and
how a test holds it."""

import json
import os
import select
import signal
import sys
from contextlib import contextmanager
from pathlib import Path

from bearer_auth import Keyring
from bearer_auth.stores.sql import SQLStore

from ..faults.own_servers import free_port
from ..servers.process import SECONDS, Server

HERE = Path(__file__).parent
CONF = HERE.parent / "servers" / "gunicorn_conf.py"
EXAMPLES = HERE.parents[1] / "examples"


class Site:
    """The site.

    Args:
        folder: Where its files go.
        url: The database of all it keeps; by default a file of SQLite.

    Attributes:
        address: Its host and port.
        url: Its address, for a client.
        ring: Makes its keys.
    """

    def __init__(self, folder, url=None):
        self.folder = folder
        database = url or f"sqlite:///{folder / 'keys.db'}"
        self._store = SQLStore(database, create=True, lease_ms=None if url is None else 0)
        self._store.upgrade()  # the tables of requests and limits too
        self.ring = Keyring(self._store)
        self.address = ("127.0.0.1", free_port())
        self.url = "http://{}:{}".format(*self.address)
        self._database = database
        self.start()

    def start(self):
        """Start it; again, after ``crash``."""
        command = [sys.executable, "-m", "gunicorn", "--config", CONF]
        command += ["--bind", "{}:{}".format(*self.address), "--workers", "2"]
        command += ["--pythonpath", EXAMPLES, "--chdir", HERE]
        command += ["--access-logfile", self.folder / "access", "--log-level", "debug"]
        self._server = Server(
            "conductor",
            [*map(str, command), "served:application"],
            self.folder,
            self.ring,
            SERVED_FOLDER=str(self.folder),
            SERVED_STORE=self._database,
        )

    def crash(self):
        self._server.kill()

    def issue(self, **options):
        """A new key of a user that nobody else has, who may execute."""
        name = f"user_{os.urandom(6).hex()}"
        defaults = {"user_id": name, "plan": "pro", "scopes": ["ensembles:execute"]}
        return self.ring.create(**defaults | options)

    def asked(self, ensemble):
        """The answers to what was asked of an ensemble, in their order."""
        return [line for line in self._lines("asked") if line["path"] == f"/execute/{ensemble}"]

    def statuses(self, ensemble):
        return [answer["status"] for answer in self.asked(ensemble)]

    def runs(self, ensemble):
        """The workers in which an ensemble ran, one for each run."""
        return [line["pid"] for line in self._lines("runs") if line["ensemble"] == ensemble]

    @contextmanager
    def held(self, name):
        """The next that comes to this place waits there until the block ends; ``arrived()``
        returns once it has come, and nobody after it is held."""
        trap = Trap(self.folder / name)
        try:
            yield trap
        finally:
            trap.open()

    def kill(self, pid):
        os.kill(pid, signal.SIGKILL)

    def end(self):
        """Stop it, and return all that it has written: the logs of errors and of access."""
        left = self._server.stop()
        log = self._server.log.read_text()
        assert not left, f"a worker was left behind: {log}"
        return log + (self.folder / "access").read_text()

    def close(self):
        if self._server.process.returncode is None:
            self.end()
        self._store.close()

    def _lines(self, name):
        path = self.folder / name
        text = path.read_text() if path.exists() else ""
        return [json.loads(line) for line in text.splitlines()]


class Trap:
    """A FIFO that the app waits in, and one by which it says so."""

    def __init__(self, path):
        self._path, self._says = path, path.with_suffix(".says")
        self._end = None
        os.mkfifo(self._says)
        self._said = os.open(self._says, os.O_RDONLY | os.O_NONBLOCK)
        os.mkfifo(path)

    def arrived(self):
        ready, _, _ = select.select([self._said], [], [], SECONDS)
        assert ready, f"nobody came to {self._path.name}"
        self._end = os.open(self._path, os.O_WRONLY)
        self._path.unlink()

    def open(self):
        if self._end is None:
            self._path.unlink()
        else:
            os.close(self._end)
            self._end = None
        os.close(self._said)
        self._says.unlink()
