"""The signing secret: one for all who share a database, made once."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy

from bearer_auth import EnvStore, MemoryStore
from bearer_auth.dashboard.signing import signing_secret
from bearer_auth.errors import ConfigurationError, StoreUnavailable
from bearer_auth.stores.layered import LayeredStore


def run(url, statement):
    engine = sqlalchemy.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        result = connection.exec_driver_sql(statement)
        rows = result.all() if result.returns_rows else []
    engine.dispose()
    return rows


def test_each_worker_has_the_same_secret_also_after_a_restart(open_store):
    first = signing_secret(open_store())
    assert len(first) == 32
    assert signing_secret(open_store()) == first


def test_of_workers_that_start_at_once_one_makes_it(open_store):
    stores = [open_store() for _ in range(8)]
    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(signing_secret, stores))) == 1


def test_two_databases_have_two_secrets(url, store, tmp_path):
    from bearer_auth.stores.sql import SQLStore

    other = SQLStore(f"sqlite:///{tmp_path / 'other.db'}")
    assert signing_secret(other) != signing_secret(store)
    other.close()


def test_the_layer_that_is_written_to_has_the_secret(store):
    assert signing_secret(LayeredStore(EnvStore(environ={}), store)) == signing_secret(store)


def test_stores_in_no_database_have_one_for_the_process():
    secret = signing_secret(MemoryStore())
    assert len(secret) == 32
    assert signing_secret(LayeredStore(EnvStore(environ={}), MemoryStore())) == secret
    assert signing_secret(LayeredStore(EnvStore(environ={}))) == secret


@pytest.mark.parametrize("value", ["", "00", "g" * 64, "a" * 63, "a" * 64 + "\n"])
def test_a_damaged_secret_signs_nothing(url, store, value):
    signing_secret(store)
    run(url, f"UPDATE bearer_auth_settings SET value = '{value}'")
    with pytest.raises(ConfigurationError, match="delete it, and a new one is made") as caught:
        signing_secret(store)
    assert "g" * 64 not in str(caught.value)


def test_missing_tables_are_named_with_what_makes_them(url, store):
    run(url, "DROP TABLE bearer_auth_settings")
    with pytest.raises(StoreUnavailable, match="run 'bearer-auth db upgrade'"):
        signing_secret(store)
