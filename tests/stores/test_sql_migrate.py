"""Migrations: from nothing and from early tables, and what others do meanwhile."""

import subprocess
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.pool import NullPool

from bearer_auth.errors import ConfigurationError, StoreUnavailable
from bearer_auth.records import KeyRecord
from bearer_auth.stores import Use, sql_migrate
from bearer_auth.stores.server import ServerDatabase
from bearer_auth.stores.sql import SQLStore, metadata
from bearer_auth.stores.sql_migrate import known_revisions, statements, upgrade
from bearer_auth.stores.sql_tables import HEAD, make_tables
from bearer_auth.stores.sqlite import SQLiteDatabase

NOW = datetime(2030, 1, 1, tzinfo=UTC)
KEY = KeyRecord(key_id="a" * 16, user_id="user_123", created_at=NOW)
pytestmark = pytest.mark.once

TABLES = make_tables("bearer_auth_", None)


@pytest.fixture
def engine(empty_url):
    engine = sqlalchemy.create_engine(empty_url, poolclass=NullPool)
    yield engine
    engine.dispose()


def run(engine, *steps):
    with engine.begin() as connection:
        result = None
        for step in steps:
            result = connection.exec_driver_sql(step)
        return result.all() if result.returns_rows else None


def differences(engine, expected=metadata):
    """Between the tables that there are and those that the code describes."""
    ours = set(expected.tables)

    def include(name, kind, parents):
        return kind != "table" or name in ours

    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"include_name": include, "compare_type": True}
        )
        return compare_metadata(context, expected)


def early_tables(engine):
    """As the first bearer_auth made them, with a key and its use."""
    metadata = sqlalchemy.MetaData()
    tables = make_tables("bearer_auth_", None)
    for table in (tables.keys, tables.usage, tables.meta):
        table.to_metadata(metadata)
    keys = metadata.tables["bearer_auth_keys"]
    later = ("environment", "status", "plan", "search", "ends")
    keys.indexes -= {i for i in keys.indexes if i.name.removeprefix("bearer_auth_keys_") in later}
    sqlalchemy.Index("bearer_auth_keys_expiry", keys.c.expires_at)
    for name, columns in (
        ("keys", ["search"]),
        ("usage", ["last_address"]),
        ("meta", ["protocol", "lease_ms", "wait_ms"]),
    ):
        table = metadata.tables[f"bearer_auth_{name}"]
        for column in columns:
            table._columns.remove(table.c[column])
    metadata.create_all(engine)
    run(
        engine,
        "INSERT INTO bearer_auth_meta (id, revision, version) VALUES (1, 'r1', 1)",
        "INSERT INTO bearer_auth_keys VALUES ('aaaaaaaaaaaaaaaa', 'user_123', NULL, 'default', '',"
        " '[]', 'production', 'active', 1893456000000000, NULL, NULL, NULL, '', '[]', NULL, '{}',"
        " '[]')",
        "INSERT INTO bearer_auth_usage VALUES"
        " ('aaaaaaaaaaaaaaaa', '0011223344556677', 1893456000000000)",
    )


def applied(engine, prefix="bearer_auth_"):
    return run(engine, f"SELECT version_num FROM {prefix}alembic_version")


def test_the_head_is_the_last_migration():
    assert known_revisions() == ["0001", "0002", "0003", "0004"]
    assert known_revisions()[-1] == HEAD


def test_creating_and_migrating_lead_to_the_same_tables(engine, empty_url):
    SQLStore(empty_url, create=True).close()
    assert differences(engine) == []
    assert applied(engine) == [("0004",)]


def database_of(url, *, empty=True):
    url = sqlalchemy.make_url(url)
    if url.get_backend_name() == "sqlite":
        database = SQLiteDatabase(url, TABLES)
        if not empty:
            return database
        database.create()
        database.close()
        with database.transaction() as connection:
            for table in [*reversed(metadata.sorted_tables), TABLES.applied]:
                table.drop(connection)
        return database
    return ServerDatabase(url, TABLES, timeout=2.0, lease_ms=None)


def test_the_migrations_lead_there_too(engine, empty_url):
    database = database_of(empty_url)
    assert upgrade(database, TABLES) == ["0001", "0002", "0003", "0004"]
    assert differences(engine) == []
    assert applied(engine) == [("0004",)]
    assert run(engine, "SELECT id, version, lease_ms FROM bearer_auth_meta") == [(1, 1, 500)]
    assert upgrade(database, TABLES) == []
    database.close()
    store = SQLStore(empty_url, create=False)
    store.add([KEY])
    assert store.get("a" * 16) == KEY
    store.close()


