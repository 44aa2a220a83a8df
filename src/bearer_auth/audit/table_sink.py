"""Events in a table that is open already: written, and asked for by a dashboard."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from ..errors import ConfigurationError
from ..events import Event
from ..stores.sql_database import Database
from ..stores.sql_tables import Tables
from ..token import KEY_ID
from .refusals import most_refused, refusals_by_day
from .table import EventTable, Place
from .writer import EventWriter

MAX_PAGE = 1000
"""Events, or keys, in one answer."""

_CURSOR = re.compile(r"(-?[0-9]{1,19})\.([0-9]{1,19})")
_MOST = 2**63 - 1


class TableSink(EventWriter):
    """A sink that writes to a table, and answers what a dashboard asks of it: see ``History``.

    Whose a key is it reads from the table of the keys. In a database without them, no refusal is
    that of an owner.

    Args:
        database: Where the table is.
        tables: All of the tables.
        keep: As for ``EventWriter``.
        successes: As for ``EventWriter``.
    """

    def __init__(
        self,
        database: Database,
        tables: Tables,
        *,
        keep: timedelta | None = None,
        successes: bool = False,
    ) -> None:
        super().__init__(EventTable(database, tables), keep=keep, successes=successes)
        self._database = database
        self._tables = tables

    def history(
        self, key_id: str, *, limit: int = 50, before: str | None = None
    ) -> tuple[Sequence[Event], str | None]:
        """The events of a key, the newest first, and the cursor of the next page. What this process
        was told before is among them.

        Args:
            key_id: The key.
            limit: Events a page, 1 to 1000.
            before: The cursor that came with the page before.

        Raises:
            ConfigurationError: An argument is out of bounds, or ``before`` is no cursor.
            StoreUnavailable: The database can't answer.
        """
        limit, place = _checked(limit), None if before is None else _place(before)
        self.flush()
        if not KEY_ID.fullmatch(key_id):
            return [], None
        events, last = self._table.page(key_id, limit, place)
        return events, None if last is None else f"{last[0]}.{last[1]}"

    def refusals_by_day(
        self,
        since: date,
        *,
        key_id: str | None = None,
        user_id: str | None = None,
        tenant_id: str | None = None,
    ) -> Mapping[date, int]:
        """How often requests were refused, by day in UTC; a day without a refusal is missing. They
        are kept for 400 days; for ever, with ``keep=None``.

        Args:
            since: The first day.
            key_id: Refusals of this key.
            user_id: Of this owner's keys, if the keys are in the same database.
            tenant_id: Of this tenant's. Without any of the three: all of them, also those of
                requests without a key that was proven.

        Raises:
            StoreUnavailable: The database can't answer.
        """
        if key_id is not None and not KEY_ID.fullmatch(key_id):
            return {}
        if not _can_be_kept(user_id, tenant_id):
            return {}
        with self._database.transaction(write=False) as connection:
            return refusals_by_day(
                connection,
                self._tables,
                since,
                key_id=key_id,
                user_id=user_id,
                tenant_id=tenant_id,
            )

    def most_refused(
        self,
        since: date,
        *,
        user_id: str | None = None,
        tenant_id: str | None = None,
        limit: int = 10,
    ) -> Sequence[tuple[str, int]]:
        """The ids of the keys that were refused most often, most first, with how often.

        Args:
            since: The first day, in UTC.
            user_id: Keys of this owner, if the keys are in the same database.
            tenant_id: Keys of this tenant.
            limit: How many, 1 to 1000.

        Raises:
            ConfigurationError: ``limit`` is out of bounds.
            StoreUnavailable: The database can't answer.
        """
        limit = _checked(limit)
        if not _can_be_kept(user_id, tenant_id):
            return []
        with self._database.transaction(write=False) as connection:
            return most_refused(
                connection, self._tables, since, user_id=user_id, tenant_id=tenant_id, limit=limit
            )


def _checked(limit: int) -> int:
    if not 1 <= limit <= MAX_PAGE:
        raise ConfigurationError(f"limit must be 1 to {MAX_PAGE}: {limit}")
    return limit


def _can_be_kept(*texts: str | None) -> bool:
    """Whether a database may hold these: PostgreSQL no NUL, and none half a surrogate pair."""
    try:
        return b"\0" not in "".join(filter(None, texts)).encode()
    except UnicodeEncodeError:
        return False


def _place(cursor: str) -> Place:
    match = _CURSOR.fullmatch(cursor)
    if match is None or abs(int(match[1])) > _MOST or int(match[2]) > _MOST:
        raise ConfigurationError("before must be the cursor of an earlier page")
    return int(match[1]), int(match[2])
