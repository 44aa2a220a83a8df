"""When keys were last used, written beside the request: a bounded buffer and one daemon thread.

A request only counts in memory. Once every few seconds the thread writes what has gathered, one
narrow batch a process. What the store refuses is dropped and counted, never retried: a usage time
is no reason to slow a request or to fill the memory.
"""

from __future__ import annotations

import atexit
import ipaddress
import logging
import os
import threading
import weakref
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from time import monotonic

from .cache import Accepted
from .stores import Use

logger = logging.getLogger("bearer_auth")

INTERVAL_S = 5.0
"""Seconds between two writes."""

MAX_PENDING = 65_536
"""Credentials that can wait to be written."""

SAY_AGAIN_S = 60.0
"""Seconds until the log says again that the buffer is full."""

CLOSE_S = 2.0
"""How long the end of a process waits for a store that blocks."""


class UsageRecorder:
    """Gathers uses and hands them to a store.

    Args:
        record_used: The store's method.

    Attributes:
        batch: Stands for the batch that is being gathered. A credential that carries it is in.
        dropped: Uses that were not written down, because the store or the buffer could not.
    """

    def __init__(self, record_used: Callable[[Sequence[Use]], None]) -> None:
        self._record_used = record_used
        self._pending: dict[tuple[str, str], Accepted] = {}
        self._gathered: dict[tuple[str, str], Accepted] = {}
        self._lock = threading.Lock()
        self._flushing = threading.Lock()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None
        self._failing = False
        self._unsaid = 0
        self._quiet_until = 0.0
        self.batch = object()
        self.dropped = 0
        _recorders.add(self)

    def add(self, accepted: Accepted) -> None:
        """Take a credential that is not in the batch yet."""
        with self._lock:
            taken = self._take(accepted)
        if not taken:
            self._say_full()

    def flush(self) -> None:
        """Write what has gathered."""
        with self._flushing:
            with self._lock:
                # Both can be seen from a child that is forked now.
                self._gathered, self._pending = self._pending, {}
                self.batch = object()
            batch: list[Use] = []
            for (key_id, secret_id), accepted in self._gathered.items():
                uses, accepted.uses = accepted.uses, 0
                at = datetime.fromtimestamp(accepted.last_used, UTC)
                batch.append(Use(key_id, secret_id, at, uses, _plain(accepted.address)))
            self._gathered = {}
            self._say_full()
            if not batch:
                return
            try:
                self._record_used(batch)
                self._failing = False
            except Exception as error:
                lost = sum(use.uses for use in batch)
                with self._lock:
                    self.dropped += lost
                if not self._failing:
                    self._failing = True
                    logger.error("usage times were dropped: %s", type(error).__name__)

    def close(self) -> None:
        """Write what has gathered and end the thread; give up on a store that blocks."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join(CLOSE_S)  # it writes before it ends
            if self._thread.is_alive():
                logger.error("usage times were dropped: the store blocks")
                return
        self.flush()

    def after_fork(self) -> None:
        """Start afresh in a child: what was waiting is the parent's to write."""
        for accepted in (*self._pending.values(), *self._gathered.values()):
            accepted.uses = 0
        self._pending, self._gathered = {}, {}
        self._unsaid = 0
        self._lock = threading.Lock()
        self._flushing = threading.Lock()
        self._closed = threading.Event()
        self._thread = None
        self.batch = object()

    def _take(self, accepted: Accepted) -> bool:
        secret = (accepted.principal.key_id, accepted.secret_id)
        earlier = self._pending.get(secret)
        if earlier is None and len(self._pending) >= MAX_PENDING:
            self.dropped += accepted.uses
            self._unsaid += accepted.uses
            accepted.uses = 0
            return False
        if earlier is not None and earlier is not accepted:
            # The same secret, read anew: a store without a revision is read on each request.
            accepted.uses += earlier.uses
            earlier.uses, earlier.batch = 0, None
        accepted.batch = self.batch
        self._pending[secret] = accepted
        if self._thread is None and not self._closed.is_set():
            self._thread = self._start_thread()
        return True

    def _say_full(self) -> None:
        with self._lock:
            if not self._unsaid or monotonic() < self._quiet_until:
                return
            uses, self._unsaid = self._unsaid, 0
            self._quiet_until = monotonic() + SAY_AGAIN_S
        logger.error("uses were dropped, as the buffer is full: %d", uses)

    def _start_thread(self) -> threading.Thread | None:
        thread = threading.Thread(
            target=_run, args=(weakref.ref(self), self._closed), daemon=True, name="bearer_auth"
        )
        try:
            thread.start()
        except RuntimeError:  # no thread to be had: a request must not fail for that
            return None
        return thread


def _plain(address: str | None) -> str | None:
    """An IP address in its one spelling; behind a careless proxy it may be any text."""
    if address is None:
        return None
    try:
        return str(ipaddress.ip_address(address.partition("%")[0]))
    except ValueError:
        return None


# Only to reach the recorders when this process forks or ends; none is found or shared through it.
_recorders: weakref.WeakSet[UsageRecorder] = weakref.WeakSet()


def _run(recorder: weakref.ref[UsageRecorder], closed: threading.Event) -> None:
    # A weak reference, so that a recorder that nobody holds any more ends its thread.
    ended = False
    while not ended:
        ended = closed.wait(INTERVAL_S)
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


if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(after_in_child=_after_fork)
atexit.register(_at_exit)
