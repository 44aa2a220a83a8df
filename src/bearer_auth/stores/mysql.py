"""MariaDB and MySQL through PyMySQL, as ``ServerDatabase`` uses them."""

from __future__ import annotations

import socket
from functools import partial
from io import BufferedReader, RawIOBase
from time import monotonic
from typing import Any, cast

from .database_errors import number_of

DRIVER = "mysql+pymysql"

IS_PRIMARY = "@@global.read_only = 0"

_LOST = (2006, 2013, 2014, 2055, 1927, 1053)

MIGRATING = (
    "SELECT GET_LOCK(:name, 86400)",
    # Who waits for the lock on a table makes all others wait behind it, readers too.
    "SET SESSION lock_wait_timeout = 1",
)
"""What a connection does before it changes tables, so that nobody else does meanwhile."""


def connect_args(timeout_s: float) -> dict[str, Any]:
    """What a connection is made with, beside its address."""
    return {
        "connect_timeout": timeout_s,
        "read_timeout": timeout_s,
        "write_timeout": timeout_s,
        "charset": "utf8mb4",
    }


def prepare(connection: Any, *, kept: bool) -> None:
    """Make a new connection ready."""
    connection.autocommit(True)
    with connection.cursor() as cursor:
        # Without the strict mode MariaDB cuts what is too long, and says nothing.
        cursor.execute("SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'")


bulk_insert = None


def limit(connection: Any, seconds: float) -> None:
    """Let no call on a connection wait longer for the server."""
    # PyMySQL takes these when it connects and has no way to change them later.
    connection._read_timeout = connection._write_timeout = seconds
    connection._execute_command = partial(_execute, connection, seconds)


def _execute(connection: Any, seconds: float, *command: Any) -> None:
    reader = connection._rfile
    if reader is not None:
        if not isinstance(reader.raw, _Reader):
            connection._rfile = BufferedReader(_Reader(connection._sock))
            reader.close()
            reader = connection._rfile
        reader.raw.end = monotonic() + seconds
    hidden = cast(Any, type(connection))._execute_command  # by limit()
    hidden(connection, *command)


class _Reader(RawIOBase):
    """Reads from a socket until a point in time.

    PyMySQL's own timeout begins anew with each byte that comes.
    """

    def __init__(self, source: socket.socket) -> None:
        self._source = source
        self.end = 0.0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        # What is already there is read also by a process that was stopped meanwhile.
        self._source.settimeout(max(self.end - monotonic(), 0.001))
        return self._source.recv_into(buffer)


def is_lost(connection: Any, error: BaseException) -> bool:
    """Whether an error means that the connection is gone."""
    return number_of(error) in (*_LOST, 0) or isinstance(error, OSError)
