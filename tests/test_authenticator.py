"""The authenticator: a token in, a Principal or an error out."""

import threading
from collections.abc import Callable, Hashable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bearer_auth import (
    Authenticator,
    ConfigurationError,
    InsufficientScope,
    InvalidToken,
    KeyRecord,
    Keyring,
    MemoryStore,
    Secret,
    StoreUnavailable,
)
from bearer_auth.testing import FakeClock

UNKNOWN = "ba_production_AbCdEfGh012345670123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg17O6iX"
LEGACY = "legacy-key-0123456789"


class CountingStore:
    """Only reads, and says how often."""

    def __init__(self, store: MemoryStore) -> None:
        self.inner = store
        self.gets = 0

    def get(self, key_id: str) -> KeyRecord | None:
        self.gets += 1
        return self.inner.get(key_id)

    def revision(self) -> Hashable:
        return self.inner.revision()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def keyring(store: MemoryStore, clock: FakeClock) -> Keyring:
    return Keyring(store, peppers=["pepper"], clock=clock)


@pytest.fixture
def authenticator(store: MemoryStore, clock: FakeClock) -> Iterator[Authenticator]:
    authenticator = Authenticator(store, peppers=["pepper"], clock=clock)
    yield authenticator
    authenticator.close()


def reason(call: Callable[[], object]) -> str:
    """Why a call was refused as an invalid token."""
    with pytest.raises(InvalidToken) as caught:
        call()
    return caught.value.reason


def uses(store: object, **options: Any) -> Authenticator:
    """An authenticator over a store of any shape."""
    # of any shape: that is what is tried
    return Authenticator(store, **options)  # type: ignore[arg-type]


# Who it is


def test_a_principal_has_what_the_record_says(
    keyring: Keyring, authenticator: Authenticator
) -> None:
    issued = keyring.create(
        user_id="user_123",
        tenant_id="acme",
        plan="pro",
        name="CI",
        scopes=["ensembles:execute"],
        metadata={"team": "blue"},
    )
    principal = authenticator.authenticate(issued.token)
    assert principal.key_id == issued.key_id
    assert principal.user_id == "user_123"
    assert principal.tenant_id == "acme"
    assert principal.plan == "pro"
    assert principal.name == "CI"
    assert principal.scopes == ("ensembles:execute",)
    assert principal.environment == "production"
    assert principal.metadata == {"team": "blue"}


def test_one_request_can_not_change_the_principal_of_the_next(
    keyring: Keyring, authenticator: Authenticator
) -> None:
    token = keyring.create(user_id="user_123", metadata={"teams": ["blue"]}).token
    first = authenticator.authenticate(token)
    first.metadata["teams"].append("red")
    first.metadata["admin"] = True
    with pytest.raises(AttributeError):
        first.user_id = "root"  # type: ignore[misc]  # it is frozen, which is what is tried
    assert authenticator.authenticate(token).metadata == {"teams": ["blue"]}
    assert authenticator.authenticate(token).user_id == "user_123"


# Spellings of the header


@pytest.mark.parametrize("twice", [False, True], ids=["cold", "warm"])
@pytest.mark.parametrize(
    "spelling",
    [
        "Bearer {}",
        "bearer {}",
        "BEARER {}",
        "Bearer   {}",
        "Bearer {} ",
        " Bearer {}\t",
        "\tbEARER  {}",
    ],
)
def test_every_spelling_of_the_standard_is_understood(
    keyring: Keyring, authenticator: Authenticator, spelling: str, twice: bool
) -> None:
    token = keyring.create(user_id="user_123").token
    if twice:
        authenticator.authenticate_header(spelling.format(token))
    assert authenticator.authenticate_header(spelling.format(token)).user_id == "user_123"


@pytest.mark.parametrize(
    "spelling",
    ["Bearer{}", "Bearer\t{}", "Bearer \t{}", "Bearer {}\n", "Bearer {},", "Bearer {} {}", "{}"],
)
def test_no_other_spelling_is_not_even_of_a_key_that_is_cached(
    keyring: Keyring, authenticator: Authenticator, spelling: str
) -> None:
    token = keyring.create(user_id="user_123").token
    authenticator.authenticate(token)
    assert reason(lambda: authenticator.authenticate_header(spelling.format(token, token))) == (
        "malformed"
    )


