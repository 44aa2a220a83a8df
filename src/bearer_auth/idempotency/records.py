"""What is remembered of a request, and for how long."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from ..errors import ConfigurationError, RateLimited

LEASE = timedelta(seconds=60)
"""How long a claim holds. Longer than the server lets a request run (gunicorn: 30 s)."""

KEEP = timedelta(hours=24)
"""How long an answer is remembered."""

PER_KEY = 10_000
"""Requests that are remembered for one API key."""


class Answer(NamedTuple):
    """What the app has answered.

    Attributes:
        status: The status line's code and phrase.
        headers: Those that a repeat may have.
        body: All of it.
    """

    status: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(frozen=True, slots=True)
class Found:
    """A request that someone else has claimed before.

    Attributes:
        fingerprint: The digest of that request.
        running_s: Seconds until its lease ends, if nobody knows how it ended yet; else ``None``.
        answer: What was answered; ``None`` if it is running or wasn't kept.
    """

    fingerprint: str
    running_s: float | None = None
    answer: Answer | None = None


class Times(NamedTuple):
    """How long things last, in seconds, and how many there may be.

    Attributes:
        lease_s: A claim that isn't renewed.
        keep_s: An answer.
        per_key: Requests that are remembered for one API key.
    """

    lease_s: float
    keep_s: float
    per_key: int


def check_times(lease: timedelta, keep: timedelta, records_per_key: int) -> Times:
    """The times of a store.

    Raises:
        TypeError: A time isn't a timedelta.
        ConfigurationError: One is out of bounds.
    """
    for name, time in (("lease", lease), ("keep", keep)):
        if not isinstance(time, timedelta):
            raise TypeError(f"{name} must be a timedelta, not {type(time).__name__}")
    if not timedelta(seconds=1) <= lease <= timedelta(days=1):
        raise ConfigurationError(f"lease must be a second to a day: {lease}")
    if not lease <= keep <= timedelta(days=366):
        raise ConfigurationError(f"keep must be as long as the lease, and a year at most: {keep}")
    if records_per_key < 1:
        raise ConfigurationError(f"records_per_key must be 1 or more: {records_per_key}")
    return Times(lease.total_seconds(), keep.total_seconds(), records_per_key)


def no_room(key_id: str, oldest_s: float) -> RateLimited:
    """There are too many records of one key; the oldest ends in so many seconds."""
    return RateLimited(max(1, math.ceil(oldest_s)), reason="records", key_id=key_id)
