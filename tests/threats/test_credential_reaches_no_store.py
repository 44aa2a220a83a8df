"""THREATS.md, "Reading the credential": the rows that need the authenticator.

What can't be a key never reaches the store, and what isn't one costs the same whatever is wrong.
"""

import hmac
import logging
from collections.abc import Hashable, Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest

from bearer_auth import Authenticator, BearerAuth, InvalidToken, KeyRecord, Keyring, MemoryStore
from bearer_auth import authenticator as authenticator_module
from bearer_auth.testing import FakeClock

TOKEN = "ba_production_AbCdEfGh012345670123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg17O6iX"


class Untouchable:
    """A store that fails the test when it is asked anything."""

    def get(self, key_id: str) -> KeyRecord | None:
        pytest.fail(f"the store was asked for {key_id!r}")

    def revision(self) -> Hashable:
        pytest.fail("the store was asked for its revision")

    def key_ids_for(self, text: str) -> Sequence[str]:
        pytest.fail(f"the store was asked for the ids of {text!r}")

    def record_used(self, batch: Sequence[object]) -> None:
        pytest.fail("the store was told of a use")


class Plain:
    """A store that knows minted keys only, and fails the test when it is asked for one."""

    def get(self, key_id: str) -> KeyRecord | None:
        pytest.fail(f"the store was asked for {key_id!r}")


MALFORMED = [
    None,
    "",
    " ",
    "Bearer",
    "Bearer ",
    "Bearer  ",
    "Bearer \t",
    "Bearer\t",
    "Bearer ,",
    "Bearer =",
    "Bearer ==",
    f"Bearer {TOKEN} ,",
    f"Bearer {TOKEN},Bearer {TOKEN}",
    f"Bearer {TOKEN} {TOKEN}",
    f"Bearer\t{TOKEN}",
    f"Bearer \x0b{TOKEN}",
    f"Bearer {TOKEN}\x00",
    f"Bearer {TOKEN}\n",
    f"Bearer {TOKEN}\xa0",
    f"Bearer {TOKEN}é",
    f"Bearer {TOKEN}\ud800",
    f"Basic {TOKEN}",
    f"Token {TOKEN}",
    TOKEN,
    "Bearer " + "a" * 4090,
]


@pytest.mark.parametrize("value", MALFORMED)
def test_row_empty_token_no_store_is_asked_for_what_is_no_token(value: str | None) -> None:
    authenticator = Authenticator(Untouchable(), peppers=["pepper"])
    with pytest.raises(InvalidToken):
        authenticator.authenticate_header(value)


@pytest.mark.parametrize("token", ["", " ", "=", "a b", "a\n", "é", "\ud800", "a" * 4090])
def test_row_empty_token_nor_from_code(token: str) -> None:
    authenticator = Authenticator(Untouchable(), peppers=["pepper"])
    with pytest.raises(InvalidToken):
        authenticator.authenticate(token)


@pytest.mark.parametrize("position", range(len(TOKEN) - 49, len(TOKEN)))
def test_row_malleable_keys_a_wrong_checksum_reaches_no_store(position: int) -> None:
    """The 43 characters of the secret and the 6 of the checksum."""
    other = "1" if TOKEN[position] == "0" else "0"
    authenticator = Authenticator(Untouchable(), peppers=["pepper"])
    with pytest.raises(InvalidToken) as caught:
        authenticator.authenticate(TOKEN[:position] + other + TOKEN[position + 1 :])
    assert caught.value.reason == "malformed"


@pytest.mark.parametrize(
    "text", ["legacy-key-0123456789", TOKEN[:-1], TOKEN + "=", TOKEN.upper(), "a"]
)
def test_row_malleable_keys_other_text_reaches_no_store_without_a_pepper(text: str) -> None:
    with pytest.raises(InvalidToken) as caught:
        Authenticator(Plain()).authenticate(text)
    assert caught.value.reason == "unknown"


# Enumeration


