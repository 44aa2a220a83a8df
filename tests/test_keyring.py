"""The keyring: the life of a key, over a store in memory and one in a file."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bearer_auth import (
    Authenticator,
    ConfigurationError,
    Conflict,
    EnvStore,
    Event,
    InvalidToken,
    IssuedKey,
    KeyExists,
    KeyInactive,
    KeyNotFound,
    KeyRecord,
    Keyring,
    MemoryStore,
    ReadOnlyStore,
    RotationInProgress,
)
from bearer_auth.stores.sql import SQLStore
from bearer_auth.testing import FakeClock

HOUR = timedelta(hours=1)
NOON = datetime(2030, 1, 1, 12, 0, 0, tzinfo=UTC)
MINTED = "ba_staging_AbCdEfGh012345670123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg2N0EIa"
LEGACY = "legacy-key-0123456789"
MISSING = "0000000000000000"
SHA256 = "$sha256$" + "0123456789abcdef" * 4
ARGON2ID = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21l$" + "A" * 43


class Events(list[Event]):
    """A sink that keeps what it is told."""

    def emit(self, event: Event) -> None:
        self.append(event)

    @property
    def names(self) -> list[str]:
        return [event.name for event in self]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def events() -> Events:
    return Events()


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MemoryStore | SQLStore]:
    if request.param == "memory":
        yield MemoryStore()
        return
    store = SQLStore(f"sqlite:///{tmp_path}/keys.db")
    yield store
    store.close()


@pytest.fixture
def keyring(store: MemoryStore | SQLStore, clock: FakeClock, events: Events) -> Keyring:
    return Keyring(store, prefix="acme", peppers=["pepper"], event_sink=events, clock=clock)


@pytest.fixture
def authenticator(store: MemoryStore | SQLStore, clock: FakeClock) -> Iterator[Authenticator]:
    authenticator = Authenticator(
        store, environments=["production", "staging"], peppers=["pepper"], clock=clock
    )
    yield authenticator
    authenticator.close()


@pytest.fixture
def cheap_argon2(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2id with its lowest cost, so that a test takes no 50 ms a hash."""
    import argon2

    class Cheap(argon2.PasswordHasher):
        def __init__(self) -> None:
            super().__init__(time_cost=1, memory_cost=8, parallelism=1)

    monkeypatch.setattr(argon2, "PasswordHasher", Cheap)


def works(authenticator: Authenticator, token: str) -> bool:
    try:
        authenticator.authenticate(token)
    except InvalidToken:
        return False
    return True


# Creating


def test_a_new_key_has_what_was_said_of_it(keyring: Keyring, store: MemoryStore) -> None:
    issued = keyring.create(
        user_id="user_123",
        plan="pro",
        name="CI",
        scopes=["ensembles:execute"],
        environment="staging",
        expires_in=timedelta(days=90),
        tenant_id="acme",
        allowed_ips=["192.0.2.0/24"],
        created_by="admin",
        limit="10/minute",
        metadata={"team": "blue"},
    )
    record = issued.record
    assert issued.token.startswith(f"acme_staging_{issued.key_id}")
    assert record.user_id == "user_123"
    assert record.plan == "pro"
    assert record.name == "CI"
    assert record.scopes == ("ensembles:execute",)
    assert record.environment == "staging"
    assert record.status == "active"
    assert record.created_at == NOON
    assert record.expires_at == datetime(2030, 4, 1, 12, 0, 0, tzinfo=UTC)
    assert record.tenant_id == "acme"
    assert record.allowed_ips == ("192.0.2.0/24",)
    assert record.created_by == "admin"
    assert record.limit == "10/minute"
    assert record.metadata == {"team": "blue"}
    assert len(record.secrets) == 1
    assert record.secrets[0].created_at == NOON
    assert record.secrets[0].expires_at is None
    assert record.secrets[0].hash.startswith("$sha256$")
    assert store.get(issued.key_id) == record


def test_a_new_key_is_modest_by_default(keyring: Keyring) -> None:
    record = keyring.create(user_id="user_123").record
    assert record.plan == "default"
    assert record.name == ""
    assert record.scopes == ()
    assert record.environment == "production"
    assert record.expires_at is None
    assert record.allowed_ips == ()
    assert record.metadata == {}


