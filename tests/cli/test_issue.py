import json
from datetime import timedelta

import pytest

from bearer_auth import Authenticator, IssuedKey, Keyring
from bearer_auth.stores.sql import SQLStore
from bearer_auth.token import parse

PEPPER = "a pepper of more than thirty-two bytes".replace(" ", "-")


def test_create_prints_the_token_alone_and_everything_else_on_stderr(run, url):
    result = run("keys", "create", "--user", "user_123", "--plan", "pro", "--name", "CI")
    token = result.stdout.removesuffix("\n")
    minted = parse(token)
    assert minted is not None
    assert minted.checksum_ok
    assert minted.key_id in result.stderr
    assert token not in result.stderr
    assert "has no end" in result.stderr
    assert "The token is printed this once" in result.stderr  # it need not be seen, as in KEY=$(…)


def test_what_is_created_is_valid_and_is_what_was_asked_for(run, url):
    token = run(
        "keys", "create", "--user", "user_123", "--tenant", "acme", "--plan", "pro", "--name", "CI",
        "--scope", "b", "--scope", "a:*", "--environment", "staging", "--expires-in", "90d",
        "--allow-ip", "10.0.0.0/8", "--created-by", "ops", "--limit", "5/minute",
        "--metadata", '{"team": "search"}', "--prefix", "acme",
    ).stdout.strip()  # fmt: skip
    assert token.startswith("acme_staging_")
    store = SQLStore(url)
    principal = Authenticator(store, environments=["staging"]).authenticate(
        token, client_ip="10.1.2.3"
    )
    record = store.get(principal.key_id)
    store.close()
    assert record is not None
    assert (record.user_id, record.tenant_id, record.plan) == ("user_123", "acme", "pro")
    assert (record.name, record.scopes, record.limit) == ("CI", ("a:*", "b"), "5/minute")
    assert (record.allowed_ips, record.created_by) == (("10.0.0.0/8",), "ops")
    assert record.metadata == {"team": "search"}
    assert round((record.expires_at - record.created_at) / timedelta(days=1), 3) == 90


def test_create_in_json_is_one_object_with_the_token(answer, url):
    key = answer("keys", "create", "--user", "user_123", "--expires-at", "2199-01-31")
    assert parse(key["token"]).key_id == key["key_id"]
    assert key["user_id"] == "user_123"
    assert key["expires_at"] == "2199-01-31T00:00:00Z"
    assert key["state"] == "active"
    assert "hash" not in json.dumps(key)


def test_create_takes_argon2id_where_a_rule_asks_for_it(run, url):
    token = run("keys", "create", "--user", "u", "--hashing", "argon2id").stdout.strip()
    store = SQLStore(url)
    record = store.get(parse(token).key_id)
    store.close()
    assert record.secrets[0].hash.startswith("$argon2id$")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--user", "u", "--scope", "a b"), "not a scope: 'a b'"),
        (("--user", "u", "--environment", "Prod"), "environment"),
        (("--user", ""), "user_id must have 1 to 255 characters"),
        (("--user", "u", "--expires-at", "2001-01-01"), "give a later expiry"),
        (("--user", "u", "--expires-in", "1d", "--expires-at", "2199-01-31"), "not both"),
        (("--user", "u", "--allow-ip", "10.0.0.1/8"), "Error: --allow-ip: 10.0.0.1/8 has host"),
        (("--user", "u", "--allow-ip", "home"), "Error: --allow-ip: 'home' does not"),
        ((), "Missing option '--user'"),
    ],
)
def test_a_wrong_value_is_named_and_nothing_is_created(run, url, words, message):
    result = run("keys", "create", *words, code=2)
    assert message in result.stderr
    assert result.stdout == ""


def test_import_takes_the_token_from_standard_input(run, store, monkeypatch):
    monkeypatch.setenv("BEARER_AUTH_PEPPERS", PEPPER)
    result = run("keys", "import", "--user", "user_123", input="legacy-key-0123456789\n")
    principal = Authenticator(store, peppers=[PEPPER]).authenticate("legacy-key-0123456789")
    assert result.stdout == principal.key_id + "\n"
    assert principal.user_id == "user_123"
    assert "legacy" not in result.output


def test_import_in_json_has_no_token(answer, url, monkeypatch):
    monkeypatch.setenv("BEARER_AUTH_PEPPERS", PEPPER)
    key = answer("keys", "import", "--user", "user_123", input="legacy-key-0123456789")
    assert key["user_id"] == "user_123"
    assert "token" not in key


def test_import_without_a_pepper_says_what_is_missing(run, url):
    result = run("keys", "import", "--user", "u", input="legacy-key-0123456789", code=2)
    assert "an imported token needs a pepper" in result.stderr
    assert "set BEARER_AUTH_PEPPERS, here and for the server" in result.stderr
    assert "peppers=" not in result.stderr


