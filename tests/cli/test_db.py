"""``bearer-auth db``."""

import json
import os
import sqlite3

import pytest

from bearer_auth.cli.errors import Code
from bearer_auth.stores.sql import SQLStore

pytestmark = pytest.mark.once


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def database(request, servers, tmp_path, monkeypatch):
    """The URL of an empty database."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/tables.db"
    else:
        url = servers.database(request.param)
    monkeypatch.setenv("BEARER_AUTH_STORE", url)
    return url


def test_tables_are_made_checked_and_used(run, database):
    if not database.startswith("sqlite"):
        refused = run("db", "check", code=1).stderr
        assert "The tables have seen no migration. Run: bearer-auth db upgrade" in refused
        assert run("db", "current").stdout == "none\n"
        refused = run("keys", "create", "--user", "user_123", code=Code.STORE)
        assert "the tables are missing; run 'bearer-auth db upgrade'" in refused.stderr
    assert run("db", "upgrade").stderr.splitlines()[-1] == "The tables are up to date."
    assert run("db", "upgrade").stderr == "The tables are up to date.\n"
    assert run("db", "current").stdout == "0004\n"
    assert run("db", "check").stderr == "The tables are up to date: migration 0004.\n"
    assert json.loads(run("db", "check", "--json").stdout) == {
        "current": "0004",
        "head": "0004",
        "up_to_date": True,
    }
    assert run("keys", "create", "--user", "user_123").stdout.startswith("ba_production_")


def test_a_lease_is_set(run, servers, monkeypatch):
    monkeypatch.setenv("BEARER_AUTH_STORE", servers.database("postgresql"))
    answer = run("db", "upgrade", "--lease-ms", "20", "--json")
    assert json.loads(answer.stdout) == {"current": "0004", "head": "0004", "up_to_date": True}
    store = SQLStore(os.environ["BEARER_AUTH_STORE"])
    with store._database.transaction(write=False) as connection:
        row = connection.exec_driver_sql("SELECT lease_ms, wait_ms FROM bearer_auth_meta").one()
    assert tuple(row) == (20, 20)
    store.close()


def test_prefix_and_schema_stand_in_the_url(run, tmp_path):
    url = f"sqlite:///{tmp_path}/keys.db?table_prefix=acme_"
    run("db", "upgrade", "--store", url)
    run("keys", "create", "--user", "user_123", "--store", url)
    assert run("db", "current", "--store", url).stdout == "0004\n"
    connection = sqlite3.connect(tmp_path / "keys.db")
    assert connection.execute("SELECT count(*) FROM acme_keys").fetchone() == (1,)
    connection.close()


@pytest.mark.parametrize(
    ("number", "said"),
    [
        ("0001", "The tables lack 0002, 0003, 0004. Run: bearer-auth db upgrade"),
        ("0099", "the migration 0099"),
    ],
)
def test_tables_that_are_behind_or_ahead(run, url, store, tmp_path, number, said):
    connection = sqlite3.connect(tmp_path / "keys.db")
    with connection:
        connection.execute("UPDATE bearer_auth_alembic_version SET version_num = ?", (number,))
    connection.close()
    assert said in run("db", "check", code=1).stderr


def test_the_statements_need_no_connection(run):
    url = "postgresql://me:hunter2@127.0.0.1:1/db?schema=auth"
    answer = run("db", "sql", "--store", url)
    assert "CREATE TABLE auth.bearer_auth_keys" in answer.stdout
    assert "hunter2" not in answer.output
    since = run("db", "sql", "--since", "0001", "--store", url, "--json")
    assert "CREATE TABLE auth.bearer_auth_keys" not in json.loads(since.stdout)["sql"]
    assert "no migration '7'" in run("db", "sql", "--since", "7", "--store", url, code=2).stderr


@pytest.mark.parametrize("command", ["upgrade", "current", "check", "sql"])
def test_other_stores_have_no_tables(run, command):
    answer = run("db", command, "--store", "env:", code=Code.STORE)
    assert "no tables" in answer.stderr


def test_without_a_store_it_is_asked_for(run):
    assert "no store: pass --store" in run("db", "check", code=Code.USAGE).stderr
