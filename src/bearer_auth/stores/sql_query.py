"""The statements that list keys: a ``Query`` as SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, Select, or_, select

from . import Query
from .cursor import SortKey, decode_cursor
from .search import WHOSE
from .sql_filters import EQUALS, Filters, holds
from .sql_tables import Tables, record_columns

MAX_HITS = 500
"""Keys that are found by a text before the others are looked through in the order of the list."""

_BY_CREATION = ("newest", "oldest")

_EARLIEST = -62_135_596_800_000_000  # microseconds: the first moment of the year 1


class Listing:
    """The statements for one page of a list.

    Each reads rows by one index in its order, and ends when the page is full. A filter that few
    rows pass would have it read all of them; so with ``scan`` it is told before where to stop.

    Args:
        tables: The tables.
        query: What is asked.
        dialect: SQLAlchemy's name of the database's kind.

    Raises:
        ConfigurationError: The query's cursor is not one of such a list.
    """

    def __init__(self, tables: Tables, query: Query, dialect: str) -> None:
        self._keys = tables.keys
        self._query = query
        self._dialect = dialect
        columns = tables.keys.c
        sorted_by = {"name": columns.search, "expiry": columns.expires_at}
        self._place: list[Column[Any]] = [
            sorted_by.get(query.sort, columns.created_at),
            columns.key_id,
        ]
        self._descending = query.sort == "newest"
        self._best = _best(query)
        self._filters = Filters(tables, query, dialect, self._best)
        self._start = None if query.after is None else decode_cursor(query.after, query.sort)
        self._indexed, self._others = self._conditions()

    def hits(self) -> Select[Any] | None:
        """Selects ids of keys with the text that is looked for, and one more than are of use;
        ``None`` if there is a better way to find them."""
        if not self._query.text or self._query.user_id is not None:
            return None
        text = self._query.text.casefold()
        found = holds(self._keys.c.search, text, self._dialect)
        return select(self._keys.c.key_id).where(found).limit(MAX_HITS + 1)

    def edge(self) -> Select[Any] | None:
        """Selects the sort key of the last row to look at, if there are so many; ``None`` if all
        rows that the index gives are found, so that nothing has to bound them."""
        scan = self._query.scan
        if scan is None or not self._others:
            return None
        return (
            select(*self._place)
            .where(*self._indexed)
            .order_by(*self._order())
            .offset(scan - 1)
            .limit(1)
        )

    def page(
        self, *, hits: Sequence[str] | None = None, edge: SortKey | None = None
    ) -> Select[Any]:
        """Selects the rows of the page and one more, with what they are sorted by at the end.

        Args:
            hits: What the text was found in, if that is all.
            edge: The sort key of the last row to look at.
        """
        conditions = [*self._indexed, *self._others]
        if hits is not None:
            conditions.append(self._keys.c.key_id.in_(hits))
        if edge is not None:
            conditions += self._until(edge)
        return (
            select(*record_columns(self._keys), self._place[0].label("sorted_by"))
            .where(*conditions)
            .order_by(*self._order())
            .limit(self._query.limit + 1)
        )

    def _order(self) -> list[ColumnElement[Any]]:
        return [one.desc() if self._descending else one.asc() for one in self._place]

    def _conditions(self) -> tuple[list[ColumnElement[bool]], list[ColumnElement[bool]]]:
        """Those of the rows that are looked at, by an index, and all others."""
        indexed = self._behind_start()
        others = self._filters.content()
        for name in EQUALS:
            looked_at = name == self._best or name in WHOSE
            (indexed if looked_at else others).extend(self._filters.equal(name))
        if self._best == "status":
            indexed += self._filters.equal("status")
        if self._best != "status" or self._query.state != "revoked":
            others += self._filters.state()
        (indexed if self._query.sort == "expiry" else others).extend(self._filters.ends())
        by_creation = self._query.sort in _BY_CREATION
        (indexed if by_creation else others).extend(self._filters.made())
        others += self._filters.unused()
        return indexed, others

    def _behind_start(self) -> list[ColumnElement[bool]]:
        """One bound on the column that the index begins with, then the exact one."""
        column, key_id = self._place
        if self._start is None:
            # Without an end there is no place: a condition by which an index can begin.
            return [column >= _EARLIEST] if self._query.sort == "expiry" else []
        value, last = self._start
        if self._descending:
            return [column <= value, or_(column < value, key_id < last)]
        return [column >= value, or_(column > value, key_id > last)]

    def _until(self, edge: SortKey) -> list[ColumnElement[bool]]:
        column, key_id = self._place
        value, last = edge
        if self._descending:
            return [column >= value, or_(column > value, key_id >= last)]
        return [column <= value, or_(column < value, key_id <= last)]


def _best(query: Query) -> str | None:
    """The filter by whose index rows are found in the order of the list.

    The indexes are in the order of creation. For another order only an owner's keys are few enough
    to be sorted.
    """
    given = {
        "user_id": query.user_id is not None,
        "tenant_id": query.tenant_id is not None,
    }
    if query.sort in _BY_CREATION:
        given |= {
            "status": query.state in ("suspended", "revoked"),
            "plan": query.plan is not None,
            "environment": query.environment is not None,
        }
    return next((name for name, is_given in given.items() if is_given), None)
