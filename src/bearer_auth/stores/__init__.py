"""What a key store is: the protocols, and the values that go in and out of them.

A read-only store is a class with ``get``. One that can be written to has four more methods. Beside
either there may be:

``revision() -> Hashable``
    A value that has changed whenever an existing record has. The authenticator keeps a record only
    while the revision equals the one read *before* the record was read; a store without it is read
    on each request, and so is one that returns ``None``. It may raise ``StoreUnavailable``.
``key_ids_for(text) -> Sequence[str]``
    The ids under which the record of a token that was not minted may stand.
``record_used(batch: Sequence[Use]) -> None`` and ``usage_of(key_ids) -> Mapping[str, Usage]``
    When keys were last used, kept beside the records: a narrow, forward-only update. ``None`` for
    ``record_used`` means that nothing is counted. A true attribute ``record_address`` asks for the
    address of each use. ``prune_usage(before: date) -> int`` forgets the days before.
``close() -> None``
    Lets go of connections.

``bearer_auth.testing.KeyStoreContract`` is the suite that every store must pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple, Protocol, overload

from ..records import KeyRecord, State

MAX_PAGE = 1000
"""Records in one page of a list, at most."""


class KeyStore(Protocol):
    """Somewhere that keys can be looked up."""

    def get(self, key_id: str) -> KeyRecord | None:
        """The record with this id, or ``None``.

        Raises:
            StoreUnavailable: The store can't answer.
        """
        ...


def check_store(store: KeyStore) -> None:
    """Refuse what is no store.

    Raises:
        TypeError: It has no ``get``, or is a class or a URL. A URL may hold a password, so it is
            not quoted.
    """
    if isinstance(store, type):
        name = store.__name__
        raise TypeError(f"store must be an object: write {name}(), not {name}")
    if isinstance(store, str):
        raise TypeError("store must be an object, not text; write SQLStore('sqlite:///…')")
    if not callable(getattr(store, "get", None)):
        name = type(store).__name__
        raise TypeError(f"store must be an object with a method get(key_id), not {name}")


class WritableKeyStore(KeyStore, Protocol):
    """Somewhere that keys can be kept."""

    def add(self, records: Iterable[KeyRecord]) -> None:
        """Store new records, all or none.

        Raises:
            KeyExists: One of the ids is taken.
            StoreUnavailable: The store can't answer.
        """
        ...

    def replace(self, pairs: Iterable[tuple[KeyRecord, KeyRecord]]) -> None:
        """Put each new record in place of the old one, if that is what is stored; all or none.

        Once it has returned, no process accepts the old state any more. That holds for a call
        with no pairs too: an earlier caller may have died while it waited for just this.

        Raises:
            Conflict: One of the old records is not what is stored.
            StoreUnavailable: The store can't answer.
        """
        ...

    def find(self, query: Query) -> Page:
        """One page of the records that match, newest first (by ``created_at``, then ``key_id``).

        Raises:
            ConfigurationError: The query's cursor is not one of this store's.
            StoreUnavailable: The store can't answer.
        """
        ...

    def delete(self, key_ids: Iterable[str]) -> int:
        """Remove records and what is known of their use; as final as ``replace``.

        Returns how many there were.

        Raises:
            StoreUnavailable: The store can't answer.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Which records to find; every filter that is given must hold.

    Attributes:
        now: The time at which ``state`` is computed.
        user_id: The owner.
        tenant_id: The owner's tenant.
        environment: The environment.
        state: ``active``, ``suspended``, ``expired`` or ``revoked``; each record is in just one.
        expires_before: It ends before this, and not before ``now``.
        unused_since: It was not used since; never used and created before this counts too.
        limit: Records a page, 1 to 1000.
        after: The ``next_cursor`` of the page before.
    """

    now: datetime
    user_id: str | None = None
    tenant_id: str | None = None
    environment: str | None = None
    state: State | None = None
    expires_before: datetime | None = None
    unused_since: datetime | None = None
    limit: int = 50
    after: str | None = None


class Use(NamedTuple):
    """Uses of one secret since the last batch.

    Attributes:
        key_id: The key.
        secret_id: ``Secret.id`` of the secret that was sent.
        at: The last of them.
        uses: How many there were.
        address: The IP address that the last one came from, if the store asks for it.
    """

    key_id: str
    secret_id: str
    at: datetime
    uses: int
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """When a key was used.

    Attributes:
        last_used_at: The last use of any of its secrets; ``None`` if there was none.
        secrets: The last use by ``Secret.id``; secrets that have never been used are missing.
        days: How often it was used, by day in UTC. Lists leave it out.
        last_address: The IP address of the last use, if that was noted.
    """

    last_used_at: datetime | None = None
    secrets: Mapping[str, datetime] = field(default_factory=dict[str, datetime], hash=False)
    days: Mapping[date, int] = field(default_factory=dict[date, int], hash=False)
    last_address: str | None = None


class Page(Sequence[KeyRecord]):
    """One page of records.

    Attributes:
        next_cursor: Pass it as ``after`` for the next page; ``None`` on the last one.
        usage: ``Usage`` by key id, for the keys of this page that have been used.
    """

    __slots__ = ("_records", "next_cursor", "usage")

    def __init__(
        self,
        records: Iterable[KeyRecord],
        next_cursor: str | None = None,
        usage: Mapping[str, Usage] | None = None,
    ) -> None:
        self._records = tuple(records)
        self.next_cursor = next_cursor
        self.usage: Mapping[str, Usage] = usage or {}

    @overload
    def __getitem__(self, index: int) -> KeyRecord: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[KeyRecord]: ...
    def __getitem__(self, index: int | slice) -> KeyRecord | Sequence[KeyRecord]:
        return self._records[index]

    def __len__(self) -> int:
        return len(self._records)

    def __repr__(self) -> str:
        return f"Page({len(self)} records, next_cursor={self.next_cursor!r})"
