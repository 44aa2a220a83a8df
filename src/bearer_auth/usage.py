"""When keys were last used, written beside the request: a bounded buffer and one daemon thread.

A request only counts in memory. Once every few seconds the thread writes what has gathered, one
narrow batch a process. What the store refuses is dropped and counted, never retried: a usage time
is no reason to slow a request or to fill the memory.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import weakref
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from .cache import Accepted
from .stores import Use

logger = logging.getLogger("bearer_auth")

INTERVAL_S = 5.0
"""Seconds between two writes."""

MAX_PENDING = 65_536
"""Credentials that can wait to be written."""


class UsageRecorder:
    """Gathers uses and hands them to a store.

    Args:
        record_used: The store's method.

    Attributes:
        dropped: Uses that were not written down, because the store or the buffer could not.
    """

    def __init__(self, record_used: Callable[[Sequence[Use]], None]) -> None:
        self._record_used = record_used
        self._pending: list[Accepted] = []
        self._flushing = threading.Lock()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None
        self._failing = False
        self.dropped = 0
        _recorders.add(self)

    def add(self, accepted: Accepted) -> None:
        """Take a credential that has not been waiting yet."""
        if len(self._pending) >= MAX_PENDING:
            self.dropped += 1
            return
        self._pending.append(accepted)
        if self._thread is None and not self._closed.is_set():
            self._thread = threading.Thread(
                target=_run, args=(weakref.ref(self), self._closed), daemon=True, name="bearer_auth"
            )
            self._thread.start()

    def flush(self) -> None:
        """Write what has gathered."""
        with self._flushing:
            pending, self._pending = self._pending, []
            gathered: dict[tuple[str, str], tuple[float, int]] = {}
            for accepted in pending:
                uses, accepted.uses = accepted.uses, 0
                key = (accepted.principal.key_id, accepted.secret_id)
                last, count = gathered.get(key, (0.0, 0))
                gathered[key] = (max(last, accepted.last_used), count + uses)
            if not gathered:
                return
            batch = [
                Use(key_id, secret_id, datetime.fromtimestamp(at, UTC), uses)
                for (key_id, secret_id), (at, uses) in gathered.items()
            ]
            try:
                self._record_used(batch)
                self._failing = False
            except Exception as error:
                self.dropped += sum(use.uses for use in batch)
                if not self._failing:
                    self._failing = True
                    logger.error("usage times were dropped: %s", type(error).__name__)

    def close(self) -> None:
        """Write what has gathered and end the thread."""
        self._closed.set()
        self.flush()

    def after_fork(self) -> None:
        """Start afresh in a child: what was waiting is the parent's to write."""
        for accepted in self._pending:
            accepted.uses = 0
        self._pending = []
        self._flushing = threading.Lock()
        self._closed = threading.Event()
        self._thread = None


# Only to reach the recorders when this process forks or ends; none is found or shared through it.
_recorders: weakref.WeakSet[UsageRecorder] = weakref.WeakSet()


def _run(recorder: weakref.ref[UsageRecorder], closed: threading.Event) -> None:
    # A weak reference, so that a recorder that nobody holds any more ends its thread.
    while not closed.wait(INTERVAL_S):
        alive = recorder()
        if alive is None:
            return
        alive.flush()
        del alive


def _after_fork() -> None:
    for recorder in list(_recorders):
        recorder.after_fork()


def _at_exit() -> None:
    for recorder in list(_recorders):
        recorder.close()


os.register_at_fork(after_in_child=_after_fork)
atexit.register(_at_exit)
