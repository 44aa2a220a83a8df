"""Tells the events of keys that will end soon, and of keys that nobody uses."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from .events import Emitter, EventSink
from .keyring import Keyring
from .records import KeyRecord
from .stores import MAX_PAGE, Page
from .values import Clock, check_clock


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep has found.

    Attributes:
        expiring: Active keys that end soon.
        idle: Active keys that were not used for long.
    """

    expiring: int = 0
    idle: int = 0


def sweep(
    keyring: Keyring,
    *,
    expiring: timedelta = timedelta(days=7),
    unused: timedelta = timedelta(days=90),
    event_sink: EventSink | None = None,
    clock: Clock = time.time,
) -> Swept:
    """Tell ``key.expiring`` and ``key.idle`` of the active keys that this holds for.

    Nothing is written, so the next sweep tells them again: run it once a day, say.

    Args:
        keyring: The keys.
        expiring: The key ends within this time.
        unused: It was not used for this long, nor made within this time.
        event_sink: As for ``Keyring``.
        clock: Seconds since 1970; for tests.

    Raises:
        ConfigurationError: A time is negative or too long.
        ReadOnlyStore: The store has no list of its keys.
        StoreUnavailable: The store can't answer.

    .. versionadded:: 0.1
    """
    emitter, now = Emitter(event_sink), datetime.fromtimestamp(check_clock(clock)(), UTC)
    ending = idle = 0
    for record, _ in _all(keyring, expires_within=expiring):
        ending += 1
        assert record.expires_at is not None
        left = int((record.expires_at - now).total_seconds())
        _tell(emitter, "key.expiring", record, left_s=left)
    for record, page in _all(keyring, unused_for=unused):
        idle += 1
        usage = page.usage.get(record.key_id)
        last = (usage and usage.last_used_at) or record.created_at
        _tell(emitter, "key.idle", record, idle_s=int((now - last).total_seconds()))
    return Swept(ending, idle)


def _all(keyring: Keyring, **filters: Any) -> Iterator[tuple[KeyRecord, Page]]:
    after = None
    while True:
        page = keyring.list(status="active", limit=MAX_PAGE, after=after, **filters)
        for record in page:
            yield record, page
        after = page.next_cursor
        if after is None:
            return


def _tell(emitter: Emitter, name: str, record: KeyRecord, **data: int) -> None:
    emitter.emit(
        name, key_id=record.key_id, user_id=record.user_id, tenant_id=record.tenant_id, data=data
    )
