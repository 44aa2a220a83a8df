"""Lists: the plan that serves them. What they hold, the contract says."""

from datetime import UTC, datetime

import pytest
from sqlalchemy.dialects import mysql, postgresql, sqlite

from bearer_auth.stores import Query
from bearer_auth.stores.sql_query import Listing
from bearer_auth.stores.sql_tables import make_tables

NOW = datetime(2030, 1, 1, tzinfo=UTC)
CURSOR = "1893456000000000.aaaaaaaaaaaaaaaa"
NAME = "name.Y2kKdQ==.aaaaaaaaaaaaaaaa"
TABLES = make_tables("bearer_auth_", None)


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
        ({"sort": "oldest"}, "bearer_auth_keys_listed"),
        ({"sort": "oldest", "plan": "pro"}, "bearer_auth_keys_plan (plan=?"),
        ({"plan": "pro", "environment": "production"}, "bearer_auth_keys_plan (plan=?"),
        ({"plan": "pro", "state": "revoked"}, "bearer_auth_keys_status (status=?"),
        ({"scope": "jobs", "environment": "production"}, "bearer_auth_keys_environment"),
        ({"scope": "jobs"}, "bearer_auth_keys_listed"),
        ({"no_expiry": True}, "bearer_auth_keys_listed"),
        ({"sort": "name"}, "bearer_auth_keys_search"),
        ({"sort": "name", "environment": "production", "state": "active"}, "_keys_search"),
        ({"sort": "name", "after": NAME}, "bearer_auth_keys_search (search>?"),
        ({"sort": "expiry"}, "bearer_auth_keys_ends (expires_at>?"),
        ({"sort": "expiry", "expires_before": NOW, "plan": "pro"}, "_keys_ends (expires_at>?"),
    ],
    ids=str,
)
def test_a_page_is_read_from_an_index_in_its_order(store, sql, filters, index):
    listing = Listing(TABLES, Query(now=NOW, **filters), "sqlite")
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
    listing = Listing(TABLES, query, "sqlite")
    text = str(listing.page().compile(dialect=dialect))
    assert text.index("WHERE") < text.index("ORDER BY") < text.index("LIMIT")


@pytest.mark.parametrize(
    ("filters", "index"),
    [
        ({"scope": "jobs"}, "COVERING INDEX bearer_auth_keys_listed"),
        ({"scope": "jobs", "user_id": "u"}, "COVERING INDEX bearer_auth_keys_user (user_id=?"),
        ({"scope": "jobs", "plan": "pro"}, "COVERING INDEX bearer_auth_keys_plan (plan=?"),
        ({"environment": "live", "sort": "name"}, "COVERING INDEX bearer_auth_keys_search"),
        ({"plan": "pro", "sort": "expiry"}, "COVERING INDEX bearer_auth_keys_ends (expires_at>?"),
        ({"unused_since": NOW}, "COVERING INDEX bearer_auth_keys_listed (created_at<?"),
    ],
    ids=str,
)
def test_where_a_bounded_look_ends_is_read_from_an_index_alone(store, sql, filters, index):
    query = Query(now=NOW, scan=20_000, **filters)
    statement = Listing(TABLES, query, "sqlite").edge()
    text = statement.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True})
    plan = [row[3] for row in sql(f"EXPLAIN QUERY PLAN {text}")]
    assert len(plan) == 1
    assert index in plan[0]


@pytest.mark.parametrize(
    "filters",
    [
        {"scope": "jobs"},
        {"scan": 100},
        {"scan": 100, "user_id": "u"},
        {"scan": 100, "plan": "pro", "sort": "oldest"},
        {"scan": 100, "state": "revoked"},
        {"scan": 100, "expires_before": NOW, "sort": "expiry"},
    ],
    ids=str,
)
def test_where_each_row_of_the_index_is_found_nothing_bounds_the_look(filters):
    assert Listing(TABLES, Query(now=NOW, **filters), "sqlite").edge() is None


def test_text_is_looked_for_in_an_index_alone(store, sql):
    statement = Listing(TABLES, Query(now=NOW, text="Ci%"), "sqlite").hits()
    text = str(statement.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}))
    assert "instr(bearer_auth_keys.search, 'ci%') > 0" in text
    (plan,) = sql(f"EXPLAIN QUERY PLAN {text}")
    assert "COVERING INDEX bearer_auth_keys_search" in plan[3]


def test_text_in_the_keys_of_an_owner_is_looked_for_there():
    assert Listing(TABLES, Query(now=NOW, text="ci", user_id="u"), "sqlite").hits() is None
