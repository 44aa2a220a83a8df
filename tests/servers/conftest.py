"""Real servers."""

import os
import sys
from pathlib import Path

import pytest

from bearer_auth import Keyring
from bearer_auth.stores.sql import SQLStore

from .process import Server

HERE = Path(__file__).parent

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


@pytest.fixture(scope="session")
def start(tmp_path_factory):
    """``start(name, *options)`` starts a server of one's own; all are stopped at the end."""
    started = []

    def start(name, *options):
        folder = tmp_path_factory.mktemp(name)
        for fifo in ("first-arrived", "closed"):
            os.mkfifo(folder / fifo)
        keys = Keys(folder)
        environ = {"SERVED_STORE": str(keys.path), "SERVED_FOLDER": str(folder)}
        server = Server(name, [*COMMANDS[name], *options], folder, keys, **environ)
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
