"""Statements that are compiled once and run often, each as a transaction of its own.

Through SQLAlchemy a statement takes 70 µs and more beside what the database needs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ClauseElement,
    ColumnElement,
    Dialect,
    bindparam,
    literal_column,
)
from sqlalchemy.types import TypeEngine

T = TypeVar("T")

Answer = tuple[Sequence[Sequence[Any]], int]
"""The rows of a statement, and how many it changed."""

# The same throughout a statement, and in no time zone, whose clock may be set back.
_SERVERS_NOW = {
    "postgresql": "CAST(extract(epoch FROM statement_timestamp()) * 1000000 AS bigint)",
    "mysql": "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6))",
}


class Statement:
    """A statement; called with the values of its ``parameter()``s by name.

    It may run twice if its connection breaks, so it must not matter if it does.

    Args:
        clause: The statement.
        dialect: The database's, with positional parameters.
        run: Runs it.
        clock: Seconds since 1970, for ``now()``; asked where a database is not.
    """

    def __init__(
        self,
        clause: ClauseElement,
        dialect: Dialect,
        run: Callable[[str, Sequence[Any]], Answer],
        clock: Callable[[], float] = time.time,
    ) -> None:
        compiled: Any = clause.compile(dialect=dialect)
        self.sql = str(compiled)
        self._order = [name.removeprefix("_") for name in compiled.positiontup or ()]
        self._constants = {name.removeprefix("_"): v for name, v in compiled.params.items()}
        self._run = run
        self._clock = clock if "now" in self._order else None

    def __call__(self, **values: Any) -> Answer:
        """Run it.

        Raises:
            StoreUnavailable: The database can't answer.
        """
        if self._clock is not None:
            values["now"] = int(self._clock() * 1_000_000)
        constants = self._constants
        return self._run(
            self.sql, [values[n] if n in values else constants[n] for n in self._order]
        )


def parameter(name: str, type_: type[TypeEngine[T]] | None = None) -> BindParameter[T]:
    """A parameter of a ``Statement``; it may be called as a column is."""
    return bindparam(f"_{name}", type_=type_)


def now(dialect: str) -> ColumnElement[int]:
    """The time, in microseconds since 1970: the server's, so that all who share the tables have
    the same; on SQLite, where all are on one machine, that of the process.

    Args:
        dialect: SQLAlchemy's name for the kind of database.
    """
    if dialect == "sqlite":
        return parameter("now", BigInteger)
    return literal_column(_SERVERS_NOW[dialect.replace("mariadb", "mysql")], BigInteger)
