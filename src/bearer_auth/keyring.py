"""The life of a key: create, import, rotate, suspend, revoke, list. The only writer of records."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import replace
from datetime import date, datetime, timedelta
from types import EllipsisType
from typing import Any, Literal, Unpack, cast, get_args

from .errors import (
    ConfigurationError,
    Conflict,
    KeyExists,
    KeyInactive,
    KeyNotFound,
    ReadOnlyStore,
)
from .events import Emitter, EventSink
from .hashing import Hashing, Pepper
from .issuer import IfRotating, Issuer, KeyFields
from .records import IssuedKey, KeyRecord, State
from .stores import MAX_PAGE, KeyStore, Page, Query, Sort, Usage, WritableKeyStore, check_store
from .token import check_key_id
from .values import Clock, listed, to_lifetime

_DAYS_KEPT = timedelta(days=400)
"""For how long it is known how often a key was used on a day; one year and some."""

_TRIES = 20
"""Attempts at a change that others change at the same time."""


class Keyring:
    """Issues, changes and ends the keys of a store.

    A change has happened everywhere once its method has returned: no process accepts the old state
    any more. Safe under threads and between processes; of two changes of one key made at the same
    time, the second is applied to the result of the first.

    Beside what each method names, all that ask the store raise ``StoreUnavailable`` if it can't
    answer, all that change keys ``ReadOnlyStore`` if it can't be written to, and all that change a
    stored key ``Conflict`` if others kept changing it at the same time.

    Args:
        store: A store; reading is all that a read-only one is good for.
        prefix: The first part of new tokens, such as your product's name.
        peppers: Secrets from your configuration (never from the database), newest first. Needed
            only for ``import_token``; the middleware needs the same.
        hashing: ``"argon2id"`` for those whose rules ask for a slow hash; it proves nothing more.
        event_sink: Where changes are told; by default ``logging.getLogger("bearer_auth")``.
        clock: Seconds since 1970; for tests.

    Attributes:
        prefix: As given.

    Raises:
        TypeError: The store has no ``get``, or an argument is of the wrong type.
        ConfigurationError: An argument is out of bounds.

    .. versionadded:: 0.1
    """

    def __init__(
        self,
        store: KeyStore,
        prefix: str = "ba",
        *,
        peppers: Iterable[Pepper] = (),
        hashing: Hashing = "sha256",
        event_sink: EventSink | None = None,
        clock: Clock = time.time,
    ) -> None:
        check_store(store)
        self._store = store
        self._issuer = Issuer(prefix, peppers=peppers, hashing=hashing, clock=clock)
        self._now = self._issuer.now
        self.prefix = prefix
        self._events = Emitter(event_sink)
        self._by: dict[str, Any] = {}
        self._from: dict[str, Any] = {}

    def acting(
        self, by: str, *, address: str | None = None, request_id: str | None = None
    ) -> Keyring:
        """The same keyring on somebody's behalf: its events say who changes keys, and from where.

        Args:
            by: Who; in the events' data as ``by``.
            address: Their IP address.
            request_id: The id of their request.

        .. versionadded:: 0.1
        """
        keyring = copy(self)
        keyring._by = {"by": by}
        keyring._from = {"address": address, "request_id": request_id}
        return keyring

    def create(self, *, user_id: str, **fields: Unpack[KeyFields]) -> IssuedKey:
        """Issue a new key.

        Args:
            user_id: The owner.
            plan: The owner's plan; ``"default"`` by default.
            name: What people call the key.
            scopes: What it may do; nothing that needs a scope by default.
            environment: Where it is valid; ``"production"`` by default.
            expires_in: How long it lives; or ``expires_at``, an aware datetime. By default it has
                no end.
            tenant_id: The owner's tenant.
            allowed_ips: Addresses and networks from which it may be used.
            created_by: Who issues it.
            limit: A rate limit of its own.
            metadata: A JSON object of yours, at most 8 KiB.

        Returns:
            The token, which is never seen again, and the record.

        Raises:
            ConfigurationError: A value is out of bounds; the message names it.
            TypeError: An unknown field, or a value of the wrong type.
            ReadOnlyStore: The store can't be written to.
            StoreUnavailable: The store can't answer.
        """
        issued = self._issuer.new(user_id, fields)
        self._add("key.created", issued.record)
        return issued

    def import_token(self, token: str, *, user_id: str, **fields: Unpack[KeyFields]) -> KeyRecord:
        """Take in a key that someone already uses; it keeps working, and can be rotated.

        Args:
            token: Its text: a minted token, or b64token text (RFC 6750 §2.1) of at least 8
                characters.
            user_id: The owner.
            **fields: As for ``create``; ``environment`` is by default that of a minted token.

        Raises:
            ConfigurationError: The keyring has no pepper, or the text can't be a token. The
                message never quotes it.
            KeyExists: It was taken in before, be it under an older pepper.
        """
        record = self._issuer.of_token(token, user_id, fields)
        for key_id in self._issuer.older_ids(token):
            if self._store.get(key_id) is not None:  # with two records, one revoked leaves one live
                raise KeyExists(f"this key is already stored, with the id {key_id}")
        return self._add("key.imported", record)

    def import_hash(
        self,
        key_id: str,
        phc_string: str,
        *,
        user_id: str,
        sieve: str | None = None,
        **fields: Unpack[KeyFields],
    ) -> KeyRecord:
        """Take in a key of which only the hash is known.

        Args:
            key_id: The id in the token, if it was minted by a bearer_auth; else the one that its
                format derives (``bearer_auth.formats``).
            phc_string: ``$sha256$`` or ``$sha512$`` and the digest of the whole token, of which
                nobody can guess the text; or argon2id.
            user_id: The owner.
            sieve: With argon2id: the first 24 bits of the token's SHA-256 as 6 hexadecimal digits,
                without which a forged secret for the public id would cost a slow hash.
            **fields: As for ``create``.

        Raises:
            ConfigurationError: The hash can't be used; the message says why.
            KeyExists: There is a key with this id.
        """
        record = self._issuer.of_hash(key_id, phc_string, sieve, user_id, fields)
        return self._add("key.imported", record)

    def rotate(
        self,
        key_id: str,
        grace: timedelta = timedelta(hours=24),
        *,
        if_rotating: IfRotating = "refuse",
    ) -> IssuedKey:
        """Give a key a new secret. The id, owner, scopes and history stay.

        Args:
            key_id: The key.
            grace: How long the old secret lives on, never past its own end or the key's. Zero
                ends all older secrets at once, and always works.
            if_rotating: What to do while an earlier rotation's grace runs. ``"refuse"`` raises;
                ``"discard_new"`` ends the newest secret in favour of another one, for when the
                earlier answer was lost.

        Raises:
            RotationInProgress: An earlier rotation's grace is still running.
            KeyInactive: The key is revoked or expired.
            KeyNotFound: There is no such key.
            ConfigurationError: The grace is negative.
        """
        to_lifetime("grace", grace)
        if if_rotating not in ("refuse", "discard_new"):
            raise ConfigurationError("if_rotating must be 'refuse' or 'discard_new'")
        issued: list[IssuedKey] = []  # one for each attempt

        def change(old: KeyRecord) -> KeyRecord:
            _need_life(old, self._now())
            issued.append(self._issuer.renewed(old, grace, if_rotating))
            return issued[-1].record

        _, record = self._change(key_id, change)
        self._tell("key.rotated", record, grace_s=int(grace.total_seconds()))
        return issued[-1]

    def finish_rotation(self, key_id: str) -> KeyRecord:
        """End the grace of the old secret now. Does nothing if none is running.

        Raises:
            KeyNotFound: There is no such key.
        """
        old, new = self._change(key_id, lambda old: replace(old, secrets=old.secrets[:1]))
        now = self._now()
        if any(secret.live_at(now) for secret in old.secrets[1:]):
            self._tell("key.rotation_finished", new)
        return new

    def update(
        self,
        key_id: str,
        *,
        name: str | EllipsisType = ...,
        scopes: Iterable[str] | EllipsisType = ...,
        plan: str | EllipsisType = ...,
        expires_at: datetime | EllipsisType | None = ...,
        allowed_ips: Iterable[str] | EllipsisType = ...,
        limit: str | EllipsisType | None = ...,
        metadata: Mapping[str, Any] | EllipsisType = ...,
    ) -> KeyRecord:
        """Change what is said of a key; what isn't given stays.

        Raises:
            KeyInactive: The key is revoked. (An expired one can be given a later end.)
            KeyNotFound: There is no such key.
            ConfigurationError: A value is out of bounds; the message names it.
        """
        given = {
            "name": name,
            "scopes": scopes,
            "plan": plan,
            "expires_at": expires_at,
            "allowed_ips": allowed_ips,
            "limit": limit,
            "metadata": metadata,
        }
        changes = {field: value for field, value in given.items() if value is not ...}

        def change(old: KeyRecord) -> KeyRecord:
            _need_unrevoked(old)
            return replace(old, **cast(dict[str, Any], changes))

        _, record = self._change(key_id, change)
        self._tell("key.updated", record, changed=sorted(changes))
        return record

    def suspend(self, key_id: str) -> KeyRecord:
        """Refuse a key until it is resumed. Does nothing if it is suspended.

        Raises:
            KeyInactive: The key is revoked.
            KeyNotFound: There is no such key.
        """
        return self._set_status(key_id, "suspended")

    def resume(self, key_id: str) -> KeyRecord:
        """End a suspension. Does nothing if there is none.

        Raises:
            KeyInactive: The key is revoked, which is final.
            KeyNotFound: There is no such key.
        """
        return self._set_status(key_id, "active")

    def revoke(self, key_id: str, reason: str = "") -> KeyRecord:
        """End a key for good, with all its secrets. Again changes nothing, the first reason stays.

        Raises:
            KeyNotFound: There is no such key.
        """
        old, new = self._change(key_id, lambda old: _revoked(old, self._now(), reason))
        if old != new:
            self._tell("key.revoked", new)
        return new

    def revoke_all(
        self,
        *,
        user_id: str | None = None,
        tenant_id: str | None = None,
        key_ids: Iterable[str] | None = None,
        reason: str = "",
    ) -> int:
        """End all keys of an owner or of a tenant, or the keys with these ids, at once.

        Keys that are made meanwhile are ended too. Ids that are unknown are passed over.

        Returns:
            How many keys were ended by this call.

        Raises:
            TypeError: Not exactly one of the three is given.
            ConfigurationError: One of the ids is none, such as a whole token. Nothing was ended.
        """
        if sum(given is not None for given in (user_id, tenant_id, key_ids)) != 1:
            raise TypeError("revoke_all takes just one of user_id, tenant_id and key_ids")
        ids = None
        if key_ids is not None:
            once = dict.fromkeys(listed("key_ids", key_ids))
            ids = [check_key_id(key_id) for key_id in once]
        store = self._writable()
        count = 0
        for _ in range(_TRIES):
            if ids is None:
                found = self._every(user_id=user_id, tenant_id=tenant_id)
            else:
                found = (record for key_id in ids if (record := self.get(key_id)) is not None)
            pairs = [
                (record, _revoked(record, self._now(), reason))
                for record in found
                if record.status != "revoked"
            ]
            if not pairs and count:
                return count
            try:
                store.replace(pairs)
            except Conflict:
                continue
            for _, record in pairs:
                self._tell("key.revoked", record)
            count += len(pairs)
            if not pairs:
                return 0
        raise Conflict("the keys kept changing while they were being revoked; try again")

    def get(self, key_id: str) -> KeyRecord | None:
        """The record of a key, or ``None``: also for what is no id, such as a whole token."""
        return self._store.get(key_id)

    def ids_of(self, text: str) -> Sequence[str]:
        """The ids under which the record of a key with this text may stand, be it minted or
        imported; for looking a key up, as whether the text is genuine is not checked.

        .. versionadded:: 0.1
        """
        return self._issuer.ids_of(text)

    def usage(self, key_id: str) -> Usage:
        """When a key was last used, and each of its secrets, how often by day, and from where if
        the store notes that; a few seconds late.

        A store that keeps no usage times gives an empty ``Usage``.

        Raises:
            KeyNotFound: There is no such key.
        """
        self._existing(key_id)
        usage_of = getattr(self._store, "usage_of", None)
        return Usage() if usage_of is None else usage_of([key_id]).get(key_id, Usage())

    def list(
        self,
        user_id: str | None = None,
        tenant_id: str | None = None,
        environment: str | None = None,
        status: State | None = None,
        expires_within: timedelta | None = None,
        unused_for: timedelta | None = None,
        limit: int = 50,
        after: str | None = None,
        *,
        plan: str | None = None,
        scope: str | None = None,
        text: str | None = None,
        sort: Sort = "newest",
    ) -> Page:
        """One page of keys; every filter that is given must hold.

        Args:
            user_id: The owner.
            tenant_id: The owner's tenant.
            environment: The environment.
            status: ``active``, ``suspended``, ``expired`` or ``revoked``; each key is in just one.
            expires_within: It has not ended yet, and will within this time.
            unused_for: It was not used for this long, nor made within this time.
            limit: Keys a page, 1 to 1000.
            after: The ``next_cursor`` of the page before.
            plan: The plan.
            scope: A scope that it has, in just these words; what covers it doesn't count.
            text: A part of its name or its owner; capitals don't matter.
            sort: ``newest`` or ``oldest`` first; by ``name``, then owner; or by ``expiry``, the
                next to end first and without those that have no end.

        Raises:
            ConfigurationError: An argument is out of bounds, or ``after`` is no cursor of this
                store and this order.
            TypeError: An argument is of the wrong type.
            ReadOnlyStore: The store has no ``find``.
        """
        if status not in (None, "active", "suspended", "expired", "revoked"):
            raise ConfigurationError(
                f"status must be active, suspended, expired or revoked: {status!r}"
            )
        if sort not in get_args(Sort):
            raise ConfigurationError(f"sort must be newest, oldest, name or expiry: {sort!r}")
        if not isinstance(limit, int):
            raise TypeError(f"limit must be a whole number, not {type(limit).__name__}")
        for name, given in (("after", after), ("plan", plan), ("scope", scope), ("text", text)):
            if given is not None and not isinstance(given, str):
                raise TypeError(f"{name} must be text, not {type(given).__name__}")
        if not 1 <= limit <= MAX_PAGE:
            raise ConfigurationError(f"limit must be 1 to {MAX_PAGE}: {limit}")
        now = self._now()
        soon = long_ago = None
        if expires_within is not None:
            soon = now + to_lifetime("expires_within", expires_within)
        if unused_for is not None:
            long_ago = now - to_lifetime("unused_for", unused_for)
        return self._writable("list keys", ("find",)).find(
            Query(
                now=now,
                user_id=user_id,
                tenant_id=tenant_id,
                environment=environment,
                state=status,
                expires_before=soon,
                unused_since=long_ago,
                plan=plan,
                scope=scope,
                text=text,
                sort=sort,
                limit=limit,
                after=after,
            )
        )

    def purge(self, dead_for: timedelta = timedelta(days=365)) -> int:
        """Delete the records of keys that have been revoked or expired for so long, and forget on
        which days keys were used more than 400 days ago.

        Args:
            dead_for: How long ago each key ended, at least.

        Returns:
            How many were deleted.

        Raises:
            ConfigurationError: The time is negative or too long.
            TypeError: It is no timedelta.
        """
        store = self._writable()
        before = self._now() - to_lifetime("dead_for", dead_for)
        prune: Callable[[date], int] | None = getattr(store, "prune_usage", None)
        if prune is not None:
            prune((self._now() - _DAYS_KEPT).date())
        states: tuple[State, ...] = ("revoked", "expired")
        for _ in range(_TRIES):
            dead = [
                record
                for state in states
                for record in self._every(status=state)
                if (record.revoked_at or record.expires_at or before) < before
            ]
            if not dead:
                return 0
            # An expired key may be given a later end meanwhile. Revocation is final, so after it
            # none is deleted that lives.
            expired = [record for record in dead if record.status != "revoked"]
            try:
                if expired:
                    store.replace(
                        (record, _revoked(record, record.expires_at or before, "purged"))
                        for record in expired
                    )
            except Conflict:
                continue
            count = store.delete(record.key_id for record in dead)
            for record in dead:
                self._tell("key.purged", record)
            return count
        raise Conflict("the keys kept changing while they were being purged; try again")

    def now(self) -> datetime:
        """The time by the keyring's clock, aware, in UTC."""
        return self._now()

    def writable_store(self) -> WritableKeyStore:
        """The store itself, for what moves many keys at a time.

        Raises:
            ReadOnlyStore: It can't be written to.
        """
        return self._writable()

    def _add(self, event: str, record: KeyRecord) -> KeyRecord:
        self._writable().add([record])
        self._tell(event, record, created_by=record.created_by)
        return record

    def _change(
        self, key_id: str, change: Callable[[KeyRecord], KeyRecord]
    ) -> tuple[KeyRecord, KeyRecord]:
        """What was stored, and what is stored now in its place."""
        store = self._writable()
        for _ in range(_TRIES):
            old = self._existing(key_id)
            new = change(old)
            try:
                # Also when nothing changes: an earlier caller may have died before its change was
                # known everywhere, and replace returns only when it is.
                store.replace([] if new == old else [(old, new)])
            except Conflict:
                continue
            return old, new
        raise Conflict(f"the key {key_id} kept changing; try again")

    def _set_status(self, key_id: str, status: Literal["active", "suspended"]) -> KeyRecord:
        def change(old: KeyRecord) -> KeyRecord:
            _need_unrevoked(old)
            return replace(old, status=status)

        old, new = self._change(key_id, change)
        if old != new:
            self._tell("key.suspended" if status == "suspended" else "key.resumed", new)
        return new

    def _existing(self, key_id: str) -> KeyRecord:
        try:
            check_key_id(key_id)
        except ConfigurationError as error:
            raise KeyNotFound(str(error)) from None
        record = self._store.get(key_id)
        if record is None:
            raise KeyNotFound(f"no key has the id {key_id!r}")
        return record

    def _every(self, **filters: Any) -> Iterator[KeyRecord]:
        after: str | None = None
        while True:
            page = self.list(**filters, limit=MAX_PAGE, after=after)
            yield from page
            after = page.next_cursor
            if after is None:
                return

    def _writable(
        self,
        action: str = "change keys",
        needed: Iterable[str] = ("add", "replace", "find", "delete"),
    ) -> WritableKeyStore:
        for method in needed:
            if not callable(getattr(self._store, method, None)):
                raise ReadOnlyStore(
                    f"can't {action}: {type(self._store).__name__} is read-only (it has no "
                    f"{method}); use a store such as SQLStore, or change the keys where it "
                    "gets them from"
                )
        return cast(WritableKeyStore, self._store)

    def _tell(self, event: str, record: KeyRecord, **data: Any) -> None:
        self._events.emit(
            event,
            key_id=record.key_id,
            user_id=record.user_id,
            tenant_id=record.tenant_id,
            reason=record.revoked_reason or None,
            data={name: value for name, value in data.items() if value is not None} | self._by,
            **self._from,
        )


def _revoked(record: KeyRecord, now: datetime, reason: str) -> KeyRecord:
    if record.status == "revoked":
        return record
    return replace(record, status="revoked", revoked_at=now, revoked_reason=reason)


def _need_unrevoked(record: KeyRecord) -> None:
    if record.status == "revoked":
        raise KeyInactive(f"the key {record.key_id} is revoked, which is final")


def _need_life(record: KeyRecord, now: datetime) -> None:
    _need_unrevoked(record)
    if record.state_at(now) == "expired":
        raise KeyInactive(f"the key {record.key_id} is expired; give it a later expiry first")
