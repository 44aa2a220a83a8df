"""A store in a fresh file, and one in a database of its own on PostgreSQL."""

import pytest

from bearer_auth.stores.sql import SQLStore
from bearer_auth.testing import FakeClock


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def url(request, servers, tmp_path):
    """The URL of a database with tables in it."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'keys.db'}"
    else:
        url = servers.database(request.param)
    SQLStore(url, create=True, lease_ms=20).close()
    return url


@pytest.fixture
def open_store(url):
    """Opens the database once more, as another worker would."""
    opened = []

    def open_store():
        opened.append(SQLStore(url))
        return opened[-1]

    yield open_store
    for store in opened:
        store.close()


@pytest.fixture
def store(open_store):
    return open_store()
