"""RedisIdempotencyStore: what it is given, and what its errors tell."""

import re
from pathlib import Path

import pytest
import redis

from bearer_auth import ConfigurationError, StoreUnavailable
from bearer_auth.idempotency import RedisIdempotencyStore


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ("http://user:secret@127.0.0.1", ConfigurationError, "not the URL of a Redis"),
        (42, TypeError, "not a int"),
        (redis.Redis(decode_responses=True), ConfigurationError, "without decode_responses"),
    ],
)
def test_what_is_no_redis_is_refused(given, error, message):
    with pytest.raises(error, match=message) as raised:
        RedisIdempotencyStore(given)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        (
            "redis://user:secret@127.0.0.1:1",
            (
                "Redis at 127.0.0.1:1: it can't be reached; check that it runs there, and that a "
                "firewall lets you through"
            ),
        ),
        (
            "redis://user:secret@127.0.0.1:6379",
            "Redis at 127.0.0.1:6379: it refused the user or the password; check those in the URL",
        ),
    ],
)
def test_a_failure_says_where_and_why_without_a_secret(url, reason):
    store = RedisIdempotencyStore(url)
    with pytest.raises(StoreUnavailable) as raised:
        store.claim("a" * 16, "1" * 64, "e" * 64, "0" * 32)
    assert raised.value.detail == reason
    assert repr(store) == f"RedisIdempotencyStore({reason.partition(': ')[0]})"
    store.close()


def test_a_client_stays_its_owners():
    client = redis.Redis.from_url("redis://127.0.0.1:6379")
    store = RedisIdempotencyStore(client, prefix="bearer_auth_test:")
    store.claim("a" * 16, "1" * 64, "e" * 64, "0" * 32)
    assert store.forget("a" * 16, "1" * 64, "0" * 32)
    store.close()
    assert client.keys("bearer_auth_test:*") == []
    client.close()


def test_redis_knows_the_settings_that_the_page_asks_for():
    page = Path(__file__).parents[2] / "docs" / "idempotency.md"
    asked = re.findall(r"^redis-cli .* CONFIG GET (\S+)", page.read_text(), re.MULTILINE)
    client = redis.Redis.from_url("redis://127.0.0.1:6379", decode_responses=True)
    assert asked == ["maxmemory-policy", "appendonly", "appendfsync"]
    assert [list(client.config_get(name)) for name in asked] == [[name] for name in asked]
    assert client.info("stats")["evicted_keys"] >= 0
    assert client.info("replication")["role"] == "master"
    client.close()
