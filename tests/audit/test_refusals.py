"""Refusals by day: each is counted once, with its key and without, whoever writes beside."""

import threading
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy

from bearer_auth import (
    BearerAuth,
    ConfigurationError,
    Event,
    KeyRecord,
    Keyring,
    StoreUnavailable,
)
from bearer_auth.audit import SQLEventSink, refusals, writer
from bearer_auth.audit.table import EventTable
from bearer_auth.stores.sql import SQLStore
from bearer_auth.stores.sql_prepare import open_tables

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
FIRST, SECOND = date(2030, 1, 1), date(2030, 1, 2)
ONE, TWO, THREE = "AbCdEfGh01234567", "BbCdEfGh01234567", "abcdefgh01234567"


def refused(at=NOON, key_id=None, name="request.refused", status=401):
    return Event(name=name, at=at, key_id=key_id, status=status)


def tell(sink, *events):
    for event in events:
        sink.emit(event)
    assert sink.flush()


@pytest.fixture
def sql(url):
    """Runs SQL on the database, as another program would, and commits."""
    engine = sqlalchemy.create_engine(url)

    def run(statement):
        with engine.begin() as connection:
            return connection.exec_driver_sql(statement)

    yield run
    engine.dispose()


def test_refusals_are_counted_by_key_and_day_and_all_of_them_by_day(sink):
    tell(
        sink,
        refused(),
        refused(key_id=ONE),
        refused(key_id=ONE),
        refused(key_id=THREE),
        refused(NOON + timedelta(days=1), ONE),
    )
    assert sink.refusals_by_day(FIRST) == {FIRST: 4, SECOND: 1}
    assert sink.refusals_by_day(FIRST, key_id=ONE) == {FIRST: 2, SECOND: 1}
    assert sink.refusals_by_day(FIRST, key_id=THREE) == {FIRST: 1}
    assert sink.refusals_by_day(SECOND) == {SECOND: 1}
    assert sink.refusals_by_day(FIRST, key_id=TWO) == {}


def test_what_is_written_later_is_added(url, sink):
    tell(sink, refused(key_id=ONE))
    other = SQLEventSink(url, keep=None)
    tell(other, refused(key_id=ONE), refused())
    other.close()
    tell(sink, refused(key_id=TWO))
    assert sink.refusals_by_day(FIRST) == {FIRST: 4}
    assert sink.refusals_by_day(FIRST, key_id=ONE) == {FIRST: 2}


def test_a_day_begins_at_midnight_in_utc(sink):
    midnight = datetime(2030, 1, 2, tzinfo=UTC)
    tell(sink, refused(midnight - timedelta(microseconds=1)), refused(midnight))
    assert sink.refusals_by_day(FIRST) == {FIRST: 1, SECOND: 1}


def test_only_refusals_are_counted(url):
    every = SQLEventSink(url, create=True, keep=None, successes=True)
    names = ("request.authenticated", "request.replayed", "request.overtaken", "store.failed")
    tell(every, *(refused(name=name, key_id=ONE) for name in (*names, "key.revoked")))
    assert every.refusals_by_day(FIRST) == {}
    tell(every, *(refused(status=status) for status in (400, 401, 403, 409, 413, 415, 422, 429)))
    assert every.refusals_by_day(FIRST) == {FIRST: 8}
    every.close()


def test_what_is_no_id_of_a_key_counts_without_one(sink):
    tell(sink, refused(key_id=""), refused(key_id=" "), refused(key_id="ü" * 16))
    assert sink.refusals_by_day(FIRST) == {FIRST: 3}
    assert sink.most_refused(FIRST) == []


def test_a_time_that_no_calendar_has_is_counted_all_the_same(sink, sql):
    first, last = (moment.replace(tzinfo=UTC) for moment in (datetime.min, datetime.max))
    tell(sink, refused(first), refused(last), refused())
    assert sink.refusals_by_day(date.min) == {date.min: 1, FIRST: 1, date.max: 1}
    sql(f"INSERT INTO bearer_auth_refusal_days (key_id, day, refusals) VALUES ('', {2**31 - 1}, 1)")
    assert sink.refusals_by_day(SECOND) == {date.max: 1}


def test_no_event_is_written_whose_refusal_is_not_counted(sink, table, sql):
    sql("DROP TABLE bearer_auth_refusal_days")
    with pytest.raises(StoreUnavailable):
        table.append([refused()])
    assert table.highest() == 0


@pytest.fixture
def owned(url, sink):
    """Keys of two owners, each of them refused once a key more than the one before."""
    store = SQLStore(url)
    store.add(
        [
            KeyRecord(key_id=ONE, user_id="user_1", tenant_id="acme", created_at=NOON),
            KeyRecord(key_id=TWO, user_id="user_1", created_at=NOON),
            KeyRecord(key_id=THREE, user_id="user_2", tenant_id="acme", created_at=NOON),
        ]
    )
    store.close()
    for times, key_id in enumerate((ONE, TWO, THREE), 1):
        tell(sink, *[refused(key_id=key_id)] * times)
    tell(sink, refused(NOON + timedelta(days=1), ONE), refused())
    return sink


def test_refusals_of_an_owner_are_those_of_their_keys(owned):
    assert owned.refusals_by_day(FIRST, user_id="user_1") == {FIRST: 3, SECOND: 1}
    assert owned.refusals_by_day(FIRST, tenant_id="acme") == {FIRST: 4, SECOND: 1}
    assert owned.refusals_by_day(FIRST, user_id="user_1", tenant_id="acme") == {FIRST: 1, SECOND: 1}
    assert owned.refusals_by_day(FIRST, key_id=TWO, user_id="user_1") == {FIRST: 2}


