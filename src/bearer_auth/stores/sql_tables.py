"""The tables that SQLStore keeps keys in, and how a record becomes a row and back.

One row holds a whole record, so that a look-up is one read by primary key. Times are integer
microseconds since 1970: MariaDB's DATETIME drops fractions, and SQLite has no such type.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple, cast

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, String, Table, Text

from ..errors import ConfigurationError, StoreUnavailable
from ..records import KeyRecord, Secret
from ..values import from_micros, to_micros

SCHEMA_VERSION = 1
"""The version of the tables that this code reads and writes."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,31}")


class Tables(NamedTuple):
    """What SQLStore keeps in a database.

    Attributes:
        keys: A row for each key.
        usage: When each secret of a key was last used.
        meta: One row: ``revision``, a random token that each change of an existing record
            replaces, and ``version``, that of the tables.
    """

    keys: Table
    usage: Table
    meta: Table


def make_tables(prefix: str, schema: str | None) -> Tables:
    """Describe the tables.

    Raises:
        ConfigurationError: The prefix or the schema is no plain name.
    """
    for argument, name in (("table_prefix", prefix), ("schema", schema)):
        if name is not None and not _NAME.fullmatch(name):
            raise ConfigurationError(
                f"{argument} must be 1 to 32 letters, digits or '_', not beginning with a digit: "
                f"{name!r}"
            )
    metadata = MetaData(schema=schema)
    keys = Table(
        f"{prefix}keys",
        metadata,
        Column("key_id", String(16), primary_key=True),
        Column("user_id", String(255), nullable=False),
        Column("tenant_id", String(255)),
        Column("plan", String(64), nullable=False),
        Column("name", String(255), nullable=False),
        Column("scopes", Text, nullable=False),
        Column("environment", String(16), nullable=False),
        Column("status", String(16), nullable=False),
        Column("created_at", BigInteger, nullable=False),
        Column("created_by", String(255)),
        Column("expires_at", BigInteger),
        Column("revoked_at", BigInteger),
        Column("revoked_reason", String(500), nullable=False),
        Column("allowed_ips", Text, nullable=False),
        Column("rate_limit", String(255)),
        Column("metadata", Text, nullable=False),
        Column("secrets", Text, nullable=False),
        # The order of lists; and the filters that pick few of many keys, in the same order.
        Index(f"{prefix}keys_listed", "created_at", "key_id"),
        Index(f"{prefix}keys_user", "user_id", "created_at", "key_id"),
        Index(f"{prefix}keys_tenant", "tenant_id", "created_at", "key_id"),
        Index(f"{prefix}keys_expiry", "expires_at"),
    )
    usage = Table(
        f"{prefix}usage",
        metadata,
        Column("key_id", String(16), primary_key=True),
        Column("secret_id", String(16), primary_key=True),
        Column("last_used_at", BigInteger, nullable=False),
    )
    meta = Table(
        f"{prefix}meta",
        metadata,
        Column("id", Integer, primary_key=True, autoincrement=False),
        Column("revision", String(32), nullable=False),
        Column("version", Integer, nullable=False),
    )
    return Tables(keys, usage, meta)


def new_revision() -> str:
    """A random token, so that a restored backup can't bring one back that stands for other data."""
    return secrets.token_hex(16)


def first_meta() -> dict[str, Any]:
    """The meta row of new tables."""
    return {"id": 1, "revision": new_revision(), "version": SCHEMA_VERSION}


def no_meta_row(tables: Tables) -> str:
    """What is wrong when it isn't there, in words."""
    return (
        f"{tables.meta} has no row of version {SCHEMA_VERSION}; it was emptied, or the tables were "
        "upgraded by a newer bearer_auth"
    )


def encode(record: KeyRecord) -> dict[str, Any]:
    """The row of a record, by column."""
    return {
        "key_id": record.key_id,
        "user_id": record.user_id,
        "tenant_id": record.tenant_id,
        "plan": record.plan,
        "name": record.name,
        "scopes": _dump(record.scopes),
        "environment": record.environment,
        "status": record.status,
        "created_at": to_micros(record.created_at),
        "created_by": record.created_by,
        "expires_at": _micros(record.expires_at),
        "revoked_at": _micros(record.revoked_at),
        "revoked_reason": record.revoked_reason,
        "allowed_ips": _dump(record.allowed_ips),
        "rate_limit": record.limit,
        "metadata": _dump(record.metadata),
        "secrets": _dump(
            [
                {
                    "hash": secret.hash,
                    "sieve": secret.sieve,
                    "created_at": to_micros(secret.created_at),
                    "expires_at": _micros(secret.expires_at),
                }
                for secret in record.secrets
            ]
        ),
    }


def decode(row: Sequence[Any]) -> KeyRecord:
    """The record of a row, whose values stand in the order of the table's columns.

    Raises:
        StoreUnavailable: The row can't be read; the detail names the key and the column.
    """
    (
        key_id,
        user_id,
        tenant_id,
        plan,
        name,
        scopes,
        environment,
        status,
        created_at,
        created_by,
        expires_at,
        revoked_at,
        revoked_reason,
        allowed_ips,
        rate_limit,
        metadata,
        hashes,
    ) = row
    try:
        return KeyRecord(
            key_id=key_id,
            user_id=user_id,
            tenant_id=tenant_id,
            plan=plan,
            name=name,
            scopes=_strings(scopes),
            environment=environment,
            status=status,
            created_at=from_micros(created_at),
            created_by=created_by,
            expires_at=_time(expires_at),
            revoked_at=_time(revoked_at),
            revoked_reason=revoked_reason,
            allowed_ips=_strings(allowed_ips),
            limit=rate_limit,
            metadata=json.loads(metadata),
            secrets=_secrets(hashes),
        )
    except _UNREADABLE as error:
        encoded: dict[str, tuple[Callable[[Any], object], Any]] = {
            "scopes": (_strings, scopes),
            "created_at": (from_micros, created_at),
            "expires_at": (_time, expires_at),
            "revoked_at": (_time, revoked_at),
            "allowed_ips": (_strings, allowed_ips),
            "metadata": (json.loads, metadata),
            "secrets": (_secrets, hashes),
        }
        for column, (read, value) in encoded.items():
            try:
                read(value)
            except _UNREADABLE:  # its text is not shown: it could quote the value
                raise StoreUnavailable(f"the row of key {key_id}: {column} can't be read") from None
        # All columns can be read, so KeyRecord refused a field, and says which.
        raise StoreUnavailable(f"the row of key {key_id}: {error}") from None


_UNREADABLE = (TypeError, ValueError, KeyError, AttributeError, OverflowError, RecursionError)

_dump = json.JSONEncoder(separators=(",", ":")).encode


def _micros(value: datetime | None) -> int | None:
    return None if value is None else to_micros(value)


def _time(value: int | None) -> datetime | None:
    return None if value is None else from_micros(value)


def _strings(text: str) -> tuple[str, ...]:
    loaded: Any = json.loads(text)
    if not isinstance(loaded, list):
        raise TypeError
    strings = tuple(cast("list[str]", loaded))
    if not all(isinstance(string, str) for string in strings):
        raise TypeError
    return strings


def _secrets(text: str) -> tuple[Secret, ...]:
    return tuple(
        Secret(
            hash=secret["hash"],
            sieve=secret["sieve"],
            created_at=from_micros(secret["created_at"]),
            expires_at=_time(secret["expires_at"]),
        )
        for secret in json.loads(text)
    )
