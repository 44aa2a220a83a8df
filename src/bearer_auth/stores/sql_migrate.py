"""Brings the tables up to date, with the migrations that come in the wheel.

Alembic takes a tenth of a second to import, so only who changes tables imports this module. Its
version table has the prefix of the others, beside which a host's own Alembic lives undisturbed.
"""

from __future__ import annotations

import io
import time
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_mock_engine, insert, inspect, select, update

from ..errors import ConfigurationError, StoreUnavailable
from .sql_database import Database
from .sql_tables import Tables, first_meta, new_revision

TRIES = 30
"""Attempts to get a lock that others hold on a table."""

PAUSE_S = 0.5
"""Seconds between two of them, in which those who wait behind get their turn."""

_HERE = str(Path(__file__).with_name("migrations"))


def known_revisions(scripts: str = _HERE) -> list[str]:
    """The migrations that there are, oldest first."""
    return [script.revision for script in ScriptDirectory(scripts).walk_revisions()][::-1]


def current(database: Database, tables: Tables) -> str | None:
    """The last migration that the tables have seen; ``None`` if none is noted.

    Raises:
        StoreUnavailable: The database can't answer.
    """
    with database.transaction(write=False) as connection:
        return _current(connection, tables)


def upgrade(database: Database, tables: Tables, scripts: str = _HERE) -> list[str]:
    """Bring the tables up to date; of several callers one does it and the others wait.

    It never waits for a lock for longer than readers can wait behind it, but tries again.

    Args:
        database: The database.
        tables: The tables.
        scripts: The folder of the migrations; for tests.

    Returns:
        The migrations that were run.

    Raises:
        ConfigurationError: The tables are of a newer bearer_auth.
        StoreUnavailable: The database can't answer, or refuses.
    """
    for attempt in range(TRIES):
        try:
            steps, in_use = _upgrade(database, tables, scripts)
        except StoreUnavailable as error:
            if error.reason != "locked" or attempt + 1 == TRIES:
                raise
            time.sleep(PAUSE_S)
        else:
            if steps and in_use:
                with database.change():
                    pass  # nobody trusts what was read by the old ways
            return steps
    raise AssertionError("the last attempt has returned or raised")


def _upgrade(database: Database, tables: Tables, scripts: str) -> tuple[list[str], bool]:
    """The migrations that were run, and whether there was a meta row before."""
    revisions = known_revisions(scripts)
    with database.migrating() as connection:
        before = _current(connection, tables)
        if before not in (None, *revisions):
            raise ConfigurationError(
                f"{database.name}: the tables have seen the migration {before}, which this "
                "bearer_auth doesn't know; install the newer one"
            )
        steps = revisions[revisions.index(before) + 1 if before else 0 :]
        if connection.dialect.name != "sqlite":  # there all of it is one transaction
            connection.commit()
        if steps:
            command.upgrade(_config(tables, scripts, connection=connection), "head")
        in_use = connection.execute(select(tables.meta.c.id)).first() is not None
        if not in_use:
            connection.execute(tables.meta.insert(), first_meta())
    return steps, in_use


def statements(dialect: str, tables: Tables, since: str | None = None) -> str:
    """The upgrade as SQL, for who runs it by hand.

    On PostgreSQL an index of a table that others use is built outside of a transaction.

    Args:
        dialect: ``sqlite``, ``postgresql`` or ``mysql``.
        tables: The tables.
        since: The last migration that they have seen; ``None`` for an empty database.

    Raises:
        ConfigurationError: There is no such migration.
    """
    if since is not None and since not in known_revisions():
        raise ConfigurationError(
            f"no migration {since!r}; there are {', '.join(known_revisions())}"
        )
    out = io.StringIO()
    config = _config(tables, _HERE, dialect=dialect)
    config.output_buffer = out
    with redirect_stdout(out):
        command.upgrade(config, f"{since or 'base'}:head", sql=True)
    # With a new revision nobody trusts what was read by the old ways.
    last = (
        insert(tables.meta).values(first_meta())
        if since is None
        else update(tables.meta).values(revision=new_revision())
    )
    engine: Any = create_mock_engine(f"{dialect}://", print)  # for its dialect only
    literal = last.compile(dialect=engine.dialect, compile_kwargs={"literal_binds": True})
    out.write(f"{literal};\n")
    return out.getvalue()


def _config(tables: Tables, scripts: str, **attributes: Any) -> Config:
    config = Config()
    config.set_main_option("script_location", scripts.replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes.update(
        attributes,
        prefix=tables.prefix,
        schema=tables.keys.schema,
        version_table=tables.applied.name,
    )
    return config


def _current(connection: Connection, tables: Tables) -> str | None:
    # Without a note the tables may be an early bearer_auth's, or a host's own, or a part of those
    # that were begun: each step of the migrations finds out for itself whether it was done.
    applied = tables.applied
    if not inspect(connection).has_table(applied.name, schema=applied.schema):
        return None
    return connection.scalar(select(applied.c.version_num))
