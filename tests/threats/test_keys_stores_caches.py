"""THREATS.md, "Keys, stores, caches": each test names its row."""

import hashlib
import os
import secrets
import subprocess
import sys
import threading
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from bearer_auth import (
    Authenticator,
    ConfigurationError,
    InvalidToken,
    IssuedKey,
    KeyRecord,
    Keyring,
    MemoryStore,
    RotationInProgress,
    Secret,
)
from bearer_auth.hashing import SlowHasher, imported_id, sieve_of
from bearer_auth.stores.sql import SQLStore
from bearer_auth.testing import FakeClock
from bearer_auth.token import mint

HOUR = timedelta(hours=1)
NOON = datetime(2030, 1, 1, 12, 0, 0, tzinfo=UTC)
LEGACY = "legacy-key-0123456789"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MemoryStore | SQLStore]:
    if request.param == "memory":
        yield MemoryStore()
        return
    store = SQLStore(f"sqlite:///{tmp_path}/keys.db")
    yield store
    store.close()


@pytest.fixture
def slow_hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The hash of each slow check; argon2id with its lowest cost, so that few are noticed."""
    import argon2

    class Cheap(argon2.PasswordHasher):
        def __init__(self) -> None:
            super().__init__(time_cost=1, memory_cost=8, parallelism=1)

    monkeypatch.setattr(argon2, "PasswordHasher", Cheap)
    calls: list[str] = []
    verify = SlowHasher.verify

    def counted(self: SlowHasher, phc: str, token: str, *proven: Callable[[], bool]) -> bool:
        calls.append(phc)
        return verify(self, phc, token, *proven)

    monkeypatch.setattr(SlowHasher, "verify", counted)
    return calls


def why(authenticator: Authenticator, token: str) -> str | None:
    """Why a token is refused; ``None`` if it isn't."""
    try:
        authenticator.authenticate(token)
    except InvalidToken as error:
        return error.reason
    return None


# A slow read puts a revoked key back into a cache


class SlowStore:
    """Holds one read up, between the record's being read and its being returned."""

    def __init__(self, inner: MemoryStore | SQLStore) -> None:
        self.inner = inner
        self.slow_thread: threading.Thread | None = None
        self.has_read = threading.Event()
        self.go_on = threading.Event()

    def get(self, key_id: str) -> KeyRecord | None:
        record = self.inner.get(key_id)
        if threading.current_thread() is self.slow_thread:
            self.has_read.set()
            assert self.go_on.wait(30)
        return record

    def revision(self) -> Hashable:
        return self.inner.revision()


@pytest.mark.parametrize("others", ["nobody else asks", "others ask meanwhile"])
def test_row_slow_read_puts_no_revoked_key_back(store: MemoryStore | SQLStore, others: str) -> None:
    keyring, slow = Keyring(store), SlowStore(store)
    revoked = keyring.create(user_id="user_123")
    other = keyring.create(user_id="user_456")
    authenticator = Authenticator(slow)
    reader = slow.slow_thread = threading.Thread(target=why, args=(authenticator, revoked.token))
    reader.start()
    assert slow.has_read.wait(30)
    keyring.revoke(revoked.key_id)
    if others == "others ask meanwhile":
        assert why(authenticator, other.token) is None  # the cache is of the new revision now
        assert why(authenticator, revoked.token) == "revoked"
    slow.go_on.set()
    reader.join()
    for _ in range(3):
        assert why(authenticator, revoked.token) == "revoked"
        assert why(authenticator, other.token) is None


def test_row_slow_read_the_revision_is_read_before_the_record() -> None:
    order: list[str] = []
    inner = MemoryStore()
    token = Keyring(inner).create(user_id="user_123").token

    class Store:
        def get(self, key_id: str) -> KeyRecord | None:
            order.append("record")
            return inner.get(key_id)

        def revision(self) -> Hashable:
            order.append("revision")
            return inner.revision()

    authenticator = Authenticator(Store())
    authenticator.authenticate(token)
    assert order == ["revision", "record", "revision"]
    authenticator.authenticate(token)
    assert order == ["revision", "record", "revision", "revision"]


def test_row_slow_read_a_key_revoked_while_it_is_read_is_looked_at_again() -> None:
    inner = MemoryStore()
    keyring = Keyring(inner)
    issued = keyring.create(user_id="user_123")

    class Slow:
        """Hands out what it had read before the revocation, once."""

        def __init__(self) -> None:
            self.revision = inner.revision

        def get(self, key_id: str) -> KeyRecord | None:
            record = inner.get(key_id)
            keyring.revoke(key_id)
            return record

    assert why(Authenticator(Slow()), issued.token) == "revoked"


