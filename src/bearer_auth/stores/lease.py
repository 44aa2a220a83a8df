"""How long a reading of the revision may be trusted, and who reads it again.

A writer replaces the revision in its own transaction and then waits until no reading that began
before the commit is trusted any more (``docs/decisions/0015``). So what a reading says may be
believed for the length of the lease, counted from before the reading began, without asking anybody.
"""

from __future__ import annotations

import math
import sys
import threading
import time
from collections.abc import Callable, Hashable
from functools import partial
from typing import NamedTuple

from ..errors import StoreUnavailable

RENEW_AT = 0.8
"""The part of a lease after which one request renews it, while the others go on."""

Seconds = Callable[[], float]


class Reading(NamedTuple):
    """What was read.

    Attributes:
        revision: The revision; ``None`` if nothing may be remembered under it.
        lease_s: Seconds for which it may be trusted, from before the reading began; 0 for not at
            all.
    """

    revision: Hashable
    lease_s: float


class _Held(NamedTuple):
    """A reading and when it is trusted: by a clock that also runs while the machine sleeps, and by
    the wall clock, which is the only one that moves when a paused machine is resumed elsewhere."""

    renew: float
    until: float
    wall_from: float
    wall_until: float
    revision: Hashable

    def holds(self, boot: float, wall: float) -> bool:
        return boot < self.until and self.wall_from <= wall < self.wall_until


_NOTHING = _Held(0.0, 0.0, 0.0, 0.0, None)


class _Flight:
    """One reading that several requests wait for."""

    def __init__(self) -> None:
        self.landed = threading.Event()
        self.failure: str | None = None


def running_clock() -> Seconds | None:
    """A clock that never goes back and doesn't stop while the machine sleeps, if there is one."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return partial(time.clock_gettime, time.CLOCK_BOOTTIME)
    if sys.platform == "darwin":  # there, this one goes on in sleep (clock_gettime(3))
        return partial(time.clock_gettime, time.CLOCK_MONOTONIC)
    return None


class Lease:
    """The revision, read again when its lease has run out.

    Of several requests that need a new reading, one reads and the others wait for it. Thread-safe.

    Args:
        read: Reads the revision; raises ``StoreUnavailable``.
        patience_s: How long a request waits for another one's reading.
        boot: See ``running_clock``; without one no reading is trusted, so each request reads.
        wall: Seconds since 1970.
    """

    def __init__(
        self,
        read: Callable[[], Reading],
        patience_s: float,
        *,
        boot: Seconds | None = None,
        wall: Seconds = time.time,
    ) -> None:
        self._read = read
        self._patience_s = patience_s
        self._boot: Seconds = boot or (lambda: math.inf)  # at which every lease has run out
        self._wall = wall
        self._held = _NOTHING
        self._shared = True
        self._lock = threading.Lock()
        self._flight: _Flight | None = None

    def revision(self) -> Hashable:
        """The revision, as it was at most one lease ago.

        Raises:
            StoreUnavailable: It can't be read.
        """
        renew, _, wall_from, wall_until, revision = self._held
        if self._boot() < renew and wall_from <= self._wall() < wall_until:
            return revision
        return self._renewed()

    def after_fork(self) -> None:
        """Forget what other threads were doing: in a child they are not there any more."""
        self._lock = threading.Lock()
        self._flight = None

    def _renewed(self) -> Hashable:
        while self._shared:
            held = self._held
            holds = held.holds(self._boot(), self._wall())
            with self._lock:
                flight, mine = self._flight, self._flight is None
                if flight is None:
                    flight = self._flight = _Flight()
            if mine:
                return self._fly(flight, held if holds else None)
            if holds:
                return held.revision
            if not flight.landed.wait(self._patience_s):
                raise StoreUnavailable("the database did not answer in time")
            if flight.failure is not None:
                raise StoreUnavailable(flight.failure)
            held = self._held
            if held.holds(self._boot(), self._wall()):
                return held.revision
            # It took longer than the lease, so it says nothing to those who came later.
        return self._read_now()  # there is no lease, so nobody's reading serves another

    def _fly(self, flight: _Flight, held: _Held | None) -> Hashable:
        """Read, for all who wait; ``held`` is what still holds meanwhile."""
        try:
            return self._read_now()
        except StoreUnavailable as error:
            flight.failure = error.detail or "the revision can't be read"
            if held is None:
                raise
            # A lease is a promise of the writers, which a failure doesn't take back.
            self._held = held._replace(renew=held.until)
            return held.revision
        finally:
            with self._lock:
                if self._flight is flight:
                    self._flight = None
            flight.landed.set()

    def _read_now(self) -> Hashable:
        boot, wall = self._boot(), self._wall()  # before the reading
        revision, lease_s = self._read()
        self._shared = lease_s > 0
        self._held = _Held(
            boot + lease_s * RENEW_AT, boot + lease_s, wall, wall + lease_s, revision
        )
        return revision
