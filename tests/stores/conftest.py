"""A store in a fresh file, for each test; and one in empty tables on each server."""

import sqlite3

import pytest
import sqlalchemy

from bearer_auth.stores.sql import SQLStore


@pytest.fixture
def path(tmp_path):
    return tmp_path / "keys.db"


@pytest.fixture
def store(path):
    store = SQLStore(f"sqlite:///{path}")
    yield store
    store.close()


@pytest.fixture
def sql(path):
    """Runs SQL on the file, as another program would, and commits."""

    def run(statement, *parameters):
        connection = sqlite3.connect(path, isolation_level=None)
        try:
            return connection.execute(statement, parameters).fetchall()
        finally:
            connection.close()

    return run


@pytest.fixture(scope="session", params=["postgresql", "mariadb"])
def server_url(request, servers):
    """A database of its own on each of the servers, with tables in it, for all tests."""
    url = servers.database(request.param)
    SQLStore(url, create=True, lease_ms=20).close()
    return url


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def empty_url(request, servers, tmp_path):
    """An empty database on each kind of them."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.db'}"
    return servers.database(request.param)


@pytest.fixture(scope="session")
def server_sql(server_url):
    """Runs SQL on the server, as another program would, and commits."""
    engine = sqlalchemy.create_engine(server_url, isolation_level="AUTOCOMMIT", pool_pre_ping=True)

    def run(*statements):
        with engine.connect() as connection:
            for statement in statements:
                result = connection.exec_driver_sql(statement)
            return result.all() if result.returns_rows else result.rowcount

    yield run
    engine.dispose()


@pytest.fixture
def server_store(server_url, server_sql):
    """A store on a server, in tables that are empty."""
    server_sql(
        *(f"DELETE FROM bearer_auth_{table}" for table in ("keys", "usage", "usage_days")),
        "UPDATE bearer_auth_meta SET lease_ms = 20, wait_ms = 20, version = 1, protocol = 1",
    )
    store = SQLStore(server_url)
    yield store
    store.close()
