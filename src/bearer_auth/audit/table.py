"""The table of events: added to at its end, read by key and time, pruned from its beginning."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    and_,
    delete,
    func,
    literal,
    or_,
    select,
)

from ..events import Event
from ..stores.sql_database import Database
from ..stores.sql_statement import now
from ..stores.sql_tables import IDS_A_STATEMENT, Tables
from ..values import to_micros
from .refusals import MICROS_A_DAY, count_refusals, prune_refusals
from .rows import decode, encode

PRUNED = 1000
"""Rows that are deleted at a time."""

Place = tuple[int, int]
"""When an event was, in microseconds since 1970, and its id: what events are sorted by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which events are asked for; what isn't given doesn't matter.

    Attributes:
        key_id: Of this key.
        user_id: Of this owner.
        tenant_id: Of this tenant.
        names: With one of these names; ``"key.*"`` stands for all that begin so.
        since: At this time or later.
        until: Before this time.
    """

    key_id: str | None = None
    user_id: str | None = None
    tenant_id: str | None = None
    names: Sequence[str] = ()
    since: datetime | None = None
    until: datetime | None = None


class EventTable:
    """Events in a database. Every failure of it is a ``StoreUnavailable``.

    Args:
        database: Where they are.
        tables: All of the tables.
    """

    def __init__(self, database: Database, tables: Tables) -> None:
        self._database = database
        self._table = tables.events
        self._refusals = tables.refusals
        self._columns = [column for column in self._table.c if column.name != "id"]

    def append(self, events: Sequence[Event]) -> None:
        """Add events, all or none, and count the refusals among them."""
        rows = [encode(event) for event in events]
        with self._database.transaction(brief=True) as connection:
            connection.execute(self._table.insert(), rows)
            count_refusals(connection, self._refusals, rows)

    def prune(self, keep: timedelta) -> int:
        """Delete some of those that are older, by the database's clock, and never the newest row:
        its id must not come again, or who follows the table would take another for it.

        Returns:
            How many were deleted; fewer than ``PRUNED`` if no others are left.
        """
        id_, at = self._table.c.id, self._table.c.at
        before = self._now() - keep // timedelta(microseconds=1)
        newest = select(func.max(id_)).scalar_subquery()
        old = select(id_).where(at < before, id_ < newest).order_by(at, id_).limit(PRUNED)
        with self._database.transaction(brief=True) as connection:
            ids = sorted(connection.scalars(old))
            for some in _some(ids):
                connection.execute(delete(self._table).where(id_.in_(some)))
        return len(ids)

    def prune_refusals(self) -> bool:
        """Forget some refusals by day that are too old, by the database's clock; whether others
        may be left."""
        with self._database.transaction(brief=True) as connection:
            today = connection.scalars(select(self._now())).one() // MICROS_A_DAY
            return prune_refusals(connection, self._refusals, today)

    def page(
        self, key_id: str, limit: int, before: Place | None
    ) -> tuple[list[Event], Place | None]:
        """Some events of a key, the newest first.

        Args:
            key_id: The key.
            limit: How many, at most.
            before: Only those behind this place.

        Returns:
            The events, and the place of the last one if there are more.
        """
        at, id_ = self._table.c.at, self._table.c.id
        statement = self._rows(Filters(key_id=key_id)).order_by(at.desc(), id_.desc())
        if before is not None:
            last_at, last_id = before
            statement = statement.where(at <= last_at, or_(at < last_at, id_ < last_id))
        with self._database.transaction(write=False) as connection:
            rows: Sequence[Any] = connection.execute(statement.limit(limit + 1)).all()
        events = [decode(row[1:]) for row in rows[:limit]]
        if len(rows) <= limit:
            return events, None
        last = rows[limit - 1]
        return events, (last.at, last.id)

    def newest(self, filters: Filters, limit: int) -> list[tuple[int, Event]]:
        """The last so many events with their ids, the oldest of them first."""
        at, id_ = self._table.c.at, self._table.c.id
        with self._database.transaction(write=False) as connection:
            statement = self._rows(filters).order_by(at.desc(), id_.desc()).limit(limit)
            return self._read(connection, statement)[::-1]

    def all(self, filters: Filters) -> Iterator[Event]:
        """All events, the oldest first, read some at a time."""
        at, id_ = self._table.c.at, self._table.c.id
        statement = self._rows(filters).order_by(at, id_).limit(IDS_A_STATEMENT)
        page = statement
        while True:
            with self._database.transaction(write=False) as connection:
                rows: Sequence[Any] = connection.execute(page).all()
            for row in rows:
                yield decode(row[1:])
            if len(rows) < IDS_A_STATEMENT:
                return
            last_id, last_at = rows[-1][:2]
            page = statement.where(or_(at > last_at, and_(at == last_at, id_ > last_id)))

    def highest(self) -> int:
        """The highest id that can be seen; 0 if there is none."""
        with self._database.transaction(write=False) as connection:
            return connection.scalar(select(func.max(self._table.c.id))) or 0

    def ids(self, filters: Filters, after: int) -> list[int]:
        """The ids that are higher, in their order."""
        id_ = self._table.c.id
        conditions = self._conditions(filters)
        with self._database.transaction(write=False) as connection:
            statement = select(id_).where(id_ > after, *conditions).order_by(id_)
            return list(connection.scalars(statement))

    def with_ids(self, ids: Sequence[int]) -> Iterator[tuple[int, Event]]:
        """The events with these ids, in their order, read some at a time."""
        id_ = self._table.c.id
        for some in _some(ids):
            with self._database.transaction(write=False) as connection:
                statement = self._rows(Filters()).where(id_.in_(some)).order_by(id_)
                rows = self._read(connection, statement)
            yield from rows

    def _now(self) -> ColumnElement[int]:
        if self._database.dialect == "sqlite":
            return literal(int(time.time() * 1_000_000), BigInteger)
        return now(self._database.dialect)

    def _rows(self, filters: Filters) -> Select[Any]:
        columns: Select[Any] = select(self._table.c.id, *self._columns)
        return columns.where(*self._conditions(filters))

    def _read(self, connection: Connection, statement: Select[Any]) -> list[tuple[int, Event]]:
        return [(row[0], decode(row[1:])) for row in connection.execute(statement)]

    def _conditions(self, filters: Filters) -> list[ColumnElement[bool]]:
        c = self._table.c
        conditions: list[ColumnElement[bool]] = []
        for name in ("key_id", "user_id", "tenant_id"):
            value = getattr(filters, name)
            if value is not None:
                conditions.append(c[name] == value)
        if filters.since is not None:
            conditions.append(c.at >= to_micros(filters.since))
        if filters.until is not None:
            conditions.append(c.at < to_micros(filters.until))
        if filters.names:
            conditions.append(or_(*map(self._named, filters.names)))
        return conditions

    def _named(self, name: str) -> ColumnElement[bool]:
        if name.endswith("*"):
            return self._table.c.name.startswith(name[:-1], autoescape=True)
        return self._table.c.name == name


def _some(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), IDS_A_STATEMENT):
        yield ids[start : start + IDS_A_STATEMENT]
