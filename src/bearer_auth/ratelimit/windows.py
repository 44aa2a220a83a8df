"""What is left of a limit, and how long to wait: the sliding window counter, as arithmetic.

The window before the current one still counts, in proportion to how much of it the last
``length_s`` seconds cover (the algorithm is that of ``limits``).
"""

from __future__ import annotations

import math
from typing import NamedTuple

_INSTANT_S = 0.001
"""At the very moment when there is room, a request may still be refused."""


class Reading(NamedTuple):
    """What has been counted, as of now.

    Attributes:
        allowed: Whether this request was counted, and so may pass.
        before: What the previous window counted.
        before_s: Seconds until that counts no more.
        counted: What the current window has counted, this request included.
        left_s: Seconds until the current window is the previous one.
    """

    allowed: bool
    before: int
    before_s: float
    counted: int
    left_s: float


def remaining(reading: Reading, limit: int, length_s: float) -> int:
    """Requests that would pass now."""
    return max(0, limit - _weighted(reading, length_s))


def wait_s(reading: Reading, limit: int, length_s: float, cost: int = 1) -> float:
    """Seconds until a request of this cost passes, if no other comes; infinite if it never does."""
    if cost > limit:
        return math.inf
    if _weighted(reading, length_s) + cost <= limit:
        return 0.0
    room = limit - cost - reading.counted
    if room >= 0:  # once the previous window has faded so far
        return reading.before_s - _fading_s(reading.before, room, length_s) + _INSTANT_S
    # Not in this window: once it is the previous one, and has faded so far itself.
    faded = length_s - _fading_s(reading.counted, limit - cost, length_s)
    return reading.left_s + max(faded, 0.0) + _INSTANT_S


def _weighted(reading: Reading, length_s: float) -> int:
    return math.floor(reading.before * reading.before_s / length_s) + reading.counted


def _fading_s(count: int, room: int, length_s: float) -> float:
    """Seconds before its end in which a window that counted so much weighs no more than the room.

    It weighs ``floor(count * seconds / length)``."""
    return min((room + 1) * length_s / count, length_s)