class Work:
    """Counts what a look-up does."""

    def __init__(self, store: MemoryStore) -> None:
        self.inner = store
        self.done: list[str] = []

    def get(self, key_id: str) -> KeyRecord | None:
        self.done.append("get")
        return self.inner.get(key_id)

    def revision(self) -> Hashable:
        self.done.append("revision")
        return self.inner.revision()

    def compare_digest(self, one: Any, other: Any) -> bool:
        assert len(one) == len(other)  # or it returns early
        self.done.append("compare")
        return hmac.compare_digest(one, other)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    work = Work(MemoryStore())
    monkeypatch.setattr(authenticator_module, "compare_digest", work.compare_digest)
    return work


@pytest.fixture
def refused(work: Work, clock: FakeClock) -> dict[str, str]:
    """A token for each reason of a refusal."""
    keyring = Keyring(work.inner, clock=clock)
    tokens = {"unknown": TOKEN}
    wrong = keyring.create(user_id="user_123")
    keyring.rotate(wrong.key_id, timedelta(0))
    tokens["wrong_secret"] = wrong.token
    for name, change in (("revoked", keyring.revoke), ("suspended", keyring.suspend)):
        issued = keyring.create(user_id="user_123")
        change(issued.key_id)
        tokens[name] = issued.token
    tokens["environment"] = keyring.create(user_id="user_123", environment="staging").token
    tokens["expired"] = keyring.create(user_id="user_123", expires_in=timedelta(1)).token
    clock.advance(timedelta(1))
    return tokens


def test_row_enumeration_the_same_kind_of_work(
    work: Work, clock: FakeClock, refused: dict[str, str]
) -> None:
    authenticator = Authenticator(work, clock=clock)
    for reason, token in refused.items():
        work.done.clear()
        with pytest.raises(InvalidToken) as caught:
            authenticator.authenticate(token)
        assert caught.value.reason == reason
        assert work.done == ["revision", "get", "compare"], reason


def test_row_enumeration_the_same_answer(
    work: Work, clock: FakeClock, refused: dict[str, str]
) -> None:
    def app(environ: Any, start_response: Any) -> Iterator[bytes]:
        pytest.fail("the app was reached")

    door = BearerAuth(app, work, clock=clock)
    answers = []
    for token in [*refused.values(), TOKEN[:-1] + "0", "legacy-key-0123456789"]:
        environ = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": "/",
            "HTTP_AUTHORIZATION": f"Bearer {token}",
            "HTTP_X_REQUEST_ID": "r1",
        }
        heads: list[Any] = []
        body = list(door(environ, lambda *head: heads.append(head)))  # noqa: B023
        answers.append((body, heads))
    assert answers[0] == (
        [b'{"success": false, "error": {"code": "UNAUTHORIZED", "message": "Invalid API key"}}'],
        [
            (
                "401 Unauthorized",
                [
                    ("Content-Type", "application/json"),
                    ("Content-Length", "83"),
                    ("Cache-Control", "no-store"),
                    ("WWW-Authenticate", 'Bearer realm="api", error="invalid_token"'),
                    ("X-Request-ID", "r1"),
                ],
            )
        ],
    )
    assert all(answer == answers[0] for answer in answers)


def test_row_key_material_no_secret_in_the_log_of_a_refusal(
    work: Work, clock: FakeClock, refused: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    def app(environ: Any, start_response: Any) -> Iterator[bytes]:
        pytest.fail("the app was reached")

    door = BearerAuth(app, work, clock=clock, peppers=["hunter2"])
    texts = [*refused.values(), "legacy-key-0123456789", TOKEN[:-1] + "0"]
    with caplog.at_level(logging.DEBUG):
        for token in texts:
            environ = {"REQUEST_METHOD": "GET", "HTTP_AUTHORIZATION": f"Bearer {token}"}
            list(door(environ, lambda *head: None))
    assert len(caplog.records) == len(texts)
    for token in texts:
        assert token[-49:] not in caplog.text
    assert "legacy" not in caplog.text
    assert "hunter2" not in caplog.text