def test_on_postgresql_indexes_and_constraints_have_the_same_names_too(servers):
    found = []
    for make in (ServerDatabase.create, lambda database: upgrade(database, TABLES)):
        url = servers.database("postgresql")
        make(database_of(url))
        engine = sqlalchemy.create_engine(url, poolclass=NullPool)
        found.append(
            run(engine, "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1")
            + run(engine, "SELECT conname, contype FROM pg_constraint ORDER BY 1")
        )
    assert found[0] == found[1]
    assert ("bearer_auth_alembic_version_pkc", "p") in found[0]


@pytest.mark.parametrize("schema", [None, "Auth"])
def test_a_migration_that_is_run_again_builds_only_the_indexes_that_are_invalid(servers, schema):
    url = servers.database("postgresql")
    engine = sqlalchemy.create_engine(url, poolclass=NullPool)
    run(engine, 'CREATE SCHEMA "Auth"')
    store = SQLStore(url, create=True, schema=schema, table_prefix="X_")
    version = f'"{schema}"."X_alembic_version"' if schema else '"X_alembic_version"'
    run(
        engine,
        f"UPDATE {version} SET version_num = '0001'",
        "UPDATE pg_index SET indisvalid = false"
        " FROM pg_class WHERE oid = indexrelid AND relname = 'X_keys_status'",
    )
    indexes = (
        "SELECT relname, oid FROM pg_class JOIN pg_index ON oid = indexrelid"
        " WHERE indisvalid AND relname LIKE 'X\\_%%'"
    )
    before = dict(map(tuple, run(engine, indexes)))
    assert store.upgrade() == ["0002", "0003", "0004"]
    after = dict(map(tuple, run(engine, indexes)))
    assert after.pop("X_keys_status") not in before.values()
    assert after == before
    store.close()


def test_the_printed_statements_lead_there_too(engine, empty_url):
    dialect = engine.dialect.name
    text = statements(dialect, TABLES)
    with engine.begin() as connection:
        for statement in text.split(";\n"):
            lines = [line for line in statement.splitlines() if not line.startswith("--")]
            if "".join(lines).strip() not in ("", "BEGIN", "COMMIT"):
                connection.exec_driver_sql("\n".join(lines).replace("%", "%%"))
    assert differences(engine) == []
    assert applied(engine) == [("0004",)]
    store = SQLStore(empty_url, create=False)
    store.add([KEY])
    store.replace([(KEY, KEY)])
    store.close()


def test_the_statements_since_a_migration_lead_there_too(engine, empty_url):
    early_tables(engine)
    run(
        engine,
        "CREATE TABLE bearer_auth_alembic_version (version_num VARCHAR(32) NOT NULL)",
        "INSERT INTO bearer_auth_alembic_version VALUES ('0001')",
    )
    text = statements(engine.dialect.name, TABLES, "0001")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for statement in text.split(";\n"):
            lines = [line for line in statement.splitlines() if not line.startswith("--")]
            if "".join(lines).strip():
                connection.exec_driver_sql("\n".join(lines).replace("%", "%%"))
    assert differences(engine) == []
    assert applied(engine) == [("0004",)]
    ((revision,),) = run(engine, "SELECT revision FROM bearer_auth_meta")
    assert revision != "r1"
    assert len(revision) == 32


def test_statements_since_a_migration_are_those_that_follow():
    text = statements("postgresql", TABLES, "0001")
    assert "COMMIT;\n\nCREATE INDEX CONCURRENTLY bearer_auth_keys_environment ON" in text
    assert "CREATE INDEX bearer_auth_requests_expiry ON" in text  # nobody has that table yet
    assert "CREATE TABLE bearer_auth_usage_days" in text
    assert "CREATE TABLE bearer_auth_keys" not in text
    assert "INSERT INTO bearer_auth_meta" not in text
    with pytest.raises(
        ConfigurationError, match="no migration '7'; there are 0001, 0002, 0003, 00"
    ):
        statements("postgresql", TABLES, "7")


def test_early_tables_are_refused_until_they_are_upgraded_and_keep_what_is_in_them(
    engine, empty_url
):
    early_tables(engine)
    with pytest.raises(StoreUnavailable, match="of an older bearer_auth; run 'bearer-auth db up"):
        SQLStore(empty_url, create=False)
    store = SQLStore(empty_url, create=True)
    assert store.get("a" * 16) == KEY
    assert set(store.usage_of(["a" * 16])) == {"a" * 16}
    assert differences(engine) == []
    assert applied(engine) == [("0004",)]
    ((revision,),) = run(engine, "SELECT revision FROM bearer_auth_meta")
    assert revision != "r1"  # nobody trusts what was read by the old ways
    store.close()


