"""The database that a store keeps its keys in, for what is kept beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .layered import LayeredStore

if TYPE_CHECKING:
    from .sql_database import Database
    from .sql_tables import Tables


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
