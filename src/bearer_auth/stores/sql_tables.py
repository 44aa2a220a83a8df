"""The tables of bearer_auth: keys and their usage, idempotency, rate limits, events, the dashboard.

One row holds a whole record, so that a look-up is one read by primary key. Times are integer
microseconds since 1970: MariaDB's DATETIME drops fractions, and SQLite has no such type.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeEngine

from ..errors import ConfigurationError
from ..token import KEY_ID

SCHEMA_VERSION = 1
"""The version of the tables that this code reads and writes. It goes up with a change that older
releases can't live with; one that only adds to the tables leaves it."""

HEAD = "0004"
"""The last of the migrations."""

PROTOCOL = 1
"""How processes that share the tables prove to each other that what they remember is fresh."""

LEASE_MS = 500
"""How long a reading of the revision holds on a server, unless the tables say otherwise."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,31}")


class Tables(NamedTuple):
    """What bearer_auth keeps in a database.

    Attributes:
        keys: A row for each key.
        usage: When each secret of a key was last used, and from where.
        days: How often each key was used, by day; the row with the key id ``""`` counts all keys.
        requests: Requests with an idempotency key, and their answers.
        limits: What has been counted for each rate limit.
        events: What happened.
        refusals: How often requests were refused, by key and day, and with the key id ``""`` all
            of a day; also those without a key that is known.
        settings: Texts by name, such as the secret that the dashboard signs with.
        accounts: Who may sign in to the dashboard, and the hashes of their passwords.
        sessions: Who is signed in; digests only.
        once: Digests of forms that were sent and must not be again, and of links to sign in by that
            were not used yet.
        meta: One row: ``revision``, a random token that each change of an existing record
            replaces; ``version`` and ``protocol``, see above; ``lease_ms``, how long a reading of
            the revision holds; ``wait_ms``, how long a change waits for such readings to end. The
            last two differ only while a lease is being shortened.
        applied: Which migration was the last one; Alembic's.
        prefix: What their names begin with.
    """

    keys: Table
    usage: Table
    days: Table
    requests: Table
    limits: Table
    events: Table
    refusals: Table
    settings: Table
    accounts: Table
    sessions: Table
    once: Table
    meta: Table
    applied: Table
    prefix: str


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
    mysql_options = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4"}
    mysql_options |= {"mysql_collate": "utf8mb4_bin"}  # the others take user_a for USER_A
    options: dict[str, Any] = mysql_options | {
        name.replace("mysql", "mariadb"): value for name, value in mysql_options.items()
    }
    keys = Table(
        f"{prefix}keys",
        metadata,
        Column("key_id", _key_id(), primary_key=True),
        Column("user_id", String(255), nullable=False),
        Column("tenant_id", String(255)),
        Column("plan", String(64), nullable=False),
        Column("name", String(255), nullable=False),
        Column("scopes", _long_text(), nullable=False),
        Column("environment", String(16), nullable=False),
        Column("status", String(16), nullable=False),
        Column("created_at", BigInteger, nullable=False),
        Column("created_by", String(255)),
        Column("expires_at", BigInteger),
        Column("revoked_at", BigInteger),
        Column("revoked_reason", String(500), nullable=False),
        Column("allowed_ips", _long_text(), nullable=False),
        Column("rate_limit", String(255)),
        Column("metadata", _long_text(), nullable=False),
        Column("secrets", _long_text(), nullable=False),
        # Not of the record, but made from it: see searchable() in search.py.
        Column("search", _searched(), nullable=False, server_default=""),
        # The order of lists; and the filters that pick few of many keys, in the same order.
        Index(f"{prefix}keys_listed", "created_at", "key_id"),
        Index(f"{prefix}keys_user", "user_id", "created_at", "key_id"),
        Index(f"{prefix}keys_tenant", "tenant_id", "created_at", "key_id"),
        Index(f"{prefix}keys_environment", "environment", "created_at", "key_id"),
        Index(f"{prefix}keys_status", "status", "created_at", "key_id"),
        Index(f"{prefix}keys_plan", "plan", "created_at", "key_id"),
        # The other orders. The first is also what text is looked for in.
        Index(f"{prefix}keys_search", "search", "key_id"),
        Index(f"{prefix}keys_ends", "expires_at", "key_id"),
        **options,
    )
    usage = Table(
        f"{prefix}usage",
        metadata,
        Column("key_id", _key_id(), primary_key=True),
        Column("secret_id", String(16), primary_key=True),
        Column("last_used_at", BigInteger, nullable=False),
        Column("last_address", String(45)),
        **options,
    )
    days = Table(
        f"{prefix}usage_days",
        metadata,
        Column("key_id", _key_id(), primary_key=True),
        Column("day", Integer, primary_key=True, autoincrement=False),  # since 1970-01-01
        Column("uses", BigInteger, nullable=False),
        **options,
    )
    requests = Table(
        f"{prefix}requests",
        metadata,
        Column("key_id", _key_id(), primary_key=True),
        Column("value", String(64), primary_key=True),
        Column("fingerprint", String(64), nullable=False),
        Column("fence", String(32), nullable=False),
        Column("state", Integer, nullable=False),
        Column("lease_until", BigInteger, nullable=False),
        Column("boot", String(36), nullable=False),
        Column("expires_at", BigInteger, nullable=False),
        Column("status", String(255)),
        Column("headers", _long_text()),
        Column("body", LargeBinary().with_variant(mysql.LONGBLOB(), "mysql", "mariadb")),
        Index(f"{prefix}requests_expiry", "expires_at"),
        **options,
    )
    limits = Table(
        f"{prefix}limits",
        metadata,
        Column("name", String(64), primary_key=True),
        Column("started_at", BigInteger, nullable=False),
        Column("counted", BigInteger, nullable=False),
        Column("before", BigInteger, nullable=False),
        Column("passed", BigInteger, nullable=False),
        Column("expires_at", BigInteger, nullable=False),
        Index(f"{prefix}limits_expiry", "expires_at"),
        **options,
    )
    events = Table(
        f"{prefix}events",
        metadata,
        Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
        Column("at", BigInteger, nullable=False),
        Column("name", String(64), nullable=False),
        Column("key_id", _key_id()),
        Column("user_id", String(255)),
        Column("tenant_id", String(255)),
        Column("request_id", String(128)),
        Column("status", Integer),
        Column("reason", String(500)),
        Column("address", String(64)),
        Column("data", _long_text(), nullable=False),
        Index(f"{prefix}events_at", "at", "id"),
        Index(f"{prefix}events_key", "key_id", "at", "id"),
        **options,
    )
    refusals = Table(
        f"{prefix}refusal_days",
        metadata,
        Column("key_id", _key_id(), primary_key=True),
        Column("day", Integer, primary_key=True, autoincrement=False),  # since 1970-01-01
        Column("refusals", BigInteger, nullable=False),
        Index(f"{prefix}refusal_days_day", "day"),
        **options,
    )
    settings = Table(
        f"{prefix}settings",
        metadata,
        Column("name", String(64), primary_key=True),
        Column("value", Text, nullable=False),
        **options,
    )
    accounts = Table(
        f"{prefix}accounts",
        metadata,
        Column("name", String(64), primary_key=True),
        Column("password_hash", String(255), nullable=False),
        Column("changed_at", BigInteger, nullable=False),
        **options,
    )
    sessions = Table(
        f"{prefix}sessions",
        metadata,
        Column("digest", String(64), primary_key=True),
        Column("account", String(64), nullable=False),
        Column("created_at", BigInteger, nullable=False),
        Column("seen_at", BigInteger, nullable=False),
        Index(f"{prefix}sessions_seen", "seen_at"),
        **options,
    )
    once = Table(
        f"{prefix}once",
        metadata,
        Column("digest", String(64), primary_key=True),
        Column("expires_at", BigInteger, nullable=False),
        Index(f"{prefix}once_expiry", "expires_at"),
        **options,
    )
    meta = Table(
        f"{prefix}meta",
        metadata,
        Column("id", Integer, primary_key=True, autoincrement=False),
        Column("revision", String(32), nullable=False),
        Column("version", Integer, nullable=False),
        Column("protocol", Integer, nullable=False, server_default="1"),
        Column("lease_ms", Integer, nullable=False, server_default="500"),
        Column("wait_ms", Integer, nullable=False, server_default="500"),
        **options,
    )
    # Not a part of what a host's own migrations include.
    applied = Table(
        f"{prefix}alembic_version",
        MetaData(schema=schema),
        Column("version_num", String(32)),
        # As Alembic calls it.
        PrimaryKeyConstraint("version_num", name=f"{prefix}alembic_version_pkc"),
    )
    return Tables(
        keys=keys,
        usage=usage,
        days=days,
        requests=requests,
        limits=limits,
        events=events,
        refusals=refusals,
        settings=settings,
        accounts=accounts,
        sessions=sessions,
        once=once,
        meta=meta,
        applied=applied,
        prefix=prefix,
    )


def record_columns(keys: Table) -> list[Column[Any]]:
    """The columns of a key's record, in the order of its fields."""
    return [column for column in keys.c if column.name != "search"]


