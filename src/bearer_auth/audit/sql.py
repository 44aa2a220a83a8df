"""SQLEventSink: events in a table of the user's database."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from ..errors import ConfigurationError

try:
    from ..stores.sql_prepare import open_tables, prepare
except ImportError as error:
    raise ImportError('SQLEventSink needs SQLAlchemy: pip install "bearer_auth[sql]"') from error

from .table_sink import TableSink

if TYPE_CHECKING:
    from sqlalchemy import URL, Engine

KEEP = timedelta(days=365)


class SQLEventSink(TableSink):
    """Writes events to a table of your database: SQLite, PostgreSQL, MariaDB or MySQL.

    A request only appends to a buffer in memory; a thread writes what has gathered about once a
    second. While the database is away at most 10,000 events wait, and as many again of changes of
    keys; what doesn't fit then is dropped, counted, and said in the log. What waits is written when
    the process ends in order or ``close()`` is called. A killed process loses its last second. If a
    database breaks off while it commits, an event may be there twice.

    Args:
        url_or_engine: As for ``SQLStore``; it may be the same database.
        create: As for ``SQLStore``: create the tables if they are missing; by default on SQLite.
        keep: How long events are kept; ``None``: for ever. Older ones are deleted, some at a time,
            by the processes that write. Of those that share a table, the shortest one counts.
        successes: Write ``request.authenticated`` and ``request.replayed``, too: a row for each
            request.
        schema: As for ``SQLStore``.
        table_prefix: As for ``SQLStore``.

    Attributes:
        dropped: Events that were dropped.

    Raises:
        ConfigurationError: An argument is wrong, or the tables are of a newer bearer_auth.
        ImportError: The driver of the database is not installed.
        TypeError: An argument is of the wrong type.
        StoreUnavailable: The tables are missing, or the file can't be opened. A server that does
            not answer is no reason to fail here: it is logged, and events wait.

    .. versionadded:: 0.1
    """

    def __init__(
        self,
        url_or_engine: str | URL | Engine,
        *,
        create: bool | None = None,
        keep: timedelta | None = KEEP,
        successes: bool = False,
        schema: str | None = None,
        table_prefix: str = "bearer_auth_",
    ) -> None:
        if keep is not None and not isinstance(keep, timedelta):
            raise TypeError(f"keep must be a timedelta or None, not {type(keep).__name__}")
        if keep is not None and keep <= timedelta(0):
            raise ConfigurationError(f"keep must be longer than nothing: {keep}")
        if not isinstance(successes, bool):
            raise TypeError(f"successes must be True or False, not {successes!r}")
        database, tables = open_tables(url_or_engine, schema=schema, table_prefix=table_prefix)
        self._database = database
        try:
            prepare(
                self,
                database,
                tables,
                [tables.events, tables.refusals],
                create=create,
                meanwhile="events wait",
            )
        except BaseException:
            database.close()  # nobody else has the sink, to close it
            raise
        super().__init__(database, tables, keep=keep, successes=successes)

    def close(self) -> None:
        """Write what waits and let go of connections; give up on a database that can't be
        reached. It may be used again."""
        super().close()
        self._database.close()

    def __repr__(self) -> str:
        return f"SQLEventSink({self._database.name})"