def test_no_two_keys_are_alike(keyring: Keyring) -> None:
    keys = [keyring.create(user_id="user_123") for _ in range(20)]
    assert len({key.token for key in keys}) == 20
    assert len({key.key_id for key in keys}) == 20


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"user_id": ""}, ConfigurationError, "user_id must have 1 to 255"),
        ({"user_id": 5}, TypeError, "user_id must be text"),
        ({"scope": ["a"]}, TypeError, "unknown field 'scope'; a key has plan, name, scopes"),
        ({"key_id": MISSING}, TypeError, "unknown field 'key_id'"),
        ({"status": "revoked"}, TypeError, "unknown field 'status'"),
        ({"scopes": "admin"}, TypeError, r"write scopes=\[…\]"),
        ({"scopes": ["a b"]}, ConfigurationError, "not a scope: 'a b'"),
        ({"environment": "Production"}, ConfigurationError, "not an environment"),
        ({"expires_in": timedelta(0)}, ConfigurationError, "ended already"),
        ({"expires_in": timedelta(-1)}, ConfigurationError, "expires_in is negative"),
        ({"expires_in": timedelta.max}, ConfigurationError, "expires_in is longer than"),
        ({"expires_in": 90}, TypeError, "expires_in must be a timedelta"),
        ({"expires_at": datetime(2031, 1, 1)}, ConfigurationError, "expires_at has no time zone"),
        ({"expires_at": NOON}, ConfigurationError, "ended already"),
        ({"expires_at": NOON + HOUR, "expires_in": HOUR}, TypeError, "not both"),
        ({"allowed_ips": ["192.0.2.1/24"]}, ConfigurationError, "host bits"),
        ({"metadata": []}, TypeError, "metadata must be a JSON object"),
        ({"metadata": {"a": float("nan")}}, ConfigurationError, "metadata must be a JSON object"),
        ({"metadata": {"a": "x" * 9000}}, ConfigurationError, "at most 8192"),
        ({"name": "a\nb"}, ConfigurationError, "name has a control character"),
    ],
)
def test_what_can_not_be_said_of_a_key_is_refused_and_nothing_stored(
    keyring: Keyring, fields: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        keyring.create(**{"user_id": "user_123", **fields})
    assert len(keyring.list()) == 0


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"store": object()}, TypeError, r"with a method get\(key_id\), not object"),
        ({"store": MemoryStore}, TypeError, r"write MemoryStore\(\), not MemoryStore"),
        ({"clock": None}, TypeError, "clock must be a function such as time.time, not None"),
        ({"clock": 5}, TypeError, "clock must be a function such as time.time, not 5"),
        ({"prefix": "Acme"}, ConfigurationError, "not a key prefix: 'Acme'"),
        ({"peppers": "pepper"}, TypeError, "peppers must be a list"),
        ({"peppers": [""]}, ConfigurationError, "a pepper is empty"),
        ({"hashing": "md5"}, ConfigurationError, "'sha256' or 'argon2id', not 'md5'"),
        ({"event_sink": object()}, TypeError, "event_sink must be an object with a method emit"),
    ],
)
def test_a_wrong_argument_is_refused_at_the_start(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        Keyring(**{"store": MemoryStore(), **arguments})


# Importing


def test_a_key_that_someone_uses_keeps_working(
    keyring: Keyring, authenticator: Authenticator, cheap_argon2: None
) -> None:
    record = keyring.import_token(LEGACY, user_id="user_123", plan="pro", expires_in=HOUR)
    assert record.environment == "production"
    assert record.created_at == NOON
    assert record.expires_at == NOON + HOUR
    assert record.secrets[0].hash.startswith("$argon2id$")
    principal = authenticator.authenticate(LEGACY)
    assert (principal.user_id, principal.plan) == ("user_123", "pro")


def test_an_imported_key_can_be_rotated_into_a_minted_one(
    keyring: Keyring, authenticator: Authenticator, clock: FakeClock, cheap_argon2: None
) -> None:
    record = keyring.import_token(LEGACY, user_id="user_123")
    issued = keyring.rotate(record.key_id, HOUR)
    assert issued.key_id == record.key_id
    assert works(authenticator, issued.token)
    assert works(authenticator, LEGACY)
    clock.advance(HOUR)
    assert works(authenticator, issued.token)
    assert not works(authenticator, LEGACY)


def test_a_minted_key_is_taken_in_under_its_own_id(
    keyring: Keyring, authenticator: Authenticator
) -> None:
    record = keyring.import_token(MINTED, user_id="user_123")
    assert record.key_id == "AbCdEfGh01234567"
    assert record.environment == "staging"
    assert record.secrets[0].hash.startswith("$sha256$")
    assert works(authenticator, MINTED)


def test_a_key_is_taken_in_once(keyring: Keyring, cheap_argon2: None) -> None:
    keyring.import_token(LEGACY, user_id="user_123")
    keyring.import_token(MINTED, user_id="user_123")
    for token in (LEGACY, MINTED):
        with pytest.raises(KeyExists):
            keyring.import_token(token, user_id="user_456")


def test_a_new_pepper_leaves_keys_of_the_old_one_working(
    store: MemoryStore | SQLStore, clock: FakeClock, cheap_argon2: None
) -> None:
    Keyring(store, peppers=["old"], clock=clock).import_token(LEGACY, user_id="user_123")
    newer = Keyring(store, peppers=["new", "old"], clock=clock)
    newer.import_token("another-key-0123456789", user_id="user_456")
    both = Authenticator(store, peppers=["new", "old"], clock=clock)
    only_new = Authenticator(store, peppers=["new"], clock=clock)
    assert both.authenticate(LEGACY).user_id == "user_123"
    assert both.authenticate("another-key-0123456789").user_id == "user_456"
    assert only_new.authenticate("another-key-0123456789").user_id == "user_456"
    assert not works(only_new, LEGACY)
    both.close()
    only_new.close()


def test_a_key_of_the_old_pepper_is_not_taken_in_again_under_the_new_one(
    store: MemoryStore | SQLStore, clock: FakeClock, cheap_argon2: None
) -> None:
    old = Keyring(store, peppers=["old"], clock=clock).import_token(LEGACY, user_id="user_123")
    newer = Keyring(store, peppers=["new", "old"], clock=clock)
    with pytest.raises(KeyExists, match=f"already stored, with the id {old.key_id}"):
        newer.import_token(LEGACY, user_id="user_123")


@pytest.mark.parametrize(
    ("token", "error", "message"),
    [
        ("", ConfigurationError, "at least 8 characters"),
        ("short", ConfigurationError, "at least 8 characters"),
        ("hunter2 hunter2", ConfigurationError, "not a token"),
        ("hunter2-\u00fc-hunter2", ConfigurationError, "not a token"),
        (MINTED[:-1] + "0", ConfigurationError, "wrong checksum"),
        (b"legacy-key-0123456789", TypeError, "a token must be text, not bytes"),
    ],
)
def test_text_that_can_be_no_token_is_refused_and_never_quoted(
    keyring: Keyring, token: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message) as caught:
        keyring.import_token(token, user_id="user_123")
    assert not token or repr(token)[2:-1] not in str(caught.value)
    assert len(keyring.list()) == 0


def test_import_needs_a_pepper(store: MemoryStore) -> None:
    for token in (LEGACY, MINTED):
        with pytest.raises(ConfigurationError, match="import_token needs a pepper"):
            Keyring(store).import_token(token, user_id="user_123")


def test_a_hash_is_taken_in(keyring: Keyring, authenticator: Authenticator) -> None:
    elsewhere = Keyring(MemoryStore()).create(user_id="user_123")
    record = keyring.import_hash(
        elsewhere.key_id, elsewhere.record.secrets[0].hash, user_id="user_123", plan="pro"
    )
    assert record.created_at == NOON
    assert authenticator.authenticate(elsewhere.token).plan == "pro"


def test_a_slow_hash_is_taken_in_with_its_sieve(keyring: Keyring) -> None:
    record = keyring.import_hash(MISSING, ARGON2ID, user_id="user_123", sieve="0A1B2C")
    assert record.secrets[0].sieve == "0a1b2c"
    assert record.secrets[0].hash == ARGON2ID


def test_a_fast_hash_needs_no_sieve(keyring: Keyring) -> None:
    record = keyring.import_hash(MISSING, SHA256, user_id="user_123", sieve="0a1b2c")
    assert record.secrets[0].sieve is None


@pytest.mark.parametrize(
    ("key_id", "phc", "sieve", "message"),
    [
        (MISSING, ARGON2ID, None, "needs its sieve"),
        (MISSING, ARGON2ID, "xyz", "sieve must be 6 hexadecimal digits"),
        (MISSING, "0123456789abcdef" * 4, None, "not a hash that is understood"),
        (MISSING, "$2b$12$hunter2hunter2", None, "this hash is slow on purpose"),
        ("short", SHA256, None, "that is no key id"),
    ],
)
def test_a_hash_that_can_not_be_used_is_refused_and_never_quoted(
    keyring: Keyring, key_id: str, phc: str, sieve: str | None, message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message) as caught:
        keyring.import_hash(key_id, phc, user_id="user_123", sieve=sieve)
    assert "0123456789abcdef" not in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert len(keyring.list()) == 0


# Rotating


def test_rotation_gives_a_new_secret_and_leaves_the_rest(
    keyring: Keyring, authenticator: Authenticator, clock: FakeClock
) -> None:
    old = keyring.create(user_id="user_123", plan="pro", scopes=["admin"], metadata={"a": 1})
    clock.advance(60)
    new = keyring.rotate(old.key_id, HOUR)
    assert new.token != old.token
    assert replace(new.record, secrets=()) == replace(old.record, secrets=())
    assert [secret.expires_at for secret in new.record.secrets] == [
        None,
        datetime(2030, 1, 1, 13, 1, 0, tzinfo=UTC),
    ]
    assert new.record.secrets[0].created_at == datetime(2030, 1, 1, 12, 1, 0, tzinfo=UTC)
    assert new.record.secrets[1].created_at == NOON
    assert works(authenticator, old.token)
    assert works(authenticator, new.token)


def test_the_grace_is_a_day_by_default(keyring: Keyring) -> None:
    issued = keyring.rotate(keyring.create(user_id="user_123").key_id)
    assert issued.record.secrets[1].expires_at == NOON + timedelta(days=1)


def test_a_second_rotation_waits_for_the_end_of_the_first(
    keyring: Keyring, authenticator: Authenticator, clock: FakeClock
) -> None:
    first = keyring.create(user_id="user_123")
    second = keyring.rotate(first.key_id, HOUR)
    with pytest.raises(RotationInProgress, match="finish the rotation"):
        keyring.rotate(first.key_id, HOUR)
    assert works(authenticator, first.token)
    assert works(authenticator, second.token)
    clock.advance(HOUR)
    third = keyring.rotate(first.key_id, HOUR)
    assert not works(authenticator, first.token)
    assert works(authenticator, second.token)
    assert works(authenticator, third.token)
    assert len(third.record.secrets) == 2


def test_the_newest_can_be_discarded(
    keyring: Keyring, authenticator: Authenticator, clock: FakeClock
) -> None:
    used = keyring.create(user_id="user_123")
    lost = keyring.rotate(used.key_id, HOUR)
    clock.advance(60)
    new = keyring.rotate(used.key_id, 24 * HOUR, if_rotating="discard_new")
    assert works(authenticator, used.token)
    assert not works(authenticator, lost.token)
    assert works(authenticator, new.token)
    assert new.record.secrets[1].expires_at == NOON + HOUR  # not extended


def test_discarding_is_a_plain_rotation_if_none_is_running(
    keyring: Keyring, authenticator: Authenticator
) -> None:
    old = keyring.create(user_id="user_123")
    new = keyring.rotate(old.key_id, HOUR, if_rotating="discard_new")
    assert works(authenticator, old.token)
    assert works(authenticator, new.token)


@pytest.mark.parametrize("if_rotating", ["refuse", "discard_new"])
def test_no_grace_ends_all_older_secrets_and_always_works(
    keyring: Keyring, authenticator: Authenticator, if_rotating: Any
) -> None:
    first = keyring.create(user_id="user_123")
    second = keyring.rotate(first.key_id, HOUR)
    third = keyring.rotate(first.key_id, timedelta(0), if_rotating=if_rotating)
    assert len(third.record.secrets) == 1
    assert not works(authenticator, first.token)
    assert not works(authenticator, second.token)
    assert works(authenticator, third.token)


def test_a_suspended_key_can_be_rotated_and_stays_suspended(keyring: Keyring) -> None:
    key_id = keyring.create(user_id="user_123").key_id
    keyring.suspend(key_id)
    assert keyring.rotate(key_id, HOUR).record.status == "suspended"


def test_a_rotation_can_be_finished(
    keyring: Keyring, authenticator: Authenticator, events: Events
) -> None:
    old = keyring.create(user_id="user_123")
    new = keyring.rotate(old.key_id, HOUR)
    events.clear()
    record = keyring.finish_rotation(old.key_id)
    assert keyring.finish_rotation(old.key_id) == record
    assert not works(authenticator, old.token)
    assert works(authenticator, new.token)
    assert events.names == ["key.rotation_finished"]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"grace": timedelta(seconds=-1)}, ConfigurationError, "grace is negative"),
        ({"grace": timedelta.max}, ConfigurationError, "grace is longer than"),
        ({"grace": 3600}, TypeError, "grace must be a timedelta, not int"),
        ({"if_rotating": "ignore"}, ConfigurationError, "'refuse' or 'discard_new'"),
    ],
)
def test_a_rotation_with_wrong_arguments_changes_nothing(
    keyring: Keyring, arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    record = keyring.create(user_id="user_123").record
    with pytest.raises(error, match=message):
        keyring.rotate(record.key_id, **arguments)
    assert keyring.get(record.key_id) == record


def test_a_slow_hash_on_request(
    store: MemoryStore | SQLStore, clock: FakeClock, cheap_argon2: None
) -> None:
    keyring = Keyring(store, hashing="argon2id", clock=clock)
    authenticator = Authenticator(store, clock=clock)
    old = keyring.create(user_id="user_123")
    new = keyring.rotate(old.key_id, HOUR)
    for secret in new.record.secrets:
        assert secret.hash.startswith("$argon2id$")
        assert secret.sieve is not None
    assert works(authenticator, old.token)
    assert works(authenticator, new.token)
    authenticator.close()


# Changing and ending


def test_what_is_said_of_a_key_can_be_changed(keyring: Keyring, events: Events) -> None:
    record = keyring.create(user_id="user_123", name="CI", plan="free").record
    events.clear()
    changed = keyring.update(
        record.key_id,
        plan="pro",
        scopes=["admin"],
        expires_at=NOON + HOUR,
        allowed_ips=["192.0.2.1"],
        limit="1/minute",
        metadata={"a": [1]},
    )
    assert changed == replace(
        record,
        plan="pro",
        scopes=("admin",),
        expires_at=NOON + HOUR,
        allowed_ips=("192.0.2.1",),
        limit="1/minute",
        metadata={"a": [1]},
    )
    assert keyring.get(record.key_id) == changed
    again = keyring.update(record.key_id, expires_at=None, limit=None, name="")
    assert (again.expires_at, again.limit, again.name, again.plan) == (None, None, "", "pro")
    assert events.names == ["key.updated", "key.updated"]
    assert events[1].data == {"changed": ["expires_at", "limit", "name"]}


def test_an_expired_key_can_be_given_a_later_end(
    keyring: Keyring, authenticator: Authenticator, clock: FakeClock
) -> None:
    issued = keyring.create(user_id="user_123", expires_in=HOUR)
    clock.advance(HOUR)
    with pytest.raises(KeyInactive, match="is expired; give it a later expiry first"):
        keyring.rotate(issued.key_id)
    keyring.update(issued.key_id, expires_at=clock.now + HOUR)
    assert works(authenticator, issued.token)


def test_a_key_can_be_suspended_and_resumed(
    keyring: Keyring, authenticator: Authenticator, events: Events
) -> None:
    issued = keyring.create(user_id="user_123")
    events.clear()
    assert keyring.suspend(issued.key_id).status == "suspended"
    keyring.suspend(issued.key_id)
    assert not works(authenticator, issued.token)
    assert keyring.resume(issued.key_id).status == "active"
    keyring.resume(issued.key_id)
    assert works(authenticator, issued.token)
    assert events.names == ["key.suspended", "key.resumed"]


def test_revocation_is_final_and_covers_all_secrets(
    keyring: Keyring, authenticator: Authenticator, clock: FakeClock, events: Events
) -> None:
    old = keyring.create(user_id="user_123")
    new = keyring.rotate(old.key_id, HOUR)
    events.clear()
    record = keyring.revoke(old.key_id, "leaked")
    assert (record.status, record.revoked_at, record.revoked_reason) == ("revoked", NOON, "leaked")
    assert not works(authenticator, old.token)
    assert not works(authenticator, new.token)
    clock.advance(60)
    assert keyring.revoke(old.key_id, "again") == record
    attempts: list[Callable[[str], object]] = [
        keyring.rotate,
        keyring.resume,
        keyring.suspend,
        lambda key_id: keyring.update(key_id, plan="pro"),
    ]
    for attempt in attempts:
        with pytest.raises(KeyInactive, match="is revoked, which is final"):
            attempt(old.key_id)
    assert keyring.get(old.key_id) == record
    assert [(event.name, event.reason) for event in events] == [("key.revoked", "leaked")]


def test_what_changes_nothing_is_still_made_known(keyring: Keyring) -> None:
    """The caller before may have died while the change was made known (DESIGN.md, section 7)."""
    key_id = keyring.create(user_id="user_123").key_id
    keyring.revoke(key_id)
    calls: list[Sequence[object]] = []
    store: Any = keyring._store
    store.replace = lambda pairs: calls.append(list(pairs))
    keyring.revoke(key_id)
    keyring.revoke_all(user_id="user_123")
    assert calls == [[], []]


@pytest.mark.parametrize(
    "method", ["rotate", "finish_rotation", "update", "suspend", "resume", "revoke", "usage"]
)
def test_a_key_that_is_not_there(keyring: Keyring, method: str) -> None:
    with pytest.raises(KeyNotFound, match="no key has the id '0000000000000000'"):
        getattr(keyring, method)(MISSING)
    assert keyring.get(MISSING) is None


@pytest.mark.parametrize(
    "method", ["rotate", "finish_rotation", "update", "suspend", "resume", "revoke", "usage"]
)
@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            MINTED,
            (
                "this is a whole token; its id is the 16 characters after the environment: "
                "AbCdEfGh01234567"
            ),
        ),
        (MINTED[:-1], "that is no key id (16 letters and digits)"),
        (LEGACY, "that is no key id (16 letters and digits)"),
        ("", "that is no key id (16 letters and digits)"),
    ],
)
def test_what_is_no_id_is_not_quoted(
    keyring: Keyring, method: str, text: str, message: str
) -> None:
    with pytest.raises(KeyNotFound) as caught:
        getattr(keyring, method)(text)
    assert str(caught.value) == message
    assert keyring.get(text) is None


