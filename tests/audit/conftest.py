import pytest

from bearer_auth.audit import SQLEventSink
from bearer_auth.audit.table import EventTable
from bearer_auth.stores.sql_prepare import open_tables


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def url(request, servers, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'events.db'}"
    return servers.database(request.param)


@pytest.fixture
def sink(url):
    sink = SQLEventSink(url, create=True, keep=None)
    yield sink
    sink.close()


@pytest.fixture
def table(url, sink):
    database, tables = open_tables(url, schema=None, table_prefix="bearer_auth_")
    yield EventTable(database, tables)
    database.close()
