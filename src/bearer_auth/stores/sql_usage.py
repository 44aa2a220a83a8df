"""When keys were used, in SQL: one narrow upsert of many rows, and how it is read back."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import Connection, delete, func, select

from ..values import from_micros, to_micros
from . import Usage, Use
from .sql_filters import equals
from .sql_tables import Tables, chunks
from .sql_upsert import write_rows

ALL = ""
"""What stands in the place of a key's id in the rows that count the uses of all keys."""

_EPOCH = date(1970, 1, 1)

logger = logging.getLogger("bearer_auth")


def write_uses(connection: Connection, tables: Tables, batch: Sequence[Use]) -> None:
    """Note uses of the keys that there are. Times only move forward, uses add up."""
    known: set[str] = set()
    for ids in chunks({use.key_id for use in batch}):
        column = tables.keys.c.key_id
        known.update(connection.scalars(select(column).where(column.in_(ids))))
    latest: dict[tuple[str, str], Use] = {}
    uses: dict[tuple[str, int], int] = {}
    for use in batch:
        if use.key_id not in known:
            continue
        earlier = latest.get((use.key_id, use.secret_id))
        if earlier is None or use.at >= earlier.at:
            latest[use.key_id, use.secret_id] = use
        day = use.key_id, (use.at.astimezone(UTC).date() - _EPOCH).days
        uses[day] = uses.get(day, 0) + use.uses
        total = ALL, day[1]
        uses[total] = uses.get(total, 0) + use.uses
    if not latest:
        return
    # In the same order everywhere, so that two processes don't wait for each other.
    write_rows(
        connection,
        tables.usage,
        [
            {
                "key_id": key_id,
                "secret_id": secret_id,
                "last_used_at": to_micros(use.at),
                "last_address": use.address,
            }
            for (key_id, secret_id), use in sorted(latest.items())
        ],
        newest_at="last_used_at",
    )
    write_rows(
        connection,
        tables.days,
        [
            {"key_id": key_id, "day": day, "uses": count}
            # Those that all processes write come last, so that they are locked for a short time.
            for (key_id, day), count in sorted(uses.items(), key=_all_last)
        ],
        sum_of="uses",
    )


def read_usage(
    connection: Connection, tables: Tables, key_ids: Iterable[str], *, days: bool
) -> dict[str, Usage]:
    """When these keys were used, and if asked how often by day."""
    secrets: dict[str, dict[str, datetime]] = {}
    addresses: dict[str, tuple[datetime, str | None]] = {}
    by_day: dict[str, dict[date, int]] = {}
    for ids in chunks(key_ids):
        table = tables.usage
        for key_id, secret_id, micros, address in connection.execute(
            select(table).where(table.c.key_id.in_(ids))
        ):
            try:
                at = from_micros(micros)
            except (TypeError, OverflowError):
                logger.error("SQLStore: a time of use of key %s can't be read", key_id)
                continue
            secrets.setdefault(key_id, {})[secret_id] = at
            if key_id not in addresses or at > addresses[key_id][0]:
                addresses[key_id] = at, address
        table = tables.days
        if days:
            for key_id, day, count in connection.execute(
                select(table).where(table.c.key_id.in_(ids)).order_by(table.c.day)
            ):
                try:
                    on, uses = _EPOCH + timedelta(days=day), int(count)
                except (TypeError, ValueError, OverflowError):
                    logger.error("SQLStore: a day of use of key %s can't be read", key_id)
                    continue
                by_day.setdefault(key_id, {})[on] = uses
    return {
        key_id: Usage(max(used.values()), used, by_day.get(key_id, {}), addresses[key_id][1])
        for key_id, used in secrets.items()
    }


def read_days(
    connection: Connection, tables: Tables, since: date, owner: Mapping[str, str | None]
) -> dict[date, int]:
    """How often keys were used, by day: all of them, or those of an owner.

    Args:
        connection: Where to read.
        tables: The tables.
        since: The first day.
        owner: ``user_id`` and ``tenant_id``; ``None`` is any.
    """
    days, keys = tables.days, tables.keys
    given = {name: wanted for name, wanted in owner.items() if wanted is not None}
    if any("\0" in wanted for wanted in given.values()):
        return {}
    recent = days.c.day >= (since - _EPOCH).days
    statement = select(days.c.day, days.c.uses).where(days.c.key_id == ALL, recent)
    if given:
        statement = (
            select(days.c.day, func.sum(days.c.uses))
            .join(keys, keys.c.key_id == days.c.key_id)
            .where(recent)
            .group_by(days.c.day)
        )
    for name, wanted in given.items():
        statement = statement.where(*equals(keys.c[name], wanted, connection.dialect.name))
    total: dict[date, int] = {}
    for day, uses in connection.execute(statement.order_by(days.c.day)):
        try:
            total[_EPOCH + timedelta(days=day)] = int(uses)
        except (TypeError, ValueError, OverflowError):
            logger.error("SQLStore: a day of use can't be read")
    return total


def prune_days(connection: Connection, tables: Tables, before: date) -> int:
    """Forget how often keys were used on the days before; how many rows of keys that were."""
    days = tables.days.c
    statement = delete(tables.days).where(days.day < (before - _EPOCH).days)
    connection.execute(statement.where(days.key_id == ALL))
    return connection.execute(statement).rowcount


def _all_last(row: tuple[tuple[str, int], int]) -> tuple[bool, str, int]:
    (key_id, day), _ = row
    return key_id == ALL, key_id, day
