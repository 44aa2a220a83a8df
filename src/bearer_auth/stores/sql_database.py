"""What differs from one database to the next, as SQLStore sees it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from sqlalchemy import ClauseElement, Connection

from .sql_statement import Statement


class Database(Protocol):
    """A database that holds the tables. Every failure of it is a ``StoreUnavailable``, without a
    password, a hash or a parameter in its text."""

    @property
    def name(self) -> str:
        """What to call it in messages."""
        ...

    @property
    def dialect(self) -> str:
        """SQLAlchemy's name for the kind of database."""
        ...

    def version(self) -> int | None:
        """The version of the tables; 0 if they lack a column, ``None`` if there are none."""
        ...

    def create(self) -> None:
        """Create the tables, if there are none and nobody else has in the meantime."""
        ...

    def migrating(self) -> AbstractContextManager[Connection]:
        """A connection for changing the tables; nobody else has one at the same time.

        Raises:
            StoreUnavailable: With the reason ``locked``: someone else uses a table. Nothing was
                done that can't be done again.
        """
        ...

    def revision(self) -> Hashable:
        """A value that has changed whenever an existing record has."""
        ...

    def row(self, key_id: str) -> Sequence[Any] | None:
        """The row of a key, in the order of the table's columns."""
        ...

    def transaction(
        self, *, write: bool = True, brief: bool = False
    ) -> AbstractContextManager[Connection]:
        """A transaction that really began; committed at the end, rolled back on an exception.

        Args:
            write: Whether it will write.
            brief: Rather fail than wait for another writer for long.
        """
        ...

    def statement(self, clause: ClauseElement) -> Statement:
        """A statement that will run often, as a transaction of its own on a kept connection."""
        ...

    def insert_keys(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add rows of keys.

        Raises:
            IntegrityError, KeyExists: One of the ids is taken.
        """
        ...

    def change(self) -> AbstractContextManager[Connection]:
        """A transaction that changes existing records, with a new revision; once it has ended, no
        process trusts what it has read before."""
        ...

    def settle(self) -> None:
        """Return once no process trusts what was stored before the last change, whoever made it."""
        ...

    def set_lease(self, lease_ms: int) -> None:
        """Change for how long readings of the revision are trusted everywhere, in milliseconds."""
        ...

    def close(self) -> None:
        """Let go of all connections; they come back when they are needed."""
        ...
