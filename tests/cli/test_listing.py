import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bearer_auth.cli.errors import Code
from bearer_auth.stores import Use

HEADER = "ID\tNAME\tUSER\tTENANT\tPLAN\tENVIRONMENT\tSTATE\tSCOPES\tEXPIRES\tLAST USED"


def test_a_list_in_a_pipe_has_a_line_for_each_key_and_tabs_between_cells(run, store, issued):
    secret = issued.record.secrets[0]
    store.record_used([Use(issued.key_id, secret.id, datetime(2030, 1, 2, 3, 4, tzinfo=UTC), 1)])
    lines = run("keys", "list").stdout.splitlines()
    used = "2030-01-02T03:04:00Z"
    assert lines == [
        HEADER,
        f"{issued.key_id}\tCI\tuser_123\t-\tpro\tproduction\tactive\tjobs:run\t-\t{used}",
    ]


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "-"])
def test_a_name_is_no_formula_in_a_pipe_and_itself_in_json(run, answer, keyring, name):
    """THREATS.md, Request ids: text of others is never a bare cell."""
    issued = keyring.create(user_id="u", name=name)
    assert run("keys", "list").stdout.splitlines()[1].split("\t")[1] == f"'{name}"
    assert f"name\t'{name}\n" in run("keys", "show", issued.key_id).stdout
    assert answer("keys", "show", issued.key_id)["name"] == name


def test_a_list_in_json_has_records_and_a_cursor(answer, issued):
    listed = answer("keys", "list")
    assert [key["key_id"] for key in listed["keys"]] == [issued.key_id]
    assert listed["next_cursor"] is None
    assert "hash" not in json.dumps(listed)


def ids(listed):
    return {key["user_id"] for key in listed["keys"]}


def test_every_filter_is_there(answer, keyring):
    keyring.create(user_id="a", tenant_id="acme", environment="staging")
    keyring.create(user_id="b", expires_in=timedelta(days=1))
    keyring.revoke(keyring.create(user_id="c").key_id)
    assert ids(answer("keys", "list", "--user", "a")) == {"a"}
    assert ids(answer("keys", "list", "--tenant", "acme")) == {"a"}
    assert ids(answer("keys", "list", "--environment", "staging")) == {"a"}
    assert ids(answer("keys", "list", "--status", "revoked")) == {"c"}
    assert ids(answer("keys", "list", "--expiring", "2d")) == {"b"}
    assert ids(answer("keys", "list", "--unused", "0")) == {"a", "b", "c"}
    assert ids(answer("keys", "list", "--unused", "1h")) == set()


def test_pages_follow_each_other_and_all_reads_them_to_the_end(run, answer, keyring, monkeypatch):
    for number in range(5):
        keyring.create(user_id=f"u{number}")
    first = answer("keys", "list", "--limit", "2")
    second = answer("keys", "list", "--limit", "2", "--after", first["next_cursor"])
    assert len(first["keys"]) == len(second["keys"]) == 2
    assert ids(first) & ids(second) == set()
    assert "--after" in run("keys", "list", "--limit", "2").stderr
    monkeypatch.setattr("bearer_auth.cli.listing.MAX_PAGE", 2)
    everything = answer("keys", "list", "--all")
    assert ids(everything) == {"u0", "u1", "u2", "u3", "u4"}
    assert everything["next_cursor"] is None


def test_a_cursor_that_is_none_and_a_limit_out_of_bounds_are_usage_errors(run, store):
    run("keys", "list", "--after", "x", code=2)
    run("keys", "list", "--limit", "0", code=2)


def test_no_key_is_said_on_stderr(run, store):
    result = run("keys", "list")
    assert result.stdout == ""
    assert "No key" in result.stderr


def test_an_expired_key_shows_as_expired(answer, store, issued):
    past = datetime.now(UTC) - timedelta(days=1)
    store.replace([(issued.record, replace(issued.record, expires_at=past))])
    key = answer("keys", "list")["keys"][0]
    assert (key["state"], key["status"]) == ("expired", "active")


def test_show_tells_when_each_secret_was_used_and_no_hash(run, answer, keyring, store, issued):
    rotated = keyring.rotate(issued.key_id)
    old = issued.record.secrets[0]
    store.record_used([Use(issued.key_id, old.id, datetime(2030, 1, 2, tzinfo=UTC), 1)])
    key = answer("keys", "show", issued.key_id)
    assert key["last_used_at"] == "2030-01-02T00:00:00Z"
    assert [secret["last_used_at"] for secret in key["secrets"]] == [None, "2030-01-02T00:00:00Z"]
    text = run("keys", "show", issued.key_id).stdout
    assert f"key_id\t{issued.key_id}\n" in text
    assert "last_used_at\t2030-01-02T00:00:00Z\n" in text
    assert old.id in text
    for secret in rotated.record.secrets:
        assert secret.hash not in text + json.dumps(key)


def test_an_unknown_key_is_not_found(run, store):
    assert "no key has the id 0000000000000000" in run("keys", "show", "0" * 16, code=3).stderr


def test_for_cron_the_exit_code_says_whether_a_key_matches(run, issued):
    assert run("keys", "list", "--exit-code", "--expiring", "7d").stdout == ""
    found = run("keys", "list", "--exit-code", "--unused", "0s", "--json", code=Code.FOUND)
    assert [key["key_id"] for key in json.loads(found.stdout)["keys"]] == [issued.key_id]
    assert Code.FOUND == 6


def test_a_sweep_tells_what_it_finds(run, keyring):
    issued = keyring.create(user_id="user_123", expires_in=timedelta(days=3))
    answer = run("sweep", "--json")
    assert json.loads(answer.stdout) == {"expiring": 1, "idle": 0}
    first, last = answer.stderr.splitlines()
    assert first.startswith(f"key.expiring key_id={issued.key_id} user_id=user_123 left_s=259")
    assert last == "1 active keys end soon, 0 are idle."
    assert run("sweep", "--expiring", "1d").stderr == "0 active keys end soon, 0 are idle.\n"
