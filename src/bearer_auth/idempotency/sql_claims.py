"""The statements of ``SQLIdempotencyStore``, and the clock that leases end by."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Insert,
    Table,
    delete,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from ..stores.lease import running_clock
from ..stores.sql_database import Database
from ..stores.sql_statement import now, parameter

RUNNING, DONE, NOT_KEPT = 0, 1, 2
"""The states of a record."""

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Clock:
    """Times on the one machine that an SQLite file is on.

    Args:
        wall: Seconds since 1970.

    Attributes:
        boot: Names the run of the machine that ``running`` counts from.
        running: Seconds by a clock that is never set, the same for all processes. Where the system
            has none that can be told apart after a restart, the wall clock.
    """

    def __init__(self, wall: Callable[[], float]) -> None:
        running = running_clock()
        try:
            self.boot = _BOOT_ID.read_text().strip() if running else ""
        except OSError:
            self.boot = ""
        self.running = running if running and self.boot else wall


class Statements(NamedTuple):
    """The statements; see ``SQLIdempotencyStore``."""

    insert: Callable[..., Any]
    read: Callable[..., Any]
    take: Callable[..., Any]
    renew: Callable[..., Any]
    finish: Callable[..., Any]
    forget: Callable[..., Any]
    count: Callable[..., Any]
    expired: tuple[ColumnElement[bool], ...]


def make_statements(database: Database, table: Table, clock: Clock) -> Statements:
    """Compile them."""
    dialect = database.dialect
    c = table.c
    time_now = now(dialect)
    if dialect == "sqlite":
        steady: ColumnElement[int] = parameter("steady", BigInteger)
        boot: ColumnElement[str] = literal(clock.boot)
    else:
        steady, boot = time_now, literal("")
    lease_until = steady + parameter("lease_us", BigInteger)
    expires_at = time_now + parameter("keep_us", BigInteger)
    this = (c.key_id == parameter("key_id"), c.value == parameter("value"))
    held = (*this, c.fence == parameter("fence"))
    fresh: dict[str, Any] = {
        "fingerprint": parameter("fingerprint"),
        "fence": parameter("fence"),
        "state": RUNNING,
        "lease_until": lease_until,
        "boot": boot,
        "expires_at": expires_at,
        "status": None,
        "headers": None,
        "body": None,
    }
    names: dict[str, Any] = {"key_id": parameter("key_id"), "value": parameter("value")}
    reading = select(
        c.fingerprint,
        c.fence,
        c.state,
        c.lease_until - steady,
        c.expires_at - time_now,
        c.boot == boot,
        c.status,
        c.headers,
        c.body,
    ).where(*this)
    taking = (
        update(table)
        .where(*this, c.fence == parameter("holder"), c.state == parameter("held"))
        # one that is renewed meanwhile isn't taken
        .where((c.state != RUNNING) | (c.lease_until <= steady) | (c.boot != boot))
        .values(fresh)
    )
    renewing = (
        update(table)
        .where(*held, c.state == RUNNING)
        .values(lease_until=lease_until, expires_at=expires_at)
    )
    finishing = (
        update(table)
        .where(*held)
        .values({name: parameter(name) for name in ("state", "status", "headers", "body")})
    )
    live = (
        select(c.expires_at)
        .where(c.key_id == parameter("key_id"), c.expires_at > time_now)
        .limit(parameter("per_key"))
        .subquery()
    )
    counting = select(func.count(), func.min(live.c.expires_at) - time_now).select_from(live)

    def made(clause: Any) -> Callable[..., Any]:
        statement = database.statement(clause)
        if dialect != "sqlite":
            return statement

        def at_steady_time(**values: Any) -> Any:
            return statement(steady=int(clock.running() * 1_000_000), **values)

        return at_steady_time

    return Statements(
        insert=made(_inserting(dialect, table).values(names | fresh)),
        read=made(reading),
        take=made(taking),
        renew=made(renewing),
        finish=made(finishing),
        forget=made(delete(table).where(*held)),
        count=made(counting),
        expired=(c.expires_at < time_now,),
    )


def _inserting(dialect: str, table: Table) -> Insert:
    """An INSERT that does nothing if the row is there."""
    if dialect == "postgresql":
        return postgresql.insert(table).on_conflict_do_nothing()
    if dialect == "sqlite":
        return sqlite.insert(table).on_conflict_do_nothing()
    return insert(table).prefix_with("IGNORE")
