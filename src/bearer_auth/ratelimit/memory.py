"""Counts in the memory of one process, by a clock that is never set back.

The memory storage of ``limits`` goes by the wall clock, so that a clock that is set back gives
everybody a second limit, and it starts a thread again and again; see ``docs/decisions/0016``.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable

from .windows import Reading

logger = logging.getLogger("bearer_auth")

_PRUNED = 2
"""Owners that a request forgets at most, if they count no more: one more than it may add."""

_FORKED = (
    "rate limits: the forked process %d counts in its own memory, so with several workers each "
    "allows the whole limit; give RateLimits a storage that they share, such as "
    "sqlite:///limits.db or a Redis"
)


class MemoryCounter:
    """Counts requests for one process. A process that was forked since warns once, in the log.

    Args:
        clock: Seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._process = os.getpid()
        # By the length of the window, and in each the owners whose window is oldest first:
        # the number of the window, what it has counted, and what the one before it has.
        self._rows: dict[int, dict[str, tuple[int, int, int]]] = {}

    def take(self, key: str, limit: int, expiry: int, amount: int = 1) -> Reading:
        """Count a request if there is room for it, and say what has been counted."""
        with self._lock:
            if os.getpid() != self._process:
                self._process = os.getpid()
                logger.warning(_FORKED, self._process)
            rows = self._rows.setdefault(expiry, {})
            began, counted, before, window, left_s = self._row(rows, key, expiry)
            weighted = int(before * left_s / expiry) + counted
            allowed = weighted + amount <= limit
            if allowed:
                counted += amount
                if began != window:
                    rows.pop(key, None)  # and so it goes to the end
                    _prune(rows, window)
                rows[key] = (window, counted, before)
        return Reading(allowed, before, left_s if before else 0.0, counted, left_s)

    def read(self, key: str, expiry: int) -> Reading:
        """Say what has been counted."""
        with self._lock:
            rows = self._rows.get(expiry, {})
            _, counted, before, _, left_s = self._row(rows, key, expiry)
        return Reading(False, before, left_s if before else 0.0, counted, left_s)

    def clear_sliding_window(self, key: str, expiry: int) -> None:
        """Forget what has been counted."""
        with self._lock:
            self._rows.get(expiry, {}).pop(key, None)

    def _row(
        self, rows: dict[str, tuple[int, int, int]], key: str, expiry: int
    ) -> tuple[int | None, int, int, int, float]:
        """When the owner's window began, and the counts, window and time left as they are now."""
        number, into_s = divmod(self._clock(), expiry)
        window, left_s = int(number), expiry - into_s
        began, counted, before = rows.get(key, (None, 0, 0))
        if began == window:
            return began, counted, before, window, left_s
        return began, 0, counted if began == window - 1 else 0, window, left_s

    def __repr__(self) -> str:
        return "MemoryCounter()"


def _prune(rows: dict[str, tuple[int, int, int]], window: int) -> None:
    for _ in range(min(_PRUNED, len(rows))):
        oldest = next(iter(rows))
        if rows[oldest][0] >= window - 1:
            return
        del rows[oldest]