def test_row_slow_read_a_rotation_ends_the_old_secret_in_every_process(tmp_path: Path) -> None:
    """Two stores on one file stand for two processes; each has its own connections."""
    url = f"sqlite:///{tmp_path}/keys.db"
    here, there = SQLStore(url), SQLStore(url)
    keyring, authenticator = Keyring(here), Authenticator(there)
    old = keyring.create(user_id="user_123")
    assert why(authenticator, old.token) is None
    new = keyring.rotate(old.key_id, timedelta(0))
    assert why(authenticator, old.token) == "wrong_secret"
    assert why(authenticator, new.token) is None
    keyring.revoke(old.key_id)
    assert why(authenticator, new.token) == "revoked"
    authenticator.close()
    here.close()
    there.close()


# A stale copy is written back


class ReadOnlyForReaders:
    """Fails the test when its reader writes; takes the narrow note of a use."""

    def __init__(self, inner: MemoryStore) -> None:
        self.inner = inner
        self.noted: list[tuple[str, str, int]] = []

    def get(self, key_id: str) -> KeyRecord | None:
        return self.inner.get(key_id)

    def revision(self) -> Hashable:
        return self.inner.revision()

    def record_used(self, batch: Sequence[Any]) -> None:
        self.noted += [(use.key_id, use.secret_id, use.uses) for use in batch]

    def add(self, records: Iterable[KeyRecord]) -> None:
        pytest.fail("a read added a record")

    def replace(self, pairs: Iterable[tuple[KeyRecord, KeyRecord]]) -> None:
        pytest.fail("a read changed a record")

    def delete(self, key_ids: Iterable[str]) -> int:
        pytest.fail("a read deleted a record")


def test_row_stale_copy_the_read_path_writes_nothing_but_uses(clock: FakeClock) -> None:
    inner = MemoryStore()
    keyring, store = Keyring(inner, clock=clock), ReadOnlyForReaders(inner)
    authenticator = Authenticator(store, clock=clock)
    issued = keyring.create(user_id="user_123", expires_in=HOUR)
    assert why(authenticator, issued.token) is None
    assert why(authenticator, issued.token) is None
    keyring.revoke(issued.key_id)
    before = inner.get(issued.key_id)
    assert why(authenticator, issued.token) == "revoked"
    clock.advance(2 * HOUR)
    assert why(authenticator, issued.token) == "revoked"
    authenticator.close()
    assert inner.get(issued.key_id) == before
    assert store.noted == [(issued.key_id, issued.record.secrets[0].id, 2)]


def test_row_stale_copy_a_late_note_of_a_use_changes_no_record(
    store: MemoryStore | SQLStore,
) -> None:
    keyring, authenticator = Keyring(store), Authenticator(store)
    issued = keyring.create(user_id="user_123", plan="free")
    authenticator.authenticate(issued.token)
    keyring.update(issued.key_id, plan="pro")
    revoked = keyring.revoke(issued.key_id)
    revision = store.revision()
    authenticator.close()
    assert store.get(issued.key_id) == revoked
    assert store.revision() == revision
    assert keyring.usage(issued.key_id).last_used_at is not None


# Argon2 as a weapon


def test_row_argon2_a_forged_secret_for_a_public_id_costs_none(slow_hashes: list[str]) -> None:
    store = MemoryStore()
    issued = Keyring(store, hashing="argon2id").create(user_id="user_123")
    authenticator = Authenticator(store, peppers=["pepper"])
    for _ in range(200):
        forged = mint("ba", "production", issued.key_id)
        assert why(authenticator, forged) == "wrong_secret"
    assert slow_hashes == []
    authenticator.close()


def test_row_argon2_the_right_secret_costs_one_and_then_none(slow_hashes: list[str]) -> None:
    store = MemoryStore()
    keyring = Keyring(store, hashing="argon2id")
    issued = keyring.create(user_id="user_123")
    authenticator = Authenticator(store)
    for number in range(3):
        assert why(authenticator, issued.token) is None
        keyring.update(issued.key_id, name=f"name {number}")  # the cache of records is dropped
    assert len(slow_hashes) == 1
    keyring.rotate(issued.key_id, timedelta(0))
    assert why(authenticator, issued.token) == "wrong_secret"  # a proof is of one hash
    assert len(slow_hashes) == 1
    authenticator.close()


