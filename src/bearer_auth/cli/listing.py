"""``keys list`` and ``keys show``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any, cast

import click

from ..errors import KeyNotFound
from ..keyring import Keyring
from ..records import KeyRecord
from ..stores import MAX_PAGE, Page, Usage
from .errors import Code, Command
from .options import (
    duration,
    examples,
    json_option,
    key_argument,
    pass_context,
    store_option,
)
from .output import (
    Cell,
    note,
    record_to_dict,
    utc_now,
    write_json,
    write_json_list,
    write_table,
)
from .store import Context

_COLUMNS = (
    "id",
    "name",
    "user",
    "tenant",
    "plan",
    "environment",
    "state",
    "scopes",
    "expires",
    "last used",
)
_TEXT = ("name", "user", "tenant", "plan", "scopes")
_SPARE = ("scopes", "tenant", "plan", "last used")
_USUAL = {"environment": "production"}


@click.command(
    "list",
    cls=Command,
    epilog=examples(
        "bearer-auth keys list --user user_123",
        "bearer-auth keys list --expiring 7d --status active --exit-code",
        "bearer-auth keys list --status active --unused 90d --all --json",
    ),
)
@click.option("--user", "user_id", metavar="ID", help="Of this owner.")
@click.option("--tenant", "tenant_id", metavar="ID", help="Of this tenant.")
@click.option("--environment", metavar="NAME", help="Of this environment.")
@click.option(
    "--status",
    type=click.Choice(["active", "suspended", "expired", "revoked"]),
    help="In this state now.",
)
@click.option(
    "--expiring",
    "expires_within",
    type=duration,
    metavar="DURATION",
    help="That end within this time.",
)
@click.option(
    "--unused", "unused_for", type=duration, metavar="DURATION", help="Unused for this long."
)
@click.option(
    "--limit",
    type=click.IntRange(1, MAX_PAGE),
    default=50,
    show_default=True,
    help="Keys in an answer.",
)
@click.option("--after", metavar="CURSOR", help="Go on where an earlier answer ended.")
@click.option("--all", "everything", is_flag=True, help="All of them, however many.")
@click.option("--exit-code", is_flag=True, help="Exit with 6 if a key matches, for cron.")
@store_option
@json_option
@pass_context
def list_(
    context: Context,
    /,
    after: str | None,
    everything: bool,
    exit_code: bool,
    limit: int,
    as_json: bool,
    **filters: Any,
) -> None:
    """List keys, newest first. Every filter that is given must hold.

    Columns are separated by tabs when the answer goes to a file or a pipe.
    """
    found = _Found(context.keyring(), filters, after, MAX_PAGE if everything else limit, everything)
    if as_json:
        write_json_list("keys", found.as_dicts(), lambda: {"next_cursor": found.cursor})
    else:
        write_table(_COLUMNS, found.rows(), text=_TEXT, spare=_SPARE, usual=_USUAL)
        if not found.count:
            note("No key matches.")
        if found.cursor:
            note(f"There are more: add --all, or --after {found.cursor}")
    if exit_code and found.count:
        click.get_current_context().exit(Code.FOUND)


class _Found:
    """What a list holds, page by page: all of it may be more than fits in memory."""

    def __init__(
        self, keyring: Keyring, filters: dict[str, Any], after: str | None, limit: int, all_: bool
    ) -> None:
        self._ask = partial(keyring.list, **filters, limit=limit)
        self._all = all_
        self._now = utc_now()
        self.cursor = after
        self.count = 0

    def rows(self) -> Iterator[list[Cell]]:
        for page in self._pages():
            yield from (_row(record, page, self._now) for record in page)

    def as_dicts(self) -> Iterator[dict[str, Any]]:
        for page in self._pages():
            for record in page:
                yield record_to_dict(record, now=self._now, usage=page.usage.get(record.key_id))

    def _pages(self) -> Iterator[Page]:
        while True:
            page = self._ask(after=self.cursor)
            self.count += len(page)
            self.cursor = page.next_cursor
            yield page
            if not self._all or self.cursor is None:
                return


def _row(record: KeyRecord, page: Page, now: datetime) -> list[Cell]:
    usage = page.usage.get(record.key_id)
    return [
        record.key_id,
        record.name,
        record.user_id,
        record.tenant_id,
        record.plan,
        record.environment,
        record.state_at(now),
        " ".join(record.scopes),
        record.expires_at,
        usage.last_used_at if usage else None,
    ]


@click.command("show", cls=Command, epilog=examples("bearer-auth keys show 3fQ7mZ0aKx9LpR2T"))
@key_argument
@store_option
@json_option
@pass_context
def show(context: Context, /, key_id: str, as_json: bool) -> None:
    """Show all that is known of a key, and when it was used."""
    keyring = context.keyring()
    record = existing(keyring, key_id)
    write_record(record, keyring.usage(key_id), as_json=as_json)


def existing(keyring: Keyring, key_id: str) -> KeyRecord:
    """The record of a key.

    Raises:
        KeyNotFound: There is none.
    """
    record = keyring.get(key_id)
    if record is None:
        raise KeyNotFound(f"no key has the id {key_id}")
    return record


def tell(text: str, record: KeyRecord, keyring: Keyring, *, as_json: bool) -> None:
    """Say what was done to a key and, if asked, give its record in JSON."""
    note(text)
    if as_json:
        write_record(record, keyring.usage(record.key_id), as_json=True)


def _recent(usage: Usage, now: datetime) -> int:
    first = (now - timedelta(days=30)).date()
    return sum(uses for day, uses in usage.days.items() if day > first)


def write_record(record: KeyRecord, usage: Usage, *, as_json: bool) -> None:
    """All of a record but its hashes."""
    now = utc_now()
    if as_json:
        write_json(record_to_dict(record, now=now, usage=usage))
        return
    metadata = json.dumps(record.metadata, ensure_ascii=False) if record.metadata else None
    fields: list[tuple[str, Cell]] = [
        ("key_id", record.key_id),
        ("name", record.name),
        ("user_id", record.user_id),
        ("tenant_id", record.tenant_id),
        ("plan", record.plan),
        ("environment", record.environment),
        ("state", cast(str, record.state_at(now))),
        ("scopes", " ".join(record.scopes)),
        ("allowed_ips", " ".join(record.allowed_ips)),
        ("limit", record.limit),
        ("metadata", metadata),
        ("created_at", record.created_at),
        ("created_by", record.created_by),
        ("expires_at", record.expires_at),
        ("revoked_at", record.revoked_at),
        ("revoked_reason", record.revoked_reason),
        ("last_used_at", usage.last_used_at),
        ("last_address", usage.last_address),
        ("uses in 30 days", str(_recent(usage, now))),
    ]
    write_table(("field", "value"), fields)
    write_table(
        ("secret", "created", "ends", "last used"),
        (
            (secret.id, secret.created_at, secret.expires_at, usage.secrets.get(secret.id))
            for secret in record.secrets
        ),
    )
