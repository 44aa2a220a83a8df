import pytest
import sqlalchemy

from bearer_auth.audit import SQLEventSink
from bearer_auth.audit.table import EventTable
from bearer_auth.stores.sql_prepare import open_tables


@pytest.fixture(scope="session")
def server_urls():
    """The databases that were made on servers; they are used again, for making one takes long."""
    return {}


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def url(request, servers, server_urls, tmp_path):
    """The URL of a database without rows of events, of refusals or of keys."""
    backend = request.param
    if backend == "sqlite":
        return f"sqlite:///{tmp_path / 'events.db'}"
    if backend not in server_urls or not emptied(server_urls[backend]):
        server_urls[backend] = servers.database(backend)
        SQLEventSink(server_urls[backend], create=True).close()
    return server_urls[backend]


def emptied(url):
    """Delete what another test has left; whether its tables are all there."""
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    try:
        with engine.begin() as connection:
            for table in ("events", "refusal_days", "keys"):
                connection.exec_driver_sql(f"DELETE FROM bearer_auth_{table}")
    except sqlalchemy.exc.DatabaseError:
        return False
    return True


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
