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
``uses_by_day(since: date, *, user_id=None, tenant_id=None) -> Mapping[date, int]``
    How often keys were used, by day in UTC: all keys, also those that are gone; or this owner's.
``close() -> None``
    Lets go of connections.

``bearer_auth.testing.KeyStoreContract`` is the suite that every store must pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal, NamedTuple, Protocol, overload

from ..records import KeyRecord, State

Sort = Literal["newest", "oldest", "name", "expiry"]
"""The order of a list. Each is one, with the key's id where two are equal: the time of creation,
from either end; the name, and then the owner, without regard to capitals; the end that is next,
where keys without one are left out."""

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
        """One page of the records that match, in the order that is asked for.

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
        plan: The plan.
        scope: One of its scopes is just this text; patterns that cover it don't count.
        text: The name or the owner has this text in it, without regard to capitals.
        no_expiry: It has no end.
        sort: ``newest`` and ``oldest`` by ``created_at``, then ``key_id``; ``name`` by name and
            owner without regard to capitals; ``expiry`` by the next end, without those that have
            none.
        scan: Look at no more records than this, in the order of the list. The page may then be
            short, or empty, and still have a ``next_cursor``, behind the last one that was looked
            at, which is one of those of ``user_id`` and ``tenant_id``. A store may look at more;
            ``None`` bounds nothing.
        limit: Records a page, 1 to 1000.
        after: The ``next_cursor`` of the page before, which had the same ``sort``.
    """

    now: datetime
    user_id: str | None = None
    tenant_id: str | None = None
    environment: str | None = None
    state: State | None = None
    expires_before: datetime | None = None
    unused_since: datetime | None = None
    plan: str | None = None
    scope: str | None = None
    text: str | None = None
    no_expiry: bool = False
    sort: Sort = "newest"
    scan: int | None = None
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
        next_cursor: Pass it as ``after`` for the next page, with all else as it was; ``None`` on
            the last one.
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
