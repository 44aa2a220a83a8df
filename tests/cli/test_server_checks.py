"""What the doctor finds in a database server."""

import json
import re
from pathlib import Path

import pytest
import sqlalchemy
from sqlalchemy.pool import NullPool

from bearer_auth import Authenticator, InvalidToken, Keyring, StoreUnavailable
from bearer_auth.cli.errors import Code
from bearer_auth.stores.sql import SQLStore

pytestmark = pytest.mark.once


@pytest.fixture(params=["postgresql", "mariadb"])
def server(request, servers, monkeypatch):
    """The URL of a database with tables, and what runs SQL in it."""
    url = servers.database(request.param)
    monkeypatch.setenv("BEARER_AUTH_STORE", url)
    store = SQLStore(url, create=True, lease_ms=20)
    store.close()
    engine = sqlalchemy.create_engine(url, poolclass=NullPool)

    def sql(*statements):
        with engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    return url, sql


def findings(run, *arguments, code=0):
    answer = run("doctor", "--json", *arguments, code=code)
    return {one["check"]: one for one in json.loads(answer.stdout)["findings"]}


def test_a_server_in_order(run, server):
    found = findings(run)
    severities = {check: found[check]["severity"] for check in found}
    assert (
        severities.items()
        >= {
            "database": "ok",
            "tables": "ok",
            "lease": "ok",
            "primary": "ok",
            "clock": "ok",
            "indexes": "ok",
            "durability": "ok",
            "rights": "warning",  # it may do anything here
        }.items()
    )
    assert found["lease"]["what"] == "20 ms; a change of a key takes as long"
    assert found["database"]["what"].startswith("it answers a look-up in ")


@pytest.mark.parametrize(
    ("statement", "check", "severity", "what"),
    [
        ("UPDATE bearer_auth_meta SET lease_ms = 0, wait_ms = 0", "lease", "warning", "it is 0"),
        (
            "UPDATE bearer_auth_meta SET wait_ms = 500",
            "lease",
            "warning",
            "it was shortened to 20 ms, but changes still wait for 500 ms",
        ),
        (
            "UPDATE bearer_auth_meta SET lease_ms = 9000, wait_ms = 9000",
            "lease",
            "warning",
            "it is 9000 ms, and each revocation takes as long",
        ),
        (
            "UPDATE bearer_auth_meta SET protocol = 9",
            "tables",
            "error",
            "they are of version 1 and protocol 9; this bearer_auth knows 1 and 1",
        ),
    ],
)
def test_a_meta_row_that_is_out_of_order(run, server, statement, check, severity, what):
    _, sql = server
    sql(statement)
    found = findings(run, code=1 if severity == "error" else 0)[check]
    assert found["severity"] == severity
    assert found["what"].startswith(what)


def test_an_index_that_is_missing(run, server):
    url, sql = server
    on = " ON bearer_auth_keys" if url.startswith("mysql") else ""
    sql(f"DROP INDEX bearer_auth_keys_user{on}")
    found = findings(run)["indexes"]
    assert found["what"].startswith("the index bearer_auth_keys_user is missing")
    assert found["fix"].startswith(
        "CREATE INDEX bearer_auth_keys_user ON bearer_auth_keys (user_id"
    )


def test_after_a_restore_everybody_reads_anew(run, server):
    url, _ = server
    store = SQLStore(url)
    before = store.revision()
    found = findings(run, "--after-restore")["restore"]
    assert found["what"] == "keys that were revoked after the backup was made are alive again"
    assert store.revision() != before
    store.close()


def test_after_a_restore_of_a_file_too(run, url, store):
    before = store.revision()
    assert findings(run, "--after-restore")["restore"]["severity"] == "warning"
    assert store.revision() != before


def test_a_store_without_a_database_remembers_nothing(run):
    found = findings(run, "--after-restore", "--store", "env:", code=Code.REFUSED)
    assert found["restore"]["what"] == "this store remembers nothing of a database"


def test_a_server_that_does_not_answer(run):
    url = "postgresql://me:hunter2@127.0.0.1:1/db"
    answer = run("doctor", "--json", "--store", url, code=Code.REFUSED)
    assert "the database can't be reached" in answer.stdout
    assert "hunter2" not in answer.output


def test_the_rights_that_the_documentation_names_are_enough(servers, server, run, monkeypatch):
    """And not more than enough: the statements are those of docs/databases.md."""
    url, sql = server
    page = (Path(__file__).parents[2] / "docs" / "databases.md").read_text()
    blocks = re.findall(r"```sql\n(.*?)```", page, re.DOTALL)
    database = sqlalchemy.make_url(url).database
    role = f"web_{database[-12:]}"
    is_mysql = url.startswith("mysql")
    account = f"'{role}'@'%%'" if is_mysql else role
    sql(f"CREATE USER {account}" if is_mysql else f"CREATE ROLE {role} LOGIN")
    try:
        grants = blocks[is_mysql].replace("keys_db", database).replace("TO web", f"TO {account}")
        assert grants.count("GRANT") == (4 if is_mysql else 2)
        sql(*(statement for statement in grants.split(";\n") if statement.strip()))
        owner = SQLStore(url)
        issued = Keyring(owner).create(user_id="user_123")
        web = SQLStore(sqlalchemy.make_url(url).set(username=role))
        authenticator = Authenticator(web)
        assert authenticator.authenticate(issued.token).user_id == "user_123"
        with pytest.raises(InvalidToken):
            authenticator.authenticate(issued.token[:-1])
        authenticator.close()
        assert sum(Keyring(owner).usage(issued.key_id).days.values()) == 1
        for change in (lambda: Keyring(web).revoke(issued.key_id), lambda: web.delete(["a" * 16])):
            with pytest.raises(
                StoreUnavailable, match=r"lacks a right; see the GRANTs in docs/data"
            ):
                change()
        shown = sqlalchemy.make_url(url).set(username=role).render_as_string(hide_password=False)
        found = findings(run, "--store", shown)["rights"]
        assert found == {
            "severity": "ok",
            "check": "rights",
            "where": web._database.name,
            "what": "this user may check keys and not change them",
            "fix": "",
        }
        web.close()
        owner.close()
    finally:
        owned = [] if is_mysql else [f"DROP OWNED BY {role}"]
        sql(*owned, f"DROP {'USER' if is_mysql else 'ROLE'} {account}")
