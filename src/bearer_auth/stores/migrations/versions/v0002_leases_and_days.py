"""Leases in the meta row, the last address, uses by day, and two indexes for lists."""

from __future__ import annotations

import sqlalchemy as sa

from bearer_auth.stores.migrations import words

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add what databases on servers need, and the days."""
    for column, default in (("protocol", "1"), ("lease_ms", "500"), ("wait_ms", "500")):
        words.add_column(
            "meta", sa.Column(column, sa.Integer, nullable=False, server_default=default)
        )
    words.create_index("keys_environment", "keys", ["environment", "created_at", "key_id"])
    words.create_index("keys_status", "keys", ["status", "created_at", "key_id"])
    words.add_column("usage", sa.Column("last_address", sa.String(45)))
    words.create_table(
        "usage_days",
        sa.Column("key_id", words.key_id(), primary_key=True),
        sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("uses", sa.BigInteger, nullable=False),
    )
