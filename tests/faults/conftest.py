"""Servers that a test may break, and a proxy in front of them that breaks on demand."""

import logging

import pytest

from bearer_auth.stores.sql import SQLStore

from .door import Door, Keys
from .own_servers import OwnMariaDB, OwnPostgreSQL, OwnRedis
from .proxy import Proxy

TIMEOUT_S = 2.0
"""The default, far below ``PATIENCE_S``."""

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


@pytest.fixture
def keys(server):
    """Keys in tables with a lease of 0, so that each request asks the server."""
    if server.keys is None:
        server.keys = Keys(server.url, lease_ms=0)
    return server.keys


@pytest.fixture
def open_door(call):
    """``open_door(store, keys)``: an app over the store; its ERROR lines are kept."""
    doors = []
    logger = logging.getLogger("bearer_auth")

    def open_door(store, keys):
        door = Door(store, keys, call)
        doors.append(door)
        logger.addHandler(door)
        return door

    yield open_door
    for door in doors:
        logger.removeHandler(door)
        door.close()


@pytest.fixture
def door(server, proxy, keys, open_door):
    """An app over the server, by the proxy, which has already been used."""
    door = open_door(SQLStore(server.url_by(proxy.port), timeout=TIMEOUT_S), keys)
    assert door.is_in_order()
    return door
