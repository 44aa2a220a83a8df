"""A store in a fresh file, for each test."""

import sqlite3

import pytest

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
