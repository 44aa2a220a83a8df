"""THREATS.md, "Reading the credential": the rows that the header parser and the hashes answer."""

import base64
import hashlib
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bearer_auth.authenticator import Authenticator
from bearer_auth.errors import InvalidToken
from bearer_auth.hashing import hash_token
from bearer_auth.header import bearer_token
from bearer_auth.records import KeyRecord
from bearer_auth.stores.memory import MemoryStore
from bearer_auth.token import parse

TOKEN = "ba_production_AbCdEfGh012345670123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg17O6iX"
AUTHENTICATOR = Authenticator(MemoryStore([KeyRecord.from_token(TOKEN, user_id="user_123")]))
assert AUTHENTICATOR.authenticate(TOKEN)  # from here on it is cached: a hit is as strict as a miss


def accepted(value):
    """Whether a header value is accepted, by an authenticator that has and one that hasn't seen
    the key before; they must agree.
    """
    answers = set()
    for cache_size in (0, 16_384):
        fresh = Authenticator(AUTHENTICATOR._store, cache_size=cache_size)
        for authenticator in (fresh, AUTHENTICATOR):
            try:
                answers.add(authenticator.authenticate_header(value).user_id)
            except InvalidToken:
                answers.add(None)
    (answer,) = answers
    return answer is not None


@pytest.mark.parametrize(
    "value",
    [
        "Bearer {}",
        "bearer {}",
        "BEARER {}",
        "Bearer  {}",
        "Bearer     {}",
        "Bearer {} ",
        "\tBearer {}\t",
    ],
)
def test_each_spelling_that_the_standards_allow_is_accepted(value):
    assert accepted(value.format(TOKEN))


@pytest.mark.parametrize(
    "blank",
    ["\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x1f", "\x85", "\xa0", "\u2003", "\u3000", "\ufeff"],
)
def test_row_lax_splitting_only_sp_and_htab_are_blanks(blank):
    for value in (
        f"{blank}Bearer {TOKEN}",
        f"Bearer {TOKEN}{blank}",
        f"Bearer{blank}{TOKEN}",
        f"Bearer {blank}{TOKEN}",
        f"Bearer{blank} {TOKEN}",
        f" {blank} Bearer {TOKEN}",
    ):
        assert not accepted(value)


@pytest.mark.parametrize("joint", [",", ", ", " ,", "\r", "\n", "\r\n", "\r\n ", "\n\t", "\x00"])
def test_row_servers_differ_a_joined_or_folded_line_is_refused(joint):
    for value in (
        f"Bearer {TOKEN}{joint}Bearer {TOKEN}",
        f"Bearer {TOKEN}{joint}Basic dXNlcjpwdw==",
        f"Basic dXNlcjpwdw=={joint}Bearer {TOKEN}",
        f"Bearer {TOKEN}{joint}",
        f"{joint}Bearer {TOKEN}",
        f"Bearer{joint}{TOKEN}",
        f"Bearer {joint}{TOKEN}",
    ):
        assert not accepted(value)


@pytest.mark.parametrize("character", ["é", "ÿ", "\x80", "\u0131", "\U0001f511", "\ud800"])
def test_row_non_ascii_is_a_401_and_never_raises_anything_else(character):
    for value in (f"Bearer {TOKEN}{character}", f"B{character}earer {TOKEN}", character):
        assert not accepted(value)
        with pytest.raises(InvalidToken):
            bearer_token(value)


FULL_WIDTH = "".join(chr(ord(c) + 0xFEE0) for c in TOKEN)

LOOK_ALIKES = {
    "upper case": TOKEN.upper(),
    "lower case": TOKEN.lower(),
    "swapped case": TOKEN.swapcase(),
    "percent-encoded": TOKEN.replace("_", "%5F"),
    "all percent-encoded": "".join(f"%{ord(c):02X}" for c in TOKEN),
    "base64": base64.b64encode(TOKEN.encode()).decode(),
    "hexadecimal": TOKEN.encode().hex(),
    "Cyrillic": TOKEN.replace("a", "\u0430"),
    "full width": FULL_WIDTH,
    "one full-width letter": FULL_WIDTH[0] + TOKEN[1:],
    "the stored digest": hashlib.sha256(TOKEN.encode()).hexdigest(),
    "the stored hash": hash_token(TOKEN),
}


