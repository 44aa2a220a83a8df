"""The tables of keys, of their usage, and of the revision."""

from __future__ import annotations

import sqlalchemy as sa

from bearer_auth.stores.migrations import words

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the first tables."""
    words.create_table(
        "keys",
        sa.Column("key_id", words.key_id(), primary_key=True),
        sa.Column("user_id", sa.String(255), nullable=False),
        sa.Column("tenant_id", sa.String(255)),
        sa.Column("plan", sa.String(64), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("scopes", words.long_text(), nullable=False),
        sa.Column("environment", sa.String(16), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("created_by", sa.String(255)),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("revoked_at", sa.BigInteger),
        sa.Column("revoked_reason", sa.String(500), nullable=False),
        sa.Column("allowed_ips", words.long_text(), nullable=False),
        sa.Column("rate_limit", sa.String(255)),
        sa.Column("metadata", words.long_text(), nullable=False),
        sa.Column("secrets", words.long_text(), nullable=False),
    )
    words.create_index("keys_listed", "keys", ["created_at", "key_id"])
    words.create_index("keys_user", "keys", ["user_id", "created_at", "key_id"])
    words.create_index("keys_tenant", "keys", ["tenant_id", "created_at", "key_id"])
    words.create_index("keys_expiry", "keys", ["expires_at"])
    words.create_table(
        "usage",
        sa.Column("key_id", words.key_id(), primary_key=True),
        sa.Column("secret_id", sa.String(16), primary_key=True),
        sa.Column("last_used_at", sa.BigInteger, nullable=False),
    )
    words.create_table(
        "meta",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("revision", sa.String(32), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