def test_a_header_is_missing_or_malformed(authenticator: Authenticator) -> None:
    assert reason(lambda: authenticator.authenticate_header(None)) == "missing"
    assert reason(lambda: authenticator.authenticate_header("")) == "malformed"
    assert reason(lambda: authenticator.authenticate_header("Bearer " + "a" * 4090)) == "malformed"


def test_a_token_is_missing_or_malformed(authenticator: Authenticator) -> None:
    assert reason(lambda: authenticator.authenticate("")) == "missing"
    for token in ("a b", "ü" * 20, "a" * 4090, "Bearer a", "\ud800", "abc\n"):
        # called at once, so the loop's variable is right (B023)
        assert reason(lambda: authenticator.authenticate(token)) == "malformed"  # noqa: B023


# Refusals, in their order: secret, status, environment, address


def test_each_refusal_has_its_reason(
    keyring: Keyring, authenticator: Authenticator, clock: FakeClock
) -> None:
    assert reason(lambda: authenticator.authenticate(UNKNOWN)) == "unknown"
    assert reason(lambda: authenticator.authenticate(LEGACY)) == "unknown"

    rotated = keyring.create(user_id="user_123")
    keyring.rotate(rotated.key_id, timedelta(0))
    assert reason(lambda: authenticator.authenticate(rotated.token)) == "wrong_secret"

    revoked = keyring.create(user_id="user_123")
    keyring.revoke(revoked.key_id)
    assert reason(lambda: authenticator.authenticate(revoked.token)) == "revoked"

    suspended = keyring.create(user_id="user_123")
    keyring.suspend(suspended.key_id)
    assert reason(lambda: authenticator.authenticate(suspended.token)) == "suspended"

    expired = keyring.create(user_id="user_123", expires_in=timedelta(seconds=1))
    clock.advance(1)
    assert reason(lambda: authenticator.authenticate(expired.token)) == "expired"

    staging = keyring.create(user_id="user_123", environment="staging")
    assert reason(lambda: authenticator.authenticate(staging.token)) == "environment"


def test_only_a_proven_refusal_names_the_key(
    keyring: Keyring, authenticator: Authenticator
) -> None:
    issued = keyring.create(user_id="user_123")
    renewed = keyring.rotate(issued.key_id, timedelta(0))
    keyring.revoke(issued.key_id)
    with pytest.raises(InvalidToken) as wrong:
        authenticator.authenticate(issued.token)
    with pytest.raises(InvalidToken) as proven:
        authenticator.authenticate(renewed.token)
    assert wrong.value.key_id is None
    assert proven.value.key_id == issued.key_id


def test_a_wrong_secret_learns_nothing_of_the_status(
    keyring: Keyring, authenticator: Authenticator
) -> None:
    issued = keyring.create(user_id="user_123", environment="staging", allowed_ips=["192.0.2.1"])
    keyring.rotate(issued.key_id, timedelta(0))
    keyring.revoke(issued.key_id)
    assert reason(lambda: authenticator.authenticate(issued.token)) == "wrong_secret"


def test_a_key_ends_at_the_very_moment(
    keyring: Keyring, authenticator: Authenticator, clock: FakeClock
) -> None:
    token = keyring.create(user_id="user_123", expires_in=timedelta(seconds=10)).token
    clock.advance(9.999)
    assert authenticator.authenticate(token).user_id == "user_123"
    clock.advance(0.001)
    assert reason(lambda: authenticator.authenticate(token)) == "expired"


def test_an_old_secret_ends_with_its_grace_though_it_is_cached(
    keyring: Keyring, authenticator: Authenticator, clock: FakeClock
) -> None:
    old = keyring.create(user_id="user_123")
    new = keyring.rotate(old.key_id, timedelta(hours=1))
    clock.advance(3599)
    authenticator.authenticate(old.token)
    authenticator.authenticate(old.token)
    clock.advance(1)
    assert reason(lambda: authenticator.authenticate(old.token)) == "expired"
    assert authenticator.authenticate(new.token).key_id == old.key_id