def test_ids_walked_by_another_user_have_no_refusals(owned):
    assert owned.refusals_by_day(FIRST, key_id=THREE, user_id="user_1") == {}
    assert owned.refusals_by_day(FIRST, user_id="USER_1") == {}
    assert owned.refusals_by_day(FIRST, user_id="user_1 ") == {}
    assert owned.most_refused(FIRST, user_id="user_2", tenant_id="other") == []


def test_the_keys_that_are_refused_most_come_first(owned):
    assert owned.most_refused(FIRST) == [(THREE, 3), (ONE, 2), (TWO, 2)]
    assert owned.most_refused(FIRST, limit=1) == [(THREE, 3)]
    assert owned.most_refused(SECOND) == [(ONE, 1)]
    assert owned.most_refused(FIRST, user_id="user_1") == [(ONE, 2), (TWO, 2)]
    assert owned.most_refused(FIRST, tenant_id="acme", limit=1) == [(THREE, 3)]


@pytest.mark.parametrize("text", ["", " ", "%", "' OR 1=1 --", "\0", "\ud800", "ü" * 999])
def test_hostile_ids_and_owners_have_no_refusals(owned, text):
    assert owned.refusals_by_day(FIRST, key_id=text) == {}
    assert owned.refusals_by_day(FIRST, user_id=text) == {}
    assert owned.refusals_by_day(FIRST, user_id="user_1", tenant_id=text) == {}
    assert owned.most_refused(FIRST, user_id=text) == []


@pytest.mark.parametrize("limit", [0, 1001])
def test_a_wrong_limit_is_refused(sink, limit):
    with pytest.raises(ConfigurationError, match="limit must be 1 to 1000"):
        sink.most_refused(FIRST, limit=limit)


def test_days_that_are_too_old_are_forgotten(sink, table):
    now = datetime.now(UTC)
    for days in (500, 450, 402, 398, 0):
        tell(sink, refused(now - timedelta(days=days), ONE), refused(now - timedelta(days=days)))
    while table.prune_refusals():
        pass
    kept = [(now - timedelta(days=days)).date() for days in (398, 0)]
    assert sink.refusals_by_day(date.min) == dict.fromkeys(kept, 2)
    assert sink.refusals_by_day(date.min, key_id=ONE) == dict.fromkeys(kept, 1)


def test_more_than_are_forgotten_at_a_time_go_one_after_another(sink, table, monkeypatch):
    monkeypatch.setattr(refusals, "PRUNED", 2)
    old = datetime(2020, 1, 1, tzinfo=UTC)
    tell(sink, *(refused(old, f"{number:016}") for number in range(5)), refused(key_id=ONE))

    def left():
        return [key_id[-1] for key_id, _ in sink.most_refused(date.min) if key_id != ONE]

    steps = [left()]
    while table.prune_refusals():
        steps.append(left())
    assert steps == [["0", "1", "2", "3", "4"], ["1", "2", "3", "4"], ["3", "4"], []]
    assert sink.refusals_by_day(date.min) == {FIRST: 1}


def test_who_deletes_old_events_forgets_old_refusals(url, sink, monkeypatch):
    monkeypatch.setattr(writer, "PRUNE_S", 0.0)
    old = datetime(2020, 1, 1, tzinfo=UTC)
    tell(sink, refused(old), refused(old + timedelta(days=1)))
    assert len(sink.refusals_by_day(date.min)) == 2  # keep=None deletes nothing
    keeper = SQLEventSink(url, keep=timedelta(days=36500))
    for _ in range(3):
        assert keeper.flush()
    keeper.close()
    assert sink.refusals_by_day(date.min) == {}


ROUNDS = 30


@pytest.mark.parametrize("url", ["postgresql", "mariadb"], indirect=True)
def test_two_that_write_at_once_never_wait_for_each_other_in_a_circle(url, sink):
    """One tells of the days and keys in the order in which the other one does not."""
    days = [NOON + timedelta(days=day) for day in range(10)]
    batch = [refused(day, key_id) for day in days for key_id in (ONE, TWO, THREE)]
    failures, start = [], threading.Barrier(2)

    def write(events):
        database, tables = open_tables(url, schema=None, table_prefix="bearer_auth_")
        table = EventTable(database, tables)
        start.wait()
        for _ in range(ROUNDS):
            try:
                table.append(events)
            except StoreUnavailable as error:
                failures.append(error)
        database.close()

    threads = [threading.Thread(target=write, args=(b,)) for b in (batch, batch[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert set(sink.refusals_by_day(FIRST).values()) == {3 * 2 * ROUNDS}
    assert set(sink.refusals_by_day(FIRST, key_id=ONE).values()) == {2 * ROUNDS}


def test_a_request_that_is_refused_is_in_the_chart_of_its_key(url, sink, call):
    store = SQLStore(url)
    issued = Keyring(store, event_sink=sink).create(user_id="user_123")
    app = BearerAuth(lambda environ, start_response: [], store, event_sink=sink)
    Keyring(store, event_sink=sink).revoke(issued.key_id)
    assert call(app, HTTP_AUTHORIZATION=f"Bearer {issued.token}").status == "401 Unauthorized"
    assert call(app).status == "401 Unauthorized"
    assert sink.flush()
    today = datetime.now(UTC).date()
    since = today - timedelta(days=1)
    assert sum(sink.refusals_by_day(since).values()) == 2
    assert sum(sink.refusals_by_day(since, key_id=issued.key_id).values()) == 1
    assert sum(sink.refusals_by_day(since, user_id="user_123").values()) == 1
    app.close()
    store.close()
