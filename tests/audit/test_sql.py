"""Events in a database: each that was told is there, bounded in number and age."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy
from hypothesis import given
from hypothesis import strategies as st

from bearer_auth import (
    BearerAuth,
    ConfigurationError,
    Event,
    MemoryStore,
    StoreUnavailable,
)
from bearer_auth.audit import SQLEventSink, writer
from bearer_auth.audit.follow import OVERLAP_S, Follower
from bearer_auth.audit.rows import decode, encode
from bearer_auth.audit.table import Filters
from bearer_auth.audit.writer import EventWriter
from bearer_auth.stores.sql_tables import make_tables
from bearer_auth.testing import FakeClock
from bearer_auth.token import mint

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
ANY = Filters()


def event(name="request.refused", at=NOON, **fields):
    return Event(name=name, at=at, **fields)


def test_an_event_comes_back_as_it_was_told(sink, table):
    told = event(
        key_id="AbCdEfGh01234567",
        user_id="user_123",
        tenant_id="acme",
        request_id="r-1",
        status=403,
        reason="scope",
        address="192.0.2.7",
        data={"detail": "ü", "list": [1, None]},
    )
    sink.emit(told)
    assert sink.flush()
    assert list(table.all(ANY)) == [told]


ABSURD = [
    event(at=datetime.min.replace(tzinfo=UTC)),
    event(at=datetime.max.replace(tzinfo=UTC)),
    event(at=datetime(1969, 7, 20, 20, 17)),
    event("n" * 100, user_id="u" * 1000, request_id="r" * 1000, reason="r" * 9999),
    event(user_id="\0", reason="\ud800", tenant_id="\U0001f600" * 300, key_id="ü" * 16),
    event(status=10**30, address="a" * 100),
    event(status="401", user_id=7, data={"set": {1}, "n": 1}),
    event(data={"nan": float("nan")}),
    event(data={("a", "b"): 1}),
    event(data={"long": "x" * 100_000}),
]


def test_whatever_an_event_holds_is_written_and_what_does_not_fit_is_cut(sink, table):
    for each in ABSURD:
        sink.emit(each)
    assert sink.flush()
    found = [table_event for _, table_event in table.newest(ANY, 100)]
    assert len(found) == len(ABSURD)
    assert min(e.at for e in found) == datetime.min.replace(tzinfo=UTC)
    assert datetime(1969, 7, 20, 20, 17, tzinfo=UTC) in {e.at for e in found}
    assert {len(e.user_id) for e in found if e.user_id and e.user_id[0] == "u"} == {255}
    (escaped,) = (e for e in found if e.reason == "\\ud800")
    assert (escaped.user_id, escaped.key_id) == ("\\x00", "\\xfc\\xfc\\xfc\\xfc")
    assert {"set": "set", "n": 1} in [e.data for e in found]
    assert [e.data for e in found].count({"left_out": "not JSON"}) == 2
    assert {"left_out": "too long"} in [e.data for e in found]


@given(
    st.builds(
        Event,
        name=st.text(),
        at=st.datetimes(timezones=st.none() | st.just(UTC)),
        key_id=st.none() | st.text(),
        user_id=st.none() | st.text(),
        status=st.none() | st.integers(),
        reason=st.none() | st.text(),
        data=st.dictionaries(st.text(), st.text() | st.floats() | st.binary()),
    )
)
def test_a_row_has_the_lengths_of_its_columns_and_is_read_again(told):
    row = encode(told)
    assert len(row["name"]) <= 64
    assert len(row["key_id"] or "") <= 16
    assert (row["key_id"] or "").isascii()
    json.loads(row["data"], parse_constant=lambda name: pytest.fail(name))
    columns = make_tables("p_", None).events.c
    again = decode([row[column.name] for column in columns if column.name != "id"])
    assert encode(again) == row


def test_a_token_that_somebody_wrote_into_a_reason_is_not_kept(sink, table):
    token = mint("ba", "production", "AbCdEfGh01234567")
    sink.emit(event("key.revoked", reason=f"found {token}!", data={"token": token}))
    sink.flush()
    (kept,) = table.all(ANY)
    assert kept.reason == "found ba_production_AbCd…!"
    assert "AbCd" in kept.data["token"]
    assert token not in kept.data["token"]


def test_a_row_that_was_edited_is_read_all_the_same(sink, table, url):
    sink.emit(event())
    sink.flush()
    engine = sqlalchemy.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE bearer_auth_events SET at = {2**62}, data = 'no JSON'")
    engine.dispose()
    (kept,) = table.all(ANY)
    assert (kept.at, kept.data) == (datetime.max.replace(tzinfo=UTC), {})


def test_every_filter_is_there(sink, table):
    for hour, fields in enumerate(
        (
            {"name": "key.created", "key_id": "AbCdEfGh01234567", "user_id": "a"},
            {"name": "key.revoked", "key_id": "AbCdEfGh01234567", "user_id": "a"},
            {"name": "keyXcreated", "user_id": "b", "tenant_id": "acme"},
        )
    ):
        sink.emit(event(at=NOON + timedelta(hours=hour), **fields))
    sink.flush()

    def found(**filters):
        return [(e.at - NOON) // timedelta(hours=1) for e in table.all(Filters(**filters))]

    assert found() == [0, 1, 2]
    assert found(key_id="AbCdEfGh01234567") == [0, 1]
    assert found(key_id="abcdefgh01234567") == []
    assert found(user_id="b") == found(tenant_id="acme") == [2]
    assert found(names=["key.*"]) == [0, 1]
    assert found(names=["key.created", "keyXcreated"]) == [0, 2]
    assert found(since=NOON + timedelta(hours=1)) == [1, 2]
    assert found(until=NOON + timedelta(hours=1)) == [0]
    assert [e.name for _, e in table.newest(ANY, 2)] == ["key.revoked", "keyXcreated"]


def test_more_events_than_a_page_come_in_their_order_each_once(sink, table):
    for number in range(1201):
        sink.emit(event(status=number))
    sink.flush()
    assert [e.status for e in table.all(ANY)] == list(range(1201))


def test_old_events_are_deleted_and_never_the_newest_row(sink, table):
    now = datetime.now(UTC)
    for days in (400, 366, 364, 366):
        sink.emit(event(at=now - timedelta(days=days), status=days))
    sink.flush()
    newest = table.highest()
    assert table.prune(timedelta(days=365)) == 2
    assert [e.status for e in table.all(ANY)] == [366, 364]
    assert table.prune(timedelta(seconds=1)) == 1
    assert table.highest() == newest


def test_who_writes_deletes_what_is_too_old(url, sink, table, monkeypatch):
    monkeypatch.setattr(writer, "PRUNE_S", 0.0)
    sink.emit(event(at=datetime.now(UTC) - timedelta(days=3)))
    sink.emit(event(at=datetime.now(UTC), status=200))
    sink.flush()
    keeper = SQLEventSink(url, keep=timedelta(days=2))
    assert keeper.flush()
    keeper.close()
    assert [e.status for e in table.all(ANY)] == [200]


class Table:
    """Fails while ``away`` says why, and keeps what is appended."""

    def __init__(self):
        self.away = None
        self.rows = []

    def append(self, events):
        if self.away is not None:
            raise self.away
        self.rows += events


@pytest.fixture
def slow(monkeypatch):
    """Nothing is written by itself."""
    monkeypatch.setattr(writer, "INTERVAL_S", 3600.0)


@pytest.mark.usefixtures("slow")
def test_what_a_database_refuses_waits_bounded_and_what_does_not_fit_is_said(monkeypatch, caplog):
    monkeypatch.setattr(writer, "MAX_WAITING", 5)
    monkeypatch.setattr(writer, "BATCH", 2)
    table = Table()
    sink = EventWriter(table)
    table.away = StoreUnavailable("db: it doesn't answer")
    assert not sink.flush() or not sink._waiting
    for number in range(7):
        sink.emit(event(status=number))
        assert not sink.flush()
    sink.emit(event("key.revoked"))  # there is room for these
    assert sink.dropped == 2
    assert caplog.messages == [
        "events can't be written, at most 5 wait: db: it doesn't answer",
        "events are dropped: more than 5 wait to be written",
    ]
    table.away = None
    assert sink.flush()
    assert [e.status for e in table.rows] == [0, 1, 2, 3, 4, None]
    assert caplog.messages[2:] == ["events are written again; 2 were dropped so far"]
    sink.close()


@pytest.mark.usefixtures("slow")
def test_a_bulk_of_changes_of_keys_writes_rather_than_drops(monkeypatch):
    monkeypatch.setattr(writer, "MAX_WAITING", 5)
    sink = EventWriter(Table())
    for number in range(100):
        sink.emit(event("key.revoked", status=number))
    sink.close()
    assert [e.status for e in sink._table.rows] == list(range(100))
    assert sink.dropped == 0


@pytest.mark.usefixtures("slow")
def test_the_end_of_the_process_writes_and_says_what_it_could_not(caplog, monkeypatch):
    monkeypatch.setattr(writer, "CLOSE_S", 0.1)
    table = Table()
    sink = EventWriter(table)
    sink.emit(event(status=1))
    sink.close()
    sink.emit(event(status=2))  # it may be used again
    sink.close()
    assert [e.status for e in table.rows] == [1, 2]
    table.away = RuntimeError("postgresql://user:secret@host")
    sink.emit(event())
    sink.close()
    assert caplog.messages == [
        "events can't be written, at most 10000 wait: RuntimeError",
        "1 events were not written: the database can't be reached",
    ]


def test_successes_are_written_on_request_only(url, sink):
    assert sink.wants("request.refused")
    assert sink.wants("key.created")
    assert not sink.wants("request.authenticated")
    every = SQLEventSink(url, successes=True)
    assert every.wants("request.authenticated")
    every.close()


def test_a_refusal_of_the_middleware_is_there_a_moment_later(sink, table, call):
    """By the thread, without anybody's flush."""
    follower = Follower(table, ANY)
    app = BearerAuth(lambda environ, start_response: [], MemoryStore(), event_sink=sink)
    assert call(app).status == "401 Unauthorized"
    found = []
    while not found:
        found = list(follower.more())
    assert [(e.name, e.reason, e.address) for e in found] == [
        ("request.refused", "missing", "192.0.2.7")
    ]


