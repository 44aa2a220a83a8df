"""What a dashboard asks of the events: the history of a key, and how often was refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Protocol

from ..events import Event


class History(Protocol):
    """Answers what a dashboard asks. ``SQLEventSink`` is one.

    Every method raises ``StoreUnavailable`` if it can't be read.

    .. versionadded:: 0.1
    """

    def history(
        self, key_id: str, *, limit: int = 50, before: str | None = None
    ) -> tuple[Sequence[Event], str | None]:
        """The events of a key, the newest first, and the cursor of the next page.

        Args:
            key_id: The key.
            limit: Events a page, 1 to 1000.
            before: The cursor that came with the page before.

        Raises:
            ConfigurationError: An argument is out of bounds, or ``before`` is no cursor.
        """
        ...

    def refusals_by_day(
        self,
        since: date,
        *,
        key_id: str | None = None,
        user_id: str | None = None,
        tenant_id: str | None = None,
    ) -> Mapping[date, int]:
        """How often requests were refused, by day in UTC; a day without a refusal is missing.

        Args:
            since: The first day.
            key_id: Refusals of this key.
            user_id: Of this owner's keys.
            tenant_id: Of this tenant's keys. Without any of the three: all of them, also those
                of requests without a key that was proven.
        """
        ...

    def most_refused(
        self,
        since: date,
        *,
        user_id: str | None = None,
        tenant_id: str | None = None,
        limit: int = 10,
    ) -> Sequence[tuple[str, int]]:
        """The ids of the keys that were refused most often, most first, with how often.

        Args:
            since: The first day, in UTC.
            user_id: Keys of this owner.
            tenant_id: Keys of this tenant.
            limit: How many, 1 to 1000.

        Raises:
            ConfigurationError: ``limit`` is out of bounds.
        """
        ...
