"""SQLIdempotencyStore beyond its contract: clocks, pruning, many values, a full disk, forks."""

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy

from bearer_auth import RateLimited
from bearer_auth.idempotency import Answer, Found, SQLIdempotencyStore
from bearer_auth.testing import FakeClock

KEY, OTHER = "a" * 16, "b" * 16
PRINT = "e" * 64
FIRST, SECOND = "0" * 32, "1" * 32
ANSWER = Answer("200 OK", (), b"done")
SOURCES = Path(__file__).parents[2] / "src"


def value(number):
    return f"{number:064}"


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path / 'keys.db'}"


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def store(url, clock):
    store = SQLIdempotencyStore(url, clock=clock, lease=timedelta(seconds=60))
    yield store
    store.close()


@pytest.fixture
def sql(url):
    engine = sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT")

    def run(statement):
        with engine.connect() as connection:
            result = connection.execute(sqlalchemy.text(statement))
            return result.all() if result.returns_rows else None

    yield run
    engine.dispose()


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_wall_clock_that_is_set_moves_no_lease(store, clock, sql, hours):
    store.claim(KEY, value(1), PRINT, FIRST)
    clock.advance(timedelta(hours=hours))
    found = store.claim(KEY, value(1), PRINT, SECOND)
    assert found is not None
    assert 50 < found.running_s <= 60
    # By the machine's running time, in which nobody sets anything, the lease is over.
    sql("UPDATE bearer_auth_requests SET lease_until = lease_until - 61000000")
    assert store.claim(KEY, value(1), PRINT, SECOND) is None


def test_an_answer_outlives_a_clock_that_is_set_back(store, clock):
    store.claim(KEY, value(1), PRINT, FIRST)
    store.finish(KEY, value(1), FIRST, ANSWER)
    clock.advance(timedelta(hours=-1))
    assert store.claim(KEY, value(1), PRINT, SECOND) == Found(PRINT, None, ANSWER)
    clock.advance(timedelta(hours=24))
    assert store.claim(KEY, value(1), PRINT, SECOND) == Found(PRINT, None, ANSWER)
    clock.advance(timedelta(hours=1, seconds=1))
    assert store.claim(KEY, value(1), PRINT, SECOND) is None


def test_a_claim_from_before_a_restart_of_the_machine_is_dead(store, sql):
    store.claim(KEY, value(1), PRINT, FIRST)
    sql("UPDATE bearer_auth_requests SET boot = 'another', lease_until = lease_until + 86400000000")
    assert store.claim(KEY, value(1), PRINT, SECOND) is None


def test_what_has_expired_is_removed_and_nothing_else(store, clock, sql):
    for number in range(10):
        store.claim(KEY, value(number), PRINT, FIRST)
        store.finish(KEY, value(number), FIRST, ANSWER)
        if number == 4:
            clock.advance(timedelta(hours=20))
    clock.advance(timedelta(hours=5))
    store._prune_at = 0.0
    store.claim(OTHER, value(1), PRINT, FIRST)
    rows = sql("SELECT value FROM bearer_auth_requests ORDER BY value")
    assert [int(row[0]) for row in rows] == [1, 5, 6, 7, 8, 9]


def test_threat_values_are_kept_as_digests_and_no_key_is(store, sql):
    assert [column[1] for column in sql("PRAGMA table_info(bearer_auth_requests)")] == [
        "key_id",
        "value",
        "fingerprint",
        "fence",
        "state",
        "lease_until",
        "boot",
        "expires_at",
        "status",
        "headers",
        "body",
    ]


def test_100_000_values_of_one_key_do_not_disturb_another(url):
    store = SQLIdempotencyStore(url, records_per_key=500)
    claimed = refused = 0
    try:
        for number in range(100_000):
            try:
                store.claim(KEY, value(number), PRINT, FIRST)
                claimed += 1
            except RateLimited:
                refused += 1
            if number % 1000 == 0:
                assert store.claim(OTHER, value(number), PRINT, FIRST) is None
                store.finish(OTHER, value(number), FIRST, ANSWER)
        assert 500 <= claimed <= 600
        assert refused == 100_000 - claimed
        for number in range(0, 100_000, 1000):
            assert store.claim(OTHER, value(number), PRINT, SECOND) == Found(PRINT, None, ANSWER)
    finally:
        store.close()


def test_others_go_on_while_expired_ones_can_not_be_removed(store, sql, caplog):
    table = "bearer_auth_requests"
    sql(f"CREATE TRIGGER no_delete BEFORE DELETE ON {table} BEGIN SELECT RAISE(FAIL, 'no'); END")
    sql(f"INSERT INTO {table} VALUES ('c', 'd', 'e', 'f', 1, 0, '', 0, NULL, NULL, NULL)")
    store._prune_at = 0.0
    assert store.claim(KEY, value(1), PRINT, FIRST) is None
    assert "expired idempotency keys were not removed" in caplog.text


FULL = """
import json, resource, signal, sys
from bearer_auth import StoreUnavailable
from bearer_auth.idempotency import Answer, SQLIdempotencyStore

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = SQLIdempotencyStore("sqlite:///" + sys.argv[1])
key, fence = "a" * 16, "0" * 32
store.claim(key, "kept", "e" * 64, fence)
store.finish(key, "kept", fence, Answer("200 OK", (), b"done"))
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, hard))
failure, claimed = None, 0
for number in range(1000):
    try:
        store.claim(key, str(number), "e" * 64, fence)
        claimed += 1
        store.finish(key, str(number), fence, Answer("200 OK", (), b"x" * 5000))
    except StoreUnavailable as error:
        failure = str(error)
        break
found = store.claim(key, "kept", "e" * 64, "1" * 32)
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
again = store.claim(key, "after", "e" * 64, fence)
print(json.dumps([failure, claimed, found.answer.body.decode(), again]))
store.close()
"""


def test_a_full_disk_is_a_503_and_nothing_that_was_kept_is_lost(tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", FULL, tmp_path / "keys.db"],
        env={**os.environ, "PYTHONPATH": str(SOURCES)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    failure, claimed, body, again = json.loads(done.stdout)
    assert "disk full" in failure
    assert 0 < claimed < 1000
    assert (body, again) == ("done", None)


def test_a_store_that_was_used_before_a_fork_is_used_after_it(store):
    store.claim(KEY, value(1), PRINT, FIRST)
    child = os.fork()
    if not child:
        try:
            found = store.claim(KEY, value(1), PRINT, SECOND)
            ok = found is not None and store.claim(KEY, value(2), PRINT, FIRST) is None
            os._exit(0 if ok else 1)
        except BaseException:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert store.claim(KEY, value(2), PRINT, SECOND) is not None
    assert store.finish(KEY, value(1), FIRST, ANSWER)


def test_repr_names_the_database_only(store):
    assert repr(store) == f"SQLIdempotencyStore({store._database.name})"
