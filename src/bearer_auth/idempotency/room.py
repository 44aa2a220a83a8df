"""Whether an API key may have another record, without counting its records at each claim."""

from __future__ import annotations

import time
from collections.abc import Callable

EVERY = 100
"""Claims of a key in this process, after which its records are counted."""

KEYS = 10_000
"""Keys whose claims are counted at a time."""

AGAIN_S = 1.0
"""Seconds until the records of a key that has too many are counted again."""


class Room:
    """Counts the claims of each key in this process, and now and then its records.

    Args:
        count: Seconds until the oldest record of a key ends if it has too many, else ``None``.
    """

    def __init__(self, count: Callable[[str], float | None]) -> None:
        self._count = count
        # Without locks, which a fork could leave held: at worst a few claims are not counted.
        self._claims: dict[str, int] = {}
        self._full: dict[str, tuple[float, float]] = {}

    def full_s(self, key_id: str) -> float | None:
        """Seconds until this key may have another record; ``None``: now."""
        full = self._full.get(key_id)
        if full is not None and time.monotonic() < full[0]:
            return full[1]
        claims = self._claims.get(key_id, 0)
        if full is None and claims % EVERY:
            self._claims[key_id] = claims + 1
            return None
        for counted in (self._claims, self._full):
            if len(counted) >= KEYS:
                counted.clear()
        left_s = self._count(key_id)
        if left_s is not None:
            self._full[key_id] = time.monotonic() + min(left_s, AGAIN_S), left_s
            return left_s
        self._full.pop(key_id, None)
        self._claims[key_id] = claims + 1
        return None
