"""A connection to an SQLite file that a process keeps, under a lock."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any

LOOK_AGAIN_S = 1.0
"""How often it is looked whether the file was replaced by another (a restored backup)."""


class Kept:
    """A connection, opened when it is first needed, and again when the file is another one.

    Args:
        connect: Opens a connection to the file.
        path: The file.

    Attributes:
        pid: The process that it is good for.
        lock: To be held by who uses the connection.
        opened: How often it was opened.
    """

    def __init__(self, connect: Callable[[], sqlite3.Connection], path: str) -> None:
        self.pid = os.getpid()
        self.lock = threading.Lock()
        self.opened = 0
        self._connect = connect
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._cursor: sqlite3.Cursor
        self._file: tuple[int, int] | None = None
        self._trusted_until = 0.0

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> tuple[list[tuple[Any, ...]], int]:
        """The rows of a statement, and how many it changed.

        Raises:
            sqlite3.Error: The file can't be used.
        """
        with self.lock:
            try:
                cursor = self.open().execute(sql, parameters)
                # Read to its end: else it keeps its snapshot of the database.
                return cursor.fetchall(), cursor.rowcount
            except sqlite3.Error:
                self.close()
                raise

    def open(self) -> sqlite3.Cursor:
        """The cursor; the caller holds the lock."""
        # A file that was renamed over ours is a new file, while our connection still reads the
        # old one. An os.stat costs 2 µs, half as much as a whole look-up, so not each time.
        if monotonic() < self._trusted_until:
            return self._cursor
        if self._file != _identity(self._path):
            self.close()
        if self._connection is None:
            self._file = _identity(self._path)  # before it is opened: if wrong, then too old
            self._connection = self._connect()
            self._cursor = self._connection.cursor()
            self.opened += 1
        self._trusted_until = monotonic() + LOOK_AGAIN_S
        return self._cursor

    def close(self) -> None:
        """Close the connection; the caller holds the lock. It is opened again when needed."""
        connection, self._connection = self._connection, None
        self._trusted_until = 0.0
        if connection is not None:
            connection.close()


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
