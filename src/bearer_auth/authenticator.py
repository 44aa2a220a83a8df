"""A token in, a Principal or an error out. No web server in sight, and nothing is ever written."""

from __future__ import annotations

import ipaddress
import math
import time
from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from hmac import compare_digest
from typing import TYPE_CHECKING, Any

from .cache import Accepted, BoundedDict, Generation, Watch
from .errors import ConfigurationError, InsufficientScope, InvalidToken, StoreUnavailable
from .formats import KeyFormat, check_formats
from .hashing import (
    Pepper,
    SlowHasher,
    check_peppers,
    imported_id,
    is_sha512,
    is_slow,
    sha256_phc,
    sha512_phc,
    sieve_of,
)
from .header import B64TOKEN, MAX_HEADER, bearer_token, unreadable
from .records import KeyRecord, Principal, Secret
from .stores import KeyStore, check_store
from .token import check_part, minted_key_id
from .usage import UsageRecorder
from .values import Clock, check_clock, listed

if TYPE_CHECKING:
    from .ratelimit import FailureLimit

MAX_PROOFS = 16_384
"""Proofs of slow hashes that are remembered, about 0.3 KiB each."""

_NO_SECRET = "$sha256$" + "A" * 43  # stands in for the hash of a key that doesn't exist


class Authenticator:
    """Checks tokens against a store.

    An accepted credential is remembered as a SHA-256 digest of itself, as long as the store's
    ``revision()`` stays the same; a store that has none is read on each call. What was refused is
    never remembered. Thread-safe; usable before and after a fork.

    Args:
        store: Anything with ``get(key_id)``; see ``bearer_auth.stores``.
        environments: The environments whose keys are accepted here.
        peppers: The keyring's, newest first; needed for imported tokens only.
        formats: Formats of keys that others have issued; see ``bearer_auth.formats``.
        clock: Seconds since 1970; for tests.
        cache_size: Accepted credentials to remember, about 1 KiB each; 0 for none.
        failures: Limits how many keys that nobody knows one address may send; ``RateLimits`` has
            one. Keys that were proven before pass.

    Attributes:
        environments: The environments whose keys are accepted.
        peppers: As bytes, newest first.

    Raises:
        TypeError: The store has no ``get``, or an argument is of the wrong type.
        ConfigurationError: An argument is out of bounds.

    .. versionadded:: 0.1
    """

    def __init__(
        self,
        store: KeyStore,
        *,
        environments: Iterable[str] = ("production",),
        peppers: Iterable[Pepper] = (),
        formats: Iterable[KeyFormat] = (),
        clock: Clock = time.time,
        cache_size: int = 16_384,
        failures: FailureLimit | None = None,
    ) -> None:
        check_store(store)
        self._store = store
        names = listed("environments", environments)
        self.environments = frozenset(check_part("environment", name) for name in names)
        if not self.environments:
            raise ConfigurationError("environments is empty, so no key could ever be accepted")
        if cache_size < 0:
            raise ConfigurationError(f"cache_size is negative: {cache_size}")
        self.peppers = check_peppers(peppers)
        self._formats = check_formats(formats)
        self._clock = check_clock(clock)
        # A store without revision() is never cached: each object() is a revision of its own.
        revision = _optional(store, "revision")
        self._revision: Callable[[], Hashable] = revision or object
        self._cache_size = cache_size if revision else 0
        self._key_ids_for: Callable[[str], Sequence[str]] | None = _optional(store, "key_ids_for")
        self._generation = Generation(object(), cache_size)
        self._proofs: BoundedDict[bytes, str] = BoundedDict(MAX_PROOFS)
        self._slow = SlowHasher()
        self._failures = failures
        # Keys that were proven once: who floods the rest of their address doesn't shut them out.
        self._proven: BoundedDict[bytes, None] = BoundedDict(cache_size or 1)
        record_used = _optional(store, "record_used")
        self._usage = UsageRecorder(record_used) if record_used is not None else None
        self._record_address = bool(getattr(store, "record_address", False))

    def authenticate(self, token: str, *, client_ip: str | None = None) -> Principal:
        """Check a token.

        Args:
            token: The token's text, without ``Bearer``.
            client_ip: The address it came from; needed for keys with ``allowed_ips``.

        Raises:
            InvalidToken: It is not valid here; ``reason`` says why, for the log only.
            InsufficientScope: The key may not be used from this address.
            RateLimited: Too many keys that nobody knows came from this address.
            StoreUnavailable: The store can't answer.
        """
        if not token:
            raise InvalidToken("missing", presented=False)
        if len(token) > MAX_HEADER - len("Bearer ") or not B64TOKEN.fullmatch(token):
            raise InvalidToken("malformed")
        return self.authenticate_header("Bearer " + token, client_ip)

    def authenticate_header(
        self, value: str | None, client_ip: str | None = None, watch: Watch | None = None
    ) -> Principal:
        """Check the value of an Authorization header; raises as ``authenticate`` does.

        Args:
            value: The value, or ``None`` if there was none.
            client_ip: The address it came from.
            watch: Told whether the credential had to be looked up.
        """
        if value is None or len(value) > MAX_HEADER:
            raise unreadable(value)
        now = self._clock()
        # Only what has passed the strict parser gets into the cache, so a hit needs no parsing
        # (0.5 µs): the usual spelling is cut off here, any other one goes the long way.
        token = value[7:] if value[:7] == "Bearer " else bearer_token(value)
        digest = sha256(token.encode("utf-8", "replace")).digest()
        generation = self._generation
        accepted = generation.accepted.get(digest)
        if accepted is not None:
            try:
                if now >= accepted.expires_at or self._revision() != generation.revision:
                    accepted = None
            except Exception as error:
                raise self._broken("revision", error) from None
        if accepted is None:
            sent, token = token, bearer_token(value)
            if token != sent:  # blanks beside it went into the digest above
                digest = sha256(token.encode()).digest()
            if watch is not None:
                watch.looked_up = True
            accepted = (
                self._look_up(token, digest, now)
                if self._failures is None
                else self._tried(self._failures, token, digest, now, client_ip)
            )
        if accepted.networks is not None:
            _check_address(accepted, client_ip)
        usage = self._usage
        if usage is not None:
            # Counted first: should the batch go out in between, this use is in it or in the next.
            accepted.uses += 1
            accepted.last_used = now
            if self._record_address:
                accepted.address = client_ip
            if accepted.batch is not usage.batch:
                usage.add(accepted)
        return accepted.principal

    @property
    def usage_dropped(self) -> int:
        """Uses that were not written down, because the store or the buffer could not."""
        return self._usage.dropped if self._usage is not None else 0

    def close(self) -> None:
        """Write usage times and end the thread that does so; the store stays open."""
        if self._usage is not None:
            self._usage.close()

    def _tried(
        self, failures: FailureLimit, token: str, digest: bytes, now: float, address: str | None
    ) -> Accepted:
        """Look a token up, unless there were too many failures from its address."""
        known = digest in self._proven
        if not known:
            failures.begin(address)  # before it may cost anything
        try:
            accepted = self._look_up(token, digest, now)
        except InvalidToken:
            self._proven.pop(digest, None)
            raise
        except Exception:
            if not known:
                failures.forgive(address)
            raise
        if not known:
            failures.forgive(address)
            self._proven.remember(digest, None)
        return accepted

    def _look_up(self, token: str, digest: bytes, now: float) -> Accepted:
        """Prove a token by its record, the whole way."""
        key_ids, keyed = self._key_ids(token)
        # Read before the record, so that a slow read can't put a revoked key back (see Generation).
        revision = self._read_revision()
        accepted = self._prove(token, digest, now, key_ids, keyed)
        if self._moved(revision):
            # The store was changed while the record was read and proven: perhaps this key.
            revision = self._read_revision()
            accepted = self._prove(token, digest, now, key_ids, keyed)
        self._remember(revision, digest, accepted)
        return accepted

    def _prove(
        self, token: str, digest: bytes, now: float, key_ids: Sequence[str], keyed: bool
    ) -> Accepted:
        phc = sha256_phc(digest)
        accepted, reason = None, "unknown"
        for key_id in key_ids:
            record = self._read(key_id)
            if record is None:
                # The same work for an unknown key as for a wrong one.
                compare_digest(_NO_SECRET, phc)
                continue
            reason = "wrong_secret"
            for secret in record.secrets:
                if (
                    compare_digest(secret.hash, phc)
                    or (is_sha512(secret.hash) and compare_digest(secret.hash, sha512_phc(token)))
                    or (is_slow(secret.hash) and self._slowly_proven(secret, token, digest, keyed))
                ):
                    # Of each record that it proves: keyrings that did not know all the peppers
                    # may have imported one token twice, and one of the two be revoked.
                    self._check_state(record, secret, now)
                    accepted = accepted or _accept(record, secret)
                    break
        if accepted is None:
            raise InvalidToken(reason)
        return accepted

    def _key_ids(self, token: str) -> tuple[Sequence[str], bool]:
        """Under which ids the token's record may stand, and whether its text alone proved that."""
        minted = minted_key_id(token)
        if minted is not None:
            return (minted,), False
        for one in self._formats:
            try:
                key_ids = tuple(one.key_ids_for(token))
            except Exception as error:
                raise _failed(one, "key_ids_for", error) from None
            if key_ids:
                return key_ids, False
        if self._key_ids_for is not None:
            try:
                key_ids = tuple(self._key_ids_for(token))
            except Exception as error:
                raise self._broken("key_ids_for", error) from None
            if key_ids:
                return key_ids, True
        return [imported_id(token, pepper) for pepper in self.peppers], True

    def _slowly_proven(self, secret: Secret, token: str, digest: bytes, keyed: bool) -> bool:
        def proven() -> bool:
            return self._proofs.get(digest) == secret.hash

        if proven():
            return True
        # Argon2 only for a right secret: one that a keyed digest found, or that fits the sieve.
        right = keyed if secret.sieve is None else secret.sieve == sieve_of(digest)
        if not right or not self._slow.verify(secret.hash, token, proven):
            return False
        self._proofs.remember(digest, secret.hash)
        return True

    def _check_state(self, record: KeyRecord, secret: Secret, now: float) -> None:
        # After the proof: without its secret nothing is learned about a key.
        moment = datetime.fromtimestamp(now, UTC)
        state = record.state_at(moment)
        if state != "active":
            raise InvalidToken(state).of(record)
        if not secret.live_at(moment):
            raise InvalidToken("expired").of(record)
        if record.environment not in self.environments:
            raise InvalidToken("environment").of(record)

    def _moved(self, revision: Hashable) -> bool:
        """Whether the store was changed since; unknown of one without a revision."""
        if revision is None or self._revision is object:
            return False
        now = self._read_revision()
        try:
            return bool(now != revision)
        except Exception as error:
            raise self._broken("revision", error) from None

    def _remember(self, revision: Hashable, digest: bytes, accepted: Accepted) -> None:
        if revision is None or not self._cache_size:
            return
        generation = self._generation
        try:
            same = generation.revision == revision
        except Exception as error:
            raise self._broken("revision", error) from None
        if not same:
            generation = self._generation = Generation(revision, self._cache_size)
        generation.accepted.remember(digest, accepted)

    def _read_revision(self) -> Hashable:
        try:
            return self._revision()
        except Exception as error:
            raise self._broken("revision", error) from None

    def _read(self, key_id: str) -> KeyRecord | None:
        try:
            record = self._store.get(key_id)
        except Exception as error:
            raise self._broken("get", error) from None
        if record is not None and (not isinstance(record, KeyRecord) or record.key_id != key_id):
            name = type(self._store).__name__
            raise StoreUnavailable(f"{name}.get({key_id!r}) returned something else than this key")
        return record

    def _broken(self, method: str, error: Exception) -> StoreUnavailable:
        """Whatever a store raises means that it can't answer; its text may hold a password."""
        return _failed(self._store, method, error)

    def __repr__(self) -> str:
        environments = ", ".join(sorted(self.environments))
        return (
            f"Authenticator({self._store!r}, environments=({environments}), "
            f"cache of at most {self._cache_size})"
        )


