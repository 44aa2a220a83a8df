"""``bearer-auth import`` and ``bearer-auth export``."""

import hashlib
import json
import os
import sqlite3

import pytest

from bearer_auth.cli.errors import Code
from bearer_auth.stores.sql import SQLStore

DIGEST = hashlib.sha256(b"tok_1").hexdigest()


def test_keys_go_out_and_come_in(run, store, issued, tmp_path):
    file, other = tmp_path / "keys.jsonl", f"sqlite:///{tmp_path}/other.db"
    said = run("export", "--output", str(file), "--with-hashes", "--json")
    assert json.loads(said.stdout) == {"keys": 1}
    assert said.stderr == "Wrote 1 keys.\n"
    assert os.stat(file).st_mode & 0o777 == 0o600
    assert run("import", str(file), "--store", other).stderr.splitlines() == [
        f"Made {tmp_path}/other.db.",
        "Added 1 keys.",
    ]
    again = run("import", str(file), "--store", other, "--json")
    assert json.loads(again.stdout) == {"added": 0, "present": 1, "refused": 0}
    assert again.stderr == "Added 0 keys; 1 were there already.\n"
    copy = SQLStore(other)
    assert copy.get(issued.key_id) == issued.record
    copy.close()


def test_an_export_without_hashes_says_so_and_has_none(run, issued):
    said = run("export")
    (line,) = said.stdout.splitlines()
    assert json.loads(line)["key_id"] == issued.key_id
    assert "secrets" not in json.loads(line)
    assert said.stderr == "Wrote 1 keys, without their hashes.\n"


def test_an_export_replaces_no_file(run, issued, tmp_path):
    (tmp_path / "mine").write_text("mine")
    refused = run("export", "--output", str(tmp_path / "mine"), code=Code.USAGE)
    assert "File exists" in refused.stderr
    assert (tmp_path / "mine").read_text() == "mine"


def test_lines_that_can_not_be_taken_in_are_told(run, store, tmp_path):
    file = tmp_path / "keys.csv"
    rows = [f"$sha256${DIGEST},u", *["$sha256$hunter2,u"] * 25]
    file.write_text("\ufeffhash,user_id\n" + "\n".join(rows))
    answer = run("import", str(file), "--dry-run", code=Code.REFUSED)
    lines = answer.stderr.splitlines()
    assert lines[0].startswith("line 3: not a hash that is understood here")
    assert lines[20:] == ["… and 5 more.", "Would add 1 keys; 25 were refused."]
    assert "hunter2" not in answer.output
    assert run("keys", "list", "--json").stdout.count("key_id") == 0


def test_a_table_of_digests(run, store, tmp_path, monkeypatch):
    connection = sqlite3.connect(tmp_path / "app.db")
    with connection:
        connection.execute("CREATE TABLE tokens (digest TEXT, user_id INTEGER)")
        connection.execute("INSERT INTO tokens VALUES (?, 7)", (DIGEST,))
    connection.close()
    monkeypatch.setenv("BEARER_AUTH_SOURCE", f"sqlite:///{tmp_path}/app.db")
    assert run("import", "--from", "digests", "--table", "tokens", "--plan", "pro").stderr == (
        "Added 1 keys.\n"
    )
    (key,) = json.loads(run("keys", "list", "--json").stdout)["keys"]
    assert (key["user_id"], key["plan"]) == ("7", "pro")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "give a FILE, or --from and --source"),
        (["keys.csv", "--from", "knox"], "give a FILE, or --from and --source"),
        (["--from", "knox"], "--from needs --source URL"),
        (["--from", "digests", "--source", "sqlite://"], "--from digests needs --table NAME"),
        (["--from", "knox", "--source", "sqlite://", "--user", "u"], "these keys have owners"),
        (["keys.txt"], "must end in .csv or .jsonl"),
        (["missing.csv"], "missing.csv: No such file"),
    ],
)
def test_what_is_missing_is_said(run, store, arguments, said):
    assert said in run("import", *arguments, code=Code.USAGE).stderr


def test_a_table_that_can_not_be_read(run, store):
    source = "postgresql+psycopg://me:hunter2@127.0.0.1:1/db"
    answer = run("import", "--from", "knox", "--source", source, code=Code.STORE)
    assert "knox_authtoken can't be read" in answer.stderr
    assert "hunter2" not in answer.output


def test_a_store_that_can_not_be_written_to(run, tmp_path):
    (tmp_path / "keys.jsonl").write_text("")
    run("import", str(tmp_path / "keys.jsonl"), "--store", "env:", code=Code.STORE)
