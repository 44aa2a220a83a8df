"""The one connection to an SQLite file that a process keeps for look-ups.

``PRAGMA data_version`` moves whenever another connection commits, but its values mean something on
one connection only; so that connection is kept, under a lock. When it moved, the revision row
decides whether a key was changed: others write to the same file too.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Hashable
from time import monotonic
from typing import Any

from .sql_tables import PROTOCOL

LOOK_AGAIN_S = 1.0
"""How often the reader looks whether its file was replaced by another (a restored backup)."""


class Reader:
    """Reads on a kept connection, opened when it is first needed.

    Args:
        connect: Opens a connection to the file.
        path: The file.
        version_sql: Selects the version of the tables.
        revision_sql: Selects the revision and the protocol, if the tables are of a version that
            is understood.
        row_sql: Selects the row of the key that is its one parameter.
    """

    def __init__(
        self,
        connect: Callable[[], sqlite3.Connection],
        path: str,
        *,
        version_sql: str,
        revision_sql: str,
        row_sql: str,
    ) -> None:
        self.pid = os.getpid()
        self.lock = threading.Lock()
        self._connect = connect
        self._path = path
        self._version_sql = version_sql
        self._revision_sql = revision_sql
        self._row_sql = row_sql
        self._connection: sqlite3.Connection | None = None
        self._cursor: sqlite3.Cursor
        self._file: tuple[int, int] | None = None
        self._data_version: int | None = None
        self._revision: Hashable = None
        self._opened = 0
        self._trusted_until = 0.0

    def version(self) -> int | None:
        """The version of the tables, if there is a row that has it.

        Raises:
            sqlite3.Error: The file can't be read.
        """
        rows = self._fetch(self._version_sql)
        return rows[0][0] if rows else None

    def revision(self) -> Hashable:
        """The revision token, with the number of the connection: another file is another revision.

        ``None`` if others keep to another protocol, and may change records without a new one.

        Raises:
            sqlite3.Error: The file can't be read.
            LookupError: There is no such row.
        """
        with self.lock:
            try:
                # fetchall, here and below: a statement that is not read to its end keeps its
                # snapshot of the database, and with it the data_version.
                cursor = self._open()
                ((version,),) = cursor.execute("PRAGMA data_version").fetchall()
                if version != self._data_version:
                    # Read after data_version: a commit in between moves that again.
                    rows = cursor.execute(self._revision_sql).fetchall()
                    revision, protocol = rows[0]
                    self._revision = (revision, self._opened) if protocol == PROTOCOL else None
                    self._data_version = version
            except sqlite3.Error:
                self.close()
                raise
            return self._revision

    def row(self, key_id: str) -> tuple[Any, ...] | None:
        """The row of a key.

        Raises:
            sqlite3.Error: The file can't be read.
        """
        rows = self._fetch(self._row_sql, key_id)
        return rows[0] if rows else None

    def close(self) -> None:
        """Close the connection; the caller holds the lock. It is opened again when needed."""
        connection, self._connection = self._connection, None
        self._data_version = None
        self._trusted_until = 0.0
        if connection is not None:
            connection.close()

    def _fetch(self, sql: str, *parameters: str) -> list[tuple[Any, ...]]:
        with self.lock:
            try:
                return self._open().execute(sql, parameters).fetchall()
            except sqlite3.Error:
                self.close()
                raise

    def _open(self) -> sqlite3.Cursor:
        # A file that was renamed over ours is a new file, while our connection still reads the
        # old one. An os.stat costs 2 µs, half as much as the whole revision, so not each time.
        if monotonic() < self._trusted_until:
            return self._cursor
        if self._file != _identity(self._path):
            self.close()
        if self._connection is None:
            self._file = _identity(self._path)  # before it is opened: if wrong, then too old
            self._connection = self._connect()
            self._connection.execute("PRAGMA query_only = ON")
            self._cursor = self._connection.cursor()
            self._opened += 1
        self._trusted_until = monotonic() + LOOK_AGAIN_S
        return self._cursor


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
