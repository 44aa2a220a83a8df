"""Requests remembered in the process: for one process with threads, for development and tests."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from ..errors import StoreUnavailable
from .records import KEEP, LEASE, PER_KEY, Answer, Found, check_times, no_room

MAX_RECORDS = 100_000
"""Requests that are remembered in all."""

MAX_BYTES = 256 * 1024 * 1024
"""Bytes of answers that are remembered in all; of one key a sixteenth of it."""

_SHARE = 16

_BATCH = 100
"""Records that have expired and are removed by one claim, at most."""


@dataclass(slots=True)
class _Record:
    fingerprint: str
    fence: str
    lease_until: float
    expires_at: float
    done: bool = False
    answer: Answer | None = None


class MemoryIdempotencyStore:
    """Remembers requests in this process. Each process has its own: with several workers, a repeat
    that reaches another one is done again, so use one of the other stores there.

    Args:
        lease: How long a claim holds that isn't renewed; longer than a request may run.
        keep: How long an answer is remembered.
        records_per_key: Requests remembered for one API key; more are refused with 429.
        max_records: Requests remembered in all; more are refused with 503.
        max_bytes: Bytes of answers in all, a sixteenth of it for one API key; beyond, answers
            aren't kept, and their repeats refused.
        clock: Seconds that never go back.

    Raises:
        TypeError: A time isn't a timedelta.
        ConfigurationError: A value is out of bounds.

    .. versionadded:: 0.1
    """

    def __init__(
        self,
        *,
        lease: timedelta = LEASE,
        keep: timedelta = KEEP,
        records_per_key: int = PER_KEY,
        max_records: int = MAX_RECORDS,
        max_bytes: int = MAX_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._times = check_times(lease, keep, records_per_key)
        self.lease = lease
        self._max_records = max_records
        self._max_bytes = max_bytes
        self._clock = clock
        self._lock = threading.Lock()
        # In the order in which they expire: all are kept for as long.
        self._records: OrderedDict[tuple[str, str], _Record] = OrderedDict()
        self._of_key: dict[str, OrderedDict[str, None]] = {}
        self._bytes: dict[str, int] = {}
        self._all_bytes = 0

    def claim(self, key_id: str, value: str, fingerprint: str, fence: str) -> Found | None:
        """Claim a request, if nobody has it."""
        with self._lock:
            now = self._clock()
            self._prune(now)
            record = self._records.get((key_id, value))
            if record is not None and record.done and record.expires_at <= now:
                self._drop(key_id, value)
                record = None
            if record is not None:
                if record.done:
                    return Found(record.fingerprint, None, record.answer)
                if record.fence == fence:
                    return None
                left = record.lease_until - now
                if left > 0 or record.fingerprint != fingerprint:
                    return Found(record.fingerprint, max(left, 0.0))
                self._drop(key_id, value)
            mine = self._of_key.get(key_id) or OrderedDict[str, None]()
            if len(mine) >= self._times.per_key:
                oldest = self._records[key_id, next(iter(mine))]
                raise no_room(key_id, oldest.expires_at - now)
            if len(self._records) >= self._max_records:
                raise StoreUnavailable("MemoryIdempotencyStore: full; raise max_records")
            self._records[key_id, value] = _Record(
                fingerprint, fence, now + self._times.lease_s, now + self._times.keep_s
            )
            self._of_key.setdefault(key_id, OrderedDict())[value] = None
            return None

    def renew(self, key_id: str, value: str, fence: str) -> bool:
        """Have the lease begin anew; whether the claim still held."""
        with self._lock:
            record = self._records.get((key_id, value))
            if record is None or record.fence != fence:
                return False
            record.lease_until = self._clock() + self._times.lease_s
            return True

    def finish(self, key_id: str, value: str, fence: str, answer: Answer | None) -> bool:
        """Remember the answer; whether the claim still held."""
        with self._lock:
            record = self._records.get((key_id, value))
            if record is None or record.fence != fence:
                return False
            if not record.done:
                record.done = True
                record.answer = self._fitting(key_id, answer)
            return True

    def forget(self, key_id: str, value: str, fence: str) -> bool:
        """Let the request be claimed anew; whether the claim still held."""
        with self._lock:
            record = self._records.get((key_id, value))
            if record is None or record.fence != fence:
                return False
            self._drop(key_id, value)
            return True

    def close(self) -> None:
        """There is nothing to close."""

    def _fitting(self, key_id: str, answer: Answer | None) -> Answer | None:
        if answer is None:
            return None
        size = len(answer.body)
        mine = self._bytes.get(key_id, 0) + size
        if mine > self._max_bytes // _SHARE or self._all_bytes + size > self._max_bytes:
            return None
        self._bytes[key_id] = mine
        self._all_bytes += size
        return answer

    def _prune(self, now: float) -> None:
        for _ in range(min(_BATCH, len(self._records))):
            (key_id, value), record = next(iter(self._records.items()))
            if record.expires_at > now:
                return
            if not record.done and record.lease_until > now:
                self._records.move_to_end((key_id, value))  # it streams for longer than that
                record.expires_at = now + self._times.keep_s
                continue
            self._drop(key_id, value)

    def _drop(self, key_id: str, value: str) -> None:
        record = self._records.pop((key_id, value))
        mine = self._of_key[key_id]
        del mine[value]
        size = len(record.answer.body) if record.answer else 0
        self._all_bytes -= size
        if mine:
            self._bytes[key_id] = self._bytes.get(key_id, 0) - size
        else:
            del self._of_key[key_id]
            self._bytes.pop(key_id, None)
