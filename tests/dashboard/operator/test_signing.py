"""The signing secret: one for all who share a database, made once."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from bearer_auth import EnvStore, MemoryStore
from bearer_auth.dashboard.signing import signing_secret
from bearer_auth.errors import ConfigurationError, StoreUnavailable
from bearer_auth.stores.layered import LayeredStore
from bearer_auth.stores.sql import SQLStore


def test_each_worker_has_the_same_secret_also_after_a_restart(open_store):
    first = signing_secret(open_store())
    assert len(first) == 32
    assert signing_secret(open_store()) == first


def test_of_workers_that_start_at_once_one_makes_it(open_store):
    stores = [open_store() for _ in range(8)]
    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(signing_secret, stores))) == 1


def test_two_databases_have_two_secrets(store, tmp_path):
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
def test_a_damaged_secret_signs_nothing(url, sql, store, value):
    signing_secret(store)
    sql(url, f"UPDATE bearer_auth_settings SET value = '{value}'")
    with pytest.raises(ConfigurationError, match="delete it, and a new one is made") as caught:
        signing_secret(store)
    assert "g" * 64 not in str(caught.value)


@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
def test_missing_tables_are_named_with_what_makes_them(backend, servers, tmp_path, opened, sql):
    url = f"sqlite:///{tmp_path / 'old.db'}"
    if backend == "postgresql":
        url = servers.database(backend)
        SQLStore(url, create=True, lease_ms=20).close()
    store = opened(url)
    sql(url, "DROP TABLE bearer_auth_settings")
    with pytest.raises(StoreUnavailable, match="run 'bearer-auth db upgrade'"):
        signing_secret(store)