def test_row_argon2_what_passes_the_sieve_is_still_no_proof(slow_hashes: list[str]) -> None:
    store = MemoryStore()
    keyring = Keyring(store, hashing="argon2id")
    issued = keyring.create(user_id="user_123")
    forged = mint("ba", "production", issued.key_id)
    sieve = sieve_of(hashlib.sha256(forged.encode()).digest())
    secret = Secret(hash=issued.record.secrets[0].hash, sieve=sieve)
    record = KeyRecord(key_id=issued.key_id, user_id="user_123", secrets=(secret,))
    authenticator = Authenticator(MemoryStore([record]))
    assert why(authenticator, forged) == "wrong_secret"
    assert len(slow_hashes) == 1
    authenticator.close()


@pytest.mark.parametrize("peppers", [(), ("pepper",), ("new", "pepper")])
def test_row_argon2_forged_text_costs_none(slow_hashes: list[str], peppers: Sequence[str]) -> None:
    store = MemoryStore()
    Keyring(store, peppers=["pepper"]).import_token(LEGACY, user_id="user_123")
    authenticator = Authenticator(store, peppers=peppers)
    for _ in range(50):
        assert why(authenticator, secrets.token_urlsafe(16)) == "unknown"
    assert slow_hashes == []
    authenticator.close()


def test_row_argon2_an_imported_key_costs_none_to_who_knows_its_id(slow_hashes: list[str]) -> None:
    """Its id is public as any other; minted text with it is not what was imported."""
    store = MemoryStore()
    keyring = Keyring(store, peppers=["pepper"])
    record = keyring.import_token(LEGACY, user_id="user_123")
    authenticator = Authenticator(store, peppers=["pepper"])
    for _ in range(50):
        forged = mint("ba", "production", record.key_id)
        assert why(authenticator, forged) == "wrong_secret"
    assert why(authenticator, record.key_id) == "unknown"
    assert slow_hashes == []
    assert why(authenticator, LEGACY) is None
    assert len(slow_hashes) == 1
    keyring.rotate(record.key_id, HOUR)
    for _ in range(50):
        assert why(authenticator, mint("ba", "production", record.key_id)) == "wrong_secret"
    assert len(slow_hashes) == 1
    authenticator.close()


def test_row_argon2_the_id_of_an_imported_key_needs_the_pepper() -> None:
    assert imported_id(LEGACY, b"pepper") != imported_id(LEGACY, b"other")
    assert imported_id(LEGACY, b"pepper") != imported_id(LEGACY + "=", b"pepper")


def test_row_argon2_a_right_secret_is_verified_at_its_real_cost() -> None:
    """The one test that pays for it: nothing here weakens argon2-cffi's own parameters."""
    store = MemoryStore()
    issued = Keyring(store, hashing="argon2id").create(user_id="user_123")
    assert issued.record.secrets[0].hash.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    authenticator = Authenticator(store)
    assert why(authenticator, issued.token) is None
    authenticator.close()


# A lost answer of rotate


def test_row_lost_answer_of_rotate_retried_ends_no_secret_in_use(
    store: MemoryStore | SQLStore, clock: FakeClock
) -> None:
    keyring, authenticator = Keyring(store, clock=clock), Authenticator(store, clock=clock)
    in_use = keyring.create(user_id="user_123")
    lost = keyring.rotate(in_use.key_id, HOUR)
    for _ in range(3):
        with pytest.raises(RotationInProgress):
            keyring.rotate(in_use.key_id, HOUR)
    for _ in range(3):
        retried = keyring.rotate(in_use.key_id, HOUR, if_rotating="discard_new")
    assert why(authenticator, in_use.token) is None
    assert why(authenticator, lost.token) == "wrong_secret"
    assert why(authenticator, retried.token) is None
    assert len(retried.record.secrets) == 2
    authenticator.close()


# Rotation extends a key that was about to end


