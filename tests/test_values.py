"""The values of keys: times, networks, tokens that someone brings along."""

import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bearer_auth.errors import ConfigurationError
from bearer_auth.values import (
    check_clock,
    check_importable,
    check_metadata,
    from_micros,
    listed,
    parse_networks,
    to_lifetime,
    to_micros,
    to_utc,
)

ID = "AbCdEfGh01234567"
TOKEN = "ba_staging_AbCdEfGh012345670123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg2N0EIa"
DIGEST = "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0"
HEX = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
PHC = "$sha256$" + DIGEST
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
BERLIN = timezone(timedelta(hours=1))


class TestImportable:
    @pytest.mark.parametrize("token", ["a" * 8, "a" * 4089, "-._~+/0=", "legacy-key-of-someone"])
    def test_b64tokens_of_8_characters_and_more_are_taken(self, token):
        check_importable(token)

    @pytest.mark.parametrize(
        "token",
        [
            "",
            "a" * 7,
            "a" * 4090,
            "a" * 16 + " ",
            "a" * 16 + "\n",
            "a" * 15 + ",",
            "a" * 15 + "\x00",
            "=" * 16,
            "a=" * 8,
            "é" * 16,
        ],
    )
    def test_what_could_never_be_sent_or_is_too_short_is_refused(self, token):
        with pytest.raises(ConfigurationError, match="not a token: it needs at least 8"):
            check_importable(token)

    def test_a_caller_may_ask_for_more(self):
        check_importable("a" * 16, 16)
        with pytest.raises(ConfigurationError, match="needs at least 16"):
            check_importable("a" * 15, 16)

    @pytest.mark.parametrize("token", [None, b"a" * 16, 7])
    def test_a_token_is_text(self, token):
        with pytest.raises(TypeError):
            check_importable(token)


class TestListed:
    @pytest.mark.parametrize("values", [["a", "b"], ("a", "b"), iter("ab"), {"a": 1, "b": 2}])
    def test_what_can_be_gone_through_becomes_a_list(self, values):
        assert listed("scopes", values) == ["a", "b"]

    @pytest.mark.parametrize("value", ["hunter2", b"hunter2", ""])
    def test_a_lone_text_is_refused_with_the_fix_and_not_quoted(self, value):
        with pytest.raises(TypeError) as caught:
            listed("peppers", value)
        assert str(caught.value) == "peppers must be a list; write peppers=[…]"

    @pytest.mark.parametrize(("value", "kind"), [(None, "NoneType"), (5, "int")])
    def test_what_is_no_list_is_refused_by_name(self, value, kind):
        with pytest.raises(TypeError, match=f"^scopes must be a list, not {kind}$"):
            listed("scopes", value)


class TestTimes:
    def test_a_clock_can_be_called(self):
        assert check_clock(time.time) is time.time
        for clock in (5, None, "noon"):
            with pytest.raises(TypeError, match="clock must be a function such as"):
                check_clock(clock)

    def test_the_ends_of_the_calendar_are_refused_and_do_not_overflow(self):
        edge = datetime(1, 1, 1, tzinfo=BERLIN)
        with pytest.raises(ConfigurationError, match="expires_at is outside the years 1 to 9999"):
            to_utc("expires_at", edge)

    @given(st.datetimes(timezones=st.just(UTC)))
    def test_microseconds_are_exact(self, at):
        assert from_micros(to_micros(at)) == at

    def test_microseconds_count_from_1970(self):
        assert to_micros(datetime(1970, 1, 1, 0, 0, 1, 5, tzinfo=UTC)) == 1_000_005
        assert to_micros(datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)) == -1
        assert from_micros(1_000_005) == datetime(1970, 1, 1, 0, 0, 1, 5, tzinfo=UTC)

    def test_a_lifetime_is_a_timedelta_from_zero_up(self):
        assert to_lifetime("grace", timedelta(0)) == timedelta(0)
        assert to_lifetime("grace", timedelta(days=1)) == timedelta(days=1)
        with pytest.raises(ConfigurationError, match="grace is negative: -1 day"):
            to_lifetime("grace", timedelta(days=-1))
        with pytest.raises(TypeError, match="grace must be a timedelta, not int"):
            to_lifetime("grace", 60)


class TestNetworks:
    @pytest.mark.parametrize(
        ("address", "text"),
        [
            ("192.0.2.7", "192.0.2.7"),
            ("192.0.2.7/32", "192.0.2.7"),
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("10.0.0.0/255.0.0.0", "10.0.0.0/8"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("2001:DB8:0::7", "2001:db8::7"),
            ("2001:db8::/32", "2001:db8::/32"),
            ("::/0", "::/0"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
            ("::ffff:0:0/96", "0.0.0.0/0"),
            ("::ffff:0:0/95", None),
            ("::/80", "::/80"),
        ],
    )
    def test_each_has_one_spelling(self, address, text):
        if text is None:
            with pytest.raises(ConfigurationError, match="host bits"):
                parse_networks([address])
        else:
            assert parse_networks([address]) == (text,)

    def test_repeats_are_dropped_and_the_order_stays(self):
        assert parse_networks(["192.0.2.7", "10.0.0.0/8", "192.0.2.7/32"]) == (
            "192.0.2.7",
            "10.0.0.0/8",
        )

    @pytest.mark.parametrize(
        "address", ["", "localhost", "10.0.0", "10.0.0.256", "10.0.0.0/33", "010.0.0.1"]
    )
    def test_what_is_no_address_is_refused(self, address):
        with pytest.raises(ConfigurationError, match="allowed_ips: "):
            parse_networks([address])

    @pytest.mark.parametrize("address", [7, None, b"\x0a\x00\x00\x01", ("10.0.0.0", 8)])
    def test_what_is_no_text_is_refused(self, address):
        with pytest.raises(TypeError, match="allowed_ips must hold strings"):
            parse_networks([address])


class TestMetadata:
    def test_32_levels_are_taken_and_one_more_is_refused(self):
        deep = "leaf"
        for _ in range(31):
            deep = [deep]
        assert check_metadata({"x": deep}) == {"x": deep}
        with pytest.raises(ConfigurationError, match="metadata is nested 33 deep; at most 32"):
            check_metadata({"x": [deep]})

    def test_brackets_in_text_are_no_levels(self):
        assert check_metadata({"x": '[{"' * 40}) == {"x": '[{"' * 40}
