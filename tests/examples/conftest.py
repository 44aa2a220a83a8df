"""Starts an example behind a real server, in a folder and a process of its own."""

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from bearer_auth import Keyring
from bearer_auth.stores.sql import SQLStore

ROOT = Path(__file__).parents[2]

SERVE = """
import importlib, sys
from wsgiref.simple_server import make_server

module = importlib.import_module(sys.argv[1])
app = module.application if hasattr(module, "application") else module.app
with make_server("127.0.0.1", 0, app) as server:
    print(server.server_port, flush=True)
    server.serve_forever()
"""


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class Example:
    """A running example, and the tokens of two of its users."""

    def __init__(self, port: int, writer: str, reader: str) -> None:
        self._port = port
        self.writer = writer
        self.reader = reader

    def ask(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        body: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        sent = dict(headers or {})
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        try:
            connection.request(method, path, body, sent)
            response = connection.getresponse()
            text = response.read().decode()
        finally:
            connection.close()
        received = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, received, text)


@contextmanager
def running(name: str, folder: Path) -> Iterator[Example]:
    store = SQLStore(f"sqlite:///{folder / 'keys.db'}")
    keyring = Keyring(store)
    writer = keyring.create(user_id="user_123", plan="pro", scopes=["reports:write"]).token
    reader = keyring.create(user_id="ada").token
    store.close()
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT / "examples")])
    with (
        open(folder / "stderr", "wb") as stderr,
        subprocess.Popen(
            [sys.executable, "-c", SERVE, name],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": path},
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            port = process.stdout.readline()
            assert port, (folder / "stderr").read_text()
            yield Example(int(port), writer, reader)
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def example(request: pytest.FixtureRequest, tmp_path_factory: Any) -> Iterator[Example]:
    """The example that the test module, or its parameter, names."""
    name = getattr(request, "param", None) or request.module.EXAMPLE
    with running(name, tmp_path_factory.mktemp(name)) as started:
        yield started
