import logging
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bearer_auth.events import NAMES, Emitter, Event, LoggingSink, Sinks

ROOT = Path(__file__).parents[1]
NAME = r"(?:request|store|key|operator)\.[a-z_]+"
DOCS = (ROOT / "docs" / "events.md").read_text()
AT = datetime(2026, 1, 2, tzinfo=UTC)


class Sink:
    def __init__(self):
        self.events = []

    def emit(self, event):
        self.events.append(event)


class Broken:
    def emit(self, event):
        raise RuntimeError("the sink is broken")


class Picky(Sink):
    def wants(self, name):
        return name == "key.revoked"


def test_an_event_is_frozen_and_compared_by_value():
    event = Event(name="key.revoked", at=AT, key_id="AbCdEfGh01234567", data={"grace": 0})
    assert event == Event(name="key.revoked", at=AT, key_id="AbCdEfGh01234567", data={"grace": 0})
    assert len({event, event}) == 1
    with pytest.raises(AttributeError):
        event.name = "key.created"


def test_the_names_are_those_of_the_documentation():
    """Which has each that is told: tests/docs/test_names.py."""
    rows = re.findall(r"^\|(.*?)\| (?:INFO|ERROR|not logged) ", DOCS, re.MULTILINE)
    assert re.findall(rf"`({NAME})`", "".join(rows)) == list(NAMES)


def test_events_do_not_share_their_data():
    assert Event(name="a", at=AT).data is not Event(name="b", at=AT).data


def test_an_event_is_one_line_with_the_event_beside_it(caplog):
    event = Event(
        name="request.refused",
        at=AT,
        key_id="AbCdEfGh01234567",
        user_id="user_123",
        tenant_id="acme",
        request_id="r-1",
        status=401,
        reason="expired",
        address="192.0.2.7",
        data={"path": "/a b"},
    )
    with caplog.at_level("INFO", "bearer_auth"):
        LoggingSink().emit(event)
    (record,) = caplog.records
    assert record.getMessage() == (
        "request.refused status=401 reason=expired key_id=AbCdEfGh01234567 user_id=user_123 "
        "tenant_id=acme request_id=r-1 address=192.0.2.7 path='/a b'"
    )
    assert (record.name, record.levelname) == ("bearer_auth", "INFO")
    assert record.event is event


def test_what_is_not_known_is_left_out(caplog):
    with caplog.at_level("INFO", "bearer_auth"):
        LoggingSink().emit(Event(name="key.created", at=AT, reason=""))
    assert caplog.messages == ["key.created"]


@pytest.mark.parametrize(
    ("reason", "written"),
    [
        ("left on a train", "'left on a train'"),
        ("a\nkey.created", r"'a\nkey.created'"),
        ("a\r\x1b[2J", r"'a\r\x1b[2J'"),
        ("a\u2028b", r"'a\u2028b'"),
        ("a\u00a0status=200", r"'a\xa0status=200'"),
    ],
)
def test_a_reason_can_not_forge_a_line_or_a_field(caplog, reason, written):
    with caplog.at_level("INFO", "bearer_auth"):
        LoggingSink().emit(Event(name="key.revoked", at=AT, reason=reason))
    assert caplog.messages == [f"key.revoked reason={written}"]


@pytest.mark.parametrize(
    ("name", "level"),
    [
        ("request.refused", logging.INFO),
        ("key.created", logging.INFO),
        ("key.revoked", logging.INFO),
        ("store.failed", logging.ERROR),
    ],
)
def test_failures_of_a_store_are_errors_and_the_rest_is_information(caplog, name, level):
    with caplog.at_level("DEBUG", "bearer_auth"):
        LoggingSink().emit(Event(name=name, at=AT))
    assert [record.levelno for record in caplog.records] == [level]


def test_the_logging_sink_wants_what_its_logger_would_write():
    target = logging.getLogger("test_events.quiet")
    target.setLevel("ERROR")
    sink = LoggingSink(target)
    assert sink.wants("store.failed")
    assert not sink.wants("request.refused")
    target.setLevel("DEBUG")
    assert sink.wants("request.refused")
    assert not sink.wants("request.authenticated")


def test_an_emitter_builds_the_event_and_hands_it_over():
    sink = Sink()
    emitter = Emitter(sink)
    assert emitter.wants("request.authenticated")
    before = datetime.now(UTC)
    emitter.emit("key.revoked", key_id="AbCdEfGh01234567", address="2001:db8::7")
    (event,) = sink.events
    assert before <= event.at <= datetime.now(UTC)
    assert event == Event(
        name="key.revoked", at=event.at, key_id="AbCdEfGh01234567", address="2001:db8::7"
    )