PROCESS = """
import os, sys
from bearer_auth import Keyring, MemoryStore
from bearer_auth.audit import SQLEventSink
keyring = Keyring(MemoryStore(), event_sink=SQLEventSink(sys.argv[1]))
keyring.create(user_id="parent")
if os.fork() == 0:
    keyring.create(user_id="child")
    sys.exit()
os.wait()
"""


def test_a_process_and_its_child_write_at_their_end_each_its_own(url, sink, table):
    path = os.pathsep.join(sys.path)
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROCESS, url],
        check=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert sorted(e.user_id for e in table.all(ANY)) == ["child", "parent"]


def test_a_server_that_is_away_is_no_reason_to_fail(caplog):
    sink = SQLEventSink("postgresql://postgres@127.0.0.1:1/nothing")
    assert "events wait until it answers" in caplog.text
    assert "503" not in caplog.text
    sink.close()


@pytest.mark.parametrize(
    ("keep", "error"),
    [
        (timedelta(0), ConfigurationError),
        (-timedelta(days=1), ConfigurationError),
        (365, TypeError),
    ],
)
def test_a_wrong_retention_is_refused_at_once(tmp_path, keep, error):
    with pytest.raises(error, match="keep must be"):
        SQLEventSink(f"sqlite:///{tmp_path}/events.db", keep=keep)
    assert os.listdir(tmp_path) == []


