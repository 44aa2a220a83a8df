"""Lists: the plan that serves them. What they hold, the contract says."""

from datetime import UTC, datetime

import pytest
from sqlalchemy.dialects import mysql, postgresql, sqlite

from bearer_auth.stores import Query
from bearer_auth.stores.sql_query import Listing
from bearer_auth.stores.sql_tables import make_tables

NOW = datetime(2030, 1, 1, tzinfo=UTC)
CURSOR = "1893456000000000.aaaaaaaaaaaaaaaa"


@pytest.mark.parametrize(
    ("filters", "index"),
    [
        ({}, "bearer_auth_keys_listed"),
        ({"environment": "production"}, "bearer_auth_keys_environment"),
        ({"environment": "production", "state": "active"}, "bearer_auth_keys_environment"),
        ({"environment": "production", "state": "suspended"}, "bearer_auth_keys_status"),
        ({"tenant_id": "acme", "state": "revoked"}, "bearer_auth_keys_tenant"),
        ({"user_id": "u", "environment": "production"}, "bearer_auth_keys_user"),
        ({"user_id": "user_123"}, "bearer_auth_keys_user (user_id=?"),
        ({"user_id": "user_123", "state": "active"}, "bearer_auth_keys_user (user_id=?"),
        ({"tenant_id": "acme"}, "bearer_auth_keys_tenant (tenant_id=?"),
        ({"after": CURSOR}, "bearer_auth_keys_listed (created_at<?"),
        ({"after": CURSOR, "user_id": "user_123"}, "(user_id=? AND created_at<?"),
    ],
    ids=str,
)
def test_a_page_is_read_from_an_index_in_its_order(store, sql, filters, index):
    listing = Listing(make_tables("bearer_auth_", None), Query(now=NOW, **filters), "sqlite")
    statement = listing.page().compile(
        dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}
    )
    plan = [row[3] for row in sql(f"EXPLAIN QUERY PLAN {statement}")]
    assert len(plan) == 1  # no sorting
    assert index in plan[0]


@pytest.mark.parametrize("dialect", [sqlite.dialect(), postgresql.dialect(), mysql.dialect()])
def test_every_database_gets_all_filters(dialect):
    query = Query(
        now=NOW,
        user_id="user_123",
        tenant_id="acme",
        environment="staging",
        state="active",
        expires_before=NOW,
        unused_since=NOW,
        after=CURSOR,
    )
    listing = Listing(make_tables("bearer_auth_", None), query, "sqlite")
    text = str(listing.page().compile(dialect=dialect))
    assert text.index("WHERE") < text.index("ORDER BY") < text.index("LIMIT")