def test_an_id_is_text(keyring: Keyring) -> None:
    with pytest.raises(TypeError, match="key_id must be text, not int"):
        keyring.revoke(5)  # type: ignore[arg-type]


# Many at once


def test_all_keys_of_an_owner_or_a_tenant_end_at_once(keyring: Keyring, events: Events) -> None:
    mine = [keyring.create(user_id="user_123", tenant_id="acme") for _ in range(3)]
    colleague = keyring.create(user_id="user_456", tenant_id="acme")
    stranger = keyring.create(user_id="user_789")
    keyring.revoke(mine[0].key_id, "earlier")
    events.clear()
    assert keyring.revoke_all(user_id="user_123", reason="left") == 2
    assert keyring.revoke_all(user_id="user_123") == 0
    assert keyring.revoke_all(tenant_id="acme") == 1
    assert {record.key_id for record in keyring.list(status="active")} == {stranger.key_id}
    assert [event.reason for event in events] == ["left", "left", None]
    assert {event.key_id for event in events} == {
        mine[1].key_id,
        mine[2].key_id,
        colleague.key_id,
    }


def test_keys_end_by_their_ids_and_each_is_counted_once(keyring: Keyring) -> None:
    one, two = (keyring.create(user_id="user_123").key_id for _ in range(2))
    assert keyring.revoke_all(key_ids=[one, MISSING, two, one]) == 2
    assert keyring.revoke_all(key_ids=iter([one])) == 0
    assert keyring.revoke_all(key_ids=[]) == 0