@pytest.mark.parametrize("other", list(LOOK_ALIKES.values()), ids=list(LOOK_ALIKES))
def test_row_look_alikes_nothing_is_normalised(other):
    assert other != TOKEN
    assert not accepted(f"Bearer {other}")


def test_the_full_width_look_alike_would_pass_if_something_normalised_it():
    assert unicodedata.normalize("NFKC", FULL_WIDTH) == TOKEN


@pytest.mark.parametrize("scheme", ["B\u0435arer", "Bea\u0280er", "\uff22earer", "Be\u0430rer"])
def test_row_look_alikes_of_the_scheme(scheme):
    assert not accepted(f"{scheme} {TOKEN}")


@pytest.mark.parametrize("padding", ["=", "==", "===="])
def test_row_malleable_keys_padding_is_not_ignored(padding):
    assert bearer_token(f"Bearer {TOKEN}{padding}") == TOKEN + padding
    assert parse(TOKEN + padding) is None
    assert not accepted(f"Bearer {TOKEN}{padding}")


def test_row_malleable_keys_no_part_of_the_key_is_enough():
    for length in range(len(TOKEN)):
        assert not accepted(f"Bearer {TOKEN[:length]}")
        if length:
            assert not accepted(f"Bearer {TOKEN[length:]}")
    assert not accepted(f"Bearer {TOKEN}{TOKEN}")
    assert not accepted(f"Bearer {TOKEN}.")


def test_row_malleable_keys_comparison_is_constant_time(monkeypatch):
    compared = []

    def compare_digest(left, right):
        compared.append((left, right))
        return left == right

    monkeypatch.setattr("bearer_auth.authenticator.compare_digest", compare_digest)
    Authenticator(AUTHENTICATOR._store).authenticate(TOKEN)
    assert compared == [(hash_token(TOKEN), hash_token(TOKEN))]


def test_row_huge_values_are_refused_before_anything_is_read():
    class Unread(str):
        """A header value of 4,097 characters that fails when more than its start is read."""

        __slots__ = ()

        def __len__(self):
            return 4097

        def strip(self, *args):
            raise AssertionError("a huge value was read")

        isascii = encode = strip

    with pytest.raises(InvalidToken):
        bearer_token(Unread(f"Bearer {TOKEN}"))
    assert not accepted(Unread(f"Bearer {TOKEN}"))


# The pattern can't backtrack into more than linear work: each of its three repeated classes (SP,
# the token's characters, "=") is disjoint from what may follow it, so there is one way to read any
# text. These are the longest values that make a pattern without that property explode.
@pytest.mark.parametrize(
    "value",
    [
        " " * 4096,
        "\t" * 4096,
        "Bearer" + " " * 4090,
        "Bearer" + " " * 4089 + ",",
        "Bearer " + "a" * 4088 + ",",
        "Bearer a" + "=" * 4087 + ",",
        "Bearer " + "a=" * 2044 + ",",
        "Bearer " * 585,
        "Bearer,".ljust(4096, "\t"),
        "b" * 4096,
    ],
)
def test_row_huge_values_the_worst_case_of_4096_characters_completes(value):
    assert len(value) <= 4096
    with pytest.raises(InvalidToken):
        bearer_token(value)


@given(st.text(max_size=60))
def test_row_key_material_in_answers_no_client_text_is_in_an_error(text):
    with pytest.raises(InvalidToken) as caught:
        bearer_token(f"Bearer zqxj{text},zqxj")
    error = caught.value
    assert "zqxj" not in f"{error!r} {error} {vars(error)} {error.wire({})}"
    assert error.__cause__ is None
    assert error.__context__ is None


def test_row_enumeration_every_refusal_of_a_bearer_credential_is_the_same_answer():
    answers = set()
    for value in ("Bearer", "Bearer é", f"Bearer {TOKEN},", "Bearer " + "a" * 5000):
        with pytest.raises(InvalidToken) as caught:
            bearer_token(value)
        answers.add(caught.value.wire({}))
    for reason in ("unknown", "wrong_secret", "expired", "revoked", "suspended", "environment"):
        answers.add(InvalidToken(reason, key_id="AbCdEfGh01234567").wire({}))
    assert len(answers) == 1
