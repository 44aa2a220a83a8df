"""Servers that a test may break, and a proxy in front of them that breaks on demand."""

import pytest

from .own_servers import OwnMariaDB, OwnPostgreSQL, OwnRedis
from .proxy import Proxy

KINDS = {"postgresql": OwnPostgreSQL, "mariadb": OwnMariaDB, "redis": OwnRedis}


@pytest.fixture(scope="session")
def made():
    """``made(name)``: a server for the session, made when it is first asked for."""
    kept = {}
    started = []

    def get(name):
        if name not in kept:
            server = KINDS[name]()
            started.append(server)
            server.make()
            kept[name] = server
        return kept[name]

    yield get
    for server in started:
        server.remove()


@pytest.fixture
def running(made):
    """``running(name)``: that server; it runs again when the test is over."""
    used = []

    def get(name):
        used.append(made(name))
        return used[-1]

    yield get
    for server in used:
        server.recover()


@pytest.fixture(
    params=[
        pytest.param(name, marks=pytest.mark.xdist_group(f"own-{name}"))
        for name in ("postgresql", "mariadb")
    ]
)
def server(request, running):
    """A PostgreSQL and a MariaDB."""
    return running(request.param)


@pytest.fixture
def proxy(server):
    """A proxy in front of the server."""
    proxy = Proxy(server.address)
    yield proxy
    proxy.close()


@pytest.fixture
def replica(running):
    """A hot standby of the PostgreSQL."""
    replica = OwnPostgreSQL()
    try:
        replica.make_replica_of(running("postgresql"))
        yield replica
    finally:
        replica.remove()