def test_the_keys_that_there_are_can_be_searched_after_the_upgrade(engine, empty_url):
    early_tables(engine)
    columns = "key_id, user_id, plan, name, scopes, environment, status, created_at, "
    columns += "revoked_reason, allowed_ips, metadata, secrets"
    if engine.dialect.name == "mysql":
        columns = columns.replace("plan", "`plan`")
    with engine.begin() as connection:
        connection.exec_driver_sql(
            f"INSERT INTO bearer_auth_keys ({columns}) VALUES "
            + ", ".join(
                f"('{number:016}', 'User_{number}', 'pro', 'Straße İ {number}', '[]', 'live', "
                "'active', 1, '', '[]', '{}', '[]')"
                for number in range(1, 1202)
            )
        )
    SQLStore(empty_url, create=True).close()
    found = run(engine, "SELECT key_id, search FROM bearer_auth_keys ORDER BY key_id")
    assert list(map(tuple, found)) == [
        *((f"{number:016}", f"strasse i̇ {number}\nuser_{number}") for number in range(1, 1202)),
        ("aaaaaaaaaaaaaaaa", "\nuser_123"),
    ]


@pytest.mark.parametrize("printed", [False, True])
def test_the_uses_that_were_counted_by_key_are_summed_up(engine, empty_url, printed):
    store = SQLStore(empty_url, create=True)
    store.add([KEY, replace(KEY, key_id="b" * 16)])
    for letter, at, uses in (("a", NOW, 1), ("b", NOW, 2), ("b", NOW + timedelta(days=1), 4)):
        store.record_used([Use(letter * 16, "0011223344556677", at, uses)])
    run(
        engine,
        "DELETE FROM bearer_auth_usage_days WHERE key_id = ''",
        "INSERT INTO bearer_auth_usage_days VALUES ('', 21916, 5)",  # by an attempt that broke off
    )
    if printed:
        text = statements(engine.dialect.name, TABLES, "0003")
        start = text.index("INSERT INTO bearer_auth_usage_days")
        run(engine, text[start : text.index(";", start)])
    else:
        run(engine, "UPDATE bearer_auth_alembic_version SET version_num = '0003'")
        assert store.upgrade() == ["0004"]
    assert store.uses_by_day(date(2030, 1, 1)) == {date(2030, 1, 1): 3, date(2030, 1, 2): 5}
    store.close()


def test_the_printed_upgrade_fills_what_is_searched_too():
    text = statements("postgresql", TABLES, "0003")
    assert "COMMIT;\n\nUPDATE bearer_auth_keys SET search=substr(lower(" in text
    assert "UPDATE bearer_auth_keys" not in statements("postgresql", TABLES)


def test_tables_that_a_host_made_itself_are_taken_for_what_they_are(engine, empty_url):
    metadata.create_all(engine)
    store = SQLStore(empty_url, create=True)
    assert store.upgrade() == []
    assert applied(engine) == [("0004",)]
    store.add([KEY])
    store.replace([(KEY, KEY)])
    store.close()


class BreaksOffError(Exception):
    pass


@contextmanager
def breaking_off_after(steps):
    """Whoever changes tables fails after so many steps."""
    done = []

    def count(connection, cursor, statement, *rest):
        if statement.lstrip().startswith(("CREATE", "ALTER")):
            done.append(statement)
            if len(done) == steps:
                raise BreaksOffError

    sqlalchemy.event.listen(sqlalchemy.Engine, "after_cursor_execute", count)
    try:
        with pytest.raises(BreaksOffError):
            yield
    finally:
        sqlalchemy.event.remove(sqlalchemy.Engine, "after_cursor_execute", count)


@pytest.mark.parametrize("steps", [1, 2, 9, 18])
@pytest.mark.parametrize("begun", ["creation", "upgrade"])
def test_what_broke_off_is_finished(engine, empty_url, begun, steps):
    database = database_of(empty_url)
    with breaking_off_after(steps):
        if begun == "creation":
            database.create()
        else:
            upgrade(database, TABLES)
    database.close()
    store = SQLStore(empty_url, create=True)
    assert differences(engine) == []
    assert applied(engine) == [("0004",)]
    store.add([KEY])
    store.replace([(KEY, KEY)])
    store.close()


@pytest.mark.parametrize("steps", [2, 4, 7])
def test_an_upgrade_of_early_tables_that_broke_off_is_finished(engine, empty_url, steps):
    early_tables(engine)
    database = database_of(empty_url, empty=False)
    with breaking_off_after(steps):
        upgrade(database, TABLES)
    assert upgrade(database, TABLES)[-1] == "0004"
    database.close()
    store = SQLStore(empty_url, create=False)
    assert store.get("a" * 16) == KEY
    assert differences(engine) == []
    assert run(engine, "SELECT revision FROM bearer_auth_meta") != [("r1",)]
    store.close()