@pytest.mark.parametrize(
    ("accepted", "of_key", "passes"),
    [
        (("production",), "production", True),
        (("production",), "staging", False),
        (("staging",), "production", False),
        (("staging", "development"), "development", True),
        (("staging", "development"), "staging", True),
    ],
)
def test_a_key_is_valid_in_its_own_environment_only(
    store: MemoryStore, keyring: Keyring, accepted: Sequence[str], of_key: str, passes: bool
) -> None:
    token = keyring.create(user_id="user_123", environment=of_key).token
    authenticator = uses(CountingStore(store), environments=accepted)
    if passes:
        assert authenticator.authenticate(token).environment == of_key
    else:
        assert reason(lambda: authenticator.authenticate(token)) == "environment"


def test_the_environment_of_the_record_counts_and_not_that_of_the_text(clock: FakeClock) -> None:
    minted_for_production = KeyRecord.from_token(UNKNOWN, user_id="user_123", environment="staging")
    authenticator = uses(CountingStore(MemoryStore([minted_for_production])))
    assert reason(lambda: authenticator.authenticate(UNKNOWN)) == "environment"


# Addresses


@pytest.mark.parametrize(
    "client_ip",
    [
        "192.0.2.7",
        "::ffff:192.0.2.7",
        "::FFFF:c000:0207",
        "::ffff:192.0.2.7%eth0",
        "198.51.100.255",
        "2001:db8::1",
        "2001:0DB8:0:0::1",
        "fe80::1%eth0",
    ],
)
def test_a_key_is_used_from_where_it_may_be(
    keyring: Keyring, authenticator: Authenticator, client_ip: str
) -> None:
    token = keyring.create(
        user_id="user_123",
        allowed_ips=["192.0.2.7", "198.51.100.0/24", "2001:db8::/32", "fe80::/10"],
    ).token
    for _ in ("cold", "warm"):
        assert authenticator.authenticate(token, client_ip=client_ip).user_id == "user_123"


def test_a_mapped_address_on_the_key_is_the_plain_one(
    keyring: Keyring, authenticator: Authenticator
) -> None:
    token = keyring.create(user_id="user_123", allowed_ips=["::ffff:192.0.2.0/120"]).token
    assert authenticator.authenticate(token, client_ip="192.0.2.9").user_id == "user_123"
    assert authenticator.authenticate(token, client_ip="::ffff:192.0.2.9").user_id == "user_123"


@pytest.mark.parametrize(
    "client_ip",
    [
        None,
        "",
        "192.0.2.8",
        "192.0.2.7:443",
        " 192.0.2.7",
        "192.0.2.07",
        "192.0.2.7, 10.0.0.1",
        "3221225991",
        "::192.0.2.7",
        "2001:db9::1",
        "unix:",
        "localhost",
        "\uff11\uff19\uff12.0.2.7",
        "\x00",
        "1" * 5000,
    ],
)
def test_a_key_is_used_from_nowhere_else(
    keyring: Keyring, authenticator: Authenticator, client_ip: str | None
) -> None:
    issued = keyring.create(user_id="user_123", allowed_ips=["192.0.2.7", "2001:db8::/32"])
    authenticator.authenticate(issued.token, client_ip="192.0.2.7")
    with pytest.raises(InsufficientScope) as caught:
        authenticator.authenticate(issued.token, client_ip=client_ip)
    assert caught.value.reason == "address"
    assert caught.value.key_id == issued.key_id
    assert caught.value.challenge == 'error="insufficient_scope"'


def test_a_key_without_addresses_is_used_from_anywhere(
    keyring: Keyring, authenticator: Authenticator
) -> None:
    token = keyring.create(user_id="user_123").token
    assert authenticator.authenticate(token, client_ip="garbage").user_id == "user_123"


def test_a_use_from_elsewhere_is_no_use(keyring: Keyring, authenticator: Authenticator) -> None:
    issued = keyring.create(user_id="user_123", allowed_ips=["192.0.2.7"])
    with pytest.raises(InsufficientScope):
        authenticator.authenticate(issued.token, client_ip="192.0.2.8")
    authenticator._usage.flush()
    assert keyring.usage(issued.key_id).last_used_at is None


