"""PostgreSQL through psycopg 3, as ``ServerDatabase`` uses it."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from functools import partial
from time import monotonic
from typing import Any, cast

DRIVER = "postgresql+psycopg"

IS_PRIMARY = "NOT pg_is_in_recovery()"

# Asked for again and again: who waits in a statement holds a snapshot, and an index that is built
# concurrently waits for those to end.
LOCK = "SELECT pg_try_advisory_lock(hashtext(:name))"
"""Whether the one lock is had of those who change tables; it goes with the connection."""

# Who waits for the lock on a table makes all others wait behind it, readers too.
PATIENCE = "SET lock_timeout = '200ms'"
"""How long who changes tables may wait for those who use them."""


def connect_args(timeout_s: float) -> dict[str, Any]:
    """What a connection is made with, beside its address."""
    # libpq's timeout is in whole seconds, of which it takes 2 at least.
    return {"connect_timeout": max(2, round(timeout_s))}


def prepare(connection: Any, *, kept: bool) -> None:
    """Make a new connection ready; one that is kept for the few statements that it runs again and
    again, too."""
    connection.autocommit = True
    connection.prepare_threshold = None
    if kept and _is_direct(connection):
        connection.prepare_threshold = 0  # a look-up takes half as long


def bulk_insert(connection: Any, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add many rows to a table; all have the same columns."""
    columns = ", ".join(f'"{name}"' for name in rows[0])
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(tuple(row.values()))


def limit(connection: Any, seconds: float) -> None:
    """Let no call on a connection wait longer for the server.

    The server's own timeouts and those of TCP see nothing wrong with a peer that acknowledges and
    doesn't answer, and libpq has no timeout for an answer. All of psycopg's waiting goes through
    ``Connection.wait``.
    """
    connection.wait = partial(_wait, connection, seconds)


def has_rows(cursor: Any) -> bool:
    """Whether the last statement was one that returns rows."""
    # Its description is made anew each time it is asked for: 13 µs of 9 columns.
    return cursor.pgresult is not None and bool(cursor.pgresult.nfields)


def is_lost(connection: Any, error: BaseException) -> bool:
    """Whether an error means that the connection is gone."""
    return bool(connection.closed)


def _is_direct(connection: Any) -> bool:
    """Whether no pooler stands between: prepared statements live in one server process, and behind
    PgBouncer the next statement may run in another, where their names may be someone else's."""
    with connection.cursor() as cursor:
        (pid,) = cursor.execute("SELECT pg_backend_pid()").fetchone()
    return bool(pid == connection.info.backend_pid)  # a pooler gives its clients its own numbers


def _wait(connection: Any, seconds: float, waiting: Any, interval: float = 0.1, **how: Any) -> Any:
    interval = min(interval, seconds)
    bounded = _bounded(waiting, monotonic() + seconds)
    hidden = cast(Any, type(connection)).wait  # by limit()
    return hidden(connection, bounded, interval, **how)


def _bounded(waiting: Generator[Any, Any, Any], end: float) -> Generator[Any, Any, Any]:
    """The same steps, until then."""
    late = False
    try:
        wanted = next(waiting)
        while True:
            ready = yield wanted
            if monotonic() >= end:
                # What is already there is read also by a process that was stopped meanwhile, but
                # an answer that comes byte by byte isn't waited for.
                if late or not ready:
                    raise TimeoutError
                late = True
            wanted = waiting.send(ready)
    except StopIteration as done:
        return done.value
