"""What holds for the whole suite: in CI a test may be skipped only for a reason listed here.

``servers`` makes databases on the PostgreSQL and the MariaDB of this machine, and drops them;
``call`` sends a request to a WSGI app through a gateway that follows PEP 3333; ``sink`` keeps the
events that it is told.
"""

import io
import os
import re
import uuid
from collections.abc import Callable, Generator, Iterator
from typing import Any, NamedTuple
from wsgiref.handlers import SimpleHandler
from wsgiref.validate import validator

import hypothesis
import pytest
import sqlalchemy
from sqlalchemy.pool import NullPool

# A reason must match one of these in full.
ALLOWED_SKIPS: tuple[str, ...] = (
    r"needs root: .*",
    r"must not be root: .*",
)

# How long an example takes says something about the machine, nothing about the code. In CI the same
# examples run each time, so that a change is red for what it changes.
hypothesis.settings.register_profile("local", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "local")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    return _refuse_unexpected_skip((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, Any, Any]:
    return _refuse_unexpected_skip((yield))


def _refuse_unexpected_skip(report: Any) -> Any:
    if not os.environ.get("CI") or not report.skipped or hasattr(report, "wasxfail"):
        return report
    reason = report.longrepr[2].removeprefix("Skipped: ")
    if not any(re.fullmatch(allowed, reason) for allowed in ALLOWED_SKIPS):
        report.outcome = "failed"
        report.longrepr = (
            f"skipped in CI for a reason that tests/conftest.py doesn't list: {reason}"
        )
    return report


class Answer(NamedTuple):
    status: str
    headers: list[tuple[str, str]]
    body: bytes


@pytest.fixture(scope="session")
def call() -> Callable[..., Answer]:
    """``call(app, method, path, body, **environ)``; what breaks PEP 3333 or escapes is an error."""

    def call(
        app: Any, method: str = "GET", path: str = "/", body: bytes = b"", **environ: Any
    ) -> Answer:
        out, errors = io.BytesIO(), io.StringIO()
        request = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "SCRIPT_NAME": "",
            "QUERY_STRING": "",
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "192.0.2.7",
        }
        if body:
            request["CONTENT_LENGTH"] = str(len(body))
        handler = SimpleHandler(io.BytesIO(body), out, errors, request | environ)
        handler.os_environ, handler.origin_server = {}, False
        handler.run(validator(app))
        assert errors.getvalue() == ""
        head, _, body = out.getvalue().partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        (_, status), *headers = (line.split(": ", 1) for line in lines)
        return Answer(status, [(name, value) for name, value in headers], body)

    return call


class Sink:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def emit(self, event: Any) -> None:
        self.events.append(event)


@pytest.fixture
def sink() -> Sink:
    return Sink()


ADDRESSES = {
    "postgresql": "postgresql+psycopg://postgres@127.0.0.1:5432/postgres",
    "mariadb": "mysql+pymysql://root@127.0.0.1:3306/mysql",
}
START = {
    "postgresql": "-p 5432:5432 -e POSTGRES_HOST_AUTH_METHOD=trust postgres",
    "mariadb": "-p 3306:3306 -e MARIADB_ALLOW_EMPTY_ROOT_PASSWORD=1 mariadb",
}


class Servers:
    """Makes databases on the servers of this machine, each with a name that nobody else has."""

    def __init__(self) -> None:
        self._made: list[tuple[str, str]] = []

    def database(self, backend: str) -> str:
        """The URL of a new and empty database; the test is skipped if there is no server."""
        name = f"bearer_auth_test_{uuid.uuid4().hex[:12]}"
        try:
            self._run(backend, f"CREATE DATABASE {name}")
        except sqlalchemy.exc.OperationalError:
            pytest.skip(f"no {backend} on 127.0.0.1; start one: docker run {START[backend]}")
        self._made.append((backend, name))
        address = sqlalchemy.make_url(ADDRESSES[backend])
        return address.set(database=name).render_as_string(hide_password=False)

    def drop(self) -> None:
        for backend, name in self._made:
            force = " WITH (FORCE)" if backend == "postgresql" else ""
            self._run(backend, f"DROP DATABASE {name}{force}")

    def _run(self, backend: str, statement: str) -> None:
        engine = sqlalchemy.create_engine(
            ADDRESSES[backend], isolation_level="AUTOCOMMIT", poolclass=NullPool
        )
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    servers = Servers()
    yield servers
    servers.drop()
