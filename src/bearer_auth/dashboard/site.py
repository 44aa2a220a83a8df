"""What the pages have in common: the keyring and whoever asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, cast

from flask import current_app, g, request
from werkzeug.exceptions import NotFound

from ..keyring import Keyring
from ..records import KeyRecord
from ..stores import Usage, WritableKeyStore
from .chart import Day
from .grants import GrantsFor
from .guard import Forms
from .people import DashboardUser, Identify
from .rows import Row, row
from .texts import Texts

if TYPE_CHECKING:
    from ..audit import History

EXTENSION = "bearer_auth.dashboard"

CHART_DAYS = 30


@dataclass(frozen=True, slots=True)
class Site:
    """What a dashboard was made of."""

    keyring: Keyring
    store: WritableKeyStore
    identify: Identify
    grants: GrantsFor
    history: History | None
    forms: Forms
    login_url: str | None
    api_url: str | None
    texts: Texts

    def acting(self) -> Keyring:
        """The keyring on behalf of whoever is signed in."""
        return self.keyring.acting(
            user().user_id,
            address=request.remote_addr,
            request_id=request.environ.get("bearer_auth.request_id"),
        )

    def own(self, key_id: str) -> KeyRecord:
        """A key that whoever is signed in may see.

        Raises:
            NotFound: There is none, or it is somebody else's: the two look the same.
        """
        record = self.keyring.get(key_id)
        if record is None or not user().may_see(record):
            raise NotFound
        return record

    def row(self, record: KeyRecord, usage: Usage | None = None) -> Row:
        """A key as the pages show it now."""
        return row(record, usage, self.keyring.prefix, self.keyring.now())

    def days_of(self, row: Row) -> list[Day]:
        """Uses and refusals of a key in the last 30 days."""
        return self._days(row.usage.days, key_id=row.record.key_id)

    def days(self) -> list[Day]:
        """The same of all keys that are theirs to see."""
        whose = user().key_filter
        # Optional: a store need not count.
        by_day = cast(
            "Callable[..., Mapping[date, int]] | None", getattr(self.store, "uses_by_day", None)
        )
        return self._days({} if by_day is None else by_day(self._first_day(), **whose), **whose)

    def _first_day(self) -> date:
        return self.keyring.now().date() - timedelta(days=CHART_DAYS - 1)

    def _days(self, uses: Mapping[date, int], **whose: Any) -> list[Day]:
        first = self._first_day()
        refusals: Mapping[date, int] = {}
        if self.history is not None:
            refusals = self.history.refusals_by_day(first, **whose)
        days = [first + timedelta(days=n) for n in range(CHART_DAYS)]
        return [Day(day, uses.get(day, 0), refusals.get(day, 0)) for day in days]


def site() -> Site:
    """The dashboard that this request goes to."""
    return cast("Site", current_app.extensions[EXTENSION])


def user() -> DashboardUser:
    """Who is signed in; every view has somebody."""
    return cast("DashboardUser", g.dashboard_user)
