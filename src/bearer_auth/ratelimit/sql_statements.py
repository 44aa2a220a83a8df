"""The statements of ``SQLStorage``.

Windows begin at multiples of their length since 1970. A row whose window is the next one is of a
statement that was overtaken, or of a clock that was set back by little: that window counts, and is
waited for. A row from further ahead is of a clock that was set back since: what it has counted goes
on in the current window, so that nobody has a second limit, or waits for longer than a window.
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
    or_,
    select,
)
from sqlalchemy.dialects import mysql, postgresql, sqlite

from ..stores.sql_database import Database
from ..stores.sql_statement import now, parameter

_BATCH = 500
_MS = 1000


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
    cost = parameter("cost", BigInteger)
    token = parameter("token", BigInteger)
    this = c.name == parameter("name", String)
    window = time_now - time_now % length
    ahead, current = c.started_at > window + length, c.started_at >= window
    begins = case((ahead, window), (current, c.started_at), else_=window)
    # "before" and "counted" as they are now, which may be two windows later than in the row
    before = case((current, c.before), (c.started_at == window - length, c.counted), else_=0)
    counted = case((current, c.counted), else_=0)
    # in milliseconds, or a month and many requests are more than 64 bits
    left_ms = (begins + length - time_now) // _MS
    weighted = (before * left_ms) // (length // _MS) + counted
    room = weighted + cost <= parameter("most", BigInteger)
    # In this order, in which nothing is needed any more that was set before.
    new = {
        "before": before,
        "counted": counted,
        "expires_at": begins + 2 * length,
        "started_at": begins,
    }
    first: dict[str, Any] = {
        "name": parameter("name", String),
        "started_at": window,
        "counted": cost,
        "before": 0,
        "passed": token,
        "expires_at": window + 2 * length,
    }
    row = (c.started_at, c.counted, c.before, c.expires_at, time_now, c.passed)
    made = database.statement
    read, is_old = made(select(*row).where(this)), c.expires_at < time_now
    if database.dialect in ("mysql", "mariadb"):
        hit = made(_mysql_hit(table, first, new, room, ahead))
        # Which SQLAlchemy knows once it is connected, and here nothing is.
        hit.sql += f" RETURNING {', '.join(_mysql(column) for column in row)}"
        prune = made(delete(table).where(is_old))
        prune.sql += f" LIMIT {_BATCH}"
    else:
        insert = postgresql.insert if database.dialect == "postgresql" else sqlite.insert
        put = insert(table).values(first)
        new |= {
            "counted": counted + case((room, cost), else_=0),
            "passed": case((room, token), else_=c.passed),
        }
        # Where there is no room, nothing is written, and so no row comes back.
        hit = made(
            put.on_conflict_do_update(
                index_elements=["name"], set_=new, where=or_(room, ahead)
            ).returning(*row)
        )
        # A row that somebody counts in meanwhile is left alone: it is not old any more.
        old = select(c.name).where(is_old).limit(_BATCH).with_for_update(skip_locked=True)
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
    table: Table,
    first: dict[str, Any],
    new: dict[str, Any],
    room: ColumnElement[bool],
    ahead: ColumnElement[bool],
) -> Any:
    """An upsert whose assignments are made from left to right, each seeing those before it."""
    c, token, cost = table.c, first["passed"], first["counted"]
    passes = c.passed == token
    new = {**new, "counted": new["counted"] + case((passes, cost), else_=0)}
    values: list[tuple[str, Any]] = [("passed", case((room, token), else_=c.passed))]
    values += [
        (name, case((or_(passes, ahead), value), else_=c[name])) for name, value in new.items()
    ]
    return mysql.insert(table).values(first).on_duplicate_key_update(values)


def _mysql(clause: ColumnElement[Any]) -> str:
    return str(clause.compile(dialect=mysql.dialect())).replace("%%", "%")
