"""Stores by their URL."""

import pytest

from bearer_auth.errors import ConfigurationError, StoreUnavailable
from bearer_auth.stores.env import EnvStore
from bearer_auth.stores.sql import SQLStore
from bearer_auth.stores.url import open_store

KEY = "legacy-key-of-someone"


@pytest.mark.parametrize(
    ("url", "variable", "shown"),
    [
        ("env:", "BEARER_AUTH_KEY_CI", "EnvStore(1 keys, prefix='BEARER_AUTH_KEY_')"),
        ("env:APP_TOKEN_", "APP_TOKEN_CI", "EnvStore(1 keys, prefix='APP_TOKEN_')"),
    ],
)
def test_env_is_the_environment(monkeypatch, url, variable, shown):
    monkeypatch.setenv(variable, KEY)
    store = open_store(url)
    assert isinstance(store, EnvStore)
    assert repr(store) == shown


def test_the_url_of_a_database_is_an_sql_store(path):
    store = open_store(f"sqlite:///{path}")
    assert isinstance(store, SQLStore)
    assert repr(store) == f"SQLStore('sqlite:///{path}')"
    store.close()


def test_create_is_passed_on(path):
    with pytest.raises(StoreUnavailable, match="the file does not exist"):
        open_store(f"sqlite:///{path}", create=False)
    assert not path.exists()


@pytest.mark.parametrize("url", ["", "env", "keys.db", "ENV:", "me:hunter2@localhost", "memory:"])
def test_other_text_is_refused_and_not_quoted(url):
    with pytest.raises(ConfigurationError) as caught:
        open_store(url)
    assert str(caught.value) == (
        "the store must be the URL of a database, such as sqlite:///keys.db, or env: for the keys "
        "in the environment"
    )
