"""MariaDB and MySQL through PyMySQL, as ``ServerDatabase`` uses them."""

from __future__ import annotations

from typing import Any

from .database_errors import number_of

DRIVER = "mysql+pymysql"

IS_PRIMARY = "@@global.read_only = 0"

_LOST = (2006, 2013, 2014, 2055, 1927, 1053)

LOCK = "SELECT GET_LOCK(CONCAT(LEFT(COALESCE(DATABASE(), ''), 20), :name), 0)"
"""Whether the one lock is had of those who change tables; it goes with the connection."""

# Who waits for the lock on a table makes all others wait behind it, readers too.
PATIENCE = "SET SESSION lock_wait_timeout = 1"
"""How long who changes tables may wait for those who use them."""


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
    """Let no call on a connection wait longer for the server, or for the next part of an answer."""
    # PyMySQL takes these when it connects and has no way to change them later.
    connection._read_timeout = connection._write_timeout = seconds


def has_rows(cursor: Any) -> bool:
    """Whether the last statement was one that returns rows."""
    return cursor.description is not None


def is_lost(connection: Any, error: BaseException) -> bool:
    """Whether an error means that the connection is gone."""
    return number_of(error) in (*_LOST, 0) or isinstance(error, OSError)
