"""How often one address may try keys that nobody knows, bounded in memory and without a thread."""

from __future__ import annotations

import ipaddress
import math
import threading
import time
from collections.abc import Callable

from ..errors import RateLimited
from .windows import Reading, wait_s

ADDRESSES = 65_536
"""Addresses that are counted at a time; beyond, the oldest of them is forgotten."""


class FailureLimit:
    """Counts failed authentications by client address, in this process.

    Args:
        most: Failures in a window.
        length_s: The length of the window in seconds.
        clock: Seconds that never go back.
    """

    def __init__(
        self, most: int, length_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = most
        self._length_s = length_s
        self._clock = clock
        self._lock = threading.Lock()
        self._window = 0
        self._counted: dict[str, int] = {}
        self._before: dict[str, int] = {}

    def begin(self, address: str | None) -> None:
        """Count an attempt, before it may cost anything.

        Args:
            address: REMOTE_ADDR.

        Raises:
            RateLimited: There were too many from there.
        """
        who = network_of(address)
        with self._lock:
            left_s = self._shift()
            counted, before = self._counted.get(who, 0), self._before.get(who, 0)
            reading = Reading(False, before, left_s if before else 0.0, counted, left_s)
            wait = wait_s(reading, self._most, self._length_s)
            if wait > 0:
                raise RateLimited(max(1, math.ceil(wait)), reason="failures")
            if counted == 0 and len(self._counted) >= ADDRESSES:
                del self._counted[next(iter(self._counted))]
            self._counted[who] = counted + 1

    def forgive(self, address: str | None) -> None:
        """The attempt was none that failed."""
        who = network_of(address)
        with self._lock:
            counted = self._counted.get(who, 0)
            if counted > 1:
                self._counted[who] = counted - 1
            else:
                self._counted.pop(who, None)

    def _shift(self) -> float:
        """Go on to the current window; seconds until its end."""
        windows, into_s = divmod(self._clock(), self._length_s)
        passed = int(windows) - self._window
        if passed:
            self._before = self._counted if passed == 1 else {}
            self._counted = {}
            self._window = int(windows)
        return self._length_s - into_s


def network_of(address: str | None) -> str:
    """What is counted as one: an IPv4 address, or the /64 of an IPv6 one, which is what one site
    has at least (RFC 6177)."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return ""
    mapped = getattr(parsed, "ipv4_mapped", None)  # ::ffff:192.0.2.1 (RFC 4291 §2.5.5.2)
    if mapped is not None:
        return str(mapped)
    if parsed.version == 4:
        return str(parsed)
    return str(ipaddress.ip_network((int(parsed), 64), strict=False))
