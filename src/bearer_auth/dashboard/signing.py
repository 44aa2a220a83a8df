"""The secret that the dashboard signs with: forms, and the links to sign in by.

It is in the store's database, so that several workers agree and a restart changes nothing. Who can
read it there can do nothing with it alone: a form must also come from a page of ours, by what the
browser says, and a link must wait in the database. Who can write there can make themselves a key
anyway.
"""

from __future__ import annotations

import re
import secrets

from sqlalchemy import Select, insert, select

from ..errors import ConfigurationError
from ..stores.beside import database_of
from ..stores.sql_prepare import prepare
from ..stores.sql_tables import Tables
from .first import Taken, insert_first

NAME = "dashboard_secret"
"""Its row in the table ``settings``."""

BYTES = 32

_STORED = re.compile(r"[0-9a-f]{64}")

# For stores without a database; workers that are forked off later have it too.
_OF_THIS_PROCESS = secrets.token_bytes(BYTES)


def signing_secret(store: object) -> bytes:
    """The secret of all dashboards over this store; made when it is first asked for.

    Args:
        store: The store of the keys. One that is in no database has a secret for each process.

    Returns:
        32 random bytes. Sign with a salt of your own for each purpose.

    Raises:
        ConfigurationError: The row in the database was damaged.
        StoreUnavailable: The database can't answer, or its tables are missing or of an older
            bearer_auth.
    """
    found = database_of(store)
    if found is None:
        return _OF_THIS_PROCESS
    database, tables = found
    settings = tables.settings
    prepare(store, database, tables, [settings], create=False, meanwhile="nobody can sign in")
    stored = select(settings.c.value).where(settings.c.name == NAME)

    def read() -> str | None:
        with database.transaction(write=False) as connection:
            return connection.scalar(stored)

    text = read()
    if text is None:
        try:
            text = secrets.token_hex(BYTES)
            insert_first(database, insert(settings).values(name=NAME, value=text))
        except Taken:  # another process made one at the same time; the first one counts
            text = read()
    if text is None or not _STORED.fullmatch(text):
        raise ConfigurationError(
            f"the row {NAME!r} of {settings} holds no secret; delete it, and a new one is made"
        )
    return bytes.fromhex(text)


def locked_secret(tables: Tables) -> Select[tuple[str]]:
    """Selects the secret's row and locks it until the transaction ends: sessions begin, and
    passwords change, one at a time. It is there before a session is, since forms are signed."""
    return select(tables.settings.c.name).where(tables.settings.c.name == NAME).with_for_update()
