"""The history of a key: its events, the newest first, by pages."""

from datetime import UTC, datetime, timedelta

import pytest

from bearer_auth import ConfigurationError, Event, Keyring, MemoryStore, StoreUnavailable
from bearer_auth.audit import History, SQLEventSink

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
ONE, OTHER = "AbCdEfGh01234567", "abcdefgh01234567"


def tell(sink, *statuses, key_id=ONE, at=NOON):
    """Events told apart by their status."""
    for status in statuses:
        sink.emit(Event(name="request.refused", at=at, key_id=key_id, status=status))


def statuses(page):
    return [event.status for event in page[0]]


def test_the_events_of_a_key_come_newest_first(sink):
    tell(sink, 1)
    tell(sink, 2, at=NOON + timedelta(hours=1))
    tell(sink, 3, at=NOON - timedelta(hours=1))
    tell(sink, 4, key_id=OTHER)
    tell(sink, 5, key_id=None)
    page = sink.history(ONE)
    assert statuses(page) == [2, 1, 3]
    assert page[1] is None
    assert page[0][0] == Event(
        name="request.refused", at=NOON + timedelta(hours=1), key_id=ONE, status=2
    )


def test_pages_hold_each_event_once_also_those_of_one_moment(sink):
    tell(sink, *range(5))
    tell(sink, 5, 6, at=NOON + timedelta(hours=1))
    pages, cursor = [], None
    while not pages or cursor:
        page = sink.history(ONE, limit=3, before=cursor)
        cursor = page[1]
        pages.append(statuses(page))
    assert pages == [[6, 5, 4], [3, 2, 1], [0]]


def test_a_page_that_is_just_full_is_the_last_one(sink):
    tell(sink, 1, 2)
    assert sink.history(ONE, limit=2)[1] is None


def test_events_that_come_meanwhile_move_no_page(sink):
    tell(sink, 1, 2, 3, 4)
    _, cursor = sink.history(ONE, limit=2)
    tell(sink, 5, at=NOON + timedelta(hours=1))
    assert statuses(sink.history(ONE, limit=2, before=cursor)) == [2, 1]


def test_a_cursor_leads_through_times_that_no_calendar_has(sink):
    for at in (datetime.min, datetime.max, datetime(1969, 7, 20)):
        tell(sink, at.year, at=at.replace(tzinfo=UTC))
    _, cursor = sink.history(ONE, limit=1)
    assert statuses(sink.history(ONE, before=cursor)) == [1969, 1]
    _, cursor = sink.history(ONE, limit=2)
    assert statuses(sink.history(ONE, before=cursor)) == [1]


def test_what_was_done_is_in_the_history_at_once(url, monkeypatch):
    monkeypatch.setattr("bearer_auth.audit.writer.INTERVAL_S", 3600.0)
    sink = SQLEventSink(url, create=True, keep=None)
    keyring = Keyring(MemoryStore(), event_sink=sink)
    key_id = keyring.create(user_id="user_123").key_id
    keyring.revoke(key_id, "found in a log")
    history: History = sink
    found, _ = history.history(key_id)
    assert [(event.name, event.reason) for event in found] == [
        ("key.revoked", "found in a log"),
        ("key.created", None),
    ]
    sink.close()


@pytest.mark.parametrize(
    "before",
    [
        *("", "1", "1.", ".1", "1.1.1", "1.-1", "1.1\n", "x.1", "٣.1", "1.1 OR 1=1"),
        *(f"{2**63}.1", f"1.{2**63}", f"{-(2**63)}.1", "9" * 5000 + ".1"),
    ],
)
def test_what_is_no_cursor_is_refused(sink, before):
    with pytest.raises(ConfigurationError, match="cursor of an earlier page"):
        sink.history(ONE, before=before)


@pytest.mark.parametrize("limit", [0, -1, 1001])
def test_a_wrong_limit_is_refused(sink, limit):
    with pytest.raises(ConfigurationError, match="limit must be 1 to 1000"):
        sink.history(ONE, limit=limit)


@pytest.mark.parametrize("key_id", ["", "%", "ü", "' OR 1=1 --", "\0", "x" * 1000, "\ud800"])
def test_hostile_ids_have_no_history(sink, key_id):
    tell(sink, 1)
    assert sink.history(key_id) == ([], None)


def test_a_database_that_is_away_is_said(caplog):
    away = SQLEventSink("postgresql://postgres@127.0.0.1:1/nothing")
    with pytest.raises(StoreUnavailable):
        away.history(ONE)
    with pytest.raises(StoreUnavailable):
        away.refusals_by_day(NOON.date())
    with pytest.raises(StoreUnavailable):
        away.most_refused(NOON.date())
    away.close()
