import string
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bearer_auth import token as module
from bearer_auth.errors import ConfigurationError, InvalidToken
from bearer_auth.token import (
    base62,
    check_key_id,
    check_part,
    mint,
    minted_key_id,
    new_key_id,
    parse,
    redact,
)

SECRET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg"
BODY = "ba_production_AbCdEfGh01234567" + SECRET
TOKEN = BODY + "17O6iX"
BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

SIZES = [("ba", "production"), ("a", "p"), ("a" * 16, "9" * 16)]
PREFIXES = st.from_regex(r"[a-z][a-z0-9]{0,15}", fullmatch=True)
ENVIRONMENTS = st.from_regex(r"[a-z0-9]{1,16}", fullmatch=True)


def is_ours(text):
    found = parse(text)
    return found is not None and found.checksum_ok


def test_the_parts_of_a_token_are_read():
    found = parse(TOKEN)
    assert found == ("ba", "production", "AbCdEfGh01234567", True)
    assert (found.prefix, found.environment, found.key_id) == (
        "ba",
        "production",
        "AbCdEfGh01234567",
    )


def test_the_checksum_is_the_crc_32_of_all_text_before_it_in_base62():
    number = 0
    for character in TOKEN[-6:]:
        number = number * 62 + BASE62.index(character)
    assert number == zlib.crc32(BODY.encode())


def test_a_small_checksum_is_padded_with_zeros():
    # CRC-32 of this text is 31,215,758, five digits in base62.
    text = "ba_production_AbCdEfGh01234567" + "0" * 40 + "002"
    crc = zlib.crc32(text.encode())
    assert crc < 62**5
    digits = ""
    while crc:
        crc, digit = divmod(crc, 62)
        digits = BASE62[digit] + digits
    assert is_ours(text + digits.rjust(6, "0"))
    assert not is_ours(text + digits)


def test_a_wrong_checksum_is_told_from_another_shape():
    found = parse(BODY + "000000")
    assert found == ("ba", "production", "AbCdEfGh01234567", False)
    assert parse(BODY + "00000") is None


def test_the_id_is_read_from_tokens_of_ours_only():
    assert minted_key_id(TOKEN) == "AbCdEfGh01234567"
    assert minted_key_id("legacy-key-of-someone") is None
    assert minted_key_id(TOKEN[:-1]) is None
    with pytest.raises(InvalidToken) as caught:
        minted_key_id(BODY + "17O6iY")
    assert caught.value.reason == "malformed"


@given(PREFIXES, ENVIRONMENTS)
def test_the_id_of_a_minted_token_is_that_which_is_parsed(prefix, environment):
    text = mint(prefix, environment)
    assert minted_key_id(text) == parse(text).key_id


@given(PREFIXES, ENVIRONMENTS)
def test_a_minted_token_is_read_back(prefix, environment):
    text = mint(prefix, environment)
    found = parse(text)
    assert (found.prefix, found.environment, found.checksum_ok) == (prefix, environment, True)
    assert text.startswith(f"{prefix}_{environment}_{found.key_id}")
    assert len(text) == len(prefix) + len(environment) + 2 + 16 + 43 + 6


def test_a_key_id_can_be_kept():
    first, second = mint("ba", "staging", "A" * 16), mint("ba", "staging", "A" * 16)
    assert parse(first).key_id == parse(second).key_id == "A" * 16
    assert first != second


def test_tokens_and_ids_are_fresh_and_use_the_whole_alphabet():
    tokens = [mint("ba", "production") for _ in range(200)]
    assert len(set(tokens)) == 200
    assert set("".join(text[-49:-6] for text in tokens)) == set(BASE62)
    ids = [new_key_id() for _ in range(200)]
    assert len(set(ids)) == 200
    assert all(len(key_id) == 16 for key_id in ids)
    assert set("".join(ids)) == set(BASE62)


def test_secret_and_id_come_from_the_whole_range(monkeypatch):
    asked = []

    def largest(limit):
        asked.append(limit)
        return limit - 1

    monkeypatch.setattr(module.secrets, "randbelow", largest)
    text = mint("ba", "production")
    assert text.startswith("ba_production_" + "z" * 16 + "z" * 43)
    assert sorted(asked) == [62**16, 62**43]
    assert 62**43 > 2**256


@pytest.mark.parametrize(("prefix", "environment"), SIZES)
def test_each_change_of_one_character_is_refused(prefix, environment):
    text = mint(prefix, environment)
    others = string.printable + "\x00\x0b\x85\xa0é\u0430"
    for place in range(len(text)):
        for other in others:
            if other != text[place]:
                assert not is_ours(text[:place] + other + text[place + 1 :])


