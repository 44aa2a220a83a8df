"""The driver's own cursor, on a kept connection in autocommit: the least that a statement costs."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
import pymysql
from sqlalchemy import make_url

Execute = Callable[[str, Sequence[Any]], Any]
"""Runs a statement, whose parameters are written ``%s``, and returns the cursor."""


@contextmanager
def kept_cursor(url: str) -> Generator[Execute, None, None]:
    """A cursor for the database of a URL; on PostgreSQL its statements are prepared."""
    parts = make_url(url)
    opened = _OPENED[parts.get_backend_name()](parts)
    connection, execute = opened
    yield execute
    connection.close()


def _sqlite(url: Any) -> tuple[Any, Execute]:
    connection = sqlite3.connect(url.database, isolation_level=None)
    connection.execute("PRAGMA synchronous = FULL")  # as the stores have it
    cursor = connection.cursor()
    return connection, lambda sql, values: cursor.execute(sql.replace("%s", "?"), values)


def _postgresql(url: Any) -> tuple[Any, Execute]:
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    connection = psycopg.connect(address, autocommit=True)
    cursor = connection.cursor()
    return connection, lambda sql, values: cursor.execute(sql, values, prepare=True)


def _mysql(url: Any) -> tuple[Any, Execute]:
    connection = pymysql.connect(
        host=url.host,
        port=url.port or 3306,
        user=url.username,
        password=url.password or "",
        database=url.database,
        autocommit=True,
    )
    cursor = connection.cursor()

    def execute(sql: str, values: Sequence[Any]) -> Any:
        cursor.execute(sql, values)
        return cursor

    return connection, execute


_OPENED = {"sqlite": _sqlite, "postgresql": _postgresql, "mysql": _mysql}
