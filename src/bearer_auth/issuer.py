"""What keys are made of: tokens, secrets, and the first record of a key; no store in sight."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Literal, TypedDict

from .errors import ConfigurationError, RotationInProgress
from .hashing import (
    Hashing,
    Pepper,
    check_peppers,
    hash_token,
    imported_id,
    is_slow,
    parse_hash,
    sieve_of,
)
from .records import IssuedKey, KeyRecord, Secret
from .token import check_part, mint, new_key_id, parse
from .values import Clock, check_clock, to_lifetime

IfRotating = Literal["refuse", "discard_new"]


class KeyFields(TypedDict, total=False):
    """What can be said of a key when it is made; see ``KeyRecord``."""

    plan: str
    name: str
    scopes: Iterable[str]
    environment: str
    expires_in: timedelta | None
    expires_at: datetime | None
    tenant_id: str | None
    allowed_ips: Iterable[str]
    created_by: str | None
    limit: str | None
    metadata: Mapping[str, Any]


class Issuer:
    """Makes tokens and what is to be kept of them. Its arguments are those of ``Keyring``.

    Raises:
        TypeError: An argument is of the wrong type.
        ConfigurationError: An argument is out of bounds.
    """

    def __init__(
        self,
        prefix: str,
        *,
        peppers: Iterable[Pepper],
        hashing: Hashing,
        clock: Clock,
    ) -> None:
        if hashing not in ("sha256", "argon2id"):
            raise ConfigurationError(f"hashing must be 'sha256' or 'argon2id', not {hashing!r}")
        self._prefix = check_part("prefix", prefix)
        self._peppers = check_peppers(peppers)
        self._hashing: Hashing = hashing
        self._clock = check_clock(clock)

    def now(self) -> datetime:
        """The time, aware, in UTC."""
        return datetime.fromtimestamp(self._clock(), UTC)

    def new(self, user_id: str, fields: KeyFields) -> IssuedKey:
        """A new key."""
        key_id = new_key_id()
        token = mint(self._prefix, fields.get("environment", "production"), key_id)
        return IssuedKey(token, self._record(key_id, user_id, self._secret(token), fields))

    def of_token(self, token: str, user_id: str, fields: KeyFields) -> KeyRecord:
        """The record of a token that someone already uses.

        Raises:
            ConfigurationError: There is no pepper, or the text can't be a token.
        """
        if not self._peppers:
            raise ConfigurationError(
                "import_token needs a pepper: without one, the id of a weak key could be used to "
                "guess it offline; pass peppers=[…] to the keyring and to the middleware"
            )
        bare = KeyRecord.from_token(token, user_id=user_id, peppers=self._peppers)
        minted, secret = parse(token), bare.secrets[0]
        if minted is not None:
            fields.setdefault("environment", minted.environment)
            secret = self._secret(token)
        return self._record(bare.key_id, user_id, secret, fields)

    def older_ids(self, token: str) -> list[str]:
        """Under which ids a token was kept before the newest pepper came."""
        return self.ids_of(token)[1:]

    def ids_of(self, token: str) -> list[str]:
        """The ids under which a token's record may stand, the newest pepper's first. Whether the
        token is genuine is not looked at."""
        minted = parse(token)
        if minted is not None:
            return [minted.key_id]
        return [imported_id(token, pepper) for pepper in self._peppers]

    def of_hash(
        self, key_id: str, phc_string: str, sieve: str | None, user_id: str, fields: KeyFields
    ) -> KeyRecord:
        """The record of a minted token of which only the hash is known.

        Raises:
            ConfigurationError: The hash can't be used.
        """
        phc = parse_hash(phc_string)
        if is_slow(phc) and sieve is None:
            raise ConfigurationError(
                "an argon2id hash needs its sieve: the id is public, so without it each forged "
                "secret would cost a slow hash; pass sieve=, or have the key rotated"
            )
        secret = Secret(hash=phc, sieve=sieve if is_slow(phc) else None, created_at=self.now())
        return self._record(key_id, user_id, secret, fields)

    def renewed(self, old: KeyRecord, grace: timedelta, if_rotating: IfRotating) -> IssuedKey:
        """The same key with a new secret.

        Raises:
            RotationInProgress: An earlier rotation's grace is still running.
        """
        now = self.now()
        live = [secret for secret in old.secrets if secret.live_at(now)]
        if not grace:
            live = []
        elif len(live) > 1:
            if if_rotating == "refuse":
                raise RotationInProgress(
                    f"the previous secret of {old.key_id} is still valid; finish the rotation, or "
                    "rotate with a grace of zero or if_rotating='discard_new'"
                )
            live = live[1:]
        ends = [now + grace, *([old.expires_at] if old.expires_at else [])]
        graced = tuple(
            replace(secret, expires_at=min([*ends, secret.expires_at or ends[0]]))
            for secret in live
        )
        token = mint(self._prefix, old.environment, old.key_id)
        return IssuedKey(token, replace(old, secrets=(self._secret(token), *graced)))

    def _secret(self, token: str) -> Secret:
        sieve = None
        if self._hashing == "argon2id":
            sieve = sieve_of(sha256(token.encode()).digest())
        return Secret(hash=hash_token(token, self._hashing), sieve=sieve, created_at=self.now())

    def _record(self, key_id: str, user_id: str, secret: Secret, fields: KeyFields) -> KeyRecord:
        given: dict[str, Any] = {**fields}
        unknown = given.keys() - KeyFields.__annotations__.keys()
        if unknown:
            raise TypeError(
                f"unknown field {min(unknown)!r}; a key has {', '.join(KeyFields.__annotations__)}"
            )
        now = self.now()
        expires_in = given.pop("expires_in", None)
        if expires_in is not None:
            if given.get("expires_at") is not None:
                raise TypeError("give expires_in or expires_at, not both")
            given["expires_at"] = now + to_lifetime("expires_in", expires_in)
        if given.get("metadata") is None:
            given["metadata"] = {}
        record = KeyRecord(
            key_id=key_id,
            user_id=user_id,
            created_at=now,
            secrets=(replace(secret, created_at=now),),
            **given,
        )
        if record.expires_at is not None and record.expires_at <= now:
            raise ConfigurationError("the key would have ended already; give a later expiry")
        return record
