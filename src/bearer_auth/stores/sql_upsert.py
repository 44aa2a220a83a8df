"""Rows that are written whether they are there or not, in each database's own words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Connection, Select, Table, Text, bindparam, case, func, select
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlalchemy.sql.dml import Insert

ROWS_A_STATEMENT = 500
"""Rows in one statement, which has two seconds on a server; a full buffer has 65,536 rows."""


def write_rows(
    connection: Connection,
    table: Table,
    rows: Sequence[dict[str, Any]],
    *,
    newest_at: str | None = None,
    sum_of: str | None = None,
) -> None:
    """Write rows, many a statement; of those that are there, keep the newer or add up a column.

    Sort them by their primary key: two processes that write rows in the same order don't wait for
    each other.

    Args:
        connection: In a transaction.
        table: The table.
        rows: Each with all columns, and no two with the same primary key.
        newest_at: The column with the time, if the newer of two rows is kept.
        sum_of: The column that is added up, if one is.
    """
    upsert = _upsert(connection, table, newest_at=newest_at, sum_of=sum_of)
    as_arrays = connection.dialect.name == "postgresql"  # whose driver sends them one by one
    for start in range(0, len(rows), ROWS_A_STATEMENT):
        some = rows[start : start + ROWS_A_STATEMENT]
        if as_arrays:
            connection.execute(upsert, {name: [row[name] for row in some] for name in some[0]})
        else:
            connection.execute(upsert, some)


def _upsert(
    connection: Connection, table: Table, *, newest_at: str | None = None, sum_of: str | None = None
) -> Insert:
    """An insert that keeps the newest row of two, or adds up a column of both."""
    keys = [column.name for column in table.primary_key]
    rest = [column.name for column in table.c if column.name not in keys]
    if connection.dialect.name in ("mysql", "mariadb"):
        into = mysql.insert(table)
        if sum_of:
            return into.on_duplicate_key_update([(sum_of, table.c[sum_of] + into.inserted[sum_of])])
        assert newest_at
        newer = into.inserted[newest_at] > table.c[newest_at]
        # Assigned from left to right, and the condition reads the time: so that comes last.
        values: list[tuple[str, Any]] = [
            (name, case((newer, into.inserted[name]), else_=table.c[name]))
            for name in sorted(rest, key=lambda name: name == newest_at)
        ]
        return into.on_duplicate_key_update(values)
    other: postgresql.Insert | sqlite.Insert
    if connection.dialect.name == "postgresql":
        other = postgresql.insert(table).from_select(list(table.c.keys()), _of_arrays(table))
    else:
        other = sqlite.insert(table)
    new = other.excluded
    if sum_of:
        return other.on_conflict_do_update(
            index_elements=keys, set_={sum_of: table.c[sum_of] + new[sum_of]}
        )
    assert newest_at
    return other.on_conflict_do_update(
        index_elements=keys,
        set_={name: new[name] for name in rest},
        where=table.c[newest_at] < new[newest_at],
    )


def _of_arrays(table: Table) -> Select[Any]:
    """Rows for a table, from a parameter for each column with the values of all rows.

    PostgreSQL's manual, 9.19: ``unnest`` of several arrays is a table.
    """
    values = [
        bindparam(
            column.name,
            type_=postgresql.ARRAY(BigInteger() if column.type.python_type is int else Text()),
        )
        for column in table.c
    ]
    return select(func.unnest(*values).table_valued(*table.c.keys()).render_derived())