def test_tables_that_are_missing_on_a_server_are_said(servers):
    with pytest.raises(StoreUnavailable, match="run 'bearer-auth db upgrade'"):
        SQLEventSink(servers.database("postgresql"))


class Late:
    """A table whose rows appear when the test says so."""

    def __init__(self):
        self.shown = {}

    def highest(self):
        return max(self.shown, default=0)

    def ids(self, filters, after):
        return sorted(id_ for id_ in self.shown if id_ > after)

    def with_ids(self, ids):
        return ((id_, self.shown[id_]) for id_ in ids)


def test_a_row_that_appears_after_a_higher_one_is_not_missed_and_none_comes_twice():
    table, clock = Late(), FakeClock()
    table.shown = {5: "5"}
    follower = Follower(table, ANY, clock)
    assert list(follower.more()) == []
    table.shown[7] = "7"
    assert list(follower.more()) == ["7"]
    clock.advance(timedelta(seconds=OVERLAP_S - 1))
    table.shown[4] = "4"  # inserted before 5 was read, committed now
    table.shown[6] = "6"
    assert list(follower.more()) == ["4", "6"]
    clock.advance(timedelta(seconds=OVERLAP_S))
    assert list(follower.more()) == []
    assert follower._seen == set()
    table.shown[9] = "9"
    assert list(follower.more()) == ["9"]
    assert list(follower.more()) == []


@pytest.mark.parametrize("url", ["postgresql", "mariadb"], indirect=True)
def test_a_transaction_that_commits_after_a_later_one_is_followed(url, sink, table):
    engine = sqlalchemy.create_engine(url)
    insert = "INSERT INTO bearer_auth_events (at, name, data) VALUES (1, '{}', '{{}}')"
    follower = Follower(table, ANY)
    with engine.connect() as slow, engine.connect() as quick:
        slow.exec_driver_sql(insert.format("slow"))
        quick.exec_driver_sql(insert.format("quick"))
        quick.commit()
        assert [e.name for e in follower.more()] == ["quick"]
        slow.commit()
    assert [e.name for e in follower.more()] == ["slow"]
    assert list(follower.more()) == []
    engine.dispose()
