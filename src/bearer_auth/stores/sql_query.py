"""The statement that lists keys: a ``Query`` as SQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, LargeBinary, Select, and_, cast, exists, func, or_, select

from ..values import to_micros
from . import Query
from .cursor import decode_cursor
from .sql_tables import Tables, record_columns


def listing(tables: Tables, query: Query, dialect: str) -> Select[Any]:
    """Selects one page of rows and one row more, newest first.

    Args:
        tables: The tables.
        query: What is asked.
        dialect: SQLAlchemy's name of the database's kind.

    Raises:
        ConfigurationError: The query's cursor is not one of a list.
    """
    keys = tables.keys
    return (
        select(*record_columns(keys))
        .where(*_conditions(tables, query, dialect))
        .order_by(keys.c.created_at.desc(), keys.c.key_id.desc())
        .limit(query.limit + 1)
    )


def _conditions(tables: Tables, query: Query, dialect: str) -> list[ColumnElement[bool]]:
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
            conditions.append(_filter(tables, query, dialect, name) == wanted)
            if dialect in ("mysql", "mariadb"):  # for them 'a' is 'a ' too, also in utf8mb4_bin
                conditions.append(cast(column[name], LargeBinary) == wanted.encode())
    if query.state is not None:
        conditions.append(_in_state(tables, query, _filter(tables, query, dialect, "status")))
    if query.expires_before is not None:
        conditions += [
            column.expires_at > to_micros(query.now),
            column.expires_at < to_micros(query.expires_before),
        ]
    if query.unused_since is not None:
        usage, since = tables.usage.c, to_micros(query.unused_since)
        used = exists().where(usage.key_id == column.key_id, usage.last_used_at >= since)
        conditions += [column.created_at < since, ~used]
    return conditions


def _filter(tables: Tables, query: Query, dialect: str, name: str) -> ColumnElement[str]:
    """A column that is compared; on SQLite in a way that leaves the index to the best filter.

    Without statistics, which few files have, SQLite takes any index with an equality, such as the
    one of all active keys where a user has three.
    """
    column: ColumnElement[str] = tables.keys.c[name]
    given = {
        "user_id": query.user_id is not None,
        "tenant_id": query.tenant_id is not None,
        "status": query.state in ("suspended", "revoked"),
        "environment": query.environment is not None,
    }
    best = next((filter for filter, is_given in given.items() if is_given), name)
    return column if dialect != "sqlite" or name == best else func.coalesce(column, None)


def _in_state(tables: Tables, query: Query, status: ColumnElement[str]) -> ColumnElement[bool]:
    """As ``KeyRecord.state_at``: revoked, else expired, else the status."""
    column, now = tables.keys.c, to_micros(query.now)
    if query.state == "revoked":
        return status == "revoked"
    if query.state == "expired":
        return and_(status != "revoked", column.expires_at <= now)
    return and_(status == query.state, or_(column.expires_at.is_(None), column.expires_at > now))
