"""Accounts in the store's database."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from bearer_auth.dashboard.operator.accounts import Account, Accounts, check_name
from bearer_auth.dashboard.operator.sessions import Sessions
from bearer_auth.errors import ConfigurationError
from bearer_auth.stores.beside import database_of


@pytest.fixture
def accounts(store, clock):
    return Accounts(*database_of(store), clock)


def test_an_account_is_made_and_changed_and_each_change_can_be_told(accounts, clock):
    assert accounts.get("alice") == Account("alice", None, 0)
    accounts.set_password("alice", "$argon2id$first")
    assert accounts.get("alice") == Account("alice", "$argon2id$first", 1893499200000000)
    accounts.set_password("alice", "$argon2id$second")  # within the same microsecond
    assert accounts.get("alice") == Account("alice", "$argon2id$second", 1893499200000001)
    clock.advance(-60)
    accounts.set_password("alice", "$argon2id$third")
    assert accounts.get("alice") == Account("alice", "$argon2id$third", 1893499200000002)
    assert accounts.get("Alice") == Account("Alice", None, 0)


def test_of_two_that_make_an_account_at_once_one_is_second(open_store, clock):
    several = [Accounts(*database_of(open_store()), clock) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda each: each.set_password("alice", "$argon2id$any"), several))
    assert several[0].get("alice").password_hash == "$argon2id$any"


def test_threat_a_stolen_cookie_ends_with_the_password(store, accounts, clock):
    sessions = Sessions(*database_of(store), clock)
    for name in ("alice", "bob"):
        accounts.set_password(name, "$argon2id$first")
    alice, bob = (sessions.begin(accounts.get(name)) for name in ("alice", "bob"))
    accounts.set_password("alice", "$argon2id$second")
    assert sessions.account_of(alice) is None
    assert sessions.account_of(bob) == "bob"


@pytest.mark.parametrize("name", ["operator", "a", "a.b_c-d@example.com", "A1", "a" * 64])
def test_names(name):
    assert check_name(name) == name


@pytest.mark.parametrize("name", ["", "a" * 65, "a b", "-a", "a-", "é", "a\n", "correct horse"])
def test_what_is_no_name_is_not_quoted(accounts, name):
    with pytest.raises(ConfigurationError, match="the name of an account must be") as caught:
        accounts.set_password(name, "$argon2id$any")
    assert not name or name not in str(caught.value).replace("'-'", "").split()
    assert accounts.get(name) == Account(name, None, 0)
