"""Attempts to sign in are counted by account and by address, by all workers together."""

import pytest

from bearer_auth.dashboard.operator.throttle import Throttle
from bearer_auth.stores.beside import database_of


@pytest.fixture
def make(make_url, opened, clock):
    """Makes the throttle of another worker; SQLite counts by a clock that stands still."""

    def make(url):
        store = opened(url)
        store._database._clock = clock
        return Throttle(*database_of(store))

    return make


@pytest.fixture
def throttle(make, make_url):
    return make(make_url("sqlite"))


def test_threat_password_guessing_ten_attempts_at_an_account_from_anywhere(throttle, clock):
    waits = [throttle.wait_s("alice", f"192.0.2.{n}") for n in range(12)]
    assert waits[:10] == [None] * 10
    # 12:00 begins a window: its ten weigh nine once a tenth of the next one has passed
    assert waits[10:] == [901, 901]
    assert throttle.wait_s("bob", "192.0.2.1") is None
    clock.advance(901)
    assert throttle.wait_s("alice", "192.0.2.99") is None


def test_threat_password_guessing_thirty_attempts_from_an_address_at_any_account(throttle):
    waits = [throttle.wait_s(f"account-{n}", "192.0.2.7") for n in range(31)]
    assert waits[:30] == [None] * 30
    assert waits[30] is not None
    assert throttle.wait_s("account-1", "192.0.2.8") is None


def test_a_site_with_ipv6_is_one_address(throttle):
    for n in range(30):
        assert throttle.wait_s(f"account-{n}", f"2001:db8::{n:x}") is None
    assert throttle.wait_s("alice", "2001:db8::ffff") is not None
    assert throttle.wait_s("alice", "2001:db8:0:1::1") is None


def test_an_address_that_is_refused_shuts_no_account(throttle):
    for n in range(30):
        throttle.wait_s(f"account-{n}", "192.0.2.7")
    for _ in range(20):
        assert throttle.wait_s("alice", "192.0.2.7") is not None
    assert throttle.wait_s("alice", "192.0.2.8") is None


def test_without_an_address_all_count_as_one(throttle):
    waits = [throttle.wait_s(f"account-{n}", None) for n in range(31)]
    assert waits.count(None) == 30


@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
def test_workers_count_together(backend, make_url, opened):
    url = make_url(backend)
    workers = [Throttle(*database_of(opened(url))) for _ in range(2)]
    waits = [workers[n % 2].wait_s("alice", f"192.0.2.{n}") for n in range(20)]
    # At the end of a window one more may pass, which is as it should be.
    assert 10 <= waits.count(None) <= 11


@pytest.mark.parametrize("name", ["", "é" * 1000, "\ud800", "a\0b"])
def test_any_text_can_be_counted(throttle, name):
    assert throttle.wait_s(name, "192.0.2.7") is None
