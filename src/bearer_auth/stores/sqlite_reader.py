"""The one connection to an SQLite file that a process keeps for look-ups.

``PRAGMA data_version`` moves whenever another connection commits, but its values mean something on
one connection only; so that connection is kept, under a lock. When it moved, the revision row
decides whether a key was changed: others write to the same file too.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Hashable
from functools import partial
from typing import Any

from .sql_tables import PROTOCOL
from .sqlite_kept import Kept


class Reader(Kept):
    """Reads on a kept connection.

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
        super().__init__(partial(_for_reading, connect), path)
        self._version_sql = version_sql
        self._revision_sql = revision_sql
        self._row_sql = row_sql
        self._data_version: int | None = None
        self._revision: Hashable = None

    def version(self) -> int | None:
        """The version of the tables, if there is a row that has it.

        Raises:
            sqlite3.Error: The file can't be read.
        """
        rows, _ = self.run(self._version_sql)
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
                cursor = self.open()
                ((version,),) = cursor.execute("PRAGMA data_version").fetchall()
                if version != self._data_version:
                    # Read after data_version: a commit in between moves that again.
                    rows = cursor.execute(self._revision_sql).fetchall()
                    revision, protocol = rows[0]
                    self._revision = (revision, self.opened) if protocol == PROTOCOL else None
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
        rows, _ = self.run(self._row_sql, (key_id,))
        return rows[0] if rows else None

    def close(self) -> None:
        """Close the connection; the caller holds the lock. It is opened again when needed."""
        self._data_version = None
        super().close()


def _for_reading(connect: Callable[[], sqlite3.Connection]) -> sqlite3.Connection:
    connection = connect()
    connection.execute("PRAGMA query_only = ON")
    return connection
