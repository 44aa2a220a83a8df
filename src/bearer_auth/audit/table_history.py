"""The history that is in a database."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date

from ..errors import ConfigurationError
from ..events import Event
from ..stores.sql_database import Database
from ..stores.sql_tables import Tables
from ..token import KEY_ID
from .refusals import most_refused, refusals_by_day
from .table import EventTable, Place

MAX_PAGE = 1000
"""Events, or keys, in one answer."""

_CURSOR = re.compile(r"(-?[0-9]{1,19})\.([0-9]{1,19})")
_MOST = 2**63 - 1


class TableHistory:
    """Answers a dashboard from the tables: see ``History``.

    Whose a key is it reads from the table of the keys. In a database without them, no refusal is
    that of an owner.

    Args:
        database: Where the events are.
        tables: All of the tables.
    """

    def __init__(self, database: Database, tables: Tables) -> None:
        self._database = database
        self._tables = tables
        self._events = EventTable(database, tables)

    def history(
        self, key_id: str, *, limit: int = 50, before: str | None = None
    ) -> tuple[Sequence[Event], str | None]:
        """One page of the events of a key."""
        limit, place = _checked(limit), None if before is None else _place(before)
        if not KEY_ID.fullmatch(key_id):
            return [], None
        events, last = self._events.page(key_id, limit, place)
        return events, None if last is None else f"{last[0]}.{last[1]}"

    def refusals_by_day(
        self,
        since: date,
        *,
        key_id: str | None = None,
        user_id: str | None = None,
        tenant_id: str | None = None,
    ) -> Mapping[date, int]:
        """Refusals by day."""
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
        """The keys with the most refusals."""
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