def _failed(what: object, method: str, error: Exception) -> StoreUnavailable:
    if isinstance(error, StoreUnavailable):
        return error
    return StoreUnavailable(f"{type(what).__name__}.{method} raised {type(error).__name__}")


def _optional(store: KeyStore, name: str) -> Any:
    method = getattr(store, name, None)
    if method is not None and not callable(method):
        raise TypeError(f"{type(store).__name__}.{name} must be a method")
    return method


def _accept(record: KeyRecord, secret: Secret) -> Accepted:
    ends = [end.timestamp() for end in (record.expires_at, secret.expires_at) if end is not None]
    networks = tuple(ipaddress.ip_network(text) for text in record.allowed_ips) or None
    return Accepted(Principal.of(record), secret.id, min(ends, default=math.inf), networks)


def _check_address(accepted: Accepted, client_ip: str | None) -> None:
    try:
        address = ipaddress.ip_address(client_ip or "")
    except ValueError:
        pass  # no address that can be read is in no network
    else:
        # An IPv4 client of an IPv6 socket comes as ::ffff:192.0.2.1 (RFC 4291 §2.5.5.2).
        address = getattr(address, "ipv4_mapped", None) or address
        if any(address in network for network in accepted.networks or ()):
            return
    raise InsufficientScope(reason="address").of(accepted.principal)
