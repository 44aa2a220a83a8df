"""``bearer-auth limits``: over what an app has counted."""

import uuid

import pytest
import redis

from bearer_auth import Principal
from bearer_auth.cli.errors import Code
from bearer_auth.ratelimit import RateLimits, parse_limits

HOUR = "3/hour"
RULE = [("POST /execute/*", parse_limits("2/hour", "the rule"))]


@pytest.fixture
def counted(store, url):
    """Two requests of a user, one of them under a rule, and one of a tenant's user."""
    limits = RateLimits(default=HOUR, storage=url)
    limits.check(Principal(key_id="a" * 16, user_id="user_123"), RULE)
    limits.check(Principal(key_id="b" * 16, user_id="user_123"))
    limits.check(Principal(key_id="c" * 16, user_id="user_123", tenant_id="acme"))
    limits.close()


def left(answer, *words):
    return [each["remaining"] for each in answer("limits", "show", *words)["limits"]]


def test_what_is_left_is_shown(run, answer, counted):
    shown = answer("limits", "show", "--user", "user_123", "--limit", HOUR)
    assert shown == {"limits": [{"limit": "3 per 1 hour", "remaining": 1, "retry_after_s": 0}]}
    text = run("limits", "show", "--user", "user_123", "--limit", HOUR).stdout
    assert text == "LIMIT\tREMAINING\tRETRY AFTER\n3 per 1 hour\t1\t0 s\n"
    tenant = ("--user", "user_123", "--tenant", "acme", "--limit", HOUR)
    assert left(answer, *tenant) == [2]
    rule = ("--user", "user_123", "--limit", "2/hour", "--rule", "POST /execute/*")
    assert left(answer, *rule) == [1]
    assert left(answer, "--user", "user_123", "--limit", "3/hour;9/day") == [1, 9]


def test_what_was_counted_is_reset(run, answer, counted):
    done = run("limits", "reset", "--user", "user_123", "--limit", HOUR)
    assert done.stderr == "All of 3/hour is left.\n"
    assert left(answer, "--user", "user_123", "--limit", HOUR) == [3]
    assert left(answer, "--user", "user_123", "--tenant", "acme", "--limit", HOUR) == [2]
    rule = ("--user", "user_123", "--limit", "2/hour", "--rule", "POST /execute/*")
    assert left(answer, *rule) == [1]
    assert answer("limits", "reset", *rule)["limits"][0]["remaining"] == 2


def test_the_limit_of_a_key_is_that_of_its_record(run, answer, keyring, issued, url):
    own = keyring.update(issued.key_id, limit="5/hour")
    limits = RateLimits(storage=url)
    limits.check(Principal.of(own))
    limits.close()
    assert left(answer, "--key", issued.key_id) == [4]
    run("limits", "reset", "--key", issued.key_id)
    assert left(answer, "--key", issued.key_id) == [5]
    keyring.update(issued.key_id, limit=None)
    refused = run("limits", "show", "--key", issued.key_id, code=Code.USAGE)
    assert "the key has no limit of its own" in refused.stderr
    run("limits", "show", "--key", "z" * 16, code=Code.NOT_FOUND)


def test_the_storage_may_be_another_one(answer, store, monkeypatch):
    user, address = f"user_{uuid.uuid4().hex}", "redis://127.0.0.1:6379"
    limits = RateLimits(default=HOUR, storage=address)
    limits.check(Principal(key_id="a" * 16, user_id=user))
    limits.close()
    try:
        words = ("--user", user, "--limit", HOUR)
        assert left(answer, *words) == [3]
        assert left(answer, *words, "--storage", address) == [2]
        monkeypatch.setenv("BEARER_AUTH_LIMITS", address)
        assert left(answer, *words) == [2]
        answer("limits", "reset", *words)
        assert left(answer, *words) == [3]
    finally:
        client = redis.Redis.from_url(address)
        for name in client.keys(f"*{user}*"):
            client.delete(name)
        client.close()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--limit", HOUR], Code.USAGE, "give --user or --key"),
        (["--user", "a", "--key", "b" * 16, "--limit", HOUR], Code.USAGE, "give --user or --key"),
        (["--key", "b" * 16, "--tenant", "a"], Code.USAGE, "--tenant goes with --user"),
        (["--user", "a"], Code.USAGE, "give the --limit"),
        (["--key", "b" * 16, "--rule", "/x"], Code.USAGE, "give the --limit"),
        (["--user", "a", "--limit", "often"], Code.USAGE, "write a limit such as 60/minute"),
        (["--user", "a", "--limit", HOUR, "--storage", "memory://"], Code.STORE, "in memory"),
        (["--user", "a", "--limit", HOUR, "--storage", "x://s3cret@h"], Code.USAGE, "no storage"),
        (["--user", "a", "--limit", HOUR, "--storage", "redis://:s3cret@127.0.0.1:1"], 4, "Redis"),
        (["--user", "a", "--limit", HOUR, "--store", "env:"], Code.USAGE, "no storage: pass"),
    ],
)
def test_what_is_wrong(run, store, words, code, said):
    refused = run("limits", "show", *words, code=code)
    assert said in refused.stderr
    assert "s3cret" not in refused.stderr


def test_a_limit_of_a_key_is_checked_when_it_is_set(run, issued):
    refused = run("keys", "update", issued.key_id, "--limit", "often", code=Code.USAGE)
    assert "write a limit such as 60/minute" in refused.stderr
