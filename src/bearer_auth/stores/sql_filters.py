"""The filters of a ``Query`` as conditions of SQL."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import ColumnElement, LargeBinary, Table, and_, cast, exists, func, or_

from ..errors import ConfigurationError
from ..scopes import parse_scopes
from ..values import to_micros
from . import Query
from .sql_tables import Tables

EQUALS = ("user_id", "tenant_id", "plan", "environment")
"""The fields of a query that must be equal to a column."""


def matches_nothing(query: Query) -> bool:
    """Whether no record can hold what is asked for; a database may refuse to look for it."""
    if query.scope is not None:
        try:
            parse_scopes([query.scope])
        except ConfigurationError:
            return True
    texts = [query.text, *(getattr(query, name) for name in EQUALS)]
    return any(text is not None and "\0" in text for text in texts)


def equals(
    column: ColumnElement[str], wanted: str, dialect: str, *, compared: Any = None
) -> list[ColumnElement[bool]]:
    """Whether a column has this text, to the byte.

    Args:
        column: The column.
        wanted: The text.
        dialect: SQLAlchemy's name of the database's kind.
        compared: What is compared in place of the column; see ``Filters``.
    """
    conditions = [(column if compared is None else compared) == wanted]
    if dialect in ("mysql", "mariadb"):  # for them 'a' is 'a ' too, also in utf8mb4_bin
        conditions.append(cast(column, LargeBinary) == wanted.encode())
    return conditions


def holds(column: ColumnElement[str], text: str, dialect: str) -> ColumnElement[bool]:
    """Whether a column has this text in it, to the byte; LIKE of SQLite takes 'a' for 'A'."""
    if dialect == "postgresql":
        return func.strpos(column, text) > 0
    return func.instr(column, text) > 0


class Filters:
    """The conditions of a query.

    Args:
        tables: The tables.
        query: What is asked.
        dialect: SQLAlchemy's name of the database's kind.
        best: The filter by whose index the rows are found, if by any.
    """

    def __init__(self, tables: Tables, query: Query, dialect: str, best: str | None) -> None:
        self._keys: Table = tables.keys
        self._usage: Table = tables.usage
        self._query = query
        self._dialect = dialect
        self._best = best

    def equal(self, name: str) -> list[ColumnElement[bool]]:
        """That a column equals what is asked, if it is; ``status`` is one of those that are
        stored."""
        wanted = self._query.state if name == "status" else getattr(self._query, name)
        if wanted is None:
            return []
        return equals(self._keys.c[name], wanted, self._dialect, compared=self._compared(name))

    def state(self) -> list[ColumnElement[bool]]:
        """As ``KeyRecord.state_at``: revoked, else expired, else the status."""
        state, now, ends = self._query.state, to_micros(self._query.now), self._keys.c.expires_at
        if state is None:
            return []
        status = self._compared("status")
        if state == "revoked":
            return [status == "revoked"]
        if state == "expired":
            return [and_(status != "revoked", ends <= now)]
        return [and_(status == state, or_(ends.is_(None), ends > now))]

    def ends(self) -> list[ColumnElement[bool]]:
        """What is asked of the end."""
        query, ends, conditions = self._query, self._keys.c.expires_at, list[Any]()
        if query.expires_before is not None:
            conditions += [
                ends > to_micros(query.now),
                ends < to_micros(query.expires_before),
            ]
        if query.no_expiry:
            conditions.append(self._compared("expires_at").is_(None))
        return conditions

    def made(self) -> list[ColumnElement[bool]]:
        """That it was made before the time since when it is unused."""
        since = self._query.unused_since
        return [] if since is None else [self._keys.c.created_at < to_micros(since)]

    def unused(self) -> list[ColumnElement[bool]]:
        """That it was not used since."""
        if self._query.unused_since is None:
            return []
        since, usage = to_micros(self._query.unused_since), self._usage.c
        used = exists().where(usage.key_id == self._keys.c.key_id, usage.last_used_at >= since)
        return [~used]

    def content(self) -> list[ColumnElement[bool]]:
        """What is looked for inside of a text."""
        query, conditions = self._query, list[ColumnElement[bool]]()
        if query.scope is not None:
            # A scope has no character that JSON writes in another way.
            conditions.append(holds(self._keys.c.scopes, json.dumps(query.scope), self._dialect))
        if query.text:
            conditions.append(holds(self._keys.c.search, query.text.casefold(), self._dialect))
        return conditions

    def _compared(self, name: str) -> ColumnElement[Any]:
        """A column that is compared; on SQLite in a way that leaves the index to the best filter.

        Without statistics, which few files have, SQLite takes any index with an equality, such as
        the one of all active keys where a user has three.
        """
        column: ColumnElement[Any] = self._keys.c[name]
        if self._dialect != "sqlite" or name == self._best:
            return column
        return func.coalesce(column, None)
