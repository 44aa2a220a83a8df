"""The meta row in transactions: a new revision, and how long a change waits for old readings."""

from __future__ import annotations

from sqlalchemy import Connection, insert, inspect, select, update

from ..errors import ConfigurationError, Conflict, StoreUnavailable
from .sql_database import Database
from .sql_tables import (
    HEAD,
    PROTOCOL,
    SCHEMA_VERSION,
    Tables,
    first_meta,
    new_revision,
    no_meta_row,
)

MAX_LEASE_MS = 60_000
"""The longest lease; each change waits for it."""

_TRIES = 10

_MARGIN_S = 0.05
_MARGIN_PART = 0.01


def create_tables(connection: Connection, tables: Tables) -> None:
    """Create the tables as the last migration leaves them, if there is none of them.

    What was begun and broke off (MariaDB can't take back a table) is for the migrations to finish.
    """
    there, asked = tables.keys.metadata, inspect(connection)
    if any(asked.has_table(table.name, schema=table.schema) for table in there.sorted_tables):
        return
    there.create_all(connection)
    tables.applied.create(connection, checkfirst=True)
    connection.execute(insert(tables.applied).values(version_num=HEAD))
    connection.execute(insert(tables.meta).values(first_meta()))


def commit_wait_s(wait_ms: int) -> float:
    """Seconds to wait after a commit, so that no reading is trusted that began before it.

    The margin is for clocks that run at different speeds on different machines.
    """
    wait_s = wait_ms / 1000
    return wait_s + max(_MARGIN_S, wait_s * _MARGIN_PART)


def replace_revision(connection: Connection, tables: Tables) -> tuple[str, float]:
    """The first statement of each change: it takes the write lock, so that what is read after it
    can't change until the commit.

    Returns:
        The new revision, and the seconds to wait after the commit.

    Raises:
        ConfigurationError: The tables are used with another protocol.
        StoreUnavailable: There is no row of a version that is understood here.
    """
    meta, revision = tables.meta, new_revision()
    statement = (
        update(meta)
        .where(meta.c.version <= SCHEMA_VERSION, meta.c.protocol == PROTOCOL)
        .values(revision=revision)
    )
    if connection.execute(statement).rowcount != 1:
        raise _refusal(tables, connection.scalar(select(meta.c.protocol)))
    return revision, commit_wait_s(connection.scalar(select(meta.c.wait_ms)) or 0)


def check_writable(connection: Connection, tables: Tables) -> None:
    """The first statement of who writes and changes no existing record.

    Raises:
        ConfigurationError: The tables are used with another protocol.
        StoreUnavailable: There is no row of a version that is understood here.
    """
    meta = tables.meta
    row = connection.execute(select(meta.c.protocol, meta.c.version)).first()
    protocol, version = row or (None, None)
    if version is None or version > SCHEMA_VERSION or protocol != PROTOCOL:
        raise _refusal(tables, protocol)


def _refusal(tables: Tables, protocol: int | None) -> ConfigurationError | StoreUnavailable:
    if protocol in (None, PROTOCOL):
        return StoreUnavailable(no_meta_row(tables))
    return ConfigurationError(
        f"the tables are used with protocol {protocol}, and this bearer_auth knows {PROTOCOL}: it "
        "may read keys, not change them; install the newer one"
    )


def set_lease(database: Database, tables: Tables, lease_ms: int) -> None:
    """Change for how long readings are trusted.

    A shorter lease is for readers at once. Writers go on waiting for the longer one until it has
    run out everywhere: in one step, a change made in between would wait too short a time. Who dies
    in between leaves the longer wait behind, which is safe.

    Raises:
        ConfigurationError: It is negative, or longer than a minute.
        Conflict: Keys kept changing; the lease is shorter, but changes still wait for the longer.
    """
    if not 0 <= lease_ms <= MAX_LEASE_MS:
        raise ConfigurationError(f"lease_ms must be 0 to {MAX_LEASE_MS}: {lease_ms}")
    meta = tables.meta
    with database.transaction(write=False) as connection:
        if connection.execute(select(meta.c.lease_ms, meta.c.wait_ms)).first() == (lease_ms,) * 2:
            return
    for _ in range(_TRIES):
        with database.change() as connection:
            revision, *before = connection.execute(
                select(meta.c.revision, meta.c.lease_ms, meta.c.wait_ms)
            ).one()
            longest = max(lease_ms, *before)
            connection.execute(update(meta).values(lease_ms=lease_ms, wait_ms=longest))
        if longest == lease_ms:
            return
        # The longer lease has been waited for. If anything changed meanwhile, it may have been the
        # lease, so again.
        with database.transaction() as connection:
            ours = update(meta).where(meta.c.revision == revision).values(wait_ms=lease_ms)
            if connection.execute(ours).rowcount:
                return
    raise Conflict("keys kept changing while the lease was shortened; try again")
