"""Each filter of a list is served by an index, on each database."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy
from sqlalchemy.pool import NullPool

from bearer_auth.stores import Query
from bearer_auth.stores.sql import SQLStore
from bearer_auth.stores.sql_query import Listing
from bearer_auth.stores.sql_tables import make_tables

pytestmark = pytest.mark.once

ROWS = 30_000
# The last of them was created an hour ago, one a minute before.
NOW = datetime(2030, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
FIRST = 1893456000 - 3600 - ROWS * 60

SERIES = {
    "sqlite": f"WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM s WHERE n < {ROWS}) ",
    "postgresql": f"WITH s(n) AS (SELECT generate_series(1, {ROWS})) ",
    "mysql": "",
}
PADDED = {
    "sqlite": "printf('%016d', n)",
    "postgresql": "lpad(CAST(n AS text), 16, '0')",
    "mysql": "lpad(n, 16, '0')",
}
NAMES = {
    "sqlite": "'{0}_' || (n % {1})",
    "postgresql": "'{0}_' || (n % {1})",
    "mysql": "concat('{0}_', n % {1})",
}


def fill(connection, dialect):
    n = "CAST(n AS bigint)" if dialect == "postgresql" else "n"
    micros = f"({FIRST} + 60 * {n}) * 1000000"
    padded, names, series = PADDED[dialect], NAMES[dialect], SERIES[dialect]
    source = f"FROM (SELECT seq AS n FROM seq_1_to_{ROWS}) s" if dialect == "mysql" else "FROM s"
    plan = '"plan"' if dialect == "sqlite" else "plan"
    keys = (
        f"INSERT INTO bearer_auth_keys (key_id, user_id, tenant_id, {plan}, name, scopes, "
        "environment, status, created_at, expires_at, revoked_reason, allowed_ips, metadata, "
        f"secrets, search) {series} SELECT {padded}, {names.format('user', 3000)}, "
        f"{names.format('tenant', 100)}, 'pro', '', '[]', "
        "CASE WHEN n % 10000 = 7 THEN 'staging' ELSE 'production' END, "
        "CASE WHEN n % 10000 = 3 THEN 'suspended' WHEN n % 20 = 0 THEN 'revoked' "
        f"ELSE 'active' END, {micros}, {micros} + (n % 700) * 86400000000, '', '[]', '{{}}', '[]', "
        f"{names.format('key', ROWS)} {source}"
    )
    usage = (
        "INSERT INTO bearer_auth_usage (key_id, secret_id, last_used_at) "
        f"{series} SELECT {padded}, '0011223344556677', {micros} {source}"
    )
    tables = " TABLE bearer_auth_keys, bearer_auth_usage" if dialect == "mysql" else ""
    for statement in (keys, usage, f"ANALYZE{tables}"):
        connection.execute(sqlalchemy.text(statement))


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "mariadb"])
def full(request, servers, tmp_path_factory):
    """An engine of a database with many keys in it."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('plans') / 'keys.db'}"
    else:
        url = servers.database(request.param)
    SQLStore(url, create=True).close()
    engine = sqlalchemy.create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        fill(connection, engine.dialect.name)
    return engine


def plan_of(engine, query):
    dialect = engine.dialect.name
    statement = Listing(make_tables("bearer_auth_", None), query, dialect).page()
    text = str(statement.compile(engine, compile_kwargs={"literal_binds": True}))
    word = {"sqlite": "EXPLAIN QUERY PLAN ", "mysql": "EXPLAIN "}.get(dialect, "EXPLAIN ")
    with engine.connect() as connection:
        rows = connection.execute(sqlalchemy.text(word + text.replace(":", r"\:"))).all()
    return "\n".join(" | ".join(map(str, row)) for row in rows)


DEEP = "1892000000000000.0000000000015000"

NAME = "name.a2V5IDE1MDAwCnVzZXJfMA==.0000000000015000"  # "key 15000\nuser_0"

CASES = {
    "all": ({}, "keys_listed"),
    "deep in it": ({"after": DEEP}, "keys_listed"),
    "a user": ({"user_id": "user_7"}, "keys_user"),
    "a user, deep": ({"user_id": "user_7", "after": DEEP}, "keys_user"),
    "a tenant": ({"tenant_id": "tenant_7"}, "keys_tenant"),
    "a rare environment": ({"environment": "staging"}, "keys_environment"),
    "a rare state": ({"state": "suspended"}, "keys_status"),
    "ends soon": ({"expires_before": NOW + DAY / 24}, "keys_ends"),
    "a rare plan": ({"plan": "rare"}, "keys_plan"),
    "oldest": ({"sort": "oldest"}, "keys_listed"),
    "by name": ({"sort": "name"}, "keys_search"),
    "by name, deep": ({"sort": "name", "after": NAME}, "keys_search"),
    "the next to end": ({"sort": "expiry"}, "keys_ends"),
    "the next to end in production": (
        {"sort": "expiry", "environment": "production"},
        "keys_ends",
    ),
    "in production by name": ({"sort": "name", "environment": "production"}, "keys_search"),
    "without an end": ({"no_expiry": True}, "keys_"),
    "unused": ({"unused_since": NOW - 20 * DAY}, "keys_listed"),
}
SORTS = {"ends soon", "unused", "without an end"}  # the few that are found


@pytest.mark.parametrize("case", CASES)
def test_a_filter_is_served_by_an_index(full, case):
    filters, index = CASES[case]
    plan = plan_of(full, Query(now=NOW, **filters))
    assert f"bearer_auth_{index}" in plan
    for scan in ("Seq Scan on bearer_auth_keys", "SCAN bearer_auth_keys\n", "| ALL |"):
        assert scan not in plan + "\n"
    if case not in SORTS:
        for sort in (
            "Sort Key: bearer_auth_keys.created_at DESC, bearer",
            "TEMP B-TREE",
            "filesort",
        ):
            assert sort not in plan


def test_a_look_up_is_one_by_primary_key(full):
    with full.connect() as connection:
        word = "EXPLAIN QUERY PLAN" if full.dialect.name == "sqlite" else "EXPLAIN"
        statement = f"{word} SELECT * FROM bearer_auth_keys WHERE key_id = '0000000000000007'"
        plan = "\n".join(str(row) for row in connection.exec_driver_sql(statement))
    assert any(
        name in plan for name in ("sqlite_autoindex_bearer_auth_keys_1", "keys_pkey", "PRIMARY")
    )
