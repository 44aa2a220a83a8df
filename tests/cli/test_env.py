import json
import shlex

import pytest

from bearer_auth import Authenticator
from bearer_auth.stores.env import EnvStore
from bearer_auth.token import mint, parse


def variable(line):
    name, _, value = line.partition("=")
    return name, shlex.split(value)[0]


def test_both_lines_give_the_same_key_to_an_env_store(run):
    result = run("env", "CI", "--user", "user_123", "--plan", "pro", "--scope", "jobs:run")
    hash_line, token_line = result.stdout.splitlines()
    name, value = variable(token_line)
    assert name == "BEARER_AUTH_KEY_CI"
    token = json.loads(value)["token"]
    for line in (hash_line, token_line):
        principal = Authenticator(EnvStore(environ=dict([variable(line)]))).authenticate(token)
        assert (principal.user_id, principal.plan) == ("user_123", "pro")
        assert principal.scopes == ("jobs:run",)
    assert token not in hash_line
    assert "prefer" in result.stderr
    assert token not in result.stderr


def test_a_name_alone_is_enough_and_the_whole_name_is_taken_too(run):
    lines = run("env", "BEARER_AUTH_KEY_CI").stdout.splitlines()
    name, token = variable(lines[1])
    assert name == "BEARER_AUTH_KEY_CI"
    assert parse(token).checksum_ok
    assert EnvStore(environ={name: token}).get(parse(token).key_id).user_id == "ci"


def test_in_json_the_lines_and_the_token_are_in_one_object(answer):
    key = answer("env", "CI", "--environment", "staging", "--expires-in", "90d")
    assert key["token"].startswith("ba_staging_")
    assert key["token_line"].startswith("BEARER_AUTH_KEY_CI=")
    assert key["token"] not in key["hash_line"]
    assert key["environment"] == "staging"
    assert key["expires_at"] is not None


def test_a_token_that_was_minted_elsewhere_keeps_both_forms(answer):
    token = mint("acme", "staging")
    key = answer("env", "CI", "--stdin", "--expires-in", "1d", input=token)
    record = EnvStore(environ=dict([variable(key["hash_line"])])).get(parse(token).key_id)
    assert record.environment == "staging"
    assert record.expires_at is not None


def test_a_token_that_was_not_minted_has_only_the_form_with_itself(run):
    result = run("env", "LEGACY", "--stdin", input="legacy-key-0123456789\n")
    assert result.stdout == "BEARER_AUTH_KEY_LEGACY=legacy-key-0123456789\n"
    assert "not minted here" in result.stderr


def test_a_key_of_a_store_moves_with_its_hash_alone(run, issued):
    result = run("env", "CI", "--key", issued.key_id)
    store = EnvStore(environ=dict([variable(result.stdout.strip())]))
    assert Authenticator(store).authenticate(issued.token).key_id == issued.key_id
    assert "only a hash" in result.stderr
    run("env", "CI", "--key", "0" * 16, code=3)
    run("env", "CI", "--key", issued.key_id, "--plan", "pro", code=2)


def test_the_prefix_is_that_of_the_store(run):
    assert run("env", "CI", "--store", "env:ACME_").stdout.startswith("ACME_CI=")


@pytest.mark.parametrize("words", [("C-I",), ("CI_FILE",), ("CI", "--plan", "")])
def test_what_a_variable_cannot_hold_is_refused(run, words):
    result = run("env", *words, code=2)
    assert result.stdout == ""


@pytest.mark.parametrize("text", ["short", "two words in one line"])
def test_a_wrong_token_is_refused_and_not_quoted(run, text):
    result = run("env", "CI", "--stdin", input=text, code=2)
    assert text not in result.output


def test_a_token_on_the_command_line_is_refused_unseen(run):
    token = mint("ba", "production")
    for words in ((token,), ("CI", token), ("CI", "--stdin", "legacy-key-0123456789")):
        result = run("env", *words, code=2)
        assert words[-1] not in result.output
        assert "history of this shell" in result.stderr