@pytest.mark.parametrize(
    ("text", "message"), [(MINTED, "this is a whole token"), (LEGACY, "that is no key id")]
)
def test_ids_that_are_none_are_refused_and_nothing_ends(
    keyring: Keyring, text: str, message: str
) -> None:
    key_id = keyring.create(user_id="user_123").key_id
    with pytest.raises(ConfigurationError, match=message) as caught:
        keyring.revoke_all(key_ids=[key_id, text])
    assert text not in str(caught.value)
    assert len(keyring.list(status="active")) == 1


@pytest.mark.parametrize(
    "arguments", [{}, {"user_id": "a", "tenant_id": "b"}, {"user_id": "a", "key_ids": []}]
)
def test_revoke_all_takes_just_one_of_three(keyring: Keyring, arguments: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="just one of user_id, tenant_id and key_ids"):
        keyring.revoke_all(**arguments)
    with pytest.raises(TypeError, match="key_ids must be a list; write"):
        keyring.revoke_all(key_ids=MISSING)
    with pytest.raises(TypeError) as caught:
        keyring.revoke_all(key_ids=MINTED)
    assert MINTED not in str(caught.value)


def test_a_key_that_is_made_meanwhile_ends_too(store: MemoryStore | SQLStore) -> None:
    keyring = Keyring(store)
    keyring.create(user_id="user_123")
    late: list[IssuedKey] = []
    replace_in_store = store.replace

    def create_another(pairs: Iterable[tuple[KeyRecord, KeyRecord]]) -> None:
        replace_in_store(pairs)
        if not late:
            late.append(keyring.create(user_id="user_123"))

    store.replace = create_another  # type: ignore[method-assign]
    assert keyring.revoke_all(user_id="user_123") == 2
    assert len(keyring.list(status="active")) == 0