def test_import_twice_is_a_conflict(run, url, monkeypatch):
    monkeypatch.setenv("BEARER_AUTH_PEPPERS", PEPPER)
    run("keys", "import", "--user", "u", input="legacy-key-0123456789")
    result = run("keys", "import", "--user", "u", input="legacy-key-0123456789", code=5)
    assert "already stored" in result.stderr


@pytest.mark.parametrize(
    "text", ["", "\n", "two words", "two\nlines-of-text", "caf\xe9-0123456789-0123456789"]
)
def test_import_refuses_what_is_no_token_without_quoting_it(run, url, monkeypatch, text):
    monkeypatch.setenv("BEARER_AUTH_PEPPERS", PEPPER)
    result = run("keys", "import", "--user", "u", input=text.encode("latin-1"), code=2)
    assert "words" not in result.stderr
    assert "0123" not in result.stderr


def test_a_token_on_the_command_line_of_import_is_refused_unseen(run, url):
    result = run("keys", "import", "--user", "u", "legacy-key-0123456789", code=2)
    assert "history of this shell" in result.stderr
    assert "legacy" not in result.stderr


def test_import_takes_a_hash_for_an_id(run, store, issued: IssuedKey):
    record = issued.record
    other = record.secrets[0].hash
    run("keys", "import", "--hash", "--id", "5hT2vN8cYw1QsJ4K", "--user", "user_9", input=other)
    imported = store.get("5hT2vN8cYw1QsJ4K")
    assert imported.user_id == "user_9"
    assert imported.secrets[0].hash == other


def test_an_argon2id_hash_without_its_sieve_names_the_option(run, url):
    phc = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$" + "A" * 43
    words = ("--hash", "--id", "5hT2vN8cYw1QsJ4K", "--user", "u")
    assert "pass --sieve" in run("keys", "import", *words, input=phc, code=2).stderr


@pytest.mark.parametrize(
    "words", [("--hash",), ("--id", "5hT2vN8cYw1QsJ4K"), ("--sieve", "abcdef")]
)
def test_hash_and_id_of_import_go_together(run, url, words):
    assert "go together" in run("keys", "import", "--user", "u", *words, code=2).stderr


def test_rotate_prints_the_new_token_alone_and_both_are_valid(run, store, issued: IssuedKey):
    result = run("keys", "rotate", issued.key_id)
    token = result.stdout.strip()
    authenticator = Authenticator(store)
    assert authenticator.authenticate(token).key_id == issued.key_id
    assert authenticator.authenticate(issued.token).key_id == issued.key_id
    authenticator.close()
    record = store.get(issued.key_id)
    grace = record.secrets[1].expires_at - record.secrets[0].created_at
    assert round(grace / timedelta(hours=1)) == 24
    assert token not in result.stderr


def test_rotate_in_json_is_one_object_with_the_token(answer, issued: IssuedKey):
    key = answer("keys", "rotate", issued.key_id, "--grace", "2h")
    assert parse(key["token"]).key_id == key["key_id"] == issued.key_id
    assert len(key["secrets"]) == 2


def test_a_second_rotation_is_refused_until_it_is_said_how(run, store, issued: IssuedKey):
    run("keys", "rotate", issued.key_id)
    refused = run("keys", "rotate", issued.key_id, code=5).stderr
    assert refused == (
        f"Error: the previous secret of {issued.key_id} is still valid; end it with --finish or "
        "--grace 0, or replace the newest token with --discard-new\n"
    )
    run("keys", "rotate", issued.key_id, "--discard-new")
    assert len(store.get(issued.key_id).secrets) == 2
    run("keys", "rotate", issued.key_id, "--grace", "0")
    assert len(store.get(issued.key_id).secrets) == 1


def test_finish_ends_the_old_token_and_hands_out_none(run, answer, store, issued: IssuedKey):
    run("keys", "rotate", issued.key_id)
    result = run("keys", "rotate", issued.key_id, "--finish")
    assert result.stdout == ""
    assert len(store.get(issued.key_id).secrets) == 1
    assert answer("keys", "rotate", issued.key_id, "--finish")["key_id"] == issued.key_id
    run("keys", "rotate", issued.key_id, "--finish", "--grace", "1h", code=2)


def test_a_key_that_has_ended_or_is_unknown_is_not_rotated(run, keyring: Keyring, issued):
    keyring.revoke(issued.key_id)
    assert "revoked" in run("keys", "rotate", issued.key_id, code=5).stderr
    run("keys", "rotate", "0" * 16, code=3)


def test_create_tells_when_the_key_ends(run, url):
    result = run("keys", "create", "--user", "u", "--expires-at", "2199-01-31T12:30:00+01:00")
    assert "it ends 2199-01-31 11:30" in result.stderr