# What is remembered


def test_an_accepted_key_is_read_once(store: MemoryStore, keyring: Keyring) -> None:
    counting = CountingStore(store)
    authenticator = uses(counting)
    token = keyring.create(user_id="user_123").token
    for _ in range(3):
        authenticator.authenticate(token)
    assert counting.gets == 1


def test_what_was_refused_is_not_remembered(store: MemoryStore, keyring: Keyring) -> None:
    counting = CountingStore(store)
    authenticator = uses(counting)
    issued = keyring.create(user_id="user_123")
    keyring.suspend(issued.key_id)
    for token in (UNKNOWN, issued.token):
        for _ in range(3):
            # called at once, so the loop's variable is right (B023)
            reason(lambda: authenticator.authenticate(token))  # noqa: B023
    assert counting.gets == 6
    assert len(authenticator._generation.accepted) == 0


def test_each_change_of_a_key_is_seen_at_once(
    keyring: Keyring, authenticator: Authenticator
) -> None:
    issued = keyring.create(user_id="user_123", plan="free")
    assert authenticator.authenticate(issued.token).plan == "free"
    keyring.update(issued.key_id, plan="pro")
    assert authenticator.authenticate(issued.token).plan == "pro"
    keyring.suspend(issued.key_id)
    assert reason(lambda: authenticator.authenticate(issued.token)) == "suspended"
    keyring.resume(issued.key_id)
    assert authenticator.authenticate(issued.token).plan == "pro"
    keyring.revoke(issued.key_id)
    assert reason(lambda: authenticator.authenticate(issued.token)) == "revoked"


@pytest.mark.parametrize("without", ["no revision", "revision is None", "cache_size=0"])
def test_without_a_revision_each_request_reads(keyring: Keyring, without: str) -> None:
    issued = keyring.create(user_id="user_123")
    inner = keyring._store
    gets = 0

    class Store:
        def get(self, key_id: str) -> KeyRecord | None:
            nonlocal gets
            gets += 1
            return inner.get(key_id)

    class Undecided(Store):
        def revision(self) -> Hashable:
            return None

    class Constant(Store):
        def revision(self) -> Hashable:
            return 1

    kinds = {"no revision": Store, "revision is None": Undecided, "cache_size=0": Constant}
    size = 0 if without == "cache_size=0" else 100
    authenticator = uses(kinds[without](), cache_size=size)
    for _ in range(3):
        authenticator.authenticate(issued.token)
    assert gets == 3
    keyring.revoke(issued.key_id)
    assert reason(lambda: authenticator.authenticate(issued.token)) == "revoked"


def test_the_cache_is_bounded(store: MemoryStore, keyring: Keyring) -> None:
    tokens = [keyring.create(user_id="user_123").token for _ in range(30)]
    authenticator = uses(CountingStore(store), cache_size=10)
    for token in tokens:
        authenticator.authenticate(token)
    assert len(authenticator._generation.accepted) == 10
    assert "cache of at most 10" in repr(authenticator)


def test_many_threads_read_one_key_while_it_is_revoked(
    store: MemoryStore, keyring: Keyring, clock: FakeClock
) -> None:
    issued = keyring.create(user_id="user_123")
    authenticator = uses(CountingStore(store), clock=clock)
    revoked = threading.Event()
    ready = threading.Barrier(5)
    wrong: list[str] = []

    def read() -> None:
        ready.wait()
        while True:
            late = revoked.is_set()
            try:
                authenticator.authenticate(issued.token)
            except InvalidToken:
                return
            if late:
                wrong.append("accepted after revoke had returned")
                return

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    ready.wait()
    keyring.revoke(issued.key_id)
    revoked.set()
    for thread in threads:
        thread.join()
    assert wrong == []


# Stores that fail, and stores that are confused


