"""SQLStore on SQLite: one file in WAL mode.

Connections for writing and for lists are opened for each transaction and closed after it: that
takes 0.1 ms and leaves nothing behind for a fork. Look-ups have a connection that is kept
(``sqlite_reader``).
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Generator, Hashable, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import (
    URL,
    ClauseElement,
    Connection,
    bindparam,
    create_engine,
    literal_column,
    select,
)
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from ..errors import ConfigurationError, StoreUnavailable
from .sql_meta import create_tables, replace_revision
from .sql_statement import Answer, Statement
from .sql_tables import SCHEMA_VERSION, Tables, no_meta_row, record_columns
from .sqlite_errors import NO_FOLDER, is_code, no_such_column, no_such_table, reason_of
from .sqlite_fork import WAIT_S, Gate, guard
from .sqlite_kept import Kept
from .sqlite_reader import Reader

BUSY_S = 2.0
"""How long a transaction waits for another process's."""

BRIEF_S = 0.1
"""How long one waits that can be left out."""

_inherited: list[Kept] = []  # connections of the parent, never to be closed in a child
_creating = threading.Lock()


class SQLiteDatabase:
    """A file with the tables in it.

    Args:
        url: ``sqlite:///`` and the path.
        tables: The tables.
        clock: Seconds since 1970, for ``now()`` in a statement.

    Raises:
        ConfigurationError: The URL names no file.
    """

    def __init__(self, url: URL, tables: Tables, clock: Callable[[], float] = time.time) -> None:
        self._path = _path_of(url)
        self._clock = clock
        self._tables = tables
        self._engine = create_engine(
            "sqlite://", creator=self._connect_for_many, poolclass=NullPool, hide_parameters=True
        )
        keys, meta = tables.keys, tables.meta
        dialect = self._engine.dialect
        of_ours = meta.c.version <= literal_column(str(SCHEMA_VERSION))
        # Compiled once and run on the driver's own cursor: through SQLAlchemy a look-up takes 70
        # µs and more, of which SQLite needs 8.
        self._sql = {
            name: str(statement.compile(dialect=dialect))
            for name, statement in {
                "version_sql": select(meta.c.version, *meta.c),
                "revision_sql": select(meta.c.revision, meta.c.protocol).where(of_ours),
                "row_sql": select(*record_columns(keys)).where(keys.c.key_id == bindparam("key")),
            }.items()
        }
        self._reader = self._new_reader()
        self._writer = Kept(self._connect, self._path)
        self._gate = Gate()
        self._writing = threading.Lock()
        self._locked: list[Kept] = []
        guard(self)

    @property
    def name(self) -> str:
        """What to call it in messages."""
        return f"'sqlite:///{self._path}'"

    @property
    def dialect(self) -> str:
        """SQLAlchemy's name for the kind of database."""
        return "sqlite"

    def version(self) -> int | None:
        """The version of the tables; 0 if they lack a column, ``None`` if there are none."""
        try:
            return self._current().version()
        except sqlite3.Error as error:
            if no_such_table(error):
                return None
            if no_such_column(error):
                return 0
            raise self._unavailable(error) from None

    def create(self) -> None:
        """Create the file and its tables, if nobody else has in the meantime."""
        self._create_file()
        try:
            self._use_wal()
        except sqlite3.Error as error:
            raise self._unavailable(error) from None
        with self.transaction() as connection:
            create_tables(connection, self._tables)

    @contextmanager
    def migrating(self) -> Generator[Connection, None, None]:
        """A connection for changing the tables; nobody else has one at the same time."""
        with self.transaction() as connection:
            yield connection

    def revision(self) -> Hashable:
        """A value that has changed whenever an existing record has."""
        reader = self._reader
        try:
            return (reader if reader.pid == os.getpid() else self._current()).revision()
        except sqlite3.Error as error:
            raise self._unavailable(error) from None
        except LookupError:
            raise StoreUnavailable(f"{self._path}: {no_meta_row(self._tables)}") from None

    def row(self, key_id: str) -> Sequence[Any] | None:
        """The row of a key, in the order of the table's columns."""
        try:
            return self._current().row(key_id)
        except sqlite3.Error as error:
            raise self._unavailable(error) from None

    @contextmanager
    def transaction(
        self, *, write: bool = True, brief: bool = False
    ) -> Generator[Connection, None, None]:
        """A transaction that really began; committed at the end, rolled back on an exception."""
        with self._gate.inside(), self._turn(write, BRIEF_S if brief else BUSY_S):
            try:
                with self._engine.connect() as connection:
                    if brief:
                        connection.exec_driver_sql(f"PRAGMA busy_timeout = {BRIEF_S * 1000:.0f}")
                    # The driver's own transactions are off (isolation_level None in _connect):
                    # they begin late, before the first INSERT or UPDATE, and never for a SELECT.
                    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
                    yield connection
                    connection.commit()
            except SQLAlchemyError as error:
                raise self._unavailable(error) from None

    def statement(self, clause: ClauseElement) -> Statement:
        """A statement that will run often, as a transaction of its own on a kept connection."""
        return Statement(clause, self._engine.dialect, self._run, self._clock)

    def insert_keys(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add rows of keys."""
        connection.execute(self._tables.keys.insert(), rows)

    @contextmanager
    def change(self) -> Generator[Connection, None, None]:
        """A transaction that changes existing records; its commit is seen by every reader."""
        with self.transaction() as connection:
            replace_revision(connection, self._tables)
            yield connection

    def settle(self) -> None:
        """There is nothing to wait for: each reader asks the file."""

    def set_lease(self, lease_ms: int) -> None:
        """There is none."""

    @contextmanager
    def _turn(self, write: bool, patience: float) -> Generator[None, None, None]:
        # SQLite's own waiting is a poll, in which threads that write all the time starve others.
        if not write:
            yield
            return
        if not self._writing.acquire(timeout=patience):
            raise StoreUnavailable(f"{self._path}: other threads keep writing")
        try:
            yield
        finally:
            self._writing.release()

    def close(self) -> None:
        """Close the kept connections; they come back when they are needed."""
        self._current()
        for kept in (self._reader, self._writer):
            with kept.lock:
                kept.close()

    def before_fork(self) -> None:
        """Close connections, and let nobody open one."""
        self._gate.shut()
        self._current()
        for kept in (self._reader, self._writer):
            if kept.lock.acquire(timeout=WAIT_S):
                self._locked.append(kept)
                kept.close()

    def after_fork_in_parent(self) -> None:
        """Go on."""
        while self._locked:
            self._locked.pop().lock.release()
        self._gate.open()

    def after_fork_in_child(self) -> None:
        """Begin anew."""
        self._gate = Gate()
        self._writing = threading.Lock()
        self._locked = []
        self._current()

    def _current(self) -> Reader:
        reader = self._reader
        if reader.pid != os.getpid():
            # Usually closed before the fork. They weren't if the fork was not one of Python's.
            _inherited.extend((reader, self._writer))
            self._writer = Kept(self._connect, self._path)
            reader = self._reader = self._new_reader()
        return reader

    def _run(self, sql: str, parameters: Sequence[Any]) -> Answer:
        self._current()
        try:
            return self._writer.run(sql, parameters)
        except sqlite3.Error as error:
            raise self._unavailable(error) from None

    def _new_reader(self) -> Reader:
        return Reader(self._connect, self._path, **self._sql)

    def _connect(self) -> sqlite3.Connection:
        # mode=rw: a file that went away is an error, not a new and empty file.
        connection = sqlite3.connect(
            Path(self._path).as_uri() + "?mode=rw",
            uri=True,
            timeout=BUSY_S,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            # A revocation that returned must survive a power failure; in WAL mode NORMAL may
            # lose it.
            connection.execute("PRAGMA synchronous = FULL")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _connect_for_many(self) -> sqlite3.Connection:
        # Text that is not UTF-8 would end the list in which it stands. Like this it has lone
        # surrogates in it, and only its own row can't be read.
        connection = self._connect()
        connection.text_factory = partial(str, encoding="utf-8", errors="surrogateescape")
        return connection

    def _create_file(self) -> None:
        # For its owner only, from the start. Closing a descriptor of a file drops all locks that
        # the process has on it, so nobody else in this process may have it open before that.
        with _creating:
            try:
                os.close(os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
            except FileExistsError:
                pass
            except OSError as error:
                reason = f"the file can't be created: {error.strerror}"
                if not os.path.isdir(os.path.dirname(self._path)):
                    reason = NO_FOLDER
                raise StoreUnavailable(f"{self._path}: {reason}") from None

    def _use_wal(self) -> None:
        # Of two workers that switch at the same time one is refused at once: SQLite's own busy
        # timeout does not help there, nor is there anything to wait for but time.
        connection = self._connect()
        try:
            give_up = time.monotonic() + BUSY_S
            while True:
                try:
                    connection.execute("PRAGMA journal_mode = WAL").fetchall()
                    return
                except sqlite3.OperationalError as error:
                    if not is_code(error, "SQLITE_BUSY") or time.monotonic() > give_up:
                        raise
                time.sleep(0.01)
        finally:
            connection.close()

    def _unavailable(self, error: Exception) -> StoreUnavailable:
        """The failure in one line. Never the driver's own message: it may quote values."""
        cause = error.orig if isinstance(error, DBAPIError) else error
        missing = isinstance(cause, sqlite3.Error) and (
            no_such_table(cause) or no_such_column(cause)
        )
        return StoreUnavailable(
            f"{self._path}: {reason_of(cause, self._path)}", reason="tables" if missing else "store"
        )


def _path_of(url: URL) -> str:
    if url.get_driver_name() != "pysqlite":
        raise ConfigurationError(
            f"SQLStore uses Python's own driver for SQLite, not {url.get_driver_name()}; "
            "write sqlite:///keys.db"
        )
    path = url.database or ":memory:"
    if path == ":memory:" or "memory" in url.query.get("mode", ""):
        raise ConfigurationError(
            "a database in memory is seen by one connection only; use MemoryStore(), or the "
            "path of a file: sqlite:///keys.db"
        )
    if path.startswith("file:"):
        raise ConfigurationError(
            "write the path of the file, not a URI: sqlite:///keys.db or sqlite:////var/keys.db"
        )
    return os.path.abspath(path)  # now: a server may change its directory later
