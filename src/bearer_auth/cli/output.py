"""What the commands print: tables for people, lines for pipes, JSON for programs.

Ids, owners, times and states; never a hash. A token appears only where a command hands one out.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from textwrap import indent
from types import MappingProxyType
from typing import Any

import click

from ..records import IssuedKey, KeyRecord
from ..stores import Usage
from .checks import Finding
from .errors import Code, Failure, printable

Cell = str | datetime | None

_SHORTENED = 8  # characters that stay of a text at least

_COLORS = {
    "active": "green",
    "suspended": "yellow",
    "expired": "red",
    "revoked": "red",
    "ok": "green",
    "warning": "yellow",
    "error": "red",
}


def record_to_dict(
    record: KeyRecord, *, now: datetime, usage: Usage | None = None
) -> dict[str, Any]:
    """A record as JSON values, without its hashes.

    Args:
        record: The record.
        now: When ``state`` is computed: ``status``, with expiry counted in.
        usage: When it was used, if that is known.
    """
    usage = usage or Usage()
    return {
        "key_id": record.key_id,
        "user_id": record.user_id,
        "tenant_id": record.tenant_id,
        "plan": record.plan,
        "name": record.name,
        "scopes": list(record.scopes),
        "environment": record.environment,
        "state": record.state_at(now),
        "status": record.status,
        "created_at": iso(record.created_at),
        "created_by": record.created_by,
        "expires_at": iso(record.expires_at),
        "revoked_at": iso(record.revoked_at),
        "revoked_reason": record.revoked_reason,
        "allowed_ips": list(record.allowed_ips),
        "limit": record.limit,
        "metadata": dict(record.metadata),
        "last_used_at": iso(usage.last_used_at),
        "last_address": usage.last_address,
        "uses_by_day": {day.isoformat(): uses for day, uses in sorted(usage.days.items())},
        "secrets": [
            {
                "id": secret.id,
                "created_at": iso(secret.created_at),
                "expires_at": iso(secret.expires_at),
                "last_used_at": iso(usage.secrets.get(secret.id)),
            }
            for secret in record.secrets
        ],
    }


def iso(value: datetime | None) -> str | None:
    """ISO 8601 in UTC, such as ``2030-01-31T12:00:00Z``."""
    return None if value is None else value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def utc_now() -> datetime:
    """The time."""
    return datetime.now(UTC)


def write_json(value: dict[str, Any]) -> None:
    """One object on stdout."""
    click.echo(json.dumps(value, indent=2))


def write_json_list(
    name: str, items: Iterable[dict[str, Any]], rest: Callable[[], dict[str, Any]]
) -> None:
    """One object on stdout that holds a list, written as its items come.

    Args:
        name: What the list is called.
        items: They.
        rest: Asked at the end: what else the object holds.
    """
    separator = ""
    click.echo(f'{{\n  "{name}": [', nl=False)
    for item in items:
        click.echo(f"{separator}\n" + indent(json.dumps(item, indent=2), "    "), nl=False)
        separator = ","
    click.echo("\n  ]" if separator else "]", nl=False)
    for key, value in rest().items():
        click.echo(f',\n  "{key}": {json.dumps(value)}', nl=False)
    click.echo("\n}")


def note(text: str) -> None:
    """A line for people, on stderr."""
    click.echo(printable(text), err=True)


def write_issued(issued: IssuedKey, verb: str, *, as_json: bool) -> None:
    """Hand out a token: alone on stdout, or in one JSON object; all else goes to stderr."""
    record = issued.record
    ends = f"ends {_short(record.expires_at)}" if record.expires_at else "has no end"
    note(
        f"{verb} key {record.key_id} of {record.user_id} ({record.plan}, {record.environment}); "
        f"it {ends}.\nThe token is printed this once: keep it as you would a password."
    )
    try:
        if as_json:
            write_json({"token": issued.token, **record_to_dict(record, now=utc_now())})
        else:
            click.echo(issued.token)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise Failure(
            f"the token of {record.key_id} could not be written out ({error.strerror}); nobody "
            "has it, so revoke that key",
            Code.REFUSED,
        ) from None


def write_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[Cell]],
    *,
    text: Collection[str] = (),
    spare: Iterable[str] = (),
    usual: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """A table on stdout: drawn at a terminal, else one row a line with tabs between its cells, as
    they come. Nothing if there is no row.

    Args:
        columns: Their names.
        rows: A cell for each column.
        text: The columns that a narrow terminal may shorten; dates are days then. Without it, all
            but the first are folded.
        spare: The columns that it may leave out, the first ones first.
        usual: What a column may hold without being worth its room at a terminal.
    """
    if sys.stdout.isatty():
        rows = list(rows)  # a width is that of the longest
        if not rows or _draw_table(columns, rows, text, spare, usual):
            return
    for number, row in enumerate(rows):
        if not number:
            click.echo("\t".join(column.upper() for column in columns))
        click.echo("\t".join(map(_plain, row)))


def _plain(cell: Cell) -> str:
    if isinstance(cell, datetime):
        return str(iso(cell))
    if not cell:
        return "-"
    # A spreadsheet would take such a text for a formula.
    return printable("'" + cell if cell[0] in "=+-@" else cell)


def _draw_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[Cell]],
    text: Collection[str],
    spare: Iterable[str],
    usual: Mapping[str, str],
) -> bool:
    try:
        from rich.box import SIMPLE_HEAD
        from rich.cells import cell_len
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text
    except ImportError:  # under Flask's command there may be click without rich
        return False
    plain = bool(os.environ.get("NO_COLOR"))
    console = Console(color_system=None if plain else "auto", highlight=False)
    told = [
        n
        for n, name in enumerate(columns)
        if any(row[n] not in (None, "", usual.get(name)) for row in rows)
    ]
    shown = told or [0]
    date = _day if text else _short
    cells = [
        [date(cell) if isinstance(cell, datetime) else printable(cell or "-") for cell in row]
        for row in rows
    ]

    def least(n: int) -> int:  # the width that a column needs, and two to keep it from the next
        longest = max(cell_len(row[n]) for row in [columns, *cells])
        return 2 + (min(longest, _SHORTENED) if columns[n] in text else longest)

    left_out: list[str] = []
    for name in spare:
        n = columns.index(name)
        if n in shown and sum(map(least, shown)) > console.width:
            shown.remove(n)
            left_out.append(name)
    table = Table(
        box=None if plain else SIMPLE_HEAD,
        padding=(0, 2 if plain else 1, 0, 0),
        pad_edge=False,
        header_style="bold",
    )
    for n in shown:
        if text:
            fixed = columns[n] not in text
            table.add_column(columns[n].capitalize(), no_wrap=fixed, overflow="ellipsis")
        else:
            table.add_column(columns[n].capitalize(), no_wrap=n == 0, overflow="fold")
    for row in cells:
        table.add_row(*(Text(row[n], style=_COLORS.get(row[n], "")) for n in shown))
    console.print(table)
    if left_out:
        note(f"Left out, for want of room: {', '.join(left_out)}.")
    return True


def write_findings(findings: Iterable[Finding]) -> None:
    """The findings of the doctor, the gravest last, where a terminal shows them."""
    order = ("ok", "warning", "error")
    for finding in sorted(findings, key=lambda finding: order.index(finding.severity)):
        head = f"{finding.severity:<7}"
        if not os.environ.get("NO_COLOR"):
            head = click.style(head, fg=_COLORS[finding.severity])  # echo takes it out in a pipe
        click.echo(f"{head}  {printable(f'{finding.check}: {finding.where}: {finding.what}')}")
        if finding.fix:
            click.echo(f"         fix: {printable(finding.fix)}")


def _short(value: datetime) -> str:
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M}"


def _day(value: datetime) -> str:
    return f"{value.astimezone(UTC):%Y-%m-%d}"
