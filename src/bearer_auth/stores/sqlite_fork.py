"""No SQLite connection may be open while the process forks.

Not only is an inherited connection useless. SQLite remembers per process which locks it holds on a
file, and a child inherits that memory but not the locks: a *new* connection of the child to the
same file then believes them held and takes none, so that another process may delete the
write-ahead log under it. What isn't open can't be inherited: before a fork the connections are
closed, and each side opens its own when it next needs one.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Generator
from contextlib import contextmanager
from typing import Protocol

WAIT_S = 5.0
"""How long a fork waits for the transactions of other threads, at most."""


class Closable(Protocol):
    """Something whose connections a fork must not inherit."""

    def before_fork(self) -> None:
        """Close connections, and let nobody open one."""
        ...

    def after_fork_in_parent(self) -> None:
        """Go on."""
        ...

    def after_fork_in_child(self) -> None:
        """Begin anew; locks may be held by threads that are not here any more."""
        ...


class Gate:
    """Lets threads in and out, and shuts when nobody is inside."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside = 0
        self._shut = False

    @contextmanager
    def inside(self) -> Generator[None, None, None]:
        """Be inside."""
        with self._changed:
            self._changed.wait_for(lambda: not self._shut)
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    def shut(self) -> None:
        """Let nobody in, and wait until all are out, ``WAIT_S`` at most."""
        with self._changed:
            self._shut = True
            self._changed.wait_for(lambda: not self._inside, WAIT_S)

    def open(self) -> None:
        """Let threads in again."""
        with self._changed:
            self._shut = False
            self._changed.notify_all()


_guarded: weakref.WeakSet[Closable] = weakref.WeakSet()
_forking = threading.Lock()  # two threads may fork at once
_at_fork: list[Closable] = []


def guard(closable: Closable) -> None:
    """Have it closed before each fork, for as long as it lives."""
    _guarded.add(closable)


def _before() -> None:
    _forking.acquire()
    _at_fork[:] = _guarded
    for closable in _at_fork:
        closable.before_fork()


def _in_parent() -> None:
    while _at_fork:
        _at_fork.pop().after_fork_in_parent()
    _forking.release()


def _in_child() -> None:
    while _at_fork:
        _at_fork.pop().after_fork_in_child()
    _forking.release()


if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