@pytest.mark.parametrize("method", ["get", "revision", "key_ids_for"])
@pytest.mark.parametrize("error", [RuntimeError, KeyError, ValueError, OSError, StopIteration])
def test_whatever_a_store_raises_means_that_it_can_not_answer(
    keyring: Keyring, method: str, error: type[Exception]
) -> None:
    class Broken:
        def get(self, key_id: str) -> KeyRecord | None:
            return self.answer("get", None)

        def revision(self) -> Hashable:
            return self.answer("revision", 1)

        def key_ids_for(self, text: str) -> Sequence[str]:
            return self.answer("key_ids_for", ["AbCdEfGh01234567"])

        def answer(self, name: str, value: Any) -> Any:
            if name == method:
                raise error("postgresql://user:hunter2@db")
            return value

    with pytest.raises(StoreUnavailable) as caught:
        uses(Broken()).authenticate(LEGACY)
    assert str(caught.value) == f"Broken.{method} raised {error.__name__}"
    assert caught.value.code == 503
    assert caught.value.__suppress_context__
    assert "hunter2" not in repr(caught.value) + str(caught.value.envelope())


def test_a_cached_key_is_refused_while_the_revision_can_not_be_read(keyring: Keyring) -> None:
    broken = False

    class Store(CountingStore):
        def revision(self) -> Hashable:
            if broken:
                raise OSError
            return super().revision()

    store = keyring._store
    assert isinstance(store, MemoryStore)
    token = keyring.create(user_id="user_123").token
    authenticator = uses(Store(store))
    authenticator.authenticate(token)
    broken = True
    with pytest.raises(StoreUnavailable):
        authenticator.authenticate(token)
    broken = False
    assert authenticator.authenticate(token).user_id == "user_123"


def test_what_a_store_says_itself_of_its_failure_is_kept() -> None:
    class Down:
        def get(self, key_id: str) -> KeyRecord | None:
            raise StoreUnavailable("keys.db: the disk is full")

    with pytest.raises(StoreUnavailable, match=r"keys\.db: the disk is full"):
        uses(Down()).authenticate(UNKNOWN)


@pytest.mark.parametrize("answer", ["record", True, {}, ("a",), 0, b"", Secret])
def test_what_is_no_record_is_a_failure_and_lets_nobody_in(answer: object) -> None:
    class Confused:
        def get(self, key_id: str) -> Any:
            return answer

    with pytest.raises(StoreUnavailable, match="returned something else than this key"):
        uses(Confused()).authenticate(UNKNOWN)


def test_the_record_of_another_id_lets_nobody_in() -> None:
    right = KeyRecord.from_token(UNKNOWN, user_id="user_123")
    other = KeyRecord(key_id="Zz98765432101234", user_id="root", secrets=right.secrets)

    class Confused:
        def get(self, key_id: str) -> KeyRecord | None:
            return other

    with pytest.raises(StoreUnavailable, match="returned something else than this key"):
        uses(Confused()).authenticate(UNKNOWN)


def test_a_record_without_secrets_lets_nobody_in() -> None:
    bare = KeyRecord(key_id="AbCdEfGh01234567", user_id="user_123")
    assert reason(lambda: uses(CountingStore(MemoryStore([bare]))).authenticate(UNKNOWN)) == (
        "wrong_secret"
    )


def test_a_store_may_know_texts_of_its_own() -> None:
    record = KeyRecord(
        key_id="AbCdEfGh01234567",
        user_id="user_123",
        secrets=(KeyRecord.from_token(UNKNOWN, user_id="x").secrets[0],),
    )
    asked: list[str] = []

    class Store:
        def get(self, key_id: str) -> KeyRecord | None:
            return record if key_id == record.key_id else None

        def key_ids_for(self, text: str) -> Sequence[str]:
            asked.append(text)
            return [record.key_id]

    authenticator = uses(Store())
    assert reason(lambda: authenticator.authenticate(LEGACY)) == "wrong_secret"
    assert authenticator.authenticate(UNKNOWN).user_id == "user_123"
    assert asked == [LEGACY]  # a minted token says its id itself


