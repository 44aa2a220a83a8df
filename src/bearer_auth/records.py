"""The things that keys are made of: KeyRecord, Secret, IssuedKey, Principal.

Times are aware UTC. Everything here is frozen and compared by value; a record holds no secret, only
hashes, and even these are kept out of ``repr``.
"""

from __future__ import annotations

import copy
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, Self

from .errors import ConfigurationError, InsufficientScope
from .hashing import Pepper, check_peppers, hash_token, imported_id, parse_hash
from .scopes import covers_all, parse_scopes
from .token import check_key_id, check_part, parse, redact
from .values import check_importable, check_metadata, check_text, listed, parse_networks, to_utc

Status = Literal["active", "suspended", "revoked"]
State = Literal["active", "suspended", "expired", "revoked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """One secret of a key, hashed.

    Attributes:
        hash: A PHC string over the whole token text.
        sieve: The first 24 bits of the token's SHA-256, only beside argon2id of a minted token.
        created_at: When it was issued.
        expires_at: When it ends by itself: the end of a rotation's grace. ``None`` lives as long
            as the key.
    """

    hash: str
    sieve: str | None = None
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    expires_at: datetime | None = None

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "hash", parse_hash(self.hash))
        if self.sieve is not None:
            if not re.fullmatch(r"[0-9A-Fa-f]{6}", self.sieve):
                raise ConfigurationError("sieve must be 6 hexadecimal digits")
            put(self, "sieve", self.sieve.lower())
        put(self, "created_at", to_utc("created_at", self.created_at))
        if self.expires_at is not None:
            put(self, "expires_at", to_utc("expires_at", self.expires_at))

    @property
    def id(self) -> str:
        """A short name for this secret that gives nothing of it away."""
        return hashlib.sha256(b"secret id\0" + self.hash.encode()).hexdigest()[:16]

    def live_at(self, now: datetime) -> bool:
        """Whether it has not ended yet."""
        return self.expires_at is None or now < self.expires_at

    def __repr__(self) -> str:
        return f"Secret(hash='…', created_at={self.created_at!r}, expires_at={self.expires_at!r})"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    """One key as a store keeps it.

    Attributes:
        key_id: 16 base62 characters, public.
        user_id: The owner; 1 to 255 characters.
        tenant_id: The owner's tenant, if there are tenants.
        plan: The owner's plan.
        name: What people call this key.
        scopes: What it may do.
        environment: Where it is valid.
        status: ``active``, ``suspended`` or ``revoked``; whether it is expired is computed.
        created_at: When it was issued.
        created_by: Who issued it.
        expires_at: When it ends; ``None`` never.
        revoked_at: When it was revoked.
        revoked_reason: Why.
        allowed_ips: Addresses and networks from which it may be used; empty means any.
        limit: A rate limit of its own, in place of its plan's.
        metadata: A JSON object of the user's; not to be changed in place.
        secrets: Newest first.

    Raises:
        ConfigurationError: A value is out of bounds; the message names it.
        TypeError: A value is of the wrong type.
    """

    key_id: str
    user_id: str
    tenant_id: str | None = None
    plan: str = "default"
    name: str = ""
    scopes: tuple[str, ...] = ()
    environment: str = "production"
    status: Status = "active"
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    created_by: str | None = None
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    revoked_reason: str = ""
    allowed_ips: tuple[str, ...] = ()
    limit: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any], hash=False)
    secrets: tuple[Secret, ...] = ()

    def __post_init__(self) -> None:
        check_key_id(self.key_id)
        check_text("user_id", self.user_id, 1, 255)
        check_text("plan", self.plan, 1, 64)
        check_text("name", self.name, 0, 255)
        check_text("revoked_reason", self.revoked_reason, 0, 500)
        for name, most in (("tenant_id", 255), ("created_by", 255), ("limit", 255)):
            if getattr(self, name) is not None:
                check_text(name, getattr(self, name), 1, most)
        check_part("environment", self.environment)
        if self.status not in ("active", "suspended", "revoked"):
            raise ConfigurationError(
                f"status must be active, suspended or revoked: {self.status!r}"
            )
        put = object.__setattr__
        put(self, "scopes", parse_scopes(self.scopes))
        put(self, "allowed_ips", parse_networks(self.allowed_ips))
        put(self, "metadata", check_metadata(self.metadata))
        put(self, "secrets", tuple(listed("secrets", self.secrets)))
        for secret in self.secrets:
            if not isinstance(secret, Secret):
                raise TypeError(f"secrets must hold Secret objects, not {type(secret).__name__}")
        put(self, "created_at", to_utc("created_at", self.created_at))
        for name in ("expires_at", "revoked_at"):
            if getattr(self, name) is not None:
                put(self, name, to_utc(name, getattr(self, name)))

    @classmethod
    def from_token(
        cls, token: str, *, user_id: str, peppers: Iterable[Pepper] = (), **fields: Any
    ) -> Self:
        """Make a record for a token that exists, without a keyring.

        Args:
            token: A minted token; or any b64token text of 8 characters and more, if a pepper is
                given.
            user_id: The owner.
            peppers: As for ``Keyring``; the newest is used.
            **fields: The other attributes. ``environment`` is by default that of a minted token.

        Raises:
            ConfigurationError: The text is no token, or needs a pepper. It is never quoted. Or
                another value is out of bounds.
            TypeError: The token is no text, or another value is of the wrong type.
        """
        minted = parse(token) if isinstance(token, str) else None
        if minted is not None and minted.checksum_ok:
            fields.setdefault("environment", minted.environment)
            key_id, secret = minted.key_id, Secret(hash=hash_token(token))
        else:
            check_importable(token)
            pepper = next(iter(check_peppers(peppers)), None)
            if pepper is None:
                raise ConfigurationError(
                    "a token that was not minted here needs a pepper: without one its id could be "
                    "used to guess it offline; pass peppers=[…] here and to the middleware"
                )
            key_id, secret = imported_id(token, pepper), Secret(hash=hash_token(token, "argon2id"))
        return cls(key_id=key_id, user_id=user_id, secrets=(secret,), **fields)

    def state_at(self, now: datetime) -> State:
        """The status, with expiry counted in."""
        if self.status != "revoked" and self.expires_at is not None and self.expires_at <= now:
            return "expired"
        return self.status


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A key as it is handed to its owner.

    Attributes:
        token: The text to send as ``Authorization: Bearer …``. This is the only time it is seen.
        record: What the store keeps.
    """

    token: str = field(repr=False)
    record: KeyRecord

    @property
    def key_id(self) -> str:
        """The public id."""
        return self.record.key_id

    def __repr__(self) -> str:
        return f"IssuedKey(token={redact(self.token)!r}, record={self.record!r})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who a request comes from: the key that authenticated, as the app sees it."""

    key_id: str
    user_id: str
    tenant_id: str | None = None
    plan: str = "default"
    scopes: tuple[str, ...] = ()
    environment: str = "production"
    name: str = ""
    limit: str | None = None
    _metadata: Mapping[str, Any] = field(default_factory=dict[str, Any], hash=False, repr=False)

    @classmethod
    def of(cls, record: KeyRecord) -> Self:
        """The principal that a record stands for."""
        return cls(
            key_id=record.key_id,
            user_id=record.user_id,
            tenant_id=record.tenant_id,
            plan=record.plan,
            scopes=record.scopes,
            environment=record.environment,
            name=record.name,
            limit=record.limit,
            _metadata=record.metadata,
        )

    @property
    def metadata(self) -> dict[str, Any]:
        """The key's metadata, a copy each time: a principal is shared between requests."""
        return copy.deepcopy(dict(self._metadata))

    def has_scopes(self, *scopes: str) -> bool:
        """Whether the key's scopes cover all of these."""
        return covers_all(self.scopes, scopes)

    def require_scopes(self, *scopes: str) -> None:
        """Do nothing if the key's scopes cover all of these.

        Raises:
            InsufficientScope: They don't; the client gets the documented 403.
        """
        if not self.has_scopes(*scopes):
            raise InsufficientScope(parse_scopes(scopes)).of(self)
