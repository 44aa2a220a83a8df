"""The statement that lists keys: a ``Query`` as SQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from ..values import to_micros
from . import Query
from .cursor import decode_cursor
from .sql_tables import Tables


def listing(tables: Tables, query: Query) -> Select[Any]:
    """Selects one page of rows and one row more, newest first.

    Raises:
        ConfigurationError: The query's cursor is not one of a list.
    """
    keys = tables.keys
    return (
        select(keys)
        .where(*_conditions(tables, query))
        .order_by(keys.c.created_at.desc(), keys.c.key_id.desc())
        .limit(query.limit + 1)
    )


def _conditions(tables: Tables, query: Query) -> list[ColumnElement[bool]]:
    column = tables.keys.c
    conditions: list[ColumnElement[bool]] = []
    if query.after is not None:
        created_at, key_id = decode_cursor(query.after)
        # One bound on the column that the index begins with, then the exact one.
        conditions += [
            column.created_at <= created_at,
            or_(column.created_at < created_at, column.key_id < key_id),
        ]
    for name in ("user_id", "tenant_id", "environment"):
        wanted = getattr(query, name)
        if wanted is not None:
            conditions.append(column[name] == wanted)
    if query.state is not None:
        conditions.append(_in_state(tables, query))
    if query.expires_before is not None:
        conditions += [
            column.expires_at > to_micros(query.now),
            column.expires_at < to_micros(query.expires_before),
        ]
    if query.unused_since is not None:
        usage = tables.usage.c
        last_used = (
            select(func.max(usage.last_used_at))
            .where(usage.key_id == column.key_id)
            .scalar_subquery()
        )
        conditions.append(
            func.coalesce(last_used, column.created_at) < to_micros(query.unused_since)
        )
    return conditions


def _in_state(tables: Tables, query: Query) -> ColumnElement[bool]:
    """As ``KeyRecord.state_at``: revoked, else expired, else the status."""
    column, now = tables.keys.c, to_micros(query.now)
    if query.state == "revoked":
        return column.status == "revoked"
    if query.state == "expired":
        return and_(column.status != "revoked", column.expires_at <= now)
    return and_(
        column.status == query.state, or_(column.expires_at.is_(None), column.expires_at > now)
    )
