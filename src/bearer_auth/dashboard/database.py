"""The database beside the keys, where the dashboard keeps what is its own."""

from __future__ import annotations

from sqlalchemy import Insert
from sqlalchemy.exc import IntegrityError

from ..stores.layered import LayeredStore
from ..stores.sql_database import Database
from ..stores.sql_tables import Tables


class Taken(Exception):
    """A row with this primary key is there already."""


def database_of(store: object) -> tuple[Database, Tables] | None:
    """The database that a store keeps its keys in, and the tables there; ``None`` if in none.

    Args:
        store: A store. Of a ``LayeredStore``, the layer that is written to counts.
    """
    if isinstance(store, LayeredStore):
        writable = [layer for layer in store.stores if getattr(layer, "add", None) is not None]
        return database_of(writable[0]) if writable else None
    database: Database | None = getattr(store, "_database", None)
    tables: Tables | None = getattr(store, "_tables", None)
    return None if database is None or tables is None else (database, tables)


def insert_first(database: Database, statement: Insert) -> None:
    """Insert a row in a transaction of its own.

    Raises:
        Taken: Somebody was first.
        StoreUnavailable: The database can't answer. The row may be there, if it broke off while it
            committed.
    """
    with database.transaction() as connection:
        try:
            connection.execute(statement)
        except IntegrityError:
            raise Taken from None
