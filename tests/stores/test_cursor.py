from datetime import UTC, datetime

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
