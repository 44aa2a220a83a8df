"""What is used once: the first caller anywhere has it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from bearer_auth import MemoryStore
from bearer_auth.dashboard import once
from bearer_auth.dashboard.once import Once
from bearer_auth.errors import ConfigurationError, StoreUnavailable

A, B = "a" * 64, "A" * 64
TEN_MINUTES = timedelta(minutes=10)


@pytest.fixture(params=["memory", "sqlite", "postgresql", "mariadb"])
def make(request, clock, make_url, opened):
    """Makes another one over the same store; in memory there is only one."""
    if request.param == "memory":
        alone = Once(MemoryStore(), clock)
        return lambda: alone
    url = make_url(request.param)
    return lambda: Once(opened(url), clock)


def test_the_first_has_it_and_nobody_after(make, clock):
    assert make().use(A, clock.now + TEN_MINUTES)
    assert not make().use(A, clock.now + TEN_MINUTES)
    assert make().use(B, clock.now + TEN_MINUTES)  # letter by letter


def test_of_many_at_once_one_has_it(make, clock):
    onces = [make() for _ in range(8)]
    with ThreadPoolExecutor(8) as threads:
        used = list(threads.map(lambda each: each.use(A, clock.now + TEN_MINUTES), onces))
    assert sorted(used) == [False] * 7 + [True]


def test_what_has_ended_can_not_be_used(make, clock):
    assert not make().use(A, clock.now)
    assert not make().use(A, clock.now - TEN_MINUTES)


def test_it_is_remembered_beyond_its_end_for_a_worker_whose_clock_is_behind(make, clock):
    worker = make()
    ends = clock.now + TEN_MINUTES
    assert worker.use(A, ends)
    clock.advance(timedelta(minutes=65))
    assert worker.use(B, clock.now + TEN_MINUTES)  # which prunes
    clock.advance(timedelta(minutes=-60))
    assert not worker.use(A, ends)


def test_it_is_forgotten_in_the_end(url, sql, open_store, clock):
    worker = Once(open_store(), clock)
    worker.use(A, clock.now + TEN_MINUTES)
    clock.advance(timedelta(minutes=71))
    worker.use(B, clock.now + TEN_MINUTES)
    assert sql(url, "SELECT digest FROM bearer_auth_once") == [(B,)]


def test_the_memory_of_a_process_is_bounded_and_full_of_what_counts_it_takes_nothing(
    clock, monkeypatch
):
    monkeypatch.setattr(once, "MAX_REMEMBERED", 2)
    worker = Once(MemoryStore(), clock)
    for number in range(2):
        assert worker.use(f"{number:064}", clock.now + TEN_MINUTES)
    with pytest.raises(StoreUnavailable):
        worker.use(A, clock.now + TEN_MINUTES)
    clock.advance(timedelta(minutes=71))
    assert worker.use(A, clock.now + TEN_MINUTES)


@pytest.mark.parametrize("digest", ["", "a" * 15, "a" * 65, "a" * 20 + " ", "a" * 20 + "\n"])
def test_a_digest_has_one_spelling(clock, digest):
    with pytest.raises(ValueError, match="not the digest"):
        Once(MemoryStore(), clock).use(digest, clock.now + TEN_MINUTES)


def test_an_end_without_a_zone_is_refused():
    with pytest.raises(ConfigurationError, match="expires_at has no time zone"):
        Once(MemoryStore()).use(A, datetime(2030, 1, 1, 13))
