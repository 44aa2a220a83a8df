"""Events in a table that is open already: written, and asked for by a dashboard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from ..events import Event
from ..stores.sql_database import Database
from ..stores.sql_tables import Tables
from .table import EventTable
from .table_history import TableHistory
from .writer import EventWriter


class TableSink(EventWriter):
    """A sink that writes to a table, and answers what a dashboard asks of it.

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
        self._history = TableHistory(database, tables)

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
        self.flush()
        return self._history.history(key_id, limit=limit, before=before)

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
        return self._history.refusals_by_day(
            since, key_id=key_id, user_id=user_id, tenant_id=tenant_id
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
        return self._history.most_refused(since, user_id=user_id, tenant_id=tenant_id, limit=limit)
