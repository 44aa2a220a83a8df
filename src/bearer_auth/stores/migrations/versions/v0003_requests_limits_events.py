"""The tables of idempotency, of rate limits, and of events."""

from __future__ import annotations

import sqlalchemy as sa

from bearer_auth.stores.migrations import words

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create them; nothing that was there changes."""
    words.create_table(
        "requests",
        sa.Column("key_id", words.key_id(), primary_key=True),
        sa.Column("value", sa.String(64), primary_key=True),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("fence", sa.String(32), nullable=False),
        sa.Column("state", sa.Integer, nullable=False),
        sa.Column("lease_until", sa.BigInteger, nullable=False),
        sa.Column("boot", sa.String(36), nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("status", sa.String(255)),
        sa.Column("headers", words.long_text()),
        sa.Column("body", words.long_bytes()),
    )
    words.create_index("requests_expiry", "requests", ["expires_at"])
    words.create_table(
        "limits",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("counted", sa.BigInteger, nullable=False),
        sa.Column("before", sa.BigInteger, nullable=False),
        sa.Column("passed", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    )
    words.create_index("limits_expiry", "limits", ["expires_at"])
    words.create_table(
        "events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("key_id", words.key_id()),
        sa.Column("user_id", sa.String(255)),
        sa.Column("tenant_id", sa.String(255)),
        sa.Column("request_id", sa.String(128)),
        sa.Column("status", sa.Integer),
        sa.Column("reason", sa.String(500)),
        sa.Column("address", sa.String(64)),
        sa.Column("data", words.long_text(), nullable=False),
    )
    words.create_index("events_at", "events", ["at", "id"])
    words.create_index("events_key", "events", ["key_id", "at", "id"])
