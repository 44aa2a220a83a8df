"""Redis for ``limits``, with what was counted in the same round trip."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any

import redis
from limits.storage import RedisStorage
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError
from redis.retry import Retry

from ..errors import StoreUnavailable
from ..stores.redis_errors import name_of, reason_of
from .windows import Reading

# Redis keeps the time at which a key ends. Once its clock was set back that is too far away, and
# who had used up a limit would wait until the clock is there again.
_SHORTEN = b"""
local expiry = tonumber(ARGV[1]) * 1000
if redis.call('PTTL', KEYS[1]) > expiry then redis.call('PEXPIRE', KEYS[1], expiry) end
if redis.call('PTTL', KEYS[2]) > 2 * expiry then redis.call('PEXPIRE', KEYS[2], 2 * expiry) end
"""


class OneTripRedisStorage(RedisStorage):
    """The Redis storage of ``limits``; its scripts count and read in one pipeline.

    Args:
        uri: ``redis://127.0.0.1:6379/0``, ``rediss://…`` or ``redis+unix://…``.
        timeout: Seconds that a step may take.
    """

    STORAGE_SCHEME = ["bearer-auth+redis", "bearer-auth+rediss"]  # noqa: RUF012 - as limits has it

    def __init__(self, uri: str, timeout: float = 2.0, **options: Any) -> None:
        super().__init__(  # pyright: ignore[reportUnknownMemberType]
            uri.removeprefix("bearer-auth+"),
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            # A kept connection that the server has closed is found out when it is used. (limits
            # says that options are numbers and text, and hands them on as they are.)
            retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),  # type: ignore[arg-type]
            **options,
        )
        self._name = name_of(self.storage)

    def take(self, key: str, limit: int, expiry: int, amount: int = 1) -> Reading:
        """Count a request if there is room for it, and say what has been counted.

        Raises:
            StoreUnavailable: Redis can't answer.
        """
        keys = self._keys(key)
        _, allowed, window = self._run(
            (_SHORTEN, [*keys, expiry]),
            (self.SCRIPT_ACQUIRE_SLIDING_WINDOW, [*keys, limit, expiry, amount]),
            (self.SCRIPT_SLIDING_WINDOW, [*keys, expiry]),
        )
        return _reading(bool(allowed), window, expiry)

    def read(self, key: str, expiry: int) -> Reading:
        """What has been counted."""
        (window,) = self._run((self.SCRIPT_SLIDING_WINDOW, [*self._keys(key), expiry]))
        return _reading(False, window, expiry)

    def clear_sliding_window(self, key: str, expiry: int) -> None:
        """As in ``limits``."""
        pipe = self.storage.pipeline(transaction=False)
        pipe.delete(*self._keys(key))
        self._execute(pipe)

    def close(self) -> None:
        """Let go of connections; they come back when they are needed."""
        self.storage.close()

    def _keys(self, key: str) -> list[str]:
        return [
            self.prefixed_key(self._previous_window_key(key)),
            self.prefixed_key(self._current_window_key(key)),
        ]

    def _run(self, *calls: tuple[bytes, list[Any]]) -> list[Any]:
        """Run scripts in one round trip; in a second one those that Redis doesn't know yet."""
        # A pipeline of redis-py that is given scripts asks each time whether Redis knows them.
        pipe = self.storage.pipeline(transaction=False)
        for script, values in calls:
            pipe.evalsha(_sha(script), 2, *values)
        answers = self._execute(pipe)
        unknown = [n for n, each in enumerate(answers) if isinstance(each, NoScriptError)]
        if unknown:
            for n in unknown:
                pipe.eval(calls[n][0], 2, *calls[n][1])
            for n, each in zip(unknown, self._execute(pipe), strict=True):
                answers[n] = each
        for each in answers:
            if isinstance(each, Exception):
                raise self._unavailable(each)
        return answers

    def _execute(self, pipe: Any) -> list[Any]:
        try:
            return list(pipe.execute(raise_on_error=False))
        except (redis.RedisError, OSError) as error:
            raise self._unavailable(error) from None

    def _unavailable(self, error: Exception) -> StoreUnavailable:
        return StoreUnavailable(f"{self._name} (rate limits): {reason_of(error)}")

    def __repr__(self) -> str:
        return f"OneTripRedisStorage({self._name})"


@cache
def _sha(script: bytes) -> str:
    """What Redis calls it."""
    return hashlib.sha1(script, usedforsecurity=False).hexdigest()


def _reading(allowed: bool, window: Any, expiry: int) -> Reading:
    before, before_ms, counted, left_ms = window or (0, 0, 0, 0)
    # What counts lives for two windows, the first as the current one.
    left_s = max(int(left_ms or 0) / 1000 - expiry, 0.0) if counted else float(expiry)
    before_s = max(int(before_ms or 0), 0) / 1000
    return Reading(allowed, int(before or 0), before_s, int(counted or 0), left_s)