def _key_id() -> TypeEngine[str]:
    """Compared and sorted byte by byte everywhere, as Python does."""
    by_bytes = mysql.VARCHAR(16, charset="ascii", collation="ascii_bin")
    return (
        String(16)
        .with_variant(String(16, collation="C"), "postgresql")
        .with_variant(by_bytes, "mysql", "mariadb")
    )


def _searched() -> TypeEngine[str]:
    """Sorted by its bytes everywhere, which is the order of Python's text."""
    return String(511).with_variant(String(511, collation="C"), "postgresql")


def _long_text() -> TypeEngine[str]:
    return Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")  # TEXT ends at 64 KiB


def new_revision() -> str:
    """A random token, so that a restored backup can't bring one back that stands for other data."""
    return secrets.token_hex(16)


def first_meta(lease_ms: int = LEASE_MS) -> dict[str, Any]:
    """The meta row of new tables."""
    return {
        "id": 1,
        "revision": new_revision(),
        "version": SCHEMA_VERSION,
        "protocol": PROTOCOL,
        "lease_ms": lease_ms,
        "wait_ms": lease_ms,
    }


def no_meta_row(tables: Tables) -> str:
    """What is wrong when it isn't there, in words."""
    return (
        f"{tables.meta} has no row of version {SCHEMA_VERSION}; it was emptied, or the tables were "
        "upgraded by a newer bearer_auth"
    )


IDS_A_STATEMENT = 500
"""Ids in one IN list; databases bound the parameters of a statement."""


def chunks(key_ids: Iterable[str]) -> Iterator[list[str]]:
    """The ids among these, each once, as many at a time as one statement takes."""
    rest = [key_id for key_id in dict.fromkeys(key_ids) if KEY_ID.fullmatch(key_id)]
    for start in range(0, len(rest), IDS_A_STATEMENT):
        yield rest[start : start + IDS_A_STATEMENT]
