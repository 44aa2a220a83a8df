"""Sessions in the store's database."""

import hashlib
import threading
from datetime import timedelta

import pytest
import sqlalchemy

from bearer_auth.dashboard.operator.accounts import Account, Accounts
from bearer_auth.dashboard.operator.sessions import Sessions
from bearer_auth.dashboard.signing import signing_secret
from bearer_auth.errors import StoreUnavailable
from bearer_auth.stores.beside import database_of

ALICE = Account("alice")
MINUTE = timedelta(minutes=1)


@pytest.fixture
def sessions(store, clock):
    return Sessions(*database_of(store), clock)


@pytest.fixture
def rows(url, sql):
    return lambda: sql(url, "SELECT digest, seen_at FROM bearer_auth_sessions")


def test_a_session_is_256_random_bits_and_the_database_has_their_digest(sessions, rows):
    token = sessions.begin(ALICE)
    assert len(token) == 43
    assert sessions.account_of(token) == "alice"
    assert sessions.begin(ALICE) != token
    digests = [digest for digest, _ in rows()]
    assert hashlib.sha256(token.encode()).hexdigest() in digests
    assert token not in digests


@pytest.mark.parametrize("token", ["", "a" * 43, "a" * 42, "a" * 44, "é" * 43, "a" * 43 + "\n"])
def test_another_text_is_nobodys(sessions, token):
    sessions.begin(ALICE)
    assert sessions.account_of(token) is None
    sessions.end(token)


def test_threat_stolen_cookie_a_session_ends_when_nobody_uses_it_for_30_minutes(sessions, clock):
    token = sessions.begin(ALICE)
    clock.advance(30 * MINUTE - timedelta(seconds=1))
    assert sessions.account_of(token) == "alice"
    clock.advance(30 * MINUTE)
    assert sessions.account_of(token) is None


def test_threat_stolen_cookie_a_session_ends_after_12_hours_however_much_it_is_used(
    sessions, clock
):
    token = sessions.begin(ALICE)
    for _ in range(12 * 3 - 1):
        clock.advance(20 * MINUTE)
        assert sessions.account_of(token) == "alice"
    clock.advance(20 * MINUTE)
    assert sessions.account_of(token) is None


def test_that_it_is_used_is_written_once_a_minute(sessions, clock, rows):
    token = sessions.begin(ALICE)
    ((_, first),) = rows()
    clock.advance(59)
    sessions.account_of(token)
    assert rows()[0][1] == first
    clock.advance(1)
    sessions.account_of(token)
    assert rows()[0][1] == first + 60_000_000


def test_signing_out_ends_it_in_every_worker(sessions, open_store, clock):
    other = Sessions(*database_of(open_store()), clock)
    token = sessions.begin(ALICE)
    assert other.account_of(token) == "alice"
    sessions.end(token)
    assert other.account_of(token) is None
    assert sessions.account_of(token) is None


def test_a_session_from_the_future_was_begun_by_a_wrong_clock(sessions, clock):
    clock.advance(timedelta(days=3650))
    token = sessions.begin(ALICE)
    clock.advance(timedelta(minutes=-5))
    assert sessions.account_of(token) == "alice"  # of a worker that is behind
    clock.advance(timedelta(days=-3650))
    assert sessions.account_of(token) is None


def test_those_that_ended_are_forgotten(sessions, clock, rows):
    sessions.begin(ALICE)
    clock.advance(36 * MINUTE)
    token = sessions.begin(ALICE)
    assert [digest for digest, _ in rows()] == [hashlib.sha256(token.encode()).hexdigest()]


def test_a_password_that_was_changed_meanwhile_begins_nothing(store, sessions, clock):
    accounts = Accounts(*database_of(store), clock)
    accounts.set_password("alice", "$argon2id$first")
    proven = accounts.get("alice")
    accounts.set_password("alice", "$argon2id$second")
    assert sessions.begin(proven) is None
    assert sessions.begin(accounts.get("alice")) is not None


@pytest.mark.parametrize("has_password", [True, False])
def test_a_password_is_changed_while_a_session_begins_and_the_session_ends(
    store, sessions, open_store, clock, monkeypatch, has_password
):
    """The change comes between the look at the account and the commit of the session. For a
    session by a link there may be no account yet, and so no row of it to wait for."""
    accounts = Accounts(*database_of(store), clock)
    signing_secret(store)  # of the link, or of the form
    if has_password:
        accounts.set_password("alice", "$argon2id$first")
    proven = accounts.get("alice")
    others = Accounts(*database_of(open_store()), clock)
    change = threading.Thread(target=others.set_password, args=("alice", "$argon2id$second"))
    insert = sqlalchemy.insert

    def looked(table):
        change.start()
        change.join(0.3)  # it waits for the row, or for SQLite's lock
        assert change.is_alive()
        return insert(table)

    monkeypatch.setattr("bearer_auth.dashboard.operator.sessions.insert", looked)
    token = sessions.begin(proven)
    change.join()
    assert token is not None
    assert sessions.account_of(token) is None


def test_what_can_not_be_known_is_no_session(sessions, store, monkeypatch):
    token = sessions.begin(ALICE)

    def away(**_):
        raise StoreUnavailable("away")

    monkeypatch.setattr(sessions, "_read", away)
    with pytest.raises(StoreUnavailable):
        sessions.account_of(token)
