"""Records that the contract suite fills stores with."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ..records import KeyRecord, Secret

NOW = datetime(2030, 1, 1, 12, 0, 0, tzinfo=UTC)
HASH = "$sha256$" + "0123456789abcdef" * 4


def sample(letter: str, **fields: Any) -> KeyRecord:
    """A record whose id is sixteen times this letter."""
    fields.setdefault("user_id", "user_123")
    fields.setdefault("created_at", NOW)
    fields.setdefault("secrets", (Secret(hash=HASH, created_at=NOW),))
    return KeyRecord(key_id=letter * 16, **fields)


def full_sample() -> KeyRecord:
    """A record with all of its fields set, to values that are easily lost on the way."""
    return KeyRecord(
        key_id="Zz9876543210AbCd",
        user_id="Jürgen 用户 🗝",
        tenant_id="tenant/1' OR 1=1 --",
        plan="pro",
        name='Łódź "CI" %s :name ?',
        scopes=("admin", "ensembles:*"),
        environment="staging",
        status="revoked",
        created_at=datetime(2029, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        created_by="ops@example.com",
        expires_at=datetime(2031, 2, 3, 4, 5, 6, 7, tzinfo=UTC),
        revoked_at=datetime(2030, 1, 2, 3, 4, 5, 123456, tzinfo=UTC),
        revoked_reason="leaked in a blog post — §3",
        allowed_ips=("192.0.2.7", "2001:db8::/32"),
        limit="10/minute",
        metadata={"team": {"name": "Zoë", "ids": [1, 2.5, None, True]}, "\u2028": "\u0000"},
        secrets=(
            Secret(
                hash="$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21l$" + "A" * 43,
                sieve="0a1b2c",
                created_at=datetime(2030, 1, 1, 0, 0, 0, 1, tzinfo=UTC),
            ),
            Secret(
                hash=HASH,
                created_at=datetime(2029, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
                expires_at=datetime(2030, 1, 2, 0, 0, 0, 999999, tzinfo=UTC),
            ),
        ),
    )
