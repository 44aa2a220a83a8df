"""Rows of which there is one, whoever else inserts it at the same time."""

from __future__ import annotations

from sqlalchemy import Insert
from sqlalchemy.exc import IntegrityError

from ..stores.sql_database import Database


class Taken(Exception):
    """A row with this primary key is there already."""


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
