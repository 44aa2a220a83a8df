"""Single statements on a database server: on the driver's cursor, over a small pool."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Dialect, Pool, QueuePool
from sqlalchemy.exc import TimeoutError as NoneFree

from ..errors import StoreUnavailable
from .server_connections import Connections
from .sql_statement import Answer

KEPT = 5
"""Connections that a process keeps."""

MORE = 15
"""Connections that it opens beside them when many look up at a time."""

RECYCLE_S = 200
"""The age at which a kept connection is replaced: gateways forget idle ones after 4 minutes."""

_CURSOR = "bearer_auth cursor"

_inherited: list[Pool] = []  # a parent's connections, never to be closed in a child


class Failed(Exception):
    """The driver failed.

    Attributes:
        cause: What it raised, which may quote anything.
    """

    def __init__(self, cause: BaseException) -> None:
        self.cause = cause


class Lost(Failed):
    """A kept connection was gone, which was found out early enough to try another one."""


class LookUps:
    """Runs statements, each a transaction of its own and within a time limit.

    Args:
        connections: Opens connections.
        dialect: Closes them.
        timeout: Seconds that one may take in all, with waiting for a connection and opening it.
    """

    def __init__(self, connections: Connections, dialect: Dialect, timeout: float) -> None:
        self._connections = connections
        self._driver = connections.driver
        self._timeout = timeout
        self._pool: Pool = QueuePool(
            lambda: connections.open(timeout, within_s=timeout / 2, kept=True),
            pool_size=KEPT,
            max_overflow=MORE,
            timeout=timeout / 2,
            recycle=RECYCLE_S,
            reset_on_return=None,  # each statement is a transaction of its own
            use_lifo=True,
            dialect=dialect,
        )

    def fetch(self, sql: str, *parameters: str) -> Sequence[Sequence[Any]]:
        """The rows of a statement that reads, within the time limit.

        Raises:
            Failed: The driver failed.
            StoreUnavailable: No connection could be had.
        """
        return self.run(sql, parameters)[0]

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> Answer:
        """The rows of a statement, and how many it changed; within the time limit.

        It may be run twice, if the connection is lost before the answer comes.

        Raises:
            Failed: The driver failed.
            StoreUnavailable: No connection could be had.
        """
        end = time.monotonic() + self._timeout
        pool = self._pool
        try:
            return self._run(pool, end, sql, parameters)
        except Lost:
            # The server was restarted, say, and so the other kept connections are gone too.
            self.drop(pool)
        return self._run(self._pool, end, sql, parameters)

    def drop(self, pool: Pool | None = None) -> None:
        """Close the kept connections; new ones are opened when they are needed.

        Args:
            pool: If the connections are still those of this pool: many threads find out that they
                are of no use, and the first throws them away.
        """
        dropped = self._pool
        if pool in (None, dropped):
            self._pool = dropped.recreate()
            dropped.dispose()

    def after_fork(self) -> None:
        """Begin anew in a child, and leave the parent's connections alone."""
        _inherited.append(self._pool)
        self._pool = self._pool.recreate()

    def _run(self, pool: Pool, end: float, sql: str, parameters: Sequence[Any]) -> Answer:
        try:
            fairy = pool.connect()
        except NoneFree:
            raise StoreUnavailable(
                f"{self._connections.name}: all connections are in use"
            ) from None
        connection: Any = fairy.dbapi_connection
        try:
            self._driver.limit(connection, max(end - time.monotonic(), 0.001))
            cursor = fairy.info.get(_CURSOR)
            if cursor is None:  # a new one each time would cost a tenth of the look-up
                cursor = fairy.info[_CURSOR] = connection.cursor()
            cursor.execute(sql, parameters or None)
            rows: Sequence[Any] = cursor.fetchall() if self._driver.has_rows(cursor) else ()
            count = cursor.rowcount
        except BaseException as error:
            early = time.monotonic() < end - self._timeout / 2
            lost = early and self._driver.is_lost(connection, error)
            fairy.invalidate()
            fairy.close()
            if not isinstance(error, Exception):
                raise
            raise (Lost if lost else Failed)(error) from None
        if pool is not self._pool:  # replaced meanwhile, so nobody would come for it
            fairy.invalidate()
        fairy.close()
        return rows, count
