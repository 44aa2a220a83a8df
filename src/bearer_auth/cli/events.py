"""``bearer-auth events``: what the database knows of what happened."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from ..errors import StoreUnavailable
from ..events import NAMES, Event
from .errors import Code, Command, Failure, one_line, printable
from .options import duration, examples, key_id, moment, pass_context, store_option
from .output import Cell, iso, note, utc_now, write_table
from .store import Context, event_table

if TYPE_CHECKING:
    from ..audit.table import EventTable, Filters

POLL_S = 1.0
"""Seconds between two looks for more."""

_COLUMNS = ("time", "event", "key", "user", "status", "reason", "request", "address", "data")
_TEXT = ("user", "reason", "data")
_SPARE = ("data", "request", "address", "user")


def _when(text: str) -> datetime:
    """A date, a date and a time, or a duration that ends now."""
    try:
        return utc_now() - duration(text)
    except click.BadParameter:
        pass
    try:
        return moment(text)
    except click.BadParameter:
        raise click.BadParameter(
            "write a duration such as 2h, a date such as 2030-01-31, or 2030-01-31T12:00:00Z"
        ) from None


def _name(text: str) -> str:
    """The name of an event, or the beginning of names and a star."""
    if text.endswith("*") or text in NAMES:
        return text
    raise click.BadParameter(
        f"no event has the name {text!r}; write one of {', '.join(sorted(NAMES))}, or the "
        "beginning of names and a star, such as 'key.*'"
    )


@click.command(
    "events",
    cls=Command,
    epilog=examples(
        "bearer-auth events --since 24h --name 'key.*'",
        "bearer-auth events --key 3fQ7mZ0aKx9LpR2T --all --json",
        "bearer-auth events --follow --name request.refused",
    ),
)
@click.option("--key", "key_id", metavar="KEY_ID", type=key_id, help="Of this key.")
@click.option("--user", "user_id", metavar="ID", help="Of this owner.")
@click.option("--tenant", "tenant_id", metavar="ID", help="Of this tenant.")
@click.option(
    "--name",
    "names",
    metavar="NAME",
    type=_name,
    multiple=True,
    help="With this name, such as request.refused or key.*. Repeat it for more.",
)
@click.option("--since", type=_when, metavar="WHEN", help="From then on: 2h, or 2030-01-31 (UTC).")
@click.option("--until", type=_when, metavar="WHEN", help="Before that.")
@click.option(
    "--limit",
    type=click.IntRange(0, 10_000),
    default=50,
    show_default=True,
    help="Show only so many, the last ones.",
)
@click.option("--all", "everything", is_flag=True, help="All of them, however many.")
@click.option("--follow", is_flag=True, help="Go on with those that come, until Ctrl-C.")
@store_option
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON, an object a line.")
@pass_context
def events(
    context: Context,
    /,
    limit: int,
    everything: bool,
    follow: bool,
    as_json: bool,
    **filters: Any,
) -> None:
    """Show the events in the database, the oldest first. Every filter that is given must hold.

    Changes of keys that are made with this command are there, and what an app tells to a
    SQLEventSink.
    """
    from ..audit.table import Filters

    if everything and follow:
        raise click.UsageError("give --all or --follow, not both")
    table, asked = event_table(context.open()), Filters(**filters)
    if table is None:
        raise Failure("these keys are not in a database, which events are kept in", Code.STORE)
    if follow:
        _write_lines(_followed(table, asked, limit), as_json)
    found = table.all(asked) if everything else (e for _, e in table.newest(asked, limit))
    if as_json:
        _write_lines(found, as_json)
        return
    shown = _Counted(found)
    write_table(_COLUMNS, map(_row, shown), text=_TEXT, spare=_SPARE)
    if not shown.count:
        note("No event matches.")


class _Counted:
    """Counts what it yields."""

    def __init__(self, items: Iterable[Event]) -> None:
        self._items = items
        self.count = 0

    def __iter__(self) -> Iterator[Event]:
        for item in self._items:
            self.count += 1
            yield item


def _followed(table: EventTable, filters: Filters, limit: int) -> Iterator[Event]:
    from ..audit.follow import Follower

    follower = Follower(table, filters)
    newest = table.newest(filters, limit) if limit else []
    follower.saw(id_ for id_, _ in newest)
    yield from (event for _, event in newest)
    away = False
    while True:
        try:
            yield from follower.more()
            away = False
        except StoreUnavailable as error:
            if not away:
                note(f"{one_line(str(error))}; trying again")
            away = True
        time.sleep(POLL_S)  # no database here tells of new rows by itself


def _write_lines(found: Iterable[Event], as_json: bool) -> None:
    for event in found:
        if as_json:
            click.echo(json.dumps(_as_dict(event)))
        else:
            words = [f"{iso(event.at)} {event.name}"]
            for name, value in _as_dict(event).items():
                if name not in ("at", "name") and value not in (None, "", {}):
                    plain = isinstance(value, (str, int))
                    words.append(f"{name}={value if plain else json.dumps(value)}")
            click.echo(_one_line(" ".join(words)))


def _as_dict(event: Event) -> dict[str, Any]:
    return {
        "at": iso(event.at),
        "name": event.name,
        "key_id": event.key_id,
        "user_id": event.user_id,
        "tenant_id": event.tenant_id,
        "request_id": event.request_id,
        "status": event.status,
        "reason": event.reason,
        "address": event.address,
        "data": dict(event.data),
    }


def _row(event: Event) -> list[Cell]:
    status = None if event.status is None else str(event.status)
    data = json.dumps(event.data) if event.data else None
    who = (event.key_id, event.user_id, status, event.reason, event.request_id, event.address)
    cells = (iso(event.at), event.name, *who, data)
    return [cell and _one_line(cell) for cell in cells]


def _one_line(text: str) -> str:
    return printable(text).replace("\n", "\\n")
