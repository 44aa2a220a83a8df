"""What a Redis is called in messages, and what its failures mean."""

import pytest
import redis

from bearer_auth import StoreUnavailable
from bearer_auth.ratelimit import RateLimits
from bearer_auth.stores.redis_errors import name_of, reason_of


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("redis://user:secret@cache.internal:6380/1", "Redis at cache.internal:6380"),
        ("rediss://cache.internal?password=secret", "Redis at cache.internal:6379"),
        ("redis://:secret@[::1]:6380", "Redis at [::1]:6380"),
        ("redis://", "Redis at localhost:6379"),
        ("unix:///run/redis.sock?password=secret", "Redis at the local socket"),
    ],
)
def test_it_is_called_by_host_and_port_and_never_by_a_secret(url, name):
    assert name_of(redis.Redis.from_url(url)) == name


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            redis.TimeoutError("at secret"),
            "it did not answer in time; check the network between, and what it is busy with",
        ),
        (
            redis.ReadOnlyError("secret"),
            "it is a replica or read-only; name the primary in the URL",
        ),
        (redis.OutOfMemoryError("secret"), "its memory is full; raise its maxmemory"),
        (redis.ResponseError("secret"), "it failed (ResponseError)"),
    ],
)
def test_a_failure_says_what_to_do_in_words_of_ours(error, reason):
    assert reason_of(error) == reason


def test_rate_limits_name_the_redis_that_is_away():
    limits = RateLimits(storage="redis://user:secret@127.0.0.1:1/0")
    with pytest.raises(StoreUnavailable) as raised:
        limits.count("9/day", user_id="user_123")
    assert raised.value.detail == (
        "Redis at 127.0.0.1:1 (rate limits): it can't be reached; check that it runs there, and "
        "that a firewall lets you through"
    )
    assert "secret" not in repr(limits)