# Arguments


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"store": object()}, TypeError, r"with a method get\(key_id\), not object"),
        ({"store": MemoryStore}, TypeError, r"write MemoryStore\(\), not MemoryStore"),
        ({"clock": None}, TypeError, "clock must be a function such as time.time, not None"),
        ({"environments": "production"}, TypeError, r"write environments=\[…\]"),
        ({"environments": None}, TypeError, "environments must be a list, not NoneType"),
        ({"peppers": None}, TypeError, "peppers must be a list, not NoneType"),
        ({"environments": ()}, ConfigurationError, "environments is empty"),
        ({"environments": ["Prod"]}, ConfigurationError, "not an environment: 'Prod'"),
        ({"peppers": "pepper"}, TypeError, "peppers must be a list"),
        ({"peppers": [""]}, ConfigurationError, "a pepper is empty"),
        ({"cache_size": -1}, ConfigurationError, "cache_size is negative: -1"),
    ],
)
def test_a_wrong_argument_is_refused_at_the_start(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        Authenticator(**{"store": MemoryStore(), **arguments})


@pytest.mark.parametrize("name", ["revision", "key_ids_for", "record_used"])
def test_an_optional_method_must_be_one(name: str) -> None:
    store = MemoryStore()
    setattr(store, name, 5)
    with pytest.raises(TypeError, match=f"MemoryStore.{name} must be a method"):
        Authenticator(store)


def test_no_pepper_is_in_what_it_shows_of_itself() -> None:
    assert "hunter2" not in repr(Authenticator(MemoryStore(), peppers=["hunter2"]))


def test_it_reads_the_clock_of_the_wall_by_default(store: MemoryStore) -> None:
    ended = KeyRecord.from_token(
        UNKNOWN, user_id="user_123", expires_at=datetime(2020, 1, 1, tzinfo=UTC)
    )
    store.add([ended])
    assert reason(lambda: uses(CountingStore(store)).authenticate(UNKNOWN)) == "expired"


def test_many_first_uses_of_one_slow_key_cost_one_slow_hash(store, monkeypatch):
    Keyring(store, peppers=["pepper"]).import_token(LEGACY, user_id="user_123")
    authenticator = Authenticator(store, peppers=["pepper"])
    runs, running, done = [], threading.Event(), threading.Event()

    def slow(*args: object) -> bool:
        runs.append(args)
        running.set()
        assert done.wait(30)
        return True

    monkeypatch.setattr("argon2.low_level.verify_secret", slow)
    authenticator._slow._limit = 1
    users: list[str] = []
    threads = [
        threading.Thread(target=lambda: users.append(authenticator.authenticate(LEGACY).user_id))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    assert running.wait(30)
    done.set()
    for thread in threads:
        thread.join(30)
    authenticator.close()
    assert users == ["user_123"] * 8
    assert len(runs) == 1


def test_a_token_with_two_records_of_which_one_is_revoked_is_refused(store):
    old, new = Keyring(store, peppers=["old"]), Keyring(store, peppers=["new"])
    first = old.import_token(LEGACY, user_id="user_123")
    new.import_token(LEGACY, user_id="user_123")  # this keyring was not told the old pepper
    authenticator = Authenticator(store, peppers=["new", "old"])
    assert authenticator.authenticate(LEGACY).user_id == "user_123"
    old.revoke(first.key_id)
    with pytest.raises(InvalidToken) as refused:
        authenticator.authenticate(LEGACY)
    authenticator.close()
    assert refused.value.reason == "revoked"


@pytest.mark.parametrize("answer", [5, True, object()])
def test_ids_that_are_none_mean_that_the_store_can_not_answer(answer):
    class Odd:
        def get(self, key_id: str) -> None:
            return None

        def key_ids_for(self, text: str) -> Any:
            return answer

    with pytest.raises(StoreUnavailable, match=r"Odd\.key_ids_for raised TypeError"):
        Authenticator(Odd()).authenticate(LEGACY)


def test_a_revision_that_can_not_be_compared_means_that_the_store_can_not_answer(store):
    class Revision:
        __hash__ = object.__hash__

        def __eq__(self, other: object) -> bool:
            raise RuntimeError("no")

    class Odd(CountingStore):
        def revision(self) -> Hashable:
            return Revision()

    token = Keyring(store).create(user_id="user_123").token
    with pytest.raises(StoreUnavailable, match=r"Odd\.revision raised RuntimeError"):
        Authenticator(Odd(store)).authenticate(token)
