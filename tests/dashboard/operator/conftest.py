"""A database of each kind, with tables that are empty, and stores over it as several workers have
them."""

import pytest
import sqlalchemy

from bearer_auth.stores.sql import SQLStore
from bearer_auth.testing import FakeClock

TABLES = ("settings", "accounts", "sessions", "once", "limits")


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture(scope="session")
def server_urls():
    """The databases that were made on servers; they are used again, for making one takes long."""
    return {}


@pytest.fixture
def make_url(servers, server_urls, tmp_path):
    """Gives the URL of a database with empty tables in it."""

    def make_url(backend):
        if backend == "sqlite":
            url = f"sqlite:///{tmp_path / 'keys.db'}"
            SQLStore(url).close()
            return url
        if backend not in server_urls:
            server_urls[backend] = servers.database(backend)
            SQLStore(server_urls[backend], create=True, lease_ms=20).close()
        url = server_urls[backend]
        engine = sqlalchemy.create_engine(url)
        with engine.begin() as connection:
            for table in TABLES:
                connection.exec_driver_sql(f"DELETE FROM bearer_auth_{table}")
        engine.dispose()
        return url

    return make_url


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def url(request, make_url):
    """The URL of a database of each kind."""
    return make_url(request.param)


@pytest.fixture
def opened():
    """Opens the database of a URL once more, as another worker would."""
    stores = []

    def opened(url):
        stores.append(SQLStore(url))
        return stores[-1]

    yield opened
    for store in stores:
        store.close()


@pytest.fixture
def open_store(url, opened):
    return lambda: opened(url)


@pytest.fixture
def store(open_store):
    return open_store()


@pytest.fixture
def sql():
    """``sql(url, statement)`` runs it, as another program would, and commits."""

    def sql(url, statement):
        engine = sqlalchemy.create_engine(url)
        with engine.begin() as connection:
            result = connection.exec_driver_sql(statement)
            rows = [tuple(row) for row in result] if result.returns_rows else []
        engine.dispose()
        return rows

    return sql
