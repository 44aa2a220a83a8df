"""Whether the tables are there that a part of bearer_auth needs, and making them if it may."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

from sqlalchemy import Table, false, select

from ..errors import ConfigurationError, StoreUnavailable
from .sql_database import Database
from .sql_open import open_database, source_of
from .sql_tables import SCHEMA_VERSION, Tables, make_tables

logger = logging.getLogger("bearer_auth")


def prepare(
    what: object,
    database: Database,
    tables: Tables,
    needed: Sequence[Table],
    *,
    create: bool | None,
    meanwhile: str = "requests get 503",
) -> bool:
    """See to it that the tables are there and up to date.

    Args:
        what: Who needs them, for messages.
        database: Where they are.
        tables: All of them.
        needed: Those that must be there, with all their columns.
        create: Create or upgrade them if they are not; ``None``: on SQLite.
        meanwhile: What happens while a server does not answer, for the log.

    Returns:
        Whether they may be created.

    Raises:
        ConfigurationError: They are of a newer bearer_auth.
        StoreUnavailable: They are missing, or an SQLite file can't be opened. A server that does
            not answer is no reason to fail here, unless it was to create them: it is logged.
    """
    on_sqlite = database.dialect == "sqlite"
    if create is None:
        create = on_sqlite
    try:
        version = _version(database, needed)
    except StoreUnavailable as error:
        if not create and not on_sqlite:
            # A worker that starts while the server is away is a worker when it is back.
            name = type(what).__name__
            logger.error("%s: %s; %s until it answers", name, error, meanwhile)
            return False
        if not create:
            raise
        version = None
    if version is None and create:
        database.create()
        version = _version(database, needed)
    if not version and create:
        from .sql_migrate import upgrade  # Alembic takes 0.1 s to import

        upgrade(database, tables)
        version = _version(database, needed)
    if not version:
        found = "missing" if version is None else "of an older bearer_auth"
        raise StoreUnavailable(
            f"{what!r}: the tables are {found}; run 'bearer-auth db upgrade', or "
            "open the store with create=True"
        )
    if version > SCHEMA_VERSION:
        raise ConfigurationError(
            f"{what!r}: the tables are of version {version}, and this bearer_auth knows "
            f"{SCHEMA_VERSION}; install the bearer_auth that made them"
        )
    return create


def open_tables(
    url_or_engine: object,
    *,
    schema: str | None,
    table_prefix: str,
    timeout: float = 2.0,
    clock: Callable[[], float] = time.time,
) -> tuple[Database, Tables]:
    """The database that a URL or an engine stands for, for a part that isn't the key store; not
    connected, and with connections of its own.

    Args:
        url_or_engine: A URL or an engine.
        schema: The schema of the tables.
        table_prefix: What the names of the tables begin with.
        timeout: Seconds that a statement may take on a server.
        clock: Seconds since 1970, for ``now()`` on SQLite.

    Raises:
        ConfigurationError: An argument is wrong.
        ImportError: The driver is not installed.
        TypeError: Neither a URL nor an engine.
    """
    tables = make_tables(table_prefix, schema)
    database = open_database(source_of(url_or_engine), tables, timeout=timeout, clock=clock)
    return database, tables


def _version(database: Database, needed: Sequence[Table]) -> int | None:
    """The version of the tables; 0 if one or a column is missing, ``None`` if there are none."""
    version = database.version()
    if version and version <= SCHEMA_VERSION:
        try:
            with database.transaction(write=False) as connection:
                for table in needed:
                    connection.execute(select(table).where(false()))
        except StoreUnavailable as error:
            if error.reason != "tables":
                raise
            return 0
    return version