@pytest.mark.parametrize(
    "address", ["192.0.2.7", "2001:db8::1", "fe80::1%eth0", "::ffff:192.0.2.7"]
)
def test_addresses_are_kept(address):
    sink = Sink()
    Emitter(sink).emit("key.revoked", address=address)
    assert sink.events[0].address == address


@pytest.mark.parametrize("address", ["", "a b", "1.2.3.4\n", "1" * 65, "<script>", "é"])
def test_an_address_that_a_client_chose_is_dropped(address):
    sink = Sink()
    Emitter(sink).emit("key.revoked", address=address)
    assert sink.events[0].address is None


def test_an_event_that_the_sink_does_not_want_is_not_built():
    sink = Picky()
    emitter = Emitter(sink)
    assert emitter.wants("key.revoked")
    assert not emitter.wants("key.created")
    emitter.emit("key.created", no_such_field=1)
    emitter.emit("key.revoked")
    assert [event.name for event in sink.events] == ["key.revoked"]


def test_the_default_sink_writes_to_the_log(caplog):
    with caplog.at_level("INFO", "bearer_auth"):
        Emitter().emit("key.revoked", reason="lost")
        Emitter().emit("request.authenticated")
    assert caplog.messages == ["key.revoked reason=lost"]


def test_a_broken_sink_is_logged_once_and_swallowed(caplog):
    emitter = Emitter(Broken())
    emitter.emit("key.revoked")
    emitter.emit("key.revoked")
    assert caplog.messages == [
        "the event sink Broken failed with RuntimeError; further failures of it are not logged"
    ]
    assert caplog.records[0].exc_info is None  # its frames, and the refusal's, hold keys


def test_a_sink_that_can_not_say_what_it_wants_gets_nothing(caplog):
    class Undecided(Sink):
        def wants(self, name):
            raise RuntimeError("undecided")

    sink = Undecided()
    emitter = Emitter(sink)
    assert not emitter.wants("key.revoked")
    emitter.emit("key.revoked")
    assert sink.events == []
    assert len(caplog.records) == 1


def test_a_sink_is_an_object_and_not_its_class():
    for sink in ("log", LoggingSink):
        with pytest.raises(TypeError, match=r"event_sink must be an object with a method emit"):
            Emitter(sink)


def test_a_failure_that_goes_on_is_one_line_a_minute(caplog, monkeypatch):
    now = 1000.0
    monkeypatch.setattr("bearer_auth.events.monotonic", lambda: now)
    emitter = Emitter()
    for _ in range(1000):
        emitter.emit("store.failed", status=503, data={"detail": "it is away"})
    emitter.emit("store.failed", status=503, data={"detail": "it is full"})
    now = 1059.9
    emitter.emit("store.failed", status=503, data={"detail": "it is away"})
    now = 1060.0
    emitter.emit("store.failed", status=503, data={"detail": "it is away"})
    emitter.emit("store.failed", status=503, data={"detail": "it is away"})
    assert caplog.messages == [
        "store.failed status=503 detail='it is away'",
        "store.failed status=503 detail='it is full'",
        "store.failed status=503 detail='it is away' unsaid=1000",
    ]


def test_the_failures_that_are_remembered_are_bounded(caplog):
    emitter = Emitter()
    for number in range(100):
        emitter.emit("store.failed", data={"detail": f"row {number}"})
    emitter.emit("store.failed", data={"detail": "row 99"})
    emitter.emit("store.failed", data={"detail": "row 0"})
    assert len(caplog.messages) == 101


def test_of_several_sinks_one_that_fails_keeps_nothing_from_the_others(caplog):
    first, last = Sink(), Picky()
    several = Emitter(Sinks(first, Broken(), last))
    several.emit("key.created")
    several.emit("key.revoked")
    several.emit("key.revoked")
    assert [event.name for event in first.events] == ["key.created", "key.revoked", "key.revoked"]
    assert [event.name for event in last.events] == ["key.revoked", "key.revoked"]
    assert caplog.messages == [
        "the event sink Broken failed with RuntimeError; further failures of it are not logged"
    ]


def test_several_sinks_want_what_one_of_them_wants():
    assert not Sinks(Picky(), Picky()).wants("key.created")
    assert Sinks(Picky(), Sink()).wants("key.created")
    assert not Sinks().wants("key.created")
    with pytest.raises(TypeError, match="event_sink must be an object"):
        Sinks(Sink(), print)
