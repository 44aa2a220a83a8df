"""Types and names that the migrations share."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeEngine

from bearer_auth.stores.postgresql import PATIENCE

OPTIONS: dict[str, Any] = {
    f"{dialect}_{option}": value
    for dialect in ("mysql", "mariadb")
    for option, value in (
        ("engine", "InnoDB"),
        ("charset", "utf8mb4"),
        ("collate", "utf8mb4_bin"),
    )
}
"""How MariaDB and MySQL keep a table, whose other collations take user_a for USER_A."""


def name(table: str) -> str:
    """The name of a table with the prefix."""
    prefix: str = context.config.attributes["prefix"]
    return prefix + table


def schema() -> str | None:
    """The schema of the tables."""
    found: str | None = context.config.attributes["schema"]
    return found


def key_id() -> TypeEngine[str]:
    """An id, compared byte by byte."""
    by_bytes = mysql.VARCHAR(16, charset="ascii", collation="ascii_bin")
    return (
        sa.String(16)
        .with_variant(sa.String(16, collation="C"), "postgresql")
        .with_variant(by_bytes, "mysql", "mariadb")
    )


def long_text() -> TypeEngine[str]:
    """Text without a bound that matters."""
    return sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")


def long_bytes() -> TypeEngine[bytes]:
    """Bytes without a bound that matters."""
    return sa.LargeBinary().with_variant(mysql.LONGBLOB(), "mysql", "mariadb")


def has_column(table: str, column: str) -> bool:
    """Whether a step was done by a migration that broke off: not every database can take back what
    it has done to its tables."""
    if context.is_offline_mode():
        return False
    columns = sa.inspect(op.get_bind()).get_columns(name(table), schema=schema())
    return any(found["name"] == column for found in columns)


def has_table(table: str) -> bool:
    """As ``has_column``, for a table."""
    if context.is_offline_mode():
        return False
    return sa.inspect(op.get_bind()).has_table(name(table), schema=schema())


def add_column(table: str, column: sa.Column[Any]) -> None:
    """Add a column, unless it is there."""
    if not has_column(table, column.name):
        op.add_column(name(table), column, schema=schema())


def create_table(table: str, *columns: sa.Column[Any]) -> None:
    """Create a table, unless it is there."""
    if not has_table(table):
        op.create_table(name(table), *columns, schema=schema(), **OPTIONS)
    if context.is_offline_mode():
        printed().add(table)


def create_index(index: str, table: str, columns: list[str]) -> None:
    """Create an index without keeping others from writing, unless it is there."""
    if op.get_context().dialect.name != "postgresql" or table in printed():
        if not _has_index(index, table):
            op.create_index(name(index), name(table), columns, schema=schema())
        return
    valid = _is_valid(index, table)
    if valid:
        return
    with op.get_context().autocommit_block():
        if not context.is_offline_mode():
            # It waits for each transaction that began before, of whatever table, and nobody waits
            # behind it. So it may wait for longer than who locks a table.
            op.execute("SET lock_timeout = '5min'")
        if valid is not None:
            op.drop_index(name(index), name(table), schema=schema(), postgresql_concurrently=True)
        op.create_index(
            name(index), name(table), columns, schema=schema(), postgresql_concurrently=True
        )
        if not context.is_offline_mode():
            op.execute(PATIENCE)


def drop_index(index: str, table: str) -> None:
    """Drop an index without keeping others from the table, if it is there."""
    if not context.is_offline_mode() and not _has_index(index, table):
        return
    if op.get_context().dialect.name != "postgresql" or table in printed():
        op.drop_index(name(index), table_name=name(table), schema=schema())
        return
    with op.get_context().autocommit_block():
        if not context.is_offline_mode():
            op.execute("SET lock_timeout = '5min'")  # as for a new one
        op.drop_index(
            name(index), table_name=name(table), schema=schema(), postgresql_concurrently=True
        )
        if not context.is_offline_mode():
            op.execute(PATIENCE)


@contextmanager
def short_transaction() -> Generator[sa.Connection, None, None]:
    """A transaction of its own for a part of what there is to write; on SQLite the one of all."""
    operations = op.get_context()
    dialect = operations.dialect.name
    if dialect == "postgresql":
        with operations.autocommit_block():
            connection = op.get_bind()
            connection.exec_driver_sql("BEGIN")
            yield connection
            connection.exec_driver_sql("COMMIT")
        return
    connection = op.get_bind()
    if dialect != "sqlite":
        connection.commit()
    yield connection
    if dialect != "sqlite":
        connection.commit()


def printed() -> set[str]:
    """The tables that are made by the same script, so that nobody else has them yet."""
    found: set[str] = context.config.attributes.setdefault("printed", set())
    return found


def _is_valid(index: str, table: str) -> bool | None:
    """Whether an index of PostgreSQL can be used; ``None`` if there is none.

    One in whose making it was interrupted stays behind, and is of no use (its manual, CREATE INDEX,
    "Building Indexes Concurrently").
    """
    if context.is_offline_mode():
        return None
    bind = op.get_bind()
    quoted = bind.dialect.identifier_preparer.format_table(sa.table(name(table), schema=schema()))
    valid: bool | None = bind.scalar(
        sa.text(
            "SELECT indisvalid FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid"
            " WHERE relname = :index AND indrelid = to_regclass(:table)"
        ),
        {"index": name(index), "table": quoted},
    )
    return valid


def _has_index(index: str, table: str) -> bool:
    if context.is_offline_mode():
        return False
    found = sa.inspect(op.get_bind()).get_indexes(name(table), schema=schema())
    return any(one["name"] == name(index) for one in found)
