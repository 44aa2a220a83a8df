"""Redis for ``limits``, with what was counted in the same round trip."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import redis
from limits.storage import RedisStorage
from redis.backoff import NoBackoff
from redis.retry import Retry

from ..errors import StoreUnavailable
from .windows import Reading

# Both scripts of limits, as they are. In a pipeline the client would ask first whether they are
# known, which is a round trip more.
_TAKE = b"""
local function acquire(KEYS, ARGV) %b
end
local function read(KEYS, ARGV) %b
end
return {acquire(KEYS, ARGV), read(KEYS, {ARGV[2]})}
""" % (RedisStorage.SCRIPT_ACQUIRE_SLIDING_WINDOW, RedisStorage.SCRIPT_SLIDING_WINDOW)


class OneTripRedisStorage(RedisStorage):
    """The Redis storage of ``limits``; counting and reading are one script.

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
            # A kept connection that the server has closed is found out when it is used.
            retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),  # type: ignore[arg-type]
            **options,
        )
        make: Callable[[bytes], Any] = self.storage.register_script
        self._take = make(_TAKE)

    def take(self, key: str, limit: int, expiry: int, amount: int = 1) -> Reading:
        """Count a request if there is room for it, and say what has been counted.

        Raises:
            StoreUnavailable: Redis can't answer.
        """
        arguments = [limit, expiry, amount]
        allowed, window = self._run(lambda: self._take(self._keys(key), arguments))
        return _reading(bool(allowed), window, expiry)

    def read(self, key: str, expiry: int) -> Reading:
        """What has been counted."""
        read = cast(Any, self).lua_sliding_window
        return _reading(False, self._run(lambda: read(self._keys(key), [expiry])), expiry)

    def clear_sliding_window(self, key: str, expiry: int) -> None:
        """As in ``limits``."""
        self._run(lambda: self.storage.delete(*self._keys(key)))

    def _keys(self, key: str) -> list[str]:
        return [
            self.prefixed_key(self._previous_window_key(key)),
            self.prefixed_key(self._current_window_key(key)),
        ]

    def _run(self, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except (redis.RedisError, OSError) as error:
            timed_out = isinstance(error, (redis.TimeoutError, TimeoutError))
            why = "it did not answer in time" if timed_out else f"{type(error).__name__}"
            raise StoreUnavailable(f"Redis of the rate limits: {why}") from None

    def __repr__(self) -> str:
        return "OneTripRedisStorage()"


def _reading(allowed: bool, window: Any, expiry: int) -> Reading:
    before, before_ms, counted, left_ms = window or (0, 0, 0, 0)
    # What counts lives for two windows, the first as the current one.
    left_s = max(int(left_ms or 0) / 1000 - expiry, 0.0) if counted else float(expiry)
    before_s = max(int(before_ms or 0), 0) / 1000
    return Reading(allowed, int(before or 0), before_s, int(counted or 0), left_s)