def test_a_migration_that_is_not_known_here_is_refused(engine, empty_url):
    store = SQLStore(empty_url, create=True)
    run(engine, "UPDATE bearer_auth_alembic_version SET version_num = '0099'")
    with pytest.raises(ConfigurationError, match="the migration 0099, which this bearer_auth"):
        store.upgrade()
    store.close()


def test_it_lives_beside_the_alembic_of_the_host(engine, empty_url):
    run(
        engine,
        "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)",
        "INSERT INTO alembic_version VALUES ('host1')",
    )
    early_tables(engine)
    SQLStore(empty_url, create=True).close()
    assert applied(engine, prefix="") == [("host1",)]


def test_prefix_and_schema_are_kept(servers):
    url = servers.database("postgresql")
    engine = sqlalchemy.create_engine(url, poolclass=NullPool)
    run(engine, "CREATE SCHEMA auth")
    store = SQLStore(url, create=True, schema="auth", table_prefix="x_")
    assert store.upgrade() == []
    store.add([KEY])
    assert store.get("a" * 16) == KEY
    assert run(engine, "SELECT version_num FROM auth.x_alembic_version") == [("0004",)]
    text = statements("postgresql", make_tables("x_", "auth"))
    assert "CREATE TABLE auth.x_usage_days" in text
    store.close()


WORKER = """
import sys
from bearer_auth.stores import Use, sql_migrate
from bearer_auth.stores.sql import SQLStore

print("ready", flush=True)
SQLStore(sys.stdin.readline().strip(), create=True).close()
"""


def start_workers(url, count):
    """Processes that open the store at the same time; how each ended."""
    with ExitStack() as stack:
        workers = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", WORKER],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                )
            )
            for _ in range(count)
        ]
        for worker in workers:
            assert worker.stdout.readline() == "ready\n"
        for worker in workers:
            worker.stdin.write(f"{url}\n")
            worker.stdin.flush()
        ends = [worker.communicate(timeout=60) for worker in workers]
        return [(worker.returncode, said) for worker, (_, said) in zip(workers, ends, strict=True)]


def test_several_workers_may_start_at_once(engine, empty_url):
    assert start_workers(empty_url, 4) == [(0, "")] * 4
    assert differences(engine) == []
    assert applied(engine) == [("0004",)]
    assert run(engine, "SELECT count(*) FROM bearer_auth_meta") == [(1,)]


@pytest.mark.parametrize("backend", ["postgresql", "mariadb"])
def test_it_makes_nobody_wait_behind_a_long_reader(servers, backend, monkeypatch):
    url = servers.database(backend)
    engine = sqlalchemy.create_engine(url, poolclass=NullPool)
    early_tables(engine)
    pauses = []
    with engine.connect() as reader:
        reader.exec_driver_sql(
            "SELECT * FROM bearer_auth_meta"
        ).all()  # and its transaction is open
        reader.exec_driver_sql("SELECT * FROM bearer_auth_usage").all()

        def pause(seconds):
            pauses.append(seconds)
            run(engine, "SELECT * FROM bearer_auth_meta")  # nobody waits for a lock now
            reader.rollback()

        monkeypatch.setattr(sql_migrate.time, "sleep", pause)
        SQLStore(url, create=True).close()
    assert pauses[0] == 0.5
    assert applied(engine) == [("0004",)]


@pytest.mark.parametrize("backend", ["postgresql", "mariadb"])
def test_it_gives_up_in_the_end(servers, backend, monkeypatch):
    url = servers.database(backend)
    engine = sqlalchemy.create_engine(url, poolclass=NullPool)
    early_tables(engine)
    monkeypatch.setattr(sql_migrate, "TRIES", 2)
    monkeypatch.setattr(sql_migrate.time, "sleep", lambda seconds: None)
    with engine.connect() as reader:
        reader.exec_driver_sql("SELECT * FROM bearer_auth_meta").all()
        with pytest.raises(StoreUnavailable, match="another transaction holds a lock"):
            SQLStore(url, create=True)


@pytest.mark.parametrize("backend", ["postgresql", "mariadb"])
def test_several_may_upgrade_at_once(servers, backend):
    """An index that is built waits for the snapshots of others, those in the queue too."""
    url = servers.database(backend)
    engine = sqlalchemy.create_engine(url, poolclass=NullPool)
    early_tables(engine)
    assert start_workers(url, 3) == [(0, "")] * 3
    assert differences(engine) == []
    assert applied(engine) == [("0004",)]
