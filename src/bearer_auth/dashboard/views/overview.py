"""What needs attention, and how much is used."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from flask import Blueprint, render_template

from .. import filters
from ..rows import Row
from ..site import site, user

overview = Blueprint("overview", __name__)

SHOWN = 5
"""Keys under each heading."""

COUNTED = 50
"""Keys that are counted; beyond, the page says "more than"."""

REFUSALS = 20
"""Refusals in a week that are many."""

WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Concern:
    """Keys that need attention for one reason."""

    kind: str
    rows: list[Row]
    count: int
    more: bool


@overview.get("/overview")
def show() -> str:
    """The overview."""
    concerns = [_concern(kind) for kind in ("ending", "unused", "endless")]
    refused = _refused()
    return render_template(
        "overview.html",
        concerns=[concern for concern in concerns if concern.rows or concern.more],
        looked_at=filters.SCAN,
        refused=refused,
        days=site().days(),
    )


def _concern(kind: str) -> Concern:
    here = site()
    page = here.store.find(filters.attention(kind, user(), here.keyring.now(), COUNTED))
    rows = [here.row(record, page.usage.get(record.key_id)) for record in page[:SHOWN]]
    return Concern(kind, rows, len(page), page.next_cursor is not None)


def _refused() -> list[tuple[Row, int]]:
    here = site()
    if here.history is None:
        return []
    since = (here.keyring.now() - WEEK).date()
    most = here.history.most_refused(since, limit=SHOWN, **user().key_filter)
    found: list[tuple[Row, int]] = []
    for key_id, count in most:
        record = here.keyring.get(key_id)
        if record is not None and user().may_see(record) and count >= REFUSALS:
            found.append((here.row(record), count))
    return found
