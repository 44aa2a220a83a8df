"""What the pages say of times and numbers."""

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from bearer_auth import Event
from bearer_auth.dashboard import Texts, texts
from bearer_auth.dashboard.chart import Day

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
t = Texts()


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (0 * SECOND, "less than a minute"),
        (29 * SECOND, "less than a minute"),
        (30 * SECOND, "1 minute"),  # what lacks half a minute is whole
        (89 * SECOND, "1 minute"),
        (59 * MINUTE + 29 * SECOND, "59 minutes"),
        (59 * MINUTE + 30 * SECOND, "1 hour"),
        (HOUR, "1 hour"),
        (23 * HOUR + 59 * MINUTE, "23 hours"),
        (DAY, "1 day"),
        (365 * DAY, "365 days"),
    ],
)
def test_a_span_is_in_its_largest_unit_rounded_down(length, text):
    assert t.span(length) == text


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (None, "never expires"),
        (NOW + 3 * DAY, "expires in 3 days"),
        (NOW + SECOND, "expires in less than a minute"),
        (NOW, "expired less than a minute ago"),
        (NOW - 2 * HOUR, "expired 2 hours ago"),
    ],
)
def test_an_end_is_a_sentence(at, text):
    assert t.expiry(at, NOW) == text


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (None, "never used"),
        (NOW, "last used just now"),
        (NOW + MINUTE, "last used just now"),  # by another worker's clock
        (NOW - 59 * SECOND, "last used just now"),
        (NOW - 2 * MINUTE, "last used 2 minutes ago"),
    ],
)
def test_a_use_is_a_sentence(at, text):
    assert t.used(at, NOW) == text


def test_an_earlier_secret_says_how_long():
    assert t.secret_ends(NOW + 90 * MINUTE, NOW) == "valid for another 1 hour"
    assert t.secret_ends(NOW, NOW) == "ended less than a minute ago"


def test_times_are_in_utc():
    assert t.moment(NOW) == "1 Jan 2030"
    assert t.exact(NOW) == "2030-01-01 12:00:00 UTC"


def test_lifetimes():
    assert [t.days(count) for count in (1, 30, 365, 730)] == [
        "1 day",
        "30 days",
        "1 year",
        "730 days",
    ]


def test_numbers():
    assert t.uses_and_refusals(0, 0) == "0 requests in 30 days"
    assert t.uses_and_refusals(1, 0) == "1 request in 30 days"
    assert t.uses_and_refusals(1234, 5678) == "1,234 requests in 30 days, 5,678 refused"
    assert [t.all_revoked(count) for count in (0, 1, 2)] == [
        "0 keys revoked.",
        "1 key revoked.",
        "2 keys revoked.",
    ]
    assert t.live_keys(1, False) == "1 key that is not revoked yet"
    assert t.live_keys(2, False) == "2 keys that are not revoked yet"
    assert t.live_keys(100, True) == "more than 100 keys that are not revoked yet"
    assert [t.refused(count) for count in (1, 2000)] == ["1 time", "2,000 times"]
    assert t.first_so_many(20_000).startswith("Looked at 20,000 keys so far")


def test_the_days_of_a_chart():
    first, second = Day(date(2030, 1, 1), 1200, 1), Day(date(2030, 1, 2), 1, 0)
    assert t.chart_day(first) == "2030-01-01 (UTC): 1,200 uses, 1 refusal"
    assert t.chart_day(second) == "2030-01-02 (UTC): 1 use, 0 refusals"
    assert t.chart_days([first, second]) == (
        "2030-01-01 to 2030-01-02 (UTC). Most on 2030-01-01 (UTC): 1,200 uses, 1 refusal."
    )


def event(name, **fields):
    return Event(name=name, at=NOW, **fields)


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (event("key.created"), "Created"),
        (event("key.revoked"), "Revoked"),
        (event("key.revoked", reason="It leaked"), "Revoked: It leaked"),
        (event("request.refused", status=401, reason="expired"), "Refused (401, expired)"),
        (event("key.something_new"), "key.something_new"),
    ],
)
def test_an_event_is_a_few_words(event, text):
    assert t.event(event) == text


def test_every_event_of_a_key_has_words():
    text = (Path(__file__).parents[2] / "docs" / "events.md").read_text()
    names = set(re.findall(r"^\| `(key\.[a-z_]+|request\.[a-z_]+)`", text, re.MULTILINE))
    assert len(names) > 10
    assert names - t.events.keys() == set()


def test_every_text_is_used_on_a_page():
    folder = Path(texts.__file__).parent
    files = [*folder.rglob("*.py"), *folder.rglob("*.html")]
    written = "\n".join(file.read_text() for file in files if file.name != "texts.py")
    written += "\n".join(re.findall(r"self\.\w+", Path(texts.__file__).read_text()))
    names = {name for name in vars(Texts) if not name.startswith("__")}
    assert {
        name for name in names if not re.search(rf"\b(t|texts|self)\.{name}\b", written)
    } == set()
