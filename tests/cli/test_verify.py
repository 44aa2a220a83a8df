from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bearer_auth.token import mint


def test_a_valid_token_exits_with_0_and_says_whose_it_is(run, answer, issued):
    result = run("verify", input=issued.token)
    assert result.stdout == (
        f"valid: key {issued.key_id} of user_123 (pro, production); scopes: jobs:run\n"
    )
    assert answer("verify", input=issued.token + "\r\n") == {
        "valid": True,
        "key_id": issued.key_id,
        "user_id": "user_123",
        "tenant_id": None,
        "plan": "pro",
        "name": "CI",
        "environment": "production",
        "scopes": ["jobs:run"],
    }


def test_an_invalid_token_exits_with_1_and_says_why(run, answer, store):
    result = run("verify", input=mint("ba", "production"), code=1)
    assert result.stdout.startswith("invalid: unknown: ")
    assert answer("verify", input="two words", code=1) == {
        "valid": False,
        "reason": "malformed",
        "key_id": None,
    }


def test_what_is_before_or_behind_a_token_is_said(run, issued):
    word = run("verify", input=f"Bearer {issued.token}", code=1).stdout
    assert word == "invalid: malformed: leave the word Bearer out\n"
    for more in ("x", '"', ", "):
        said = run("verify", input=issued.token + more + "y", code=1).stdout
        assert said.endswith(": longer than a token; is something stuck to it?\n")


def test_each_state_of_a_key_is_its_own_reason(answer, keyring, store, issued):
    def reason(token=issued.token, *words):
        return answer("verify", *words, input=token, code=1)["reason"]

    assert reason(mint("ba", "production", issued.key_id)) == "wrong_secret"
    assert reason(issued.token, "--environment", "staging") == "environment"
    keyring.suspend(issued.key_id)
    assert reason() == "suspended"
    record = keyring.resume(issued.key_id)
    expired = replace(record, expires_at=datetime.now(UTC) - timedelta(1))
    store.replace([(record, expired)])
    assert reason() == "expired"
    keyring.revoke(issued.key_id)
    assert reason() == "revoked"


def test_the_key_is_named_once_its_secret_is_proven(run, keyring, issued):
    keyring.revoke(issued.key_id)
    assert f"invalid: revoked (key {issued.key_id}): " in run(
        "verify", input=issued.token, code=1
    ).stdout  # fmt: skip


def test_an_address_is_checked_if_the_key_asks_for_one(run, answer, keyring):
    token = keyring.create(user_id="u", allowed_ips=["10.0.0.0/8"]).token
    assert answer("verify", input=token, code=1)["reason"] == "address"
    assert answer("verify", "--ip", "192.0.2.1", input=token, code=1)["reason"] == "address"
    assert answer("verify", "--ip", "10.9.9.9", input=token)["valid"] is True
    run("verify", "--ip", "home", input=token, code=2)


def test_several_environments_can_be_accepted(answer, keyring):
    token = keyring.create(user_id="u", environment="staging").token
    words = ("--environment", "production", "--environment", "staging")
    assert answer("verify", *words, input=token)["environment"] == "staging"


def test_an_imported_token_is_found_with_its_pepper(answer, run, store, monkeypatch):
    monkeypatch.setenv("BEARER_AUTH_PEPPERS", "new-pepper old-pepper")
    run("keys", "import", "--user", "u", input="legacy-key-0123456789")
    monkeypatch.setenv("BEARER_AUTH_PEPPERS", "newer-pepper new-pepper")
    assert answer("verify", input="legacy-key-0123456789")["user_id"] == "u"


def test_a_key_in_the_environment_is_found(answer, monkeypatch):
    monkeypatch.setenv("BEARER_AUTH_KEY_CI", "legacy-key-0123456789")
    found = answer("verify", "--store", "env:", input="legacy-key-0123456789")
    assert found["user_id"] == "ci"


def test_a_check_is_no_use_of_the_key(run, keyring, issued):
    run("verify", input=issued.token)
    assert keyring.usage(issued.key_id).last_used_at is None


@pytest.mark.parametrize("text", ["", "\n"])
def test_nothing_on_standard_input_is_a_usage_error(run, store, text):
    assert "standard input is empty" in run("verify", input=text, code=2).stderr


def test_a_token_on_the_command_line_is_refused_unseen(run, issued):
    for word in (issued.token, "legacy-key-0123456789"):
        result = run("verify", word, code=2)
        assert "history of this shell" in result.stderr
        assert word[14:] not in result.output