@pytest.mark.parametrize("grace", [timedelta(minutes=5), HOUR, timedelta(days=365_000)])
def test_row_rotation_extends_nothing(
    store: MemoryStore | SQLStore, clock: FakeClock, grace: timedelta
) -> None:
    keyring, authenticator = Keyring(store, clock=clock), Authenticator(store, clock=clock)
    old = keyring.create(user_id="user_123", expires_in=timedelta(minutes=10))
    new = keyring.rotate(old.key_id, grace)
    assert new.record.expires_at == NOON + timedelta(minutes=10)
    ends = new.record.secrets[1].expires_at
    assert ends == NOON + min(grace, timedelta(minutes=10))
    clock.advance(timedelta(minutes=10))
    assert why(authenticator, old.token) == "expired"
    assert why(authenticator, new.token) == "expired"
    keyring.update(old.key_id, expires_at=NOON + 2 * HOUR)  # nor does a later end of the key
    assert why(authenticator, old.token) == "expired"
    assert why(authenticator, new.token) is None
    authenticator.close()


def test_row_rotation_extends_no_secret_by_discarding_again_and_again(
    store: MemoryStore | SQLStore, clock: FakeClock
) -> None:
    keyring = Keyring(store, clock=clock)
    old = keyring.create(user_id="user_123")
    keyring.rotate(old.key_id, HOUR)
    clock.advance(HOUR / 2)
    again = keyring.rotate(old.key_id, 24 * HOUR, if_rotating="discard_new")
    assert again.record.secrets[1].expires_at == NOON + HOUR


# Clock changes, naive datetimes


NAIVE = datetime(2031, 1, 1)
NAIVE_TIMES: dict[str, Callable[[Keyring, IssuedKey], object]] = {
    "create": lambda keyring, _: keyring.create(user_id="user_123", expires_at=NAIVE),
    "update": lambda keyring, key: keyring.update(key.key_id, expires_at=NAIVE),
    "record": lambda _, key: KeyRecord(key_id=key.key_id, user_id="a", expires_at=NAIVE),
    "record's start": lambda _, key: KeyRecord(key_id=key.key_id, user_id="a", created_at=NAIVE),
    "revocation": lambda _, key: KeyRecord(key_id=key.key_id, user_id="a", revoked_at=NAIVE),
    "secret": lambda _, key: Secret(hash=key.record.secrets[0].hash, expires_at=NAIVE),
    "secret's start": lambda _, key: Secret(hash=key.record.secrets[0].hash, created_at=NAIVE),
}


@pytest.mark.parametrize("say", list(NAIVE_TIMES.values()), ids=list(NAIVE_TIMES))
def test_row_clock_a_naive_time_is_refused(say: Callable[[Keyring, IssuedKey], object]) -> None:
    keyring = Keyring(MemoryStore())
    with pytest.raises(ConfigurationError, match="has no time zone"):
        say(keyring, keyring.create(user_id="user_123"))


def test_row_clock_a_time_in_another_zone_is_the_same_time(
    store: MemoryStore | SQLStore, clock: FakeClock
) -> None:
    east = timezone(timedelta(hours=5, minutes=30))
    keyring, authenticator = Keyring(store, clock=clock), Authenticator(store, clock=clock)
    ends = datetime(2030, 1, 1, 18, 0, 0, tzinfo=east)  # 12:30 UTC
    issued = keyring.create(user_id="user_123", expires_at=ends)
    assert issued.record.expires_at == datetime(2030, 1, 1, 12, 30, 0, tzinfo=UTC)
    clock.advance(HOUR / 2 - timedelta(seconds=1))
    assert why(authenticator, issued.token) is None
    clock.advance(1)
    assert why(authenticator, issued.token) == "expired"
    authenticator.close()


def test_row_clock_expiry_is_by_the_clock_of_the_wall(clock: FakeClock) -> None:
    """Also when it is set back, or forward, while the key is in the cache."""
    store = MemoryStore()
    authenticator = Authenticator(store, clock=clock)
    issued = Keyring(store, clock=clock).create(user_id="user_123", expires_in=HOUR)
    assert why(authenticator, issued.token) is None
    clock.advance(2 * HOUR)
    assert why(authenticator, issued.token) == "expired"
    clock.advance(-2 * HOUR)
    assert why(authenticator, issued.token) is None
    authenticator.close()


# Ids guessed


def test_row_ids_are_random_and_say_nothing() -> None:
    keyring = Keyring(MemoryStore())
    ids = [keyring.create(user_id="user_123").key_id for _ in range(200)]
    assert len(set(ids)) == 200
    assert sorted(ids) != ids
    for place in range(16):
        assert len({key_id[place] for key_id in ids}) > 20


# Hostile names, metadata, scopes