def test_keys_that_keep_changing_are_a_conflict_at_last(keyring: Keyring, clock: FakeClock) -> None:
    key_id = keyring.create(user_id="user_123", expires_in=HOUR).key_id
    store: Any = keyring._store

    def conflict(pairs: Iterable[object]) -> None:
        raise Conflict("changed")

    store.replace = conflict
    with pytest.raises(Conflict, match=f"the key {key_id} kept changing"):
        keyring.suspend(key_id)
    with pytest.raises(Conflict, match="while they were being revoked"):
        keyring.revoke_all(user_id="user_123")
    clock.advance(2 * HOUR)
    with pytest.raises(Conflict, match="while they were being purged"):
        keyring.purge(HOUR / 2)


def test_threads_that_change_one_key_all_succeed(store: MemoryStore | SQLStore) -> None:
    keyring = Keyring(store)
    key_id = keyring.create(user_id="user_123").key_id
    ready = threading.Barrier(4)
    failures: list[BaseException] = []

    def change(field: str) -> None:
        ready.wait()
        try:
            for number in range(5):
                keyring.update(key_id, **{field: f"value {number}"})  # type: ignore[arg-type]
        except BaseException as error:
            failures.append(error)

    threads = [
        threading.Thread(target=change, args=(field,)) for field in ("name", "plan", "limit")
    ]
    for thread in threads:
        thread.start()
    ready.wait()
    for thread in threads:
        thread.join()
    assert failures == []
    record = keyring.get(key_id)
    assert record is not None
    assert (record.name, record.plan, record.limit) == ("value 4", "value 4", "value 4")


