"""How often requests were refused, by key and day: added up as events are written, read back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, delete, func, select

from ..stores.sql_filters import equals
from ..stores.sql_tables import Tables, chunks
from ..stores.sql_upsert import write_rows
from ..token import KEY_ID

REFUSED = "request.refused"

DAYS_KEPT = 400
"""Days after which they are forgotten, as uses by day are."""

PRUNED = 1000
"""Rows that are deleted at a time."""

MICROS_A_DAY = 86_400_000_000

_ALL = ""
"""Stands in place of a key's id for all refusals of a day, also those without a proven key."""

_EPOCH = date(1970, 1, 1)
_LAST = (date.max - _EPOCH).days


def count_refusals(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add the refusals among these rows of events, in the transaction that writes them."""
    counts: Counter[tuple[str, int]] = Counter()
    for row in rows:
        if row["name"] != REFUSED:
            continue
        day = row["at"] // MICROS_A_DAY
        counts[_ALL, day] += 1
        if row["key_id"] is not None and KEY_ID.fullmatch(row["key_id"]):
            counts[row["key_id"], day] += 1
    # In the same order everywhere, so that two processes don't wait for each other.
    write_rows(
        connection,
        table,
        [
            {"key_id": key_id, "day": day, "refusals": count}
            for (key_id, day), count in sorted(counts.items())
        ],
        sum_of="refusals",
    )


def refusals_by_day(
    connection: Connection,
    tables: Tables,
    since: date,
    *,
    key_id: str | None = None,
    user_id: str | None = None,
    tenant_id: str | None = None,
) -> dict[date, int]:
    """The refusals of each day that has some, the oldest first: of a key, of the keys of an owner,
    or of everybody.

    Args:
        connection: In a transaction.
        tables: All of the tables; whose a key is stands in that of the keys.
        since: The first day, in UTC.
        key_id: Of this key.
        user_id: Of this owner's keys.
        tenant_id: Of this tenant's keys.
    """
    if key_id is None and user_id is None and tenant_id is None:
        key_id = _ALL
    c = tables.refusals.c
    conditions = _conditions(connection, tables, since, user_id, tenant_id)
    if key_id is not None:
        conditions.append(c.key_id == key_id)
    rows = select(c.day, func.sum(c.refusals)).where(*conditions).group_by(c.day).order_by(c.day)
    found: Sequence[Any] = connection.execute(rows).all()
    return {_EPOCH + timedelta(days=day): int(count) for day, count in found}


def most_refused(
    connection: Connection,
    tables: Tables,
    since: date,
    *,
    user_id: str | None = None,
    tenant_id: str | None = None,
    limit: int = 10,
) -> list[tuple[str, int]]:
    """The ids of the keys that were refused most often, with how often that was.

    Args:
        connection: In a transaction.
        tables: All of the tables.
        since: The first day, in UTC.
        user_id: Keys of this owner.
        tenant_id: Keys of this tenant.
        limit: How many.
    """
    c = tables.refusals.c
    total = func.sum(c.refusals)
    conditions = _conditions(connection, tables, since, user_id, tenant_id)
    rows = select(c.key_id, total).where(c.key_id != _ALL, *conditions).group_by(c.key_id)
    rows = rows.order_by(total.desc(), c.key_id).limit(limit)
    found: Sequence[Any] = connection.execute(rows).all()
    return [(found_id, int(count)) for found_id, count in found]


def prune_refusals(connection: Connection, table: Table, today: int) -> bool:
    """Forget some of one day, if there is one that is too old.

    Args:
        connection: In a transaction.
        table: The table.
        today: Days since 1970.

    Returns:
        Whether others may be left.
    """
    c = table.c
    oldest = connection.scalar(select(func.min(c.day)))
    if oldest is None or oldest >= today - DAYS_KEPT:
        return False
    old = select(c.key_id).where(c.day == oldest).order_by(c.key_id).limit(PRUNED)
    ids = connection.scalars(old).all()
    connection.execute(delete(table).where(c.key_id == _ALL, c.day == oldest))
    for some in chunks(ids):
        connection.execute(delete(table).where(c.key_id.in_(some), c.day == oldest))
    return True


def _conditions(
    connection: Connection, tables: Tables, since: date, user_id: str | None, tenant_id: str | None
) -> list[ColumnElement[bool]]:
    c, keys = tables.refusals.c, tables.keys.c
    # A row that was edited may hold any number, and a date ends with the year 9999.
    conditions: list[ColumnElement[bool]] = [c.day.between((since - _EPOCH).days, _LAST)]
    of_owner: list[ColumnElement[bool]] = []
    for column, wanted in ((keys.user_id, user_id), (keys.tenant_id, tenant_id)):
        if wanted is not None:
            of_owner += equals(column, wanted, connection.dialect.name)
    if of_owner:
        conditions.append(c.key_id.in_(select(keys.key_id).where(*of_owner)))
    return conditions
