"""What the dashboard needs: a column to search in, orders, sums and refusals by day, who signs in.

Rows that a process of an older bearer_auth still writes after this have nothing in the new column
until they are changed: they are in every list, but no text is found in them.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import context, op

from bearer_auth.stores.migrations import words

revision = "0004"
down_revision = "0003"

ROWS = 500
"""Rows that are written at a time. While they are, other changes of keys wait."""


def upgrade() -> None:
    """Create the tables; fill the column for the keys that there are, then make its index."""
    _sum_days()  # first: who adds to the sums needs the column that comes next
    searched = sa.String(511).with_variant(sa.String(511, collation="C"), "postgresql")
    words.add_column("keys", sa.Column("search", searched, nullable=False, server_default=""))
    if not context.is_offline_mode():
        _fill()
    elif "keys" not in words.printed():
        _print_fill()
    words.create_index("keys_search", "keys", ["search", "key_id"])
    words.create_index("keys_plan", "keys", ["plan", "created_at", "key_id"])
    words.create_index("keys_ends", "keys", ["expires_at", "key_id"])
    words.drop_index("keys_expiry", "keys")
    words.create_table(
        "refusal_days",
        sa.Column("key_id", words.key_id(), primary_key=True),
        sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("refusals", sa.BigInteger, nullable=False),
    )
    words.create_index("refusal_days_day", "refusal_days", ["day"])
    words.create_table(
        "settings",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    words.create_table(
        "accounts",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("password_hash", sa.String(255), nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
    )
    words.create_table(
        "sessions",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("account", sa.String(64), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
    )
    words.create_index("sessions_seen", "sessions", ["seen_at"])
    words.create_table(
        "once",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    )
    words.create_index("once_expiry", "once", ["expires_at"])


def _sum_days() -> None:
    """Count the uses of all keys for the days that there are."""
    columns: list[sa.ColumnClause[Any]] = [
        sa.column("key_id", sa.String),
        sa.column("day", sa.Integer),
        sa.column("uses", sa.BigInteger),
    ]
    days = sa.table(words.name("usage_days"), *columns, schema=words.schema())
    done = days.alias("done")
    summed: list[sa.ColumnElement[Any]] = [
        sa.literal_column("''"),
        days.c.day,
        sa.func.sum(days.c.uses),
    ]
    sums: sa.Select[Any] = (
        sa.select(*summed)
        .where(days.c.key_id != "")
        .where(~sa.exists().where(done.c.key_id == "", done.c.day == days.c.day))
        .group_by(days.c.day)
    )
    insert = sa.insert(days).from_select(["key_id", "day", "uses"], sums)
    if not context.is_offline_mode():
        with words.short_transaction() as connection:
            connection.execute(insert)
    elif "usage_days" not in words.printed():
        op.execute(insert)


def _table() -> sa.TableClause:
    columns = [sa.column(name, sa.String) for name in ("key_id", "name", "user_id", "search")]
    return sa.table(words.name("keys"), *columns, schema=words.schema())


def _fill() -> None:
    """Some rows at a time, so that nobody waits for long; in Python, since no two databases agree
    on what is a capital."""
    keys, last = _table(), ""
    meta = sa.table(words.name("meta"), sa.column("id"), schema=words.schema())
    unfilled = sa.select(keys.c.key_id, keys.c.name, keys.c.user_id).where(keys.c.search == "")
    fill = (
        sa.update(keys)
        .where(keys.c.key_id == sa.bindparam("id"))
        .values(search=sa.bindparam("text"))
    )
    while True:
        with words.short_transaction() as connection:
            # As each change of a key begins: so none is made between reading a name and writing.
            connection.execute(sa.select(meta.c.id).with_for_update()).all()
            some = unfilled.where(keys.c.key_id > last).order_by(keys.c.key_id).limit(ROWS)
            rows = connection.execute(some).all()
            if rows:
                texts = [
                    {"id": key_id, "text": f"{name}\n{user_id}".casefold()[:511]}
                    for key_id, name, user_id in rows
                ]
                connection.execute(fill, texts)
        if len(rows) < ROWS:
            return
        last = rows[-1][0]


def _print_fill() -> None:
    """In one statement, with what the database takes for capitals."""
    keys = _table()
    text = sa.func.substr(sa.func.lower(keys.c.name + "\n" + keys.c.user_id), 1, 511)
    with op.get_context().autocommit_block():  # not while the new column keeps the table locked
        op.execute(sa.update(keys).where(keys.c.search == "").values(search=text))
