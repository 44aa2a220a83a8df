"""The statements of ``SQLStorage``.

Windows begin at multiples of their length since 1970. A row that says that its window has not begun
yet is of a clock that was set back since; it is taken for the current one.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    String,
    Table,
    case,
    delete,
    select,
)
from sqlalchemy.dialects import mysql, postgresql, sqlite

from ..stores.sql_database import Database
from ..stores.sql_statement import now, parameter

_BATCH = 500
_MS = 1000

_INSERTS: dict[str, Any] = {
    "postgresql": postgresql.insert,
    "sqlite": sqlite.insert,
    "mysql": mysql.insert,
}


class Statements(NamedTuple):
    """The statements; ``take`` returns whether there was room, and the row after that."""

    take: Callable[..., tuple[bool, Sequence[Any]]]
    read: Callable[..., Any]
    clear: Callable[..., Any]
    reset: Callable[..., Any]
    prune: Callable[..., Any]


def make_statements(database: Database, table: Table) -> Statements:
    """Compile them."""
    c = table.c
    time_now = now(database.dialect)
    length = parameter("length_us", BigInteger)
    this = c.name == parameter("name", String)
    is_mysql = database.dialect in ("mysql", "mariadb")
    put = _INSERTS["mysql" if is_mysql else database.dialect](table).values(
        name=parameter("name", String),
        started_at=time_now - time_now % length,
        counted=parameter("cost", BigInteger),
        before=0,
        passed=parameter("token", BigInteger),
        expires_at=time_now + 2 * length,
    )
    # What the row would have been: so the time, which is not cheap, is computed once.
    fresh = put.inserted if is_mysql else put.excluded
    window, cost, token, ends = fresh.started_at, fresh.counted, fresh.passed, fresh.expires_at
    current = c.started_at >= window
    # "before" and "counted" as they are now, which may be two windows later than in the row
    before = case((current, c.before), (c.started_at == window - length, c.counted), else_=0)
    counted = case((current, c.counted), else_=0)
    # in milliseconds, or a month and many requests are more than 64 bits
    left_ms = (window + 3 * length - ends) // _MS
    weighted = (before * left_ms) // (length // _MS) + counted
    room = weighted + cost <= parameter("most", BigInteger)
    # In this order, in which nothing is needed any more that was set before.
    new = {"before": before, "counted": counted + cost, "expires_at": ends, "started_at": window}
    row = (c.started_at, c.counted, c.before, c.expires_at, time_now, c.passed)
    made = database.statement
    read, is_old = made(select(*row).where(this)), c.expires_at < time_now
    if is_mysql:
        hit = made(_mysql_hit(put, c, new, room, token))
        # Which SQLAlchemy knows once it is connected, and here nothing is.
        hit.sql += f" RETURNING {', '.join(_mysql(column) for column in row)}"
        prune = made(delete(table).where(is_old))
        prune.sql += f" LIMIT {_BATCH}"
    else:
        # Where there is no room, nothing is written, and so no row comes back.
        hit = made(
            put.on_conflict_do_update(
                index_elements=["name"], set_={**new, "passed": token}, where=room
            ).returning(*row)
        )
        old = select(c.name).where(is_old).limit(_BATCH)
        prune = made(delete(table).where(c.name.in_(old)))

    def take(**values: Any) -> tuple[bool, Sequence[Any]]:
        rows, _ = hit(token=(mine := secrets.randbits(62)), **values)
        if not rows:
            rows, _ = read(name=values["name"])
        if not rows:  # pruned in between, so there is room by now
            return take(**values)
        return rows[0][5] == mine, rows[0][:5]

    return Statements(
        take=take,
        read=read,
        clear=made(delete(table).where(this)),
        reset=made(delete(table)),
        prune=prune,
    )


def _mysql_hit(
    put: Any,
    c: Any,
    new: dict[str, Any],
    room: ColumnElement[bool],
    token: ColumnElement[int],
) -> Any:
    """An upsert whose assignments are made from left to right, each seeing those before it."""
    values: list[tuple[str, Any]] = [("passed", case((room, token), else_=c.passed))]
    values += [
        (name, case((c.passed == token, value), else_=c[name])) for name, value in new.items()
    ]
    return put.on_duplicate_key_update(values)


def _mysql(clause: ColumnElement[Any]) -> str:
    return str(clause.compile(dialect=mysql.dialect())).replace("%%", "%")
