"""Requests remembered in Redis, one hash each; each step is one script, so one round trip.

Give it a Redis that never evicts (``maxmemory-policy noeviction``) and that keeps what it was told
(``appendonly yes``): a claim that is lost is a request that may run twice.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from ..errors import ConfigurationError, StoreUnavailable
from .records import KEEP, LEASE, PER_KEY, Answer, Found, check_times, no_room

try:
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    from ..stores.redis_errors import name_of, reason_of
except ImportError as error:
    raise ImportError(
        'RedisIdempotencyStore needs redis: pip install "bearer_auth[redis]"'
    ) from error

# The time is the server's, the same for all. KEYS: the record, and the records of its API key by
# when they expire. ARGV: fence, fingerprint, lease and keep in ms, records that a key may have.
_CLAIM = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local found = redis.call('HMGET', KEYS[1], 'fingerprint', 'fence', 'state', 'lease_until',
    'status', 'headers', 'body')
if found[1] then
    if found[3] ~= 'running' then
        return {found[3], found[1], '0', found[5], found[6], found[7]}
    end
    if found[2] == ARGV[1] then return {'claimed'} end
    local left = found[4] - now
    if left > 0 or found[1] ~= ARGV[2] then
        return {'running', found[1], tostring(math.max(left, 0))}
    end
else
    redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
    if redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[5]) then
        local oldest = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')
        return {'full', tostring(oldest[2] - now)}
    end
end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'fingerprint', ARGV[2], 'fence', ARGV[1], 'state', 'running',
    'lease_until', now + ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
redis.call('ZADD', KEYS[2], now + ARGV[4], KEYS[1])
redis.call('PEXPIRE', KEYS[2], ARGV[4])
return {'claimed'}
"""

# ARGV: fence, lease and keep in ms
_RENEW = """
if redis.call('HGET', KEYS[1], 'fence') ~= ARGV[1] then return 0 end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('HSET', KEYS[1], 'lease_until', now + ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('ZADD', KEYS[2], now + ARGV[3], KEYS[1])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return 1
"""

# ARGV: fence, state, and the answer's status, headers and body if it is kept
_FINISH = """
if redis.call('HGET', KEYS[1], 'fence') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'state', ARGV[2])
if ARGV[3] then
    redis.call('HSET', KEYS[1], 'status', ARGV[3], 'headers', ARGV[4], 'body', ARGV[5])
end
return 1
"""

_FORGET = """
if redis.call('HGET', KEYS[1], 'fence') ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], KEYS[1])
return 1
"""


class RedisIdempotencyStore:
    """Remembers requests in Redis, for all workers and machines. Leases end by its clock.

    Args:
        url_or_client: ``redis://127.0.0.1:6379/0``, or a ``redis.Redis`` that returns bytes, whose
            time limits are then its own.
        lease: How long a claim holds that isn't renewed; longer than a request may run.
        keep: How long an answer is remembered.
        records_per_key: Requests remembered for one API key; more are refused with 429.
        timeout: Seconds that a step may take; of a client, its own hold.
        prefix: What the names of the keys in Redis begin with.

    Raises:
        TypeError: Neither a URL nor a client; a time isn't a timedelta.
        ConfigurationError: A value is wrong.
        ImportError: redis is not installed; the message names the extra.

    .. versionadded:: 0.1
    """

    def __init__(
        self,
        url_or_client: str | redis.Redis,
        *,
        lease: timedelta = LEASE,
        keep: timedelta = KEEP,
        records_per_key: int = PER_KEY,
        timeout: float = 2.0,
        prefix: str = "bearer_auth:",
    ) -> None:
        times = check_times(lease, keep, records_per_key)
        self.lease = lease
        self._client, self._ours = _client(url_or_client, timeout)
        self._name = name_of(self._client)
        self._prefix = f"{prefix}idempotency:"
        self._lease_ms = round(times.lease_s * 1000)
        self._keep_ms = round(times.keep_s * 1000)
        self._per_key = times.per_key
        make: Callable[[str], Any] = self._client.register_script
        self._claim, self._renew = make(_CLAIM), make(_RENEW)
        self._finish, self._forget = make(_FINISH), make(_FORGET)

    def claim(self, key_id: str, value: str, fingerprint: str, fence: str) -> Found | None:
        """Claim a request, if nobody has it."""
        times = self._lease_ms, self._keep_ms, self._per_key
        said, *rest = self._run(self._claim, key_id, value, fence, fingerprint, *times)
        if said == b"claimed":
            return None
        if said == b"full":
            raise no_room(key_id, float(rest[0]) / 1000)
        known = rest[0].decode()
        if said == b"running":
            return Found(known, float(rest[1]) / 1000)
        if said == b"not_kept":
            return Found(known)
        status, headers, body = rest[2:]
        pairs = tuple((name, text) for name, text in json.loads(headers))
        return Found(known, None, Answer(status.decode("latin-1"), pairs, body))

    def renew(self, key_id: str, value: str, fence: str) -> bool:
        """Have the lease begin anew; whether the claim still held."""
        return bool(self._run(self._renew, key_id, value, fence, self._lease_ms, self._keep_ms))

    def finish(self, key_id: str, value: str, fence: str, answer: Answer | None) -> bool:
        """Remember the answer; whether the claim still held."""
        if answer is None:
            return bool(self._run(self._finish, key_id, value, fence, "not_kept"))
        kept = answer.status.encode("latin-1"), json.dumps(answer.headers), answer.body
        return bool(self._run(self._finish, key_id, value, fence, "done", *kept))

    def forget(self, key_id: str, value: str, fence: str) -> bool:
        """Let the request be claimed anew; whether the claim still held."""
        return bool(self._run(self._forget, key_id, value, fence))

    def close(self) -> None:
        """Let go of connections, unless the client is yours; they come back when needed."""
        if self._ours:
            self._client.close()

    def __repr__(self) -> str:
        return f"RedisIdempotencyStore({self._name})"

    def _run(self, script: Any, key_id: str, value: str, *arguments: Any) -> Any:
        # The braces keep what one script touches on one node of a cluster.
        of_key = f"{self._prefix}{{{key_id}}}"
        try:
            return script(keys=[f"{of_key}:{value}", of_key], args=arguments)
        except (redis.RedisError, OSError) as error:
            raise StoreUnavailable(f"{self._name}: {reason_of(error)}") from None


def _client(url_or_client: object, timeout: float) -> tuple[Any, bool]:
    if isinstance(url_or_client, str):
        try:
            of_redis: Any = redis.Redis
            client = of_redis.from_url(
                url_or_client,
                socket_timeout=timeout,
                socket_connect_timeout=timeout,
                # A kept connection that the server has closed is found out when it is used.
                retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
            )
        except ValueError:  # whose text may quote the password
            raise ConfigurationError(
                "not the URL of a Redis; write redis://127.0.0.1:6379/0"
            ) from None
        ours = True
    elif isinstance(url_or_client, redis.Redis):
        client, ours = url_or_client, False
    else:
        raise TypeError(
            "RedisIdempotencyStore takes a URL or a redis.Redis, not a "
            f"{type(url_or_client).__name__}"
        )
    if client.connection_pool.connection_kwargs.get("decode_responses"):
        raise ConfigurationError(
            "RedisIdempotencyStore keeps bytes; use a client without decode_responses"
        )
    return client, ours
