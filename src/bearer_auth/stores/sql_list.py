"""One page of a list of keys, read from the database."""

from __future__ import annotations

import logging
from typing import Any, cast

from sqlalchemy import Connection, Select

from ..errors import StoreUnavailable
from ..records import KeyRecord
from . import Page, Query
from .cursor import SortKey, encode_place
from .sql_filters import matches_nothing
from .sql_query import MAX_HITS, Listing
from .sql_rows import decode
from .sql_tables import Tables
from .sql_usage import read_usage

logger = logging.getLogger("bearer_auth")


def read_page(connection: Connection, tables: Tables, query: Query) -> Page:
    """The records that match, with their usage.

    Raises:
        ConfigurationError: The query's cursor is not one of such a list.
        UnicodeEncodeError: Half a surrogate pair is looked for, which no record can hold.
    """
    listing = Listing(tables, query, connection.dialect.name)
    if matches_nothing(query):
        return Page(())
    hits = _hits(connection, listing)
    edge = None if hits is not None else _edge(connection, listing)
    found = _readable(connection, listing.page(hits=hits, edge=edge), query.limit + 1)
    page = found[: query.limit]
    last = page[-1][1] if len(found) > len(page) else edge
    records = [record for record, _ in page]
    usage = read_usage(connection, tables, [one.key_id for one in records], days=False)
    return Page(records, None if last is None else encode_place(last, query.sort), usage)


def _hits(connection: Connection, listing: Listing) -> list[str] | None:
    """The ids of all keys with the text that is looked for, if they are few."""
    statement = listing.hits()
    if statement is None:
        return None
    hits = list(connection.scalars(statement))
    return hits if len(hits) <= MAX_HITS else None


def _edge(connection: Connection, listing: Listing) -> SortKey | None:
    """The sort key of the last row to look at, if there is anything behind it."""
    statement = listing.edge()
    row = None if statement is None else connection.execute(statement).first()
    return None if row is None else cast(SortKey, tuple(row))


def _readable(
    connection: Connection, statement: Select[Any], count: int
) -> list[tuple[KeyRecord, SortKey]]:
    """The first records of a statement that selects so many rows at a time, with their sort keys.

    A row that was edited by hand and can't be read is passed over: otherwise it would keep the
    others from being listed, and so from being revoked.
    """
    records: list[tuple[KeyRecord, SortKey]] = []
    read = 0
    while True:
        rows = connection.execute(statement.offset(read)).all()
        for *row, sorted_by in rows:
            try:
                record = decode(row)
            except StoreUnavailable:
                # As ASCII: such an id may be anything.
                logger.error("SQLStore: the row of key %a can't be read, so no list has it", row[0])
            else:
                records.append((record, (sorted_by, record.key_id)))
        read += len(rows)
        if len(records) >= count or len(rows) < count:
            return records[:count]
