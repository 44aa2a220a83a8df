"""SQLStore on a database server: PostgreSQL, MariaDB, MySQL.

Look-ups run on the driver's own cursor over a small pool of kept connections. Transactions open a
connection each and close it: that takes a few milliseconds, and leaves nothing behind for a fork.
"""

from __future__ import annotations

import os
import time
import weakref
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import (
    URL,
    ClauseElement,
    ColumnElement,
    Connection,
    Dialect,
    Engine,
    bindparam,
    create_engine,
    literal_column,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from ..errors import KeyExists, StoreUnavailable
from .database_errors import REPLICA, column_missing, is_locked, is_taken, reason_of, tables_missing
from .lease import Lease, Reading, running_clock
from .server_connections import Connections
from .server_look_ups import Failed, LookUps
from .sql_meta import commit_wait_s, create_tables, replace_revision, set_lease
from .sql_statement import Answer, Statement
from .sql_tables import PROTOCOL, SCHEMA_VERSION, Tables, no_meta_row, record_columns

CHANGE_S = 30.0
"""Seconds that a statement of a change or a list may take."""

OPEN_S = 5.0
"""Seconds in which it must have a connection. No request waits for it, so longer than a look-up."""

MIGRATE_S = 86_400.0
"""Seconds that a statement may take that changes the tables."""

TURN_S = 60.0
"""Seconds to wait for another process that changes the tables."""

LOCK_S = 0.1
"""Seconds until it is asked again."""

BRIEF_S = 2.0
"""Seconds for a statement that can be left out."""

MANY = 100
"""Rows for which a bulk insert is worth its start."""


class ServerDatabase:
    """The tables on a server.

    Args:
        source: Its URL, or an engine whose way of connecting is used.
        tables: The tables.
        timeout: Seconds that a look-up may take in all.
        lease_ms: How long a reading of the revision is trusted here at most, in milliseconds; by
            default as long as the meta row says.
    """

    def __init__(
        self, source: URL | Engine, tables: Tables, *, timeout: float, lease_ms: int | None
    ) -> None:
        self._tables = tables
        self._timeout = timeout
        self._lease_ms = lease_ms
        self._connections = connections = Connections(source, max(timeout, OPEN_S))
        self._driver = connections.driver
        self._engine = create_engine(
            connections.engine.url.set(drivername=self._driver.DRIVER),
            creator=lambda: connections.open(CHANGE_S, within_s=OPEN_S),
            poolclass=NullPool,
            isolation_level="READ COMMITTED",
            hide_parameters=True,
        )
        make: Any = type(self._engine.dialect)
        self._positional: Dialect = make(paramstyle="format")
        keys, meta = tables.keys, tables.meta
        self._row_sql = self._compiled(
            select(*record_columns(keys)).where(keys.c.key_id == bindparam("key"))
        )
        self._version_sql = self._compiled(select(meta.c.version, *meta.c))
        self._wait_sql = self._compiled(select(meta.c.wait_ms))
        primary: ColumnElement[bool] = literal_column(self._driver.IS_PRIMARY)
        columns = (meta.c.revision, meta.c.version, meta.c.protocol, meta.c.lease_ms, primary)
        self._revision_sql = self._compiled(select(*columns))
        self._look_ups = LookUps(connections, self._engine.dialect, timeout)
        self._lease = Lease(self._read_revision, timeout, boot=running_clock())
        self.revision = self._lease.revision
        _databases.add(self)

    @property
    def dialect(self) -> str:
        """SQLAlchemy's name for the kind of database."""
        return self._engine.dialect.name

    def version(self) -> int | None:
        """The version of the tables; 0 if they lack a column, ``None`` if there are none."""
        try:
            rows = self._look_ups.fetch(self._version_sql)
        except Failed as failure:
            if tables_missing(failure.cause):
                return None
            if column_missing(failure.cause):
                return 0
            raise self._unavailable(failure.cause) from None
        return rows[0][0] if rows else None

    def create(self) -> None:
        """Create the tables, if nobody else has in the meantime."""
        with self.migrating() as connection:
            create_tables(connection, self._tables)

    @contextmanager
    def migrating(self) -> Generator[Connection, None, None]:
        """A connection for changing the tables; nobody else has one at the same time."""
        driver, name = self._driver, f"{self._tables.prefix}upgrade"
        try:
            with self._engine.connect() as connection:
                driver.limit(connection.connection.dbapi_connection, MIGRATE_S)
                try:
                    give_up = time.monotonic() + TURN_S
                    while not connection.scalar(text(driver.LOCK), {"name": name}):
                        connection.commit()
                        if time.monotonic() > give_up:
                            what = "another process is changing the tables"
                            raise StoreUnavailable(f"{self.name}: {what}", reason="locked")
                        time.sleep(LOCK_S)
                    connection.execute(text(driver.PATIENCE))
                    connection.commit()
                    yield connection
                    connection.commit()
                finally:
                    connection.invalidate()  # and with it the lock goes
        except (SQLAlchemyError, TimeoutError) as error:
            raise self._unavailable(error) from None

    def row(self, key_id: str) -> Sequence[Any] | None:
        """The row of a key, in the order of the table's columns."""
        try:
            rows = self._look_ups.fetch(self._row_sql, key_id)
        except Failed as failure:
            raise self._unavailable(failure.cause) from None
        return rows[0] if rows else None

    @contextmanager
    def transaction(
        self, *, write: bool = True, brief: bool = False
    ) -> Generator[Connection, None, None]:
        """A transaction; committed at the end, rolled back on an exception."""
        try:
            with self._engine.connect() as connection:
                if brief:
                    self._driver.limit(connection.connection.dbapi_connection, BRIEF_S)
                try:
                    connection.begin()  # now, so that the commit is one whatever happens in between
                    yield connection
                    connection.commit()
                except BaseException:
                    # Closed without a word more: it may be one that doesn't answer.
                    connection.invalidate()
                    raise
        except (SQLAlchemyError, TimeoutError) as error:
            raise self._unavailable(error) from None

    def statement(self, clause: ClauseElement) -> Statement:
        """A statement that will run often, as a transaction of its own on a kept connection."""
        return Statement(clause, self._positional, self._run)

    def insert_keys(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add rows of keys; many of them the fast way, if the database has one."""
        bulk = self._driver.bulk_insert
        if bulk is None or len(rows) < MANY:
            connection.execute(self._tables.keys.insert(), rows)
            return
        table = self._engine.dialect.identifier_preparer.format_table(self._tables.keys)
        try:
            bulk(connection.connection.dbapi_connection, table, rows)
        except Exception as error:
            if is_taken(error):
                raise KeyExists from None
            raise self._unavailable(error) from None

    @contextmanager
    def change(self) -> Generator[Connection, None, None]:
        """A transaction that changes existing records; at its end nobody trusts the old ones."""
        with self.transaction() as connection:
            _, wait_s = replace_revision(connection, self._tables)
            yield connection
        time.sleep(wait_s)

    def settle(self) -> None:
        """Wait as after a change: who made the last one may have died while it waited."""
        try:
            rows = self._look_ups.fetch(self._wait_sql)
        except Failed as failure:
            raise self._unavailable(failure.cause) from None
        if not rows:
            raise StoreUnavailable(f"{self.name}: {no_meta_row(self._tables)}")
        time.sleep(commit_wait_s(rows[0][0]))

    def set_lease(self, lease_ms: int) -> None:
        """Change for how long readings are trusted everywhere."""
        set_lease(self, self._tables, lease_ms)

    @property
    def name(self) -> str:
        """What to call it in messages."""
        return self._connections.name

    @property
    def host(self) -> str | None:
        """Where it is; ``None`` on this machine's socket."""
        return self._engine.url.host

    @property
    def tables(self) -> Tables:
        """The tables."""
        return self._tables

    def close(self) -> None:
        """Close the kept connections; they come back when they are needed."""
        self._look_ups.drop()

    def after_fork_in_child(self) -> None:
        """Begin anew, and leave the parent's connections alone."""
        self._look_ups.after_fork()
        self._lease.after_fork()

    def _read_revision(self) -> Reading:
        try:
            rows = self._look_ups.fetch(self._revision_sql)
        except Failed as failure:
            raise self._unavailable(failure.cause) from None
        if not rows or rows[0][1] > SCHEMA_VERSION:
            raise StoreUnavailable(f"{self.name}: {no_meta_row(self._tables)}")
        revision, _, protocol, lease_ms, is_primary = rows[0]
        if not is_primary:
            self._look_ups.drop()  # the name of the server may stand for another one by now
            raise StoreUnavailable(f"{self.name}: {REPLICA}")
        if self._lease_ms is not None:
            lease_ms = min(lease_ms, self._lease_ms)
        # Those who keep to another protocol may change records without a new revision.
        return Reading(revision if protocol == PROTOCOL else None, lease_ms / 1000)

    def _compiled(self, statement: ClauseElement) -> str:
        # Once, for the driver's own cursor: SQLAlchemy's takes twice as long as the database.
        return str(statement.compile(dialect=self._positional))

    def _run(self, sql: str, parameters: Sequence[Any]) -> Answer:
        try:
            return self._look_ups.run(sql, parameters)
        except Failed as failure:
            raise self._unavailable(failure.cause) from None

    def _unavailable(self, error: BaseException) -> StoreUnavailable:
        cause = error.orig if isinstance(error, DBAPIError) else error
        reason = "locked" if is_locked(cause) else "store"
        if tables_missing(cause) or column_missing(cause):
            reason = "tables"
        return StoreUnavailable(f"{self.name}: {reason_of(cause)}", reason=reason)


# Only to reach the databases when this process forks; none is found or shared through it.
_databases: weakref.WeakSet[ServerDatabase] = weakref.WeakSet()


def _in_child() -> None:
    for database in list(_databases):
        database.after_fork_in_child()


if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(after_in_child=_in_child)