def test_keys_that_change_between_reading_and_revoking_end_all_the_same(
    store: MemoryStore | SQLStore,
) -> None:
    keyring = Keyring(store)
    ids = [keyring.create(user_id="user_123").key_id for _ in range(3)]
    replace_in_store = store.replace
    changes = iter(["one", "two", "three"])

    def change_first(pairs: Iterable[tuple[KeyRecord, KeyRecord]]) -> None:
        name = next(changes, None)
        if name is not None:
            old = store.get(ids[2])
            assert old is not None
            replace_in_store([(old, replace(old, name=name))])
        replace_in_store(pairs)

    store.replace = change_first  # type: ignore[method-assign]
    assert keyring.revoke_all(user_id="user_123", reason="leaked") == 3
    assert {record.name for record in keyring.list(status="revoked")} == {"", "three"}


def test_threads_that_revoke_the_same_keys_count_each_of_them_once(
    store: MemoryStore | SQLStore,
) -> None:
    keyring = Keyring(store)
    for _ in range(5):
        keyring.create(user_id="user_123")
    ready = threading.Barrier(3)
    counts: list[int] = []

    def revoke() -> None:
        ready.wait()
        counts.append(keyring.revoke_all(user_id="user_123"))

    threads = [threading.Thread(target=revoke) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(counts) == [0, 0, 5]


# Asking


def test_lists_are_filtered_and_come_in_pages(keyring: Keyring, clock: FakeClock) -> None:
    ids: list[str] = []
    for number in range(5):
        issued = keyring.create(
            user_id=f"user_{number % 2}",
            tenant_id="acme" if number < 3 else None,
            environment="staging" if number == 4 else "production",
            expires_in=HOUR if number == 0 else None,
        )
        ids.append(issued.key_id)
        clock.advance(1)
    keyring.suspend(ids[1])
    keyring.revoke(ids[2])

    def listed(**filters: Any) -> list[int]:
        return [ids.index(record.key_id) for record in keyring.list(**filters)]

    assert listed() == [4, 3, 2, 1, 0]
    assert listed(user_id="user_1") == [3, 1]
    assert listed(tenant_id="acme") == [2, 1, 0]
    assert listed(environment="staging") == [4]
    assert listed(status="suspended") == [1]
    assert listed(status="revoked") == [2]
    assert listed(expires_within=2 * HOUR) == [0]
    assert listed(expires_within=HOUR / 2) == []
    assert listed(unused_for=timedelta(seconds=3)) == [1, 0]
    page = keyring.list(limit=2)
    assert [ids.index(record.key_id) for record in page] == [4, 3]
    assert page.next_cursor is not None
    rest = keyring.list(after=page.next_cursor)
    assert [ids.index(record.key_id) for record in rest] == [2, 1, 0]
    assert rest.next_cursor is None
    clock.advance(HOUR)
    assert listed(status="expired") == [0]


def test_lists_are_searched_and_sorted(keyring: Keyring, clock: FakeClock) -> None:
    names: dict[str, str] = {}
    for name, plan, scopes, expires_in in (
        ("CI", "pro", ["jobs:read"], 2 * HOUR),
        ("backup", "default", ["jobs:*"], HOUR),
        ("ci of Ann", "pro", ["jobs:*"], None),
    ):
        issued = keyring.create(
            user_id="user_123", name=name, plan=plan, scopes=scopes, expires_in=expires_in
        )
        names[issued.key_id] = name
        clock.advance(1)

    def listed(**filters: Any) -> list[str]:
        return [names[record.key_id] for record in keyring.list(**filters)]

    assert listed(plan="pro") == ["ci of Ann", "CI"]
    assert listed(scope="jobs:*") == ["ci of Ann", "backup"]
    assert listed(scope="jobs") == []
    assert listed(text="Ci") == ["ci of Ann", "CI"]
    assert listed(text="USER_12", plan="default") == ["backup"]
    assert listed(sort="oldest") == ["CI", "backup", "ci of Ann"]
    assert listed(sort="name") == ["backup", "CI", "ci of Ann"]
    assert listed(sort="expiry") == ["backup", "CI"]
    page = keyring.list(sort="name", limit=2)
    assert listed(sort="name", after=page.next_cursor) == ["ci of Ann"]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"sort": "owner"}, ConfigurationError, "sort must be newest, oldest, name or expiry: 'o"),
        ({"plan": 5}, TypeError, "plan must be text, not int"),
        ({"scope": ["jobs"]}, TypeError, "scope must be text, not list"),
        ({"text": b"ci"}, TypeError, "text must be text, not bytes"),
        ({"status": "dead"}, ConfigurationError, "status must be active, suspended, expired or"),
        ({"limit": 0}, ConfigurationError, "limit must be 1 to 1000: 0"),
        ({"limit": 1001}, ConfigurationError, "limit must be 1 to 1000: 1001"),
        ({"expires_within": timedelta(-1)}, ConfigurationError, "expires_within is negative"),
        ({"expires_within": timedelta.max}, ConfigurationError, "expires_within is longer"),
        ({"unused_for": timedelta.max}, ConfigurationError, "unused_for is longer"),
        ({"unused_for": 3}, TypeError, "unused_for must be a timedelta"),
        ({"after": "nonsense"}, ConfigurationError, "cursor"),
        ({"after": 5}, TypeError, "after must be text, not int"),
        ({"limit": "x"}, TypeError, "limit must be a whole number, not str"),
    ],
)
def test_a_list_with_wrong_arguments(
    keyring: Keyring, arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        keyring.list(**arguments)


def test_the_usage_of_each_secret_is_known(
    keyring: Keyring, authenticator: Authenticator, clock: FakeClock
) -> None:
    old = keyring.create(user_id="user_123")
    assert keyring.usage(old.key_id).last_used_at is None
    new = keyring.rotate(old.key_id, HOUR)
    authenticator.authenticate(new.token)
    clock.advance(60)
    authenticator.authenticate(old.token)
    authenticator._usage.flush()
    usage = keyring.usage(old.key_id)
    minute_past = datetime(2030, 1, 1, 12, 1, 0, tzinfo=UTC)
    assert usage.last_used_at == minute_past
    assert usage.secrets == {
        new.record.secrets[0].id: NOON,
        old.record.secrets[0].id: minute_past,
    }
    assert usage.days == {date(2030, 1, 1): 2}
    listed = keyring.list().usage[old.key_id]  # a list leaves out the days
    assert (listed.last_used_at, listed.secrets, listed.days) == (minute_past, usage.secrets, {})


def test_purging_forgets_the_days_of_long_ago(
    keyring: Keyring, authenticator: Authenticator, clock: FakeClock
) -> None:
    issued = keyring.create(user_id="user_123")
    for days in (0, 1, 400):
        clock.advance(days * 86400)
        authenticator.authenticate(issued.token)
        authenticator._usage.flush()
    assert keyring.purge() == 0
    assert keyring.usage(issued.key_id).days == {date(2030, 1, 2): 1, date(2031, 2, 6): 1}


def test_a_store_that_keeps_no_usage_has_none() -> None:
    class Plain:
        def get(self, key_id: str) -> KeyRecord | None:
            return store.get(key_id)

    store = MemoryStore()
    key_id = Keyring(store).create(user_id="user_123").key_id
    usage = Keyring(Plain()).usage(key_id)
    assert (usage.last_used_at, usage.secrets) == (None, {})


# Purging


def test_only_what_is_long_dead_is_purged(
    keyring: Keyring, clock: FakeClock, events: Events
) -> None:
    revoked = keyring.create(user_id="user_123")
    keyring.revoke(revoked.key_id, "old")
    expired = keyring.create(user_id="user_123", expires_in=timedelta(seconds=1))
    clock.advance(timedelta(days=300))
    late = keyring.create(user_id="user_123")
    keyring.revoke(late.key_id)
    living = keyring.create(user_id="user_123")
    suspended = keyring.create(user_id="user_123")
    keyring.suspend(suspended.key_id)
    assert keyring.purge() == 0
    clock.advance(timedelta(days=66))
    events.clear()
    assert keyring.purge() == 2
    assert keyring.get(revoked.key_id) is None
    assert keyring.get(expired.key_id) is None
    assert {record.key_id for record in keyring.list()} == {
        late.key_id,
        living.key_id,
        suspended.key_id,
    }
    assert {(event.name, event.key_id, event.reason) for event in events} == {
        ("key.purged", revoked.key_id, "old"),
        ("key.purged", expired.key_id, None),
    }
    assert keyring.purge() == 0


def test_what_died_late_is_not_purged_for_having_expired_long_ago(
    keyring: Keyring, clock: FakeClock
) -> None:
    key_id = keyring.create(user_id="user_123", expires_in=HOUR).key_id
    clock.advance(timedelta(days=400))
    keyring.revoke(key_id)
    clock.advance(1)
    assert keyring.purge() == 0


def test_a_key_that_is_extended_meanwhile_is_not_purged(
    store: MemoryStore | SQLStore, clock: FakeClock
) -> None:
    keyring = Keyring(store, clock=clock)
    dead = keyring.create(user_id="user_123", expires_in=HOUR)
    extended = keyring.create(user_id="user_123", expires_in=HOUR)
    clock.advance(timedelta(days=400))
    find, found = store.find, []

    def find_and_extend(query: Any) -> Any:
        page = find(query)
        if any(record.key_id == extended.key_id for record in page) and not found:
            found.append(page)
            keyring.update(extended.key_id, expires_at=clock.now + HOUR)
        return page

    store.find = find_and_extend  # type: ignore[method-assign]
    assert keyring.purge() == 1
    assert found
    assert keyring.get(dead.key_id) is None
    assert keyring.get(extended.key_id) is not None


def test_a_purge_that_dies_half_way_is_taken_up_by_the_next(
    store: MemoryStore | SQLStore, clock: FakeClock
) -> None:
    keyring = Keyring(store, clock=clock)
    keyring.create(user_id="user_123", expires_in=HOUR)
    clock.advance(timedelta(days=400))
    delete = store.delete

    def die(key_ids: Iterable[str]) -> int:
        raise KeyboardInterrupt

    store.delete = die  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        keyring.purge()
    store.delete = delete  # type: ignore[method-assign]
    assert keyring.purge() == 1


@pytest.mark.parametrize("dead_for", [timedelta(-1), timedelta.max])
def test_a_purge_with_a_wrong_time(keyring: Keyring, dead_for: timedelta) -> None:
    with pytest.raises(ConfigurationError, match="dead_for is"):
        keyring.purge(dead_for)


# Stores that only read


def test_a_store_that_only_finds_can_be_listed_and_not_purged(clock: FakeClock) -> None:
    inner = MemoryStore()
    issued = Keyring(inner, clock=clock).create(user_id="user_123")

    class Finds:
        get = inner.get
        find = inner.find

    keyring = Keyring(Finds(), clock=clock)
    assert list(keyring.list()) == [issued.record]
    with pytest.raises(ReadOnlyStore, match="can't change keys: Finds is read-only"):
        keyring.purge()
    with pytest.raises(ReadOnlyStore, match="can't change keys: Finds is read-only"):
        keyring.revoke_all(user_id="user_456")


WRITES: dict[str, Callable[[Keyring], object]] = {
    "create": lambda keyring: keyring.create(user_id="user_123"),
    "import_token": lambda keyring: keyring.import_token(MINTED, user_id="user_123"),
    "import_hash": lambda keyring: keyring.import_hash(MISSING, SHA256, user_id="user_123"),
    "rotate": lambda keyring: keyring.rotate(MISSING),
    "finish_rotation": lambda keyring: keyring.finish_rotation(MISSING),
    "update": lambda keyring: keyring.update(MISSING, plan="pro"),
    "suspend": lambda keyring: keyring.suspend(MISSING),
    "resume": lambda keyring: keyring.resume(MISSING),
    "revoke": lambda keyring: keyring.revoke(MISSING),
    "revoke_all of a user": lambda keyring: keyring.revoke_all(user_id="user_123"),
    "revoke_all by id": lambda keyring: keyring.revoke_all(key_ids=[MISSING]),
    "list": lambda keyring: keyring.list(),
    "purge": lambda keyring: keyring.purge(),
}


@pytest.mark.parametrize("write", list(WRITES.values()), ids=list(WRITES))
def test_a_store_that_only_reads_says_so(
    write: Callable[[Keyring], object], events: Events
) -> None:
    keyring = Keyring(EnvStore(environ={}), peppers=["pepper"], event_sink=events)
    with pytest.raises(ReadOnlyStore, match="EnvStore is read-only"):
        write(keyring)
    assert events == []


def test_a_store_that_only_reads_can_be_read() -> None:
    keyring = Keyring(EnvStore(environ={"BEARER_AUTH_KEY_CI": MINTED}))
    record = keyring.get("AbCdEfGh01234567")
    assert record is not None
    assert record.user_id == "ci"


# Events


def test_each_change_is_told_with_the_key_and_no_secret(
    store: MemoryStore | SQLStore, clock: FakeClock, events: Events, cheap_argon2: None
) -> None:
    keyring = Keyring(store, peppers=["hunter2"], event_sink=events, clock=clock)
    issued = keyring.create(user_id="user_123", tenant_id="acme", created_by="admin")
    keyring.import_token(LEGACY, user_id="user_123")
    keyring.import_hash(MISSING, SHA256, user_id="user_123")
    rotated = keyring.rotate(issued.key_id, HOUR)
    keyring.finish_rotation(issued.key_id)
    keyring.update(issued.key_id, name="CI", metadata={"a": 1})
    keyring.suspend(issued.key_id)
    keyring.resume(issued.key_id)
    keyring.revoke(issued.key_id, "leaked")
    clock.advance(timedelta(days=1))
    keyring.purge(timedelta(0))
    assert events.names == [
        "key.created",
        "key.imported",
        "key.imported",
        "key.rotated",
        "key.rotation_finished",
        "key.updated",
        "key.suspended",
        "key.resumed",
        "key.revoked",
        "key.purged",
    ]
    about_it = [event for event in events if event.name != "key.imported"]
    assert {(event.key_id, event.user_id, event.tenant_id) for event in about_it} == {
        (issued.key_id, "user_123", "acme")
    }
    assert events[0].data == {"created_by": "admin"}
    assert events[3].data == {"grace_s": 3600}
    assert events[5].data == {"changed": ["metadata", "name"]}
    assert events[8].reason == "leaked"
    told = repr(events)
    for secret in (
        issued.token[len("ba_production_") + 16 :],
        rotated.token[len("ba_production_") + 16 :],
        LEGACY,
        "hunter2",
        "$sha256$",
        "$argon2id$",
        "0123456789abcdef",
    ):
        assert secret not in told


def test_a_sink_that_fails_breaks_no_change(store: MemoryStore | SQLStore) -> None:
    class Broken:
        def emit(self, event: Event) -> None:
            raise RuntimeError("the sink is down")

    keyring = Keyring(store, event_sink=Broken())
    issued = keyring.create(user_id="user_123")
    assert keyring.get(issued.key_id) == issued.record


def test_nothing_is_told_of_what_did_not_happen(keyring: Keyring, events: Events) -> None:
    with pytest.raises(KeyNotFound):
        keyring.revoke(MISSING)
    with pytest.raises(ConfigurationError):
        keyring.create(user_id="")
    with pytest.raises(ConfigurationError):
        keyring.update(keyring.create(user_id="user_123").key_id, name="\n")
    assert events.names == ["key.created"]


def test_events_of_a_keyring_that_acts_for_somebody_say_who_and_from_where(
    store: MemoryStore | SQLStore, clock: FakeClock, events: Events
) -> None:
    keyring = Keyring(store, event_sink=events, clock=clock)
    for_ada = keyring.acting("ada", address="192.0.2.7", request_id="r-1")
    issued = for_ada.create(user_id="user_123", created_by="ada")
    keyring.revoke(issued.key_id)
    created, revoked = events
    assert (created.address, created.request_id) == ("192.0.2.7", "r-1")
    assert created.data == {"created_by": "ada", "by": "ada"}
    assert (revoked.address, revoked.request_id, revoked.data) == (None, None, {})


def test_a_text_names_the_ids_under_which_its_key_may_stand(
    store: MemoryStore | SQLStore, cheap_argon2: None
) -> None:
    old = Keyring(store, peppers=["old"]).import_token(LEGACY, user_id="user_123")
    keyring = Keyring(store, peppers=["new", "old"])
    issued = keyring.create(user_id="user_123")
    assert keyring.ids_of(issued.token) == [issued.key_id]
    assert len(keyring.ids_of(LEGACY)) == 2
    assert keyring.ids_of(LEGACY)[1] == old.key_id
    assert Keyring(store).ids_of(LEGACY) == []
