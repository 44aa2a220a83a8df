"""Sweeps: what ends soon and what nobody uses is told, and nothing is written."""

from datetime import timedelta

import pytest

from bearer_auth import ConfigurationError, Keyring, MemoryStore
from bearer_auth.stores import Use
from bearer_auth.sweep import Swept, sweep
from bearer_auth.testing import FakeClock

DAY = timedelta(days=1)


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def keyring(clock):
    return Keyring(MemoryStore(), clock=clock)


def told(sink):
    return [(event.name, event.user_id, dict(event.data)) for event in sink.events]


def test_active_keys_that_end_soon_are_told(keyring, clock, sink):
    keyring.create(user_id="soon", expires_in=6 * DAY)
    keyring.create(user_id="later", expires_in=8 * DAY)
    keyring.create(user_id="never")
    keyring.revoke(keyring.create(user_id="revoked", expires_in=6 * DAY).key_id)
    keyring.create(user_id="over", expires_in=DAY)
    clock.advance(2 * 86400)
    assert sweep(keyring, event_sink=sink, clock=clock) == Swept(2, 0)
    assert sorted(told(sink)) == [
        ("key.expiring", "later", {"left_s": 6 * 86400}),
        ("key.expiring", "soon", {"left_s": 4 * 86400}),
    ]


def test_active_keys_that_nobody_uses_are_told(keyring, clock, sink):
    used, idle, revoked = (keyring.create(user_id=name) for name in ("used", "idle", "revoked"))
    keyring.create(user_id="unused")
    clock.advance(10 * 86400)
    keyring.revoke(revoked.key_id)
    keyring.create(user_id="new")
    store, now = keyring.writable_store(), keyring._now()
    store.record_used([Use(idle.key_id, "s", now - 5 * DAY, 1), Use(used.key_id, "s", now, 1)])
    assert sweep(keyring, unused=4 * DAY, event_sink=sink, clock=clock) == Swept(0, 2)
    assert sorted(told(sink)) == [
        ("key.idle", "idle", {"idle_s": 5 * 86400}),
        ("key.idle", "unused", {"idle_s": 10 * 86400}),
    ]


def test_the_defaults_are_a_week_and_ninety_days(keyring, clock, sink):
    keyring.create(user_id="u", expires_in=97 * DAY)
    clock.advance(90 * 86400)
    assert sweep(keyring, event_sink=sink, clock=clock) == Swept(0, 0)
    clock.advance(1)
    assert sweep(keyring, event_sink=sink, clock=clock) == Swept(1, 1)
    assert sweep(keyring, event_sink=sink, clock=clock) == Swept(1, 1)


def test_more_than_a_page_is_told(keyring, clock, sink, monkeypatch):
    monkeypatch.setattr("bearer_auth.sweep.MAX_PAGE", 2)
    for number in range(5):
        keyring.create(user_id=f"user_{number}", expires_in=DAY)
    assert sweep(keyring, event_sink=sink, clock=clock).expiring == 5
    assert len({event.key_id for event in sink.events}) == 5


def test_a_time_that_is_none_is_refused(keyring):
    with pytest.raises(ConfigurationError):
        sweep(keyring, expiring=timedelta(days=-1))
