"""A store in a fresh file, and one in a database of its own on PostgreSQL."""

import pytest

from bearer_auth.stores.sql import SQLStore
from bearer_auth.testing import FakeClock


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def make_url(servers, tmp_path):
    """Makes a database with tables in it; gives its URL."""

    def make_url(backend):
        if backend == "sqlite":
            url = f"sqlite:///{tmp_path / 'keys.db'}"
        else:
            url = servers.database(backend)
        SQLStore(url, create=True, lease_ms=20).close()
        return url

    return make_url


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def url(request, make_url):
    """The URL of a database on each kind of them."""
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
