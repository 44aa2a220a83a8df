"""SQLStore: keys in the user's database, over SQLAlchemy Core."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Literal

from ..errors import ConfigurationError, Conflict, KeyExists, StoreUnavailable
from ..records import KeyRecord
from ..token import KEY_ID
from . import Page, Query, Usage, Use

try:  # before our own modules that need it too, so that this is what is said in all cases
    from sqlalchemy import URL, Connection, Engine, bindparam, delete, select, update
    from sqlalchemy.exc import IntegrityError
except ImportError as error:
    raise ImportError('SQLStore needs SQLAlchemy: pip install "bearer_auth[sql]"') from error

from .sql_list import read_page
from .sql_meta import MAX_LEASE_MS, check_writable
from .sql_open import open_database, source_of
from .sql_prepare import prepare
from .sql_rows import COLUMNS, decode, encode
from .sql_tables import chunks, make_tables, record_columns
from .sql_usage import prune_days, read_days, read_usage, write_uses

MAX_TIMEOUT_S = 3600

metadata = make_tables("bearer_auth_", None).keys.metadata
"""The tables of a store with the default prefix, for the ``target_metadata`` of a host that makes
its migrations with Alembic itself."""

logger = logging.getLogger("bearer_auth")


class SQLStore:
    """Keeps keys in tables of your database: SQLite, PostgreSQL, MariaDB or MySQL.

    Any number of processes and machines may share them. A change has happened everywhere once its
    method has returned: on SQLite each look-up asks the file whether anything changed; on a server
    a process trusts what it has read for ``lease_ms``, and a change waits for as long.

    Args:
        url_or_engine: ``sqlite:///keys.db`` (relative), ``sqlite:////var/lib/app/keys.db``
            (absolute), ``postgresql://user@host/name``, ``mysql://user@host/name``; or an
            ``Engine``. The store keeps connections of its own, whose transactions, time limits and
            behaviour in a fork it can answer for. It makes them as the engine does; of an engine of
            SQLite it takes the address only.
        create: Create the tables if they are missing, and on SQLite the file, which only its owner
            can read then. By default on SQLite; elsewhere it is better done once, by
            ``bearer-auth db upgrade``.
        usage: ``"batched"`` notes when keys were used, some seconds late, by one narrow write every
            few seconds and process; ``None`` notes nothing.
        record_address: Note from which address each key was last used, too. That is personal data.
        lease_ms: How long, in milliseconds, a server's answer that nothing was changed is trusted;
            0 asks for each request. By default as the tables say (500). With ``create`` it is set
            for all who use the tables, without it only shortened here. On SQLite it means nothing.
        timeout: Seconds that a look-up on a server may take in all, connecting included.
        schema: The schema of the tables; SQLite has none.
        table_prefix: What the names of the tables begin with.

    Attributes:
        record_used: Notes uses, forward only, as ``bearer_auth.stores`` says; ``None`` if it
            doesn't.
        record_address: As given.

    Raises:
        ConfigurationError: An argument is wrong, or the tables are of a newer version of
            bearer_auth.
        ImportError: The driver of the database is not installed; the message names the extra.
        TypeError: A Session or a Connection.
        StoreUnavailable: The tables are missing, or the file can't be opened; the text says why. A
            server that does not answer is no reason to fail here: it is logged, and look-ups raise
            this until it does.

    .. versionadded:: 0.1
    """

    def __init__(
        self,
        url_or_engine: str | URL | Engine,
        *,
        create: bool | None = None,
        usage: Literal["batched"] | None = "batched",
        record_address: bool = False,
        lease_ms: int | None = None,
        timeout: float = 2.0,
        schema: str | None = None,
        table_prefix: str = "bearer_auth_",
    ) -> None:
        source = source_of(url_or_engine)
        if lease_ms is not None and not 0 <= lease_ms <= MAX_LEASE_MS:
            raise ConfigurationError(f"lease_ms must be 0 to {MAX_LEASE_MS}: {lease_ms}")
        if not 0 < timeout <= MAX_TIMEOUT_S:
            raise ConfigurationError(f"timeout must be seconds up to {MAX_TIMEOUT_S}: {timeout}")
        if usage not in ("batched", None):
            raise ConfigurationError(f"usage must be 'batched' or None: {usage!r}")
        self.record_used: Callable[[Sequence[Use]], None] | None = (
            self._record_used if usage else None
        )
        self.record_address = record_address
        self._url = source.url if isinstance(source, Engine) else source
        self._tables = make_tables(table_prefix, schema)
        self._database = open_database(source, self._tables, timeout=timeout, lease_ms=lease_ms)
        tables = self._tables
        needed = [tables.keys, tables.usage, tables.days] if usage else [tables.keys]
        try:
            created = prepare(self, self._database, tables, needed, create=create)
            if created and lease_ms is not None:
                self._database.set_lease(lease_ms)
        except BaseException:
            self._database.close()  # nobody else has the store, to close it
            raise

    def get(self, key_id: str) -> KeyRecord | None:
        """The record with this id, or ``None``."""
        if not KEY_ID.fullmatch(key_id):
            return None
        row = self._database.row(key_id)
        return None if row is None else decode(row)

    def revision(self) -> Hashable:
        """A value that has changed whenever an existing record has; other writes to the same
        database don't change it."""
        return self._database.revision()

    def add(self, records: Iterable[KeyRecord]) -> None:
        """Store new records, all or none."""
        records = list(records)
        rows = {record.key_id: encode(record) for record in records}
        if len(rows) < len(records):
            raise KeyExists("two of the keys have the same id")
        if not rows:
            return
        try:
            with self._database.transaction() as connection:
                check_writable(connection, self._tables)
                try:
                    self._database.insert_keys(connection, list(rows.values()))
                except IntegrityError:
                    raise KeyExists from None
        except KeyExists:
            raise self._taken(rows) from None

    def replace(self, pairs: Iterable[tuple[KeyRecord, KeyRecord]]) -> None:
        """Put each new record in place of the old one, all or none."""
        pairs = list(pairs)
        if not pairs:
            self._database.settle()
            return
        keys = self._tables.keys
        rows = [{**encode(new), "key": new.key_id} for _, new in pairs]
        expected = [(old, tuple(encode(old).values())[: len(COLUMNS)]) for old, _ in pairs]
        with self._database.change() as connection:
            stored = self._stored(connection, (old.key_id for old, _ in pairs))
            for old, row in expected:
                found = stored.get(old.key_id)
                # An equal row is an equal record. The other way round it isn't so (the order in
                # a JSON object), and decoding a row takes longer than all else under the lock.
                if found is None or (found != row and decode(found) != old):
                    raise Conflict(f"the key {old.key_id} was changed by someone else")
            connection.execute(update(keys).where(keys.c.key_id == bindparam("key")), rows)

    def find(self, query: Query) -> Page:
        """One page of the records that match, in the order that is asked for."""
        try:
            with self._database.transaction(write=False) as connection:
                return read_page(connection, self._tables, query)
        except UnicodeEncodeError:  # half a surrogate pair, which no record can hold
            return Page(())

    def delete(self, key_ids: Iterable[str]) -> int:
        """Remove records and what is known of their use."""
        keys, usage, days = self._tables.keys, self._tables.usage, self._tables.days
        gone = 0
        with self._database.change() as connection:
            for ids in chunks(key_ids):
                for table in (usage, days):
                    connection.execute(delete(table).where(table.c.key_id.in_(ids)))
                gone += connection.execute(delete(keys).where(keys.c.key_id.in_(ids))).rowcount
        return gone

    def usage_of(self, key_ids: Iterable[str]) -> Mapping[str, Usage]:
        """When these keys were last used, and how often by day."""
        with self._database.transaction(write=False) as connection:
            return read_usage(connection, self._tables, key_ids, days=True)

    def uses_by_day(
        self, since: date, *, user_id: str | None = None, tenant_id: str | None = None
    ) -> Mapping[date, int]:
        """How often keys were used, by day in UTC: all, also those that are gone; or an owner's.

        Args:
            since: The first day.
            user_id: The owner.
            tenant_id: The owner's tenant.

        Raises:
            StoreUnavailable: The database can't answer.
        """
        owner = {"user_id": user_id, "tenant_id": tenant_id}
        try:
            with self._database.transaction(write=False) as connection:
                return read_days(connection, self._tables, since, owner)
        except UnicodeEncodeError:  # as in find
            return {}

    def prune_usage(self, before: date) -> int:
        """Forget how often keys were used on the days before."""
        with self._database.transaction() as connection:
            check_writable(connection, self._tables)
            return prune_days(connection, self._tables, before)

    def upgrade(self) -> Sequence[str]:
        """Create the tables, or bring them up to date; others may use them meanwhile.

        Returns:
            The migrations that were run; none if there was nothing to do.

        Raises:
            ConfigurationError: The tables are of a newer bearer_auth.
            StoreUnavailable: The database can't answer, or refuses.
        """
        from .sql_migrate import upgrade  # Alembic takes 0.1 s to import

        return upgrade(self._database, self._tables)

    def set_lease(self, lease_ms: int) -> None:
        """Change for how long an answer of a server is trusted everywhere; on SQLite it does
        nothing. Returns when all that was trusted for the earlier length has run out.

        Args:
            lease_ms: Milliseconds, 0 to 60,000. Each change of a key waits for so long.

        Raises:
            ConfigurationError: Out of bounds.
            Conflict: Keys kept changing meanwhile. The lease is shorter then, and changes still
                wait for the longer one.
            StoreUnavailable: The database can't answer.
        """
        self._database.set_lease(lease_ms)

    def forget(self) -> None:
        """Have every process read anew what it remembers; returns when each one does.

        For after keys were changed behind the store's back: a backup was restored, or a row edited.

        Raises:
            StoreUnavailable: The database can't answer.
        """
        with self._database.change():
            pass

    def close(self) -> None:
        """Let go of connections; they come back when they are needed."""
        self._database.close()

    def __repr__(self) -> str:
        return f"SQLStore({self._database.name})"

    def _stored(self, connection: Connection, key_ids: Iterable[str]) -> dict[str, tuple[Any, ...]]:
        keys = self._tables.keys
        columns = record_columns(keys)
        return {
            row[0]: tuple(row)
            for ids in chunks(key_ids)
            for row in connection.execute(select(*columns).where(keys.c.key_id.in_(ids)))
        }

    def _taken(self, key_ids: Iterable[str]) -> KeyExists | StoreUnavailable:
        keys = self._tables.keys
        with self._database.transaction(write=False) as connection:
            for ids in chunks(key_ids):
                found = connection.scalar(select(keys.c.key_id).where(keys.c.key_id.in_(ids)))
                if found is not None:
                    return KeyExists(f"a key with the id {found} is already stored")
        return StoreUnavailable(f"{self!r}: the table refused a row; was it altered?")

    def _record_used(self, batch: Sequence[Use]) -> None:
        """Note uses; rather fails than waits for long."""
        if batch:
            with self._database.transaction(brief=True) as connection:
                check_writable(connection, self._tables)
                write_uses(connection, self._tables, batch)
