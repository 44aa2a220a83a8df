"""From a URL or an engine to the database that stands behind a store."""

from __future__ import annotations

import time
from collections.abc import Callable

from sqlalchemy import URL, Engine, make_url
from sqlalchemy.exc import ArgumentError

from ..errors import ConfigurationError
from .server import ServerDatabase
from .sql_database import Database
from .sql_tables import Tables
from .sqlite import SQLiteDatabase


def parse_url(url: str | URL) -> URL:
    """The URL of a database.

    Raises:
        ConfigurationError: It is none; it is not quoted, for there may be a password in it.
    """
    try:
        return make_url(url)
    except (ArgumentError, ValueError):
        raise ConfigurationError("not a database URL; write sqlite:///keys.db") from None


def open_database(
    source: URL | Engine,
    tables: Tables,
    *,
    timeout: float = 2.0,
    lease_ms: int | None = None,
    clock: Callable[[], float] = time.time,
) -> Database:
    """What stands behind a store; not connected.

    Raises:
        ConfigurationError: A database or a driver that is not known here, or a schema on SQLite.
        ImportError: The driver is not installed.
    """
    url = source.url if isinstance(source, Engine) else source
    if url.get_backend_name() != "sqlite":
        return ServerDatabase(source, tables, timeout=timeout, lease_ms=lease_ms)
    if tables.keys.schema is not None:
        raise ConfigurationError("SQLite has no schemas; use table_prefix to keep tables apart")
    return SQLiteDatabase(url, tables, clock)


def source_of(url_or_engine: object) -> URL | Engine:
    """What ``SQLStore`` was given, if it is something that it takes.

    Raises:
        ConfigurationError: A text that is no URL.
        TypeError: Neither a URL nor an engine, such as a Session.
    """
    if isinstance(url_or_engine, Engine):
        return url_or_engine
    if isinstance(url_or_engine, (str, URL)):
        return parse_url(url_or_engine)
    raise TypeError(
        f"SQLStore takes a URL or an Engine, not a {type(url_or_engine).__name__}: it must "
        "commit on its own, so it never shares a transaction; of a Session pass "
        "session.get_bind(), of Flask-SQLAlchemy db.engine"
    )
