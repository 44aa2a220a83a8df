"""Events as they come, none missed and none twice."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator

from ..events import Event
from .table import EventTable, Filters

OVERLAP_S = 15.0
"""How long after a row was written another one may still appear before it."""

BEFORE = 1000
"""Ids before the first that is followed, whose rows may still appear."""


class Follower:
    """Reads events that were not read before.

    A database hands out ids when rows are inserted, and shows them when they are committed: a
    lower id can appear after a higher one. So the ids of the last seconds are read again each time,
    and those that were seen are remembered.

    Args:
        table: The table.
        filters: Which events.
        clock: Seconds that only move forward.
    """

    def __init__(
        self, table: EventTable, filters: Filters, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._table = table
        self._filters = filters
        self._clock = clock
        self._low = max(0, table.highest() - BEFORE)
        self._seen = set(table.ids(filters, self._low))
        self._highest: deque[tuple[float, int]] = deque()

    def saw(self, ids: Iterable[int]) -> None:
        """Count these as read."""
        self._seen.update(ids)

    def more(self) -> Iterator[Event]:
        """The events that have come since."""
        now, highest = self._clock(), self._table.highest()
        new = [id_ for id_ in self._table.ids(self._filters, self._low) if id_ not in self._seen]
        for id_, event in self._table.with_ids(new):
            self._seen.add(id_)  # at once: the database may fail before the last one
            yield event
        self._highest.append((now, highest))
        low = self._low
        while self._highest and self._highest[0][0] <= now - OVERLAP_S:
            self._low = max(self._low, self._highest.popleft()[1])
        if self._low > low:
            self._seen = {id_ for id_ in self._seen if id_ > self._low}
