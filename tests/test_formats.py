"""Formats of keys that others have issued."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bearer_auth import Authenticator, InvalidToken, KeyRecord, MemoryStore, Secret
from bearer_auth.errors import ConfigurationError, StoreUnavailable
from bearer_auth.formats import DigestFormat, DRFAPIKeyFormat, KnoxFormat
from bearer_auth.hashing import SlowHasher
from bearer_auth.token import mint

DRF = "AbCdEfGh.0123456789abcdefghijklmnopqrstuv"
KNOX = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("one", "text"),
    [
        (DRFAPIKeyFormat(), DRF),
        (DRFAPIKeyFormat(4, 5), "abcd.12345"),
        (KnoxFormat(), KNOX),
        (KnoxFormat("acme."), "acme." + KNOX),
        (KnoxFormat(length=32, algorithm="sha256"), KNOX[:32]),
        (DigestFormat("tok_[a-z]{20}"), "tok_abcdefghijklmnopqrst"),
    ],
)
def test_its_own_are_recognised_and_nothing_like_them(one, text):
    (key_id,) = one.key_ids_for(text)
    assert len(key_id) == 16
    assert key_id.isalnum()
    for other in ("", text[:-1], text + "x", " " + text, text + "\n", text.replace("a", "ä"), "x"):
        if other != text:
            assert one.key_ids_for(other) == ()


def test_ids_stay_what_they_are():
    """A change would lose the keys of all who have moved in."""
    assert DRFAPIKeyFormat().key_ids_for(DRF) == ("V2zy5lowa7Jqpj6G",)
    assert DRFAPIKeyFormat.id_of("AbCdEfGh") == "V2zy5lowa7Jqpj6G"
    digest = hashlib.sha512(KNOX.encode()).hexdigest()
    assert KnoxFormat().key_ids_for(KNOX) == (DigestFormat.id_of(digest),)
    assert DigestFormat.id_of(digest) == DigestFormat.id_of(digest.upper()) == "na8WsyuXiZWyjb9q"


@given(st.text(max_size=200))
def test_any_text_is_answered(text):
    for one in (DRFAPIKeyFormat(), KnoxFormat(), DigestFormat(".{20,}")):
        assert len(one.key_ids_for(text)) <= 1


@pytest.mark.parametrize(
    ("wrong", "error", "said"),
    [
        (lambda: DigestFormat("["), ConfigurationError, "pattern is no regular expression"),
        (lambda: DigestFormat("x", "md5"), ConfigurationError, "'sha256' or 'sha512': 'md5'"),
        (lambda: authenticator(DRFAPIKeyFormat), TypeError, r"write DRFAPIKeyFormat\(\)"),
        (lambda: authenticator("x"), TypeError, "a method key_ids_for, not str"),
        (
            lambda: Authenticator(MemoryStore(), formats=DRFAPIKeyFormat()),
            TypeError,
            "formats",
        ),
    ],
)
def test_what_is_no_format_is_refused(wrong, error, said):
    with pytest.raises(error, match=said):
        wrong()


def authenticator(*formats, store=None, **options):
    return Authenticator(store or MemoryStore(), formats=formats, **options)


class Asked:
    """Knows one id, and notes what it was asked."""

    def __init__(self, *ids):
        self.ids = ids
        self.texts = []

    def key_ids_for(self, text):
        self.texts.append(text)
        return self.ids


def record(key_id, token, scheme="sha512", **fields):
    phc = f"${scheme}${hashlib.new(scheme, token.encode()).hexdigest()}"
    return KeyRecord(key_id=key_id, user_id="user_123", secrets=(Secret(hash=phc),), **fields)


def test_the_first_format_that_returns_any_decides():
    first, second, third = Asked(), Asked("a" * 16), Asked("b" * 16)
    store = MemoryStore([record("a" * 16, "some-token"), record("b" * 16, "some-token")])
    checked = authenticator(first, second, third, store=store)
    assert checked.authenticate("some-token").key_id == "a" * 16
    assert (first.texts, second.texts, third.texts) == (["some-token"], ["some-token"], [])
    checked.close()


def test_a_token_of_our_shape_is_never_another_ones():
    asked = Asked("a" * 16)
    token = mint("ba", "production")
    checked = authenticator(asked, store=MemoryStore([record("a" * 16, token)]))
    for text in (token, token[:-1] + ("x" if token[-1] != "x" else "y")):
        with pytest.raises(InvalidToken):
            checked.authenticate(text)
    assert asked.texts == []


def test_a_format_that_fails_is_a_503():
    class Broken:
        def key_ids_for(self, text):
            raise ValueError(text)

    with pytest.raises(StoreUnavailable) as caught:
        authenticator(Broken()).authenticate("hunter2-hunter2")
    assert str(caught.value) == "Broken.key_ids_for raised ValueError"


def test_no_slow_hash_runs_for_an_id_that_anybody_may_know(monkeypatch):
    """Argon2 as a weapon: the prefix is public, so a forged secret would cost 20 ms and 64 MiB."""
    phc = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHRzYWx0$c29tZWhhc2hzb21laGFzaA"
    key_id = DRFAPIKeyFormat.id_of("AbCdEfGh")
    store = MemoryStore([KeyRecord(key_id=key_id, user_id="u", secrets=(Secret(hash=phc),))])
    monkeypatch.setattr(SlowHasher, "verify", lambda *_: pytest.fail("a slow hash ran"))
    with pytest.raises(InvalidToken):
        authenticator(DRFAPIKeyFormat(), store=store).authenticate(DRF)


@pytest.mark.parametrize("scheme", ["sha256", "sha512"])
def test_both_digests_prove_and_only_the_right_text_does(scheme):
    key_id = DRFAPIKeyFormat.id_of("AbCdEfGh")
    store = MemoryStore([record(key_id, DRF, scheme)])
    checked = authenticator(DRFAPIKeyFormat(), store=store)
    for _ in range(2):  # cold and from the cache
        assert checked.authenticate(DRF).key_id == key_id
    with pytest.raises(InvalidToken) as caught:
        checked.authenticate(DRF[:-1] + "w")
    assert caught.value.reason == "wrong_secret"
    checked.close()
