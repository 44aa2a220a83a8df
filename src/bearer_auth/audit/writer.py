"""Events on their way to the table: a bounded buffer and one daemon thread.

A request only appends to the buffer. What a database refuses waits there and is tried again, and
what no longer fits is dropped and counted. See docs/decisions/0008-usage-thread.md for the thread.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
import weakref
from collections import deque
from datetime import timedelta

from ..errors import StoreUnavailable
from ..events import SUCCESSES, Event
from .table import PRUNED, EventTable

logger = logging.getLogger("bearer_auth")

INTERVAL_S = 1.0
"""Seconds between two writes."""

BATCH = 500
"""Events in a transaction."""

MAX_WAITING = 10_000
"""Events that can wait to be written, and as many again of changes of keys."""

PRUNE_S = 60.0
"""Seconds between two looks for events that are too old."""

CLOSE_S = 2.0
"""How long the end of a process waits for a database."""

_RETRY_S = 0.05


class EventWriter:
    """A sink that gathers events and appends them to a table.

    Args:
        table: The table.
        keep: How long events are kept; ``None``: this one deletes none.
        successes: Whether requests that succeed are written, too.

    Attributes:
        dropped: Events that were not written, because the database could not and the buffer was
            full.
    """

    def __init__(
        self, table: EventTable, *, keep: timedelta | None = None, successes: bool = False
    ) -> None:
        self._table = table
        self._keep = keep
        self._successes = successes
        self._prune_at = 0.0
        self._failing: StoreUnavailable | None = None
        self._dropped_said = False
        self.dropped = 0
        self._waiting: deque[Event] = deque()
        self._lock = threading.Lock()
        self._flushing = threading.Lock()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None
        _writers.add(self)

    def wants(self, name: str) -> bool:
        """Whether events of this name are written."""
        return self._successes or name not in SUCCESSES

    def emit(self, event: Event) -> None:
        """Take an event; it is written a moment later."""
        waiting = len(self._waiting)
        if waiting >= MAX_WAITING and not self._has_room_for(event, waiting):
            self._drop()
            return
        self._waiting.append(event)
        if self._thread is None:
            self._start_thread()

    def flush(self) -> bool:
        """Write what waits; whether all of it was written."""
        with self._flushing:
            for _ in range(2 * MAX_WAITING // BATCH + 1):
                batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
                if batch and not self._append(batch):
                    return False
                self._prune()
                if not self._waiting:
                    break
        return not self._waiting

    def close(self) -> None:
        """Write what waits and end the thread; give up on a database that can't be reached."""
        thread, closed = self._thread, self._closed
        self._thread, self._closed = None, threading.Event()
        closed.set()
        if thread is None:
            self.finish()
        else:
            thread.join(CLOSE_S + INTERVAL_S)  # it writes before it ends
        left = len(self._waiting)
        if left:
            logger.error("%d events were not written: the database can't be reached", left)

    def finish(self) -> None:
        """Write what waits, for the last time: the database may be busy for a moment."""
        give_up = time.monotonic() + CLOSE_S
        while not self.flush() and time.monotonic() < give_up:
            if self._failing is not None and self._failing.reason == "tables":
                return
            time.sleep(_RETRY_S)  # the process ends: nobody waits but who ends it

    def after_fork(self) -> None:
        """Start afresh in a child: what was waiting is the parent's to write."""
        self._waiting = deque()
        self._lock = threading.Lock()
        self._flushing = threading.Lock()
        self._closed = threading.Event()
        self._thread = None

    def _has_room_for(self, event: Event, waiting: int) -> bool:
        # Changes of keys are few, or come from a bulk that can wait for a write.
        if not event.name.startswith("key."):
            return False
        return waiting < 2 * MAX_WAITING or (self._failing is None and self.flush())

    def _append(self, batch: list[Event]) -> bool:
        try:
            self._table.append(batch)
        except BaseException as error:
            self._waiting.extendleft(reversed(batch))
            if not isinstance(error, Exception):
                raise
            self._failed(error)
            return False
        if self._failing is not None or self._dropped_said:
            self._failing, self._dropped_said = None, False
            logger.error("events are written again; %d were dropped so far", self.dropped)
        return True

    def _failed(self, error: Exception) -> None:
        first = self._failing is None
        if not isinstance(error, StoreUnavailable):
            error = StoreUnavailable(type(error).__name__)
        self._failing = error
        if first:
            logger.error("events can't be written, at most %d wait: %s", MAX_WAITING, error)

    def _drop(self) -> None:
        with self._lock:
            self.dropped += 1
            first, self._dropped_said = not self._dropped_said, True
        if first:
            logger.error("events are dropped: more than %d wait to be written", MAX_WAITING)

    def _prune(self) -> None:
        if self._keep is None or time.monotonic() < self._prune_at:
            return
        # Before it is tried, so that a failure doesn't come again at once.
        self._prune_at = time.monotonic() + PRUNE_S
        try:
            pruned = self._table.prune(self._keep)
            if self._table.prune_refusals() or pruned == PRUNED:
                self._prune_at = 0.0
        except Exception as error:
            logger.warning("events that are too old were not deleted: %s", type(error).__name__)

    def _start_thread(self) -> None:
        with self._lock:
            if self._thread is not None:
                return
            thread = threading.Thread(
                target=_run,
                args=(weakref.ref(self), self._closed),
                daemon=True,
                name="bearer_auth events",
            )
            try:
                thread.start()
            except RuntimeError:  # no thread to be had: a request must not fail for that
                return
            self._thread = thread


# Only to reach the writers when this process forks or ends; none is found or shared through it.
_writers: weakref.WeakSet[EventWriter] = weakref.WeakSet()


def _run(writer: weakref.ref[EventWriter], closed: threading.Event) -> None:
    while True:
        ended = closed.wait(INTERVAL_S)
        alive = writer()
        if alive is None:
            return
        if ended:
            alive.finish()
            return
        alive.flush()
        del alive


def _after_fork() -> None:
    for writer in list(_writers):
        writer.after_fork()


def _at_exit() -> None:
    for writer in list(_writers):
        writer.close()


if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(after_in_child=_after_fork)
atexit.register(_at_exit)
