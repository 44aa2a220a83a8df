"""Each storage counts exactly, whoever asks, and says what it has counted."""

import threading
import time

import limits
import pytest
import redis
import sqlalchemy
from limits.storage import storage_from_string
from limits.strategies import FixedWindowRateLimiter, SlidingWindowCounterRateLimiter

from bearer_auth import ConfigurationError, StoreUnavailable
from bearer_auth.ratelimit.memory import MemoryCounter
from bearer_auth.ratelimit.sql import SQLStorage, _name
from bearer_auth.ratelimit.storages import open_counter
from bearer_auth.ratelimit.windows import Reading
from bearer_auth.testing import FakeClock

HOUR = 3600


def test_so_many_pass_and_no_more(opened, storage, owner):
    counter = opened(storage)
    readings = [counter.take(owner, 3, HOUR) for _ in range(5)]
    assert [reading.allowed for reading in readings] == [True, True, True, False, False]
    assert [reading.counted for reading in readings] == [1, 2, 3, 3, 3]
    for reading in readings:
        assert (reading.before, reading.before_s) == (0, 0.0)
        assert 0 < reading.left_s <= HOUR
    assert counter.read(owner, HOUR).counted == 3


def test_a_cost_is_taken_whole_or_not_at_all(opened, storage, owner):
    counter = opened(storage)
    assert counter.take(owner, 10, HOUR, 7).allowed
    assert not counter.take(owner, 10, HOUR, 4).allowed
    assert counter.take(owner, 10, HOUR, 3).counted == 10


def test_owners_do_not_share_what_is_not_theirs(opened, storage, owner):
    counter = opened(storage)
    counter.take(owner, 1, HOUR)
    assert counter.take(owner + "x", 1, HOUR).allowed
    assert counter.take(owner.upper(), 1, HOUR).allowed


def test_what_was_counted_can_be_forgotten(opened, storage, owner):
    counter = opened(storage)
    counter.take(owner, 1, HOUR)
    counter.clear_sliding_window(owner, HOUR)
    assert counter.read(owner, HOUR).counted == 0
    assert counter.take(owner, 1, HOUR).allowed