HOSTILE = ["\x00", "a\nb", "a\r\nSet-Cookie: x", "\x1b[31m", "\x7f", "\x85", "\u2028", "\ud800"]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("name", ["user_id", "tenant_id", "plan", "name", "created_by", "limit"])
def test_row_hostile_text_is_refused_at_the_door(name: str, text: str) -> None:
    keyring = Keyring(MemoryStore())
    with pytest.raises(ConfigurationError, match=f"{name} has a control character"):
        keyring.create(**{"user_id": "user_123", name: text})
    with pytest.raises(ConfigurationError, match="must have"):
        keyring.create(**{"user_id": "user_123", name: "x" * 256})


@pytest.mark.parametrize("text", HOSTILE)
def test_row_hostile_reasons_are_refused_and_revoke_nothing_halfway(text: str) -> None:
    keyring = Keyring(MemoryStore())
    key_id = keyring.create(user_id="user_123").key_id
    with pytest.raises(ConfigurationError, match="revoked_reason has a control character"):
        keyring.revoke_all(user_id="user_123", reason=text)
    record = keyring.get(key_id)
    assert record is not None
    assert record.status == "active"


@pytest.mark.parametrize(
    "scope",
    ["", " ", "*", "a b", 'a"', "a\\", "a:", ":a", "a::b", "a:*:b", "é", "a\n", "x" * 129],
)
def test_row_hostile_scopes_are_refused_at_the_door(scope: str) -> None:
    with pytest.raises(ConfigurationError, match="not a scope"):
        Keyring(MemoryStore()).create(user_id="user_123", scopes=[scope])


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(depth):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    "metadata",
    [
        {"a": float("inf")},
        {"a": object()},
        {"a": b"bytes"},
        {("a", "b"): 1},
        {"a": "x" * 8193},
        nested(100_000),
    ],
    ids=["infinite", "object", "bytes", "tuple", "long", "deep"],
)
def test_row_hostile_metadata_is_refused_at_the_door(metadata: Any) -> None:
    with pytest.raises(ConfigurationError, match="metadata"):
        Keyring(MemoryStore()).create(user_id="user_123", metadata=metadata)


def test_row_hostile_markup_is_kept_as_it_is(store: MemoryStore | SQLStore) -> None:
    """Escaping is the page's; what is stored is what was said."""
    text = "<script>alert('1')</script> \"; DROP TABLE keys; -- %s {0} ü 用户"
    key_id = Keyring(store).create(user_id=text, name=text, metadata={text: text}).key_id
    record = store.get(key_id)
    assert record is not None
    assert (record.user_id, record.name, record.metadata) == (text, text, {text: text})


def test_metadata_that_its_owner_changes_later_changes_no_record() -> None:
    store = MemoryStore()
    given = {"teams": ["blue"]}
    key_id = Keyring(store).create(user_id="user_123", metadata=given).key_id
    given["teams"].append("red")
    record = store.get(key_id)
    assert record is not None
    assert record.metadata == {"teams": ["blue"]}


# Memory


@pytest.mark.once
def test_100_000_keys_in_memory_take_less_than_150_mib() -> None:
    """An eighth of them in an eighth of it, so that it takes seconds (a key takes about 1 KiB).

    And the authenticator's cache stays bounded while all of them are used.
    """
    program = """
import tracemalloc
from bearer_auth import Authenticator, Keyring, MemoryStore

class Deaf:
    def wants(self, name): return False
    def emit(self, event): pass

class WithoutUsage:
    def __init__(self, inner): self.get, self.revision = inner.get, inner.revision

store = MemoryStore()
keyring = Keyring(store, event_sink=Deaf())
authenticator = Authenticator(WithoutUsage(store), cache_size=100)
def use(number):
    authenticator.authenticate(keyring.create(
        user_id=f"user_{number}", plan="pro", name="CI", scopes=["ensembles:execute"],
        tenant_id=f"tenant_{number % 1000}", metadata={"team": "blue"},
    ).token)
use(0)
tracemalloc.start()
for number in range(1, 12_500):
    use(number)
print(tracemalloc.get_traced_memory()[0], len(authenticator._generation.accepted))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env={**os.environ}
    )
    assert done.returncode == 0, done.stderr
    grown, remembered = (int(word) for word in done.stdout.split())
    assert remembered == 100
    assert 5 * 1024 * 1024 < grown < 150 * 1024 * 1024 / 8
