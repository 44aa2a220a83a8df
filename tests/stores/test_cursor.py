from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bearer_auth.errors import ConfigurationError
from bearer_auth.records import KeyRecord
from bearer_auth.stores.cursor import decode_cursor, encode_cursor, sort_key

ID = "AbCdEfGh01234567"


def record(created_at, key_id=ID):
    return KeyRecord(key_id=key_id, user_id="user_123", created_at=created_at)


def test_a_cursor_is_the_time_in_microseconds_and_the_id():
    at = datetime(1970, 1, 1, 0, 0, 1, 5, tzinfo=UTC)
    assert encode_cursor(record(at)) == "1000005.AbCdEfGh01234567"
    assert decode_cursor("1000005.AbCdEfGh01234567") == (1000005, "AbCdEfGh01234567")


def test_lists_are_sorted_by_time_and_then_by_id():
    at = datetime(2026, 1, 1, tzinfo=UTC)
    later = datetime(2026, 1, 1, 0, 0, 0, 1, tzinfo=UTC)
    assert sort_key(record(at, "A" * 16)) < sort_key(record(at, "B" * 16))
    assert sort_key(record(at, "B" * 16)) < sort_key(record(later, "A" * 16))


@given(st.datetimes(timezones=st.just(UTC)))
def test_any_time_comes_back_from_its_cursor(at):
    assert decode_cursor(encode_cursor(record(at))) == sort_key(record(at))


@pytest.mark.parametrize("year", [1, 1969, 9999])
def test_times_at_the_ends_of_the_calendar_come_back(year):
    stored = record(datetime(year, 12, 31, 23, 59, 59, 999999, tzinfo=UTC))
    assert decode_cursor(encode_cursor(stored)) == sort_key(stored)


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        ".",
        "1000005",
        "1000005.",
        ".AbCdEfGh01234567",
        "1000005.AbCdEfGh0123456",
        "1000005.AbCdEfGh012345678",
        "1000005.AbCdEfGh0123456-",
        "1000005.AbCdEfGh01234567\n",
        "+1.AbCdEfGh01234567",
        "1.5.AbCdEfGh01234567",
        "\u0661.AbCdEfGh01234567",
        "9" * 19 + ".AbCdEfGh01234567",
        "' OR 1=1 --",
    ],
)
def test_other_text_is_no_cursor(cursor):
    with pytest.raises(ConfigurationError, match="after must be the next_cursor"):
        decode_cursor(cursor)


@pytest.mark.parametrize(
    ("sort", "cursor", "key"),
    [
        ("newest", "1000005.AbCdEfGh01234567", (1000005, ID)),
        ("oldest", "oldest.1000005.AbCdEfGh01234567", (1000005, ID)),
        ("expiry", "expiry.1000006.AbCdEfGh01234567", (1000006, ID)),
        ("name", "name.Y2kKdXNlcl8xMjM=.AbCdEfGh01234567", ("ci\nuser_123", ID)),
    ],
)
def test_a_cursor_says_what_its_list_is_sorted_by(sort, cursor, key):
    at = datetime(1970, 1, 1, 0, 0, 1, 5, tzinfo=UTC)
    stored = KeyRecord(
        key_id=ID,
        user_id="User_123",
        name="CI",
        created_at=at,
        expires_at=at + timedelta(microseconds=1),
    )
    assert encode_cursor(stored, sort) == cursor
    assert decode_cursor(cursor, sort) == key
    for other in {"newest", "oldest", "expiry", "name"} - {sort}:
        with pytest.raises(ConfigurationError, match=f"of the same list, sorted by {other}"):
            decode_cursor(cursor, other)


def test_a_key_without_an_end_has_no_place_among_those_that_end():
    with pytest.raises(ValueError, match="no place"):
        sort_key(record(datetime(2026, 1, 1, tzinfo=UTC)), "expiry")


@pytest.mark.parametrize(
    "text",
    [
        "Y2k",  # without its padding
        "Y2k*",
        "/w==",  # not of the alphabet
        "_w==",  # no UTF-8
        "AA==",  # NUL, which PostgreSQL refuses
        "YWFh" * 171,  # more than there is in the column
    ],
)
def test_other_text_is_no_place_in_a_list_by_name(text):
    with pytest.raises(ConfigurationError, match="after must be the next_cursor"):
        decode_cursor(f"name.{text}.{ID}", "name")
