"""Requests remembered in a database: SQLite, PostgreSQL, MariaDB, MySQL.

A new request takes one statement to claim it and one to finish it, a repeat two to read it. Each is
a transaction of its own, so nothing is locked while the app runs.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ..errors import StoreUnavailable
from .records import KEEP, LEASE, PER_KEY, Answer, Found, check_times, no_room

try:
    from sqlalchemy import delete, select, tuple_

    from ..stores.sql_prepare import open_tables, prepare
except ImportError as error:
    raise ImportError(
        'SQLIdempotencyStore needs SQLAlchemy: pip install "bearer_auth[sql]"'
    ) from error

from .room import Room
from .sql_claims import DONE, NOT_KEPT, RUNNING, Clock, make_statements

if TYPE_CHECKING:
    from sqlalchemy import URL, Engine

_TRIES = 10
"""Attempts to claim a request that others keep claiming and letting go."""

_PRUNE_S = 60.0
_PRUNE_AGAIN_S = 1.0
_BATCH = 500

logger = logging.getLogger("bearer_auth")


class SQLIdempotencyStore:
    """Remembers requests in a table of your database, for all its workers and machines.

    Leases end by the clock of the database server; on SQLite, where all are on one machine, by a
    clock of that machine that is never set.

    Args:
        url_or_engine: As for ``SQLStore``; it may be the same database.
        lease: How long a claim holds that isn't renewed; longer than a request may run.
        keep: How long an answer is remembered.
        records_per_key: Requests remembered for one API key; more are refused with 429. It is
            looked at every 100 claims of a key and process, so there may be that many more.
        create: As for ``SQLStore``: create the tables if they are missing; by default on SQLite.
        timeout: Seconds that a statement may take on a server, connecting included.
        schema: As for ``SQLStore``.
        table_prefix: As for ``SQLStore``.
        clock: Seconds since 1970, by which answers end on SQLite; for tests.

    Raises:
        TypeError: Neither a URL nor an engine; a time isn't a timedelta.
        ConfigurationError: A value is wrong, or the tables are of a newer bearer_auth.
        ImportError: SQLAlchemy or the driver is not installed; the message names the extra.
        StoreUnavailable: The tables are missing. A server that does not answer is no reason to
            fail here: it is logged, and requests with an idempotency key get a 503 until it does.

    .. versionadded:: 0.1
    """

    def __init__(
        self,
        url_or_engine: str | URL | Engine,
        *,
        lease: timedelta = LEASE,
        keep: timedelta = KEEP,
        records_per_key: int = PER_KEY,
        create: bool | None = None,
        timeout: float = 2.0,
        schema: str | None = None,
        table_prefix: str = "bearer_auth_",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._times = times = check_times(lease, keep, records_per_key)
        self.lease = lease
        self._database, tables = open_tables(
            url_or_engine,
            schema=schema,
            table_prefix=table_prefix,
            timeout=timeout,
            clock=clock,
        )
        self._table = tables.requests
        self._clock = clock
        self._room = Room(self._count)
        self._prune_at = 0.0
        self._statements = make_statements(self._database, self._table, Clock(clock))
        self._lease_us = int(times.lease_s * 1_000_000)
        self._keep_us = int(times.keep_s * 1_000_000)
        try:
            prepare(self, self._database, tables, [tables.requests], create=create)
        except BaseException:
            self._database.close()
            raise

    def claim(self, key_id: str, value: str, fingerprint: str, fence: str) -> Found | None:
        """Claim a request, if nobody has it."""
        self._prune()
        full_s = self._room.full_s(key_id)
        mine = {
            "key_id": key_id,
            "value": value,
            "fingerprint": fingerprint,
            "fence": fence,
            "lease_us": self._lease_us,
            "keep_us": self._keep_us,
        }
        for _ in range(_TRIES):
            if full_s is None and self._statements.insert(**mine)[1] == 1:
                return None
            rows, _ = self._statements.read(key_id=key_id, value=value)
            if not rows:
                if full_s is not None:
                    raise no_room(key_id, full_s)
                continue  # it was let go of meanwhile
            known, holder, state, lease_us, kept_us, same_boot, *answer = rows[0]
            if holder == fence:
                return None  # ours, and the answer to that was lost
            running_us = max(lease_us, 0) if same_boot else 0
            if state == RUNNING and (running_us > 0 or (known != fingerprint and kept_us > 0)):
                return Found(known, running_us / 1_000_000)
            if state != RUNNING and kept_us > 0:
                return Found(known, None, _answer(*answer) if state == DONE else None)
            if self._statements.take(**mine, holder=holder, held=state)[1] == 1:
                return None
        raise StoreUnavailable(
            f"{self!r}: others kept claiming the same idempotency key", reason="locked"
        )

    def renew(self, key_id: str, value: str, fence: str) -> bool:
        """Have the lease begin anew; whether the claim still held."""
        _, count = self._statements.renew(
            key_id=key_id,
            value=value,
            fence=fence,
            lease_us=self._lease_us,
            keep_us=self._keep_us,
        )
        return bool(count == 1)

    def finish(self, key_id: str, value: str, fence: str, answer: Answer | None) -> bool:
        """Remember the answer; whether the claim still held."""
        status, headers, body = answer or (None, None, None)
        _, count = self._statements.finish(
            key_id=key_id,
            value=value,
            fence=fence,
            state=NOT_KEPT if answer is None else DONE,
            status=status,
            headers=None if answer is None else json.dumps(headers),
            body=body,
        )
        return bool(count == 1)

    def forget(self, key_id: str, value: str, fence: str) -> bool:
        """Let the request be claimed anew; whether the claim still held."""
        _, count = self._statements.forget(key_id=key_id, value=value, fence=fence)
        return bool(count == 1)

    def close(self) -> None:
        """Let go of connections; they come back when they are needed."""
        self._database.close()

    def __repr__(self) -> str:
        return f"SQLIdempotencyStore({self._database.name})"

    def _count(self, key_id: str) -> float | None:
        per_key = self._times.per_key
        ((count, oldest_us),), _ = self._statements.count(key_id=key_id, per_key=per_key)
        return None if count < per_key else max(int(oldest_us), 0) / 1_000_000

    def _prune(self) -> None:
        """Remove some that have expired, now and then; a failure of it is not the request's."""
        if time.monotonic() < self._prune_at:
            return
        # Before it is tried, and without a lock, which a fork could leave held.
        self._prune_at = time.monotonic() + _PRUNE_S
        try:
            table = self._table
            old = select(table.c.key_id, table.c.value).where(*self._statements.expired)
            at = {"_now": int(self._clock() * 1_000_000)}
            with self._database.transaction(brief=True) as connection:
                found = [tuple(row) for row in connection.execute(old.limit(_BATCH), at)]
                if found:
                    named = tuple_(table.c.key_id, table.c.value).in_(found)
                    gone = delete(table).where(named, *self._statements.expired)
                    connection.execute(gone, at)
            if len(found) == _BATCH:
                self._prune_at = time.monotonic() + _PRUNE_AGAIN_S
        except StoreUnavailable as error:
            logger.warning("expired idempotency keys were not removed: %s", error)


def _answer(status: str, headers: str, body: Any) -> Answer:
    pairs = tuple((name, value) for name, value in json.loads(headers))
    return Answer(status, pairs, bytes(body))
