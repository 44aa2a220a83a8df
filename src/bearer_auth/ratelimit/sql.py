"""Storage of ``limits`` in a database: one row for each limit and owner, one statement a request.

``limits`` has none of its own for SQL. The row is locked by the statement that counts, so all
workers and machines share a limit exactly, and count by the clock of the database server.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from typing import Any

from limits.storage import SlidingWindowCounterSupport, Storage

from ..errors import StoreUnavailable
from ..stores.sql_database import Database
from ..stores.sql_prepare import open_tables, prepare
from ..stores.sql_tables import Tables
from .sql_statements import make_statements
from .windows import Reading

_PRUNE_S = 60.0


class SQLStorage(Storage, SlidingWindowCounterSupport):
    """Counts in the table ``limits`` of bearer_auth's tables.

    Made by ``limits.storage.storage_from_string("bearer-auth+sqlite:///keys.db")``, or with a URL
    or an engine in ``url_or_engine``.

    Args:
        uri: ``bearer-auth+`` and the URL of the database.
        wrap_exceptions: As in ``limits``.
        url_or_engine: In place of ``uri``.
        create: As for ``SQLStore``.
        timeout: Seconds that a statement may take on a server, connecting included.
        schema: As for ``SQLStore``.
        table_prefix: As for ``SQLStore``.
        clock: Seconds since 1970, by which SQLite counts; for tests.
        over: In place of all that: a database that is open already, and its tables.

    Raises:
        ConfigurationError: A value is wrong, or the tables are of a newer bearer_auth.
        ImportError: The driver is not installed.
        StoreUnavailable: The tables are missing. A server that does not answer is logged instead.

    .. versionadded:: 0.1
    """

    STORAGE_SCHEME = [  # noqa: RUF012 - as limits has it
        "bearer-auth+sqlite",
        "bearer-auth+postgresql",
        "bearer-auth+postgresql+psycopg",
        "bearer-auth+mysql",
        "bearer-auth+mysql+pymysql",
        "bearer-auth+mariadb",
    ]

    def __init__(
        self,
        uri: str | None = None,
        wrap_exceptions: bool = False,
        *,
        url_or_engine: Any = None,
        create: bool | None = None,
        timeout: float = 2.0,
        schema: str | None = None,
        table_prefix: str = "bearer_auth_",
        clock: Callable[[], float] = time.time,
        over: tuple[Database, Tables] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(uri, wrap_exceptions, **options)
        self._database, tables = over or open_tables(
            (uri or "").removeprefix("bearer-auth+") if url_or_engine is None else url_or_engine,
            schema=schema,
            table_prefix=table_prefix,
            timeout=timeout,
            clock=clock,
        )
        self._prune_at = 0.0
        try:
            prepare(self, self._database, tables, [tables.limits], create=create)
        except BaseException:
            self._database.close()
            raise
        self._statements = make_statements(self._database, tables.limits)

    @property
    def base_exceptions(self) -> type[Exception]:
        """What a failure of the database raises."""
        return StoreUnavailable

    def take(self, key: str, limit: int, expiry: int, amount: int = 1) -> Reading:
        """Count a request if there is room for it, and say what has been counted.

        Args:
            key: Names the limit and the owner.
            limit: What a window may count.
            expiry: The length of a window in seconds.
            amount: The cost of the request.

        Raises:
            StoreUnavailable: The database can't answer.
        """
        if amount > limit:  # and so it never passes, also where nothing was counted yet
            return self.read(key, expiry)
        self._prune()
        length_us = expiry * 1_000_000
        allowed, row = self._statements.take(
            name=_name(key), most=limit, length_us=length_us, cost=amount
        )
        return _reading(allowed, row, length_us)

    def read(self, key: str, expiry: int) -> Reading:
        """What has been counted."""
        return _reading(False, self._read(key), expiry * 1_000_000)

    def acquire_sliding_window_entry(
        self, key: str, limit: int, expiry: int, amount: int = 1
    ) -> bool:
        """As in ``limits``."""
        return self.take(key, limit, expiry, amount).allowed

    def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        """As in ``limits``."""
        _, before, before_s, counted, left_s = self.read(key, expiry)
        return before, before_s, counted, left_s + expiry

    def clear_sliding_window(self, key: str, expiry: int) -> None:
        """As in ``limits``."""
        self.clear(key)

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """As in ``limits``, for its fixed windows."""
        most = 2**62
        return self.take(key, most, expiry, amount).counted

    def get(self, key: str) -> int:
        """As in ``limits``."""
        row = self._read(key)
        return 0 if row is None or row[3] <= row[4] else int(row[1])

    def get_expiry(self, key: str) -> float:
        """As in ``limits``: seconds since 1970 by this machine's clock."""
        row = self._read(key)
        return time.time() + (0 if row is None else max(row[3] - row[4], 0) / 1_000_000)

    def check(self) -> bool:
        """Whether the database answers."""
        try:
            self._read("")
        except StoreUnavailable:
            return False
        return True

    def reset(self) -> int | None:
        """Forget all that was counted; how many rows that were."""
        return int(self._statements.reset()[1])

    def clear(self, key: str) -> None:
        """As in ``limits``."""
        self._statements.clear(name=_name(key))

    def close(self) -> None:
        """Let go of connections; they come back when they are needed."""
        self._database.close()

    def __repr__(self) -> str:
        return f"SQLStorage({self._database.name})"

    def _read(self, key: str) -> Sequence[Any] | None:
        rows, _ = self._statements.read(name=_name(key))
        return rows[0][:5] if rows else None

    def _prune(self) -> None:
        """Remove what counts no more, now and then; a failure of it is not the request's."""
        if time.monotonic() < self._prune_at:
            return
        self._prune_at = time.monotonic() + _PRUNE_S
        try:
            self._statements.prune()
        except StoreUnavailable:
            return  # the request finds out by itself


def _name(key: str) -> str:
    """Of a fixed length, and compared byte by byte everywhere."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def _reading(allowed: bool, row: Sequence[Any] | None, length_us: int) -> Reading:
    if row is None:
        return Reading(allowed, 0, 0.0, 0, length_us / 1_000_000)
    started, counted, before, _, now = map(int, row)
    # As in the statements.
    begins = window = now - now % length_us
    if window <= started <= window + length_us:
        begins = started
    elif started == window - length_us:
        before, counted = counted, 0
    elif started < window:
        before = counted = 0
    left_s = (begins + length_us - now) / 1_000_000
    return Reading(allowed, before, left_s if before else 0.0, counted, left_s)