def test_many_at_once_share_one_limit(opened, storage, owner):
    counters = [opened(storage)] * 2 if storage == "memory://" else []
    counters = counters or [opened(storage), opened(storage)]
    start = threading.Barrier(10)
    allowed = []

    def take(number):
        start.wait()
        for _ in range(12):
            allowed.append(counters[number % 2].take(owner, 50, HOUR).allowed)

    threads = [threading.Thread(target=take, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(allowed) == 120
    assert sum(allowed) == 50


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def sqlite(tmp_path, clock):
    storage = SQLStorage(url_or_engine=f"sqlite:///{tmp_path / 'keys.db'}", clock=clock)
    yield storage
    storage.close()


def test_the_previous_window_fades(sqlite, clock, owner):
    # The clock stands at the beginning of an hour.
    for _ in range(10):
        assert sqlite.take(owner, 10, 60).allowed
    clock.advance(60 + 30)
    reading = sqlite.take(owner, 10, 60)
    assert (reading.before, reading.before_s, reading.counted) == (10, 30.0, 1)
    assert [sqlite.take(owner, 10, 60).allowed for _ in range(5)] == [True] * 4 + [False]
    clock.advance(31)  # one window later, in which 5 were counted
    reading = sqlite.take(owner, 10, 60)
    assert (reading.before, reading.counted) == (5, 1)
    clock.advance(200)
    assert sqlite.take(owner, 10, 60).counted == 1


def test_a_clock_that_is_set_back_neither_loosens_nor_blocks_for_long(sqlite, clock, owner):
    for _ in range(10):
        sqlite.take(owner, 10, 60)
    clock.advance(-3600)
    refused = sqlite.take(owner, 10, 60)
    assert refused == Reading(False, 0, 0.0, 10, 60.0)
    # It goes on as if those had come now: a window later they fade.
    clock.advance(60 + 30)
    assert [sqlite.take(owner, 10, 60).allowed for _ in range(6)] == [True] * 5 + [False]
    clock.advance(3600)
    assert sqlite.take(owner, 10, 60).counted == 1


def test_a_clock_that_is_set_back_by_less_than_a_window(sqlite, clock, owner):
    for _ in range(5):
        sqlite.take(owner, 10, 60)
    clock.advance(60)
    for _ in range(5):
        assert sqlite.take(owner, 10, 60).allowed
    clock.advance(-10)
    # The window that had begun counts on, with the one before it, until it is over.
    assert sqlite.take(owner, 10, 60) == Reading(False, 5, 70.0, 5, 70.0)
    clock.advance(10)
    assert sqlite.read(owner, 60) == Reading(False, 5, 60.0, 5, 60.0)


@pytest.mark.parametrize("storage", ["postgresql", "mariadb"], indirect=True)
def test_a_servers_clock_that_is_set_back(opened, storage, owner):
    """To the row it looks the same if the row has moved on instead."""
    counter = opened(storage)
    for _ in range(3):
        assert counter.take(owner, 3, HOUR).allowed
    engine = sqlalchemy.create_engine(counter._database._engine.url)
    with engine.begin() as connection:
        moved = sqlalchemy.text(
            "UPDATE bearer_auth_limits SET started_at = started_at + 10 * 3600000000 "
            "WHERE name = :name"
        )
        assert connection.execute(moved, {"name": _name(owner)}).rowcount == 1
    for _ in range(2):
        reading = counter.take(owner, 3, HOUR)
        assert (reading.allowed, reading.before, reading.counted) == (False, 0, 3)
        assert 0 < reading.left_s <= HOUR
    began = sqlalchemy.text("SELECT started_at FROM bearer_auth_limits WHERE name = :name")
    with engine.connect() as connection:
        # a refusal has moved it back, or it would be full until the clock is there
        assert connection.scalar(began, {"name": _name(owner)}) <= time.time() * 1_000_000
    engine.dispose()
    assert counter.take(owner, 5, HOUR).counted == 4


def test_the_clock_of_redis_that_is_set_back(opened, owner):
    """Its keys expire at a time of day, so to them it looks the same if they end an hour later."""
    counter = opened("redis://127.0.0.1:6379")
    for _ in range(10):
        assert counter.take(owner, 10, 60).allowed
    client, (previous, current) = counter.storage, counter._keys(owner)
    client.pexpire(current, 3_700_000)
    refused = counter.take(owner, 10, 60)
    assert (refused.allowed, refused.counted) == (False, 10)
    assert 59 < refused.left_s <= 60
    client.set(previous, 4, px=3_640_000)
    refused = counter.take(owner, 10, 60)
    assert (refused.allowed, refused.before, refused.counted) == (False, 4, 10)
    assert 59 < refused.before_s <= 60


def test_in_memory_the_previous_window_fades_and_is_forgotten(owner):
    clock = FakeClock()
    counter = MemoryCounter(clock)
    for _ in range(10):
        assert counter.take(owner, 10, 60).allowed
    clock.advance(60 + 30)
    assert counter.take(owner, 10, 60) == Reading(True, 10, 30.0, 1, 30.0)
    assert [counter.take(owner, 10, 60).allowed for _ in range(5)] == [True] * 4 + [False]
    clock.advance(180)
    for number in range(100):
        counter.take(f"{owner} {number}", 10, 60)
    clock.advance(180)
    for number in range(51):
        counter.take(f"other {number}", 10, 60)
    assert len(counter._rows[60]) == 51


def test_in_memory_the_wall_clock_does_not_count(opened, owner, monkeypatch):
    counter = opened("memory://")
    assert [counter.take(owner, 2, HOUR).allowed for _ in range(3)] == [True, True, False]
    for seconds in (0.0, 2.0**31):
        monkeypatch.setattr(time, "time", lambda now=seconds: now)
        assert not counter.take(owner, 2, HOUR).allowed


def test_a_prefix_may_stand_in_the_url_and_a_storage_of_ours_is_taken_as_it_is(tmp_path, owner):
    url = f"sqlite:///{tmp_path / 'keys.db'}"
    storage = SQLStorage(url_or_engine=url, table_prefix="acme_")
    assert open_counter(storage) is storage
    storage.take(owner, 3, HOUR)
    other = open_counter(f"{url}?table_prefix=acme_", create=False)
    assert other.read(owner, HOUR).counted == 1
    other.close()
    storage.close()


def test_what_costs_more_than_the_limit_never_passes(opened, storage, owner):
    counter = opened(storage)
    assert counter.take(owner, 3, HOUR, 4)[:4] == (False, 0, 0.0, 0)
    assert counter.take(owner, 3, HOUR, 3).allowed


def test_redis_is_asked_once_for_a_request(opened, owner, monkeypatch):
    counter = opened("redis://127.0.0.1:6379")
    counter.take(owner, 3, HOUR)
    sent = []
    send = redis.Connection.send_packed_command

    def counted(self, command, *arguments, **options):
        sent.append(command)
        return send(self, command, *arguments, **options)

    monkeypatch.setattr(redis.Connection, "send_packed_command", counted)
    assert counter.take(owner, 3, HOUR).counted == 2
    assert len(sent) == 1


@pytest.mark.parametrize("storage", ["postgresql"], indirect=True)
def test_pruning_leaves_alone_what_somebody_counts_in(opened, storage, owner):
    counter = opened(storage)
    counter.take(owner, 3, HOUR)
    engine = sqlalchemy.create_engine(counter._database._engine.url)
    ends = sqlalchemy.text("UPDATE bearer_auth_limits SET expires_at = :at WHERE name = :name")
    with engine.begin() as connection:
        connection.execute(ends, {"at": 1, "name": _name(owner)})
    with engine.begin() as connection:
        connection.execute(ends, {"at": 2**62, "name": _name(owner)})
        counter._statements.prune()  # does not wait for that row
    assert counter.read(owner, HOUR).counted == 1
    engine.dispose()


def test_many_in_a_long_window_fit_in_64_bits(sqlite, clock, owner):
    month = 30 * 86_400
    million = 10**9
    assert sqlite.take(owner, million, month, million).allowed
    clock.advance(month)
    assert sqlite.read(owner, month).before == million
    assert not sqlite.take(owner, million, month, million).allowed


def test_what_counts_no_more_is_removed(sqlite, clock, owner, tmp_path):
    sqlite.take(owner, 10, 60)
    clock.advance(200)
    sqlite._prune_at = 0.0
    sqlite.take(owner + "x", 10, 60)
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'keys.db'}")
    with engine.connect() as connection:
        rows = connection.execute(sqlalchemy.text("SELECT count(*) FROM bearer_auth_limits"))
        assert rows.scalar() == 1
    engine.dispose()


def test_quotas_survive_a_restart(opened, storage, owner):
    if storage == "memory://":
        return
    assert opened(storage).take(owner, 1, 30 * 86_400).allowed
    assert not opened(storage).take(owner, 1, 30 * 86_400).allowed


def test_limits_itself_can_use_the_storage(tmp_path, owner):
    """Registered by its scheme, with the strategies of limits."""
    storage = storage_from_string(f"bearer-auth+sqlite:///{tmp_path / 'keys.db'}")
    assert isinstance(storage, SQLStorage)
    item = limits.parse("2/hour")
    sliding = SlidingWindowCounterRateLimiter(storage)
    assert [sliding.hit(item, owner) for _ in range(3)] == [True, True, False]
    assert not sliding.test(item, owner)
    assert sliding.get_window_stats(item, owner).remaining == 0
    sliding.clear(item, owner)
    assert sliding.test(item, owner)
    assert storage.check()
    storage.reset()
    fixed = FixedWindowRateLimiter(storage)
    assert [fixed.hit(item, owner) for _ in range(3)] == [True, True, False]
    assert fixed.get_window_stats(item, owner).remaining == 0
    storage.close()


@pytest.mark.parametrize(
    ("storage", "error", "message"),
    [
        ("redis", ConfigurationError, "storage must be memory://"),
        ("nothing://secret@host", ConfigurationError, "no storage for 'nothing'"),
        (42, TypeError, "not a int"),
        ("oracle://secret@host/x", ConfigurationError, "no storage for 'oracle'"),
        ("redis://user:secret/word@host", ConfigurationError, "not the URL of a Redis"),
    ],
)
def test_what_is_no_storage(storage, error, message):
    with pytest.raises(error, match=message) as raised:
        open_counter(storage)
    assert "secret" not in str(raised.value)


def test_tables_that_are_missing_are_named(tmp_path):
    with pytest.raises(StoreUnavailable, match="the file does not exist"):
        open_counter(f"sqlite:///{tmp_path / 'keys.db'}", create=False)