@pytest.mark.parametrize(("prefix", "environment"), SIZES)
def test_each_insertion_deletion_truncation_and_swap_is_refused(prefix, environment):
    text = mint(prefix, environment)
    for place in range(len(text) + 1):
        for extra in BASE62 + "_ =-.\n\x00":
            assert not is_ours(text[:place] + extra + text[place:])
    for place in range(len(text)):
        assert not is_ours(text[:place] + text[place + 1 :])
        assert not is_ours(text[:place])
        if place:
            assert not is_ours(text[place:])
        swapped = text[:place] + text[place + 1 : place + 2] + text[place] + text[place + 2 :]
        assert swapped == text or not is_ours(swapped)


@given(PREFIXES, ENVIRONMENTS, st.data())
def test_a_random_token_with_a_random_change_is_refused(prefix, environment, data):
    text = mint(prefix, environment)
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters().filter(lambda c: c != text[place]))
    assert not is_ours(text[:place] + other + text[place + 1 :])


@given(st.text())
def test_any_text_can_be_asked(text):
    assert parse(text) is None or not is_ours(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ba_production_",
        TOKEN.upper(),
        TOKEN.swapcase(),
        " " + TOKEN,
        TOKEN + "\n",
        TOKEN + "=",
        TOKEN.replace("_", "-"),
        TOKEN.replace("ba", "b\u0430"),
        TOKEN.replace("0", "\u0660"),
        "1" + TOKEN,
        "_" + TOKEN,
        "x_" + TOKEN,
        TOKEN + TOKEN,
        "a" * 17 + TOKEN[2:],
        TOKEN.replace("production", "productionproduct"),
        TOKEN.replace("production", ""),
        TOKEN.replace("production", "Production"),
    ],
)
def test_text_of_another_shape_is_none_of_ours(text):
    assert parse(text) is None


def test_a_redacted_token_shows_which_key_it_is_and_no_more():
    assert redact(TOKEN) == "ba_production_AbCd…"
    assert redact(BODY + "000000") == "ba_production_AbCd…"


@pytest.mark.parametrize("text", ["", "legacy-key-of-someone", TOKEN[:-1], "hunter2 hunter2"])
def test_other_text_is_not_shown_at_all(text):
    assert redact(text) == "…"


@pytest.mark.parametrize(
    ("number", "width", "text"),
    [
        (0, 1, "0"),
        (0, 3, "000"),
        (9, 1, "9"),
        (10, 1, "A"),
        (35, 1, "Z"),
        (36, 1, "a"),
        (61, 1, "z"),
        (62, 2, "10"),
        (62, 1, "0"),
        (62**6 - 1, 6, "zzzzzz"),
        (5, 0, ""),
    ],
)
def test_base62_is_digits_then_upper_then_lower_case(number, width, text):
    assert base62(number, width) == text


@pytest.mark.parametrize("prefix", ["a", "ba", "z9", "a" * 16])
def test_a_good_prefix_is_returned(prefix):
    assert check_part("prefix", prefix) == prefix


@pytest.mark.parametrize("prefix", ["", "9a", "A", "a_b", "a-b", "a" * 17, "a\n", "é", " a"])
def test_a_bad_prefix_is_refused_with_the_fix(prefix):
    with pytest.raises(ConfigurationError, match=r"not a key prefix: .*such as 'acme'"):
        check_part("prefix", prefix)
    with pytest.raises(ConfigurationError, match="not a key prefix"):
        mint(prefix, "production")


@pytest.mark.parametrize("environment", ["p", "9", "production", "a" * 16])
def test_a_good_environment_is_returned(environment):
    assert check_part("environment", environment) == environment


@pytest.mark.parametrize(
    "environment", ["", "Prod", "pre_prod", "a" * 17, "a\n", "prod ", "\u0661"]
)
def test_a_bad_environment_is_refused_with_the_fix(environment):
    with pytest.raises(ConfigurationError, match=r"not an environment: .*such as 'production'"):
        check_part("environment", environment)
    with pytest.raises(ConfigurationError, match="not an environment"):
        mint("ba", environment)


@pytest.mark.parametrize("name", ["prefix", "environment"])
@pytest.mark.parametrize(("text", "kind"), [(None, "NoneType"), (5, "int"), (b"ba", "bytes")])
def test_what_is_no_text_is_refused_by_name(name, text, kind):
    with pytest.raises(TypeError, match=f"^{name} must be text, not {kind}$"):
        check_part(name, text)


def test_an_id_is_16_letters_and_digits():
    assert check_key_id("AbCdEfGh01234567") == "AbCdEfGh01234567"
    for text in ("", "AbCdEfGh0123456", "AbCdEfGh012345678", "AbCdEfGh01234567\n"):
        with pytest.raises(ConfigurationError, match=r"^that is no key id \(16 letters and digits"):
            check_key_id(text)
    with pytest.raises(TypeError, match="key_id must be text, not NoneType"):
        check_key_id(None)
