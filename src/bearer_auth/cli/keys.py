"""``bearer-auth keys``: the group, and the commands that change or end keys."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import click

from ..errors import KeyNotFound
from .errors import Group
from .issue import create, import_, rotate
from .listing import list_, show, tell
from .options import (
    confirm,
    duration,
    end_of,
    examples,
    json_object,
    json_option,
    key_argument,
    key_id,
    moment,
    pass_context,
    rate_limit,
    store_option,
    yes_option,
)
from .output import note, write_json
from .store import Context


@click.group("keys", cls=Group, invoke_without_command=True)
@click.pass_context
def keys(ctx: click.Context) -> None:
    """Issue, list, change and end keys."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


for _command in (create, import_, list_, show, rotate):
    keys.add_command(_command)


@keys.command(
    "update",
    epilog=examples(
        "bearer-auth keys update 3fQ7mZ0aKx9LpR2T --plan pro --scope ensembles:execute",
        "bearer-auth keys update 3fQ7mZ0aKx9LpR2T --expires-in 90d",
    ),
)
@key_argument
@click.option("--name", metavar="TEXT", help="What people call it.")
@click.option("--plan", metavar="PLAN", help="The owner's plan.")
@click.option(
    "--scope", "scopes", metavar="SCOPE", multiple=True, help="All its scopes; repeat it for more."
)
@click.option("--no-scopes", is_flag=True, help="Take all scopes away.")
@click.option("--expires-in", type=duration, metavar="DURATION", help="It ends after this.")
@click.option("--expires-at", type=moment, metavar="DATE", help="It ends then.")
@click.option("--no-expiry", is_flag=True, help="It has no end.")
@click.option(
    "--allow-ip",
    "allowed_ips",
    metavar="ADDRESS",
    multiple=True,
    help="All addresses and networks from which it may be used; repeat it for more.",
)
@click.option("--any-ip", is_flag=True, help="It may be used from anywhere.")
@click.option(
    "--limit",
    type=rate_limit,
    metavar="LIMIT",
    help="A rate limit of its own, such as 10/minute, in place of its plan's.",
)
@click.option("--no-limit", is_flag=True, help="Take its own rate limit away.")
@click.option("--metadata", type=json_object, metavar="JSON", help="All its metadata.")
@store_option
@json_option
@pass_context
def update(
    context: Context,
    /,
    key_id: str,
    name: str | None,
    plan: str | None,
    scopes: tuple[str, ...],
    no_scopes: bool,
    expires_in: timedelta | None,
    expires_at: datetime | None,
    no_expiry: bool,
    allowed_ips: tuple[str, ...],
    any_ip: bool,
    limit: str | None,
    no_limit: bool,
    metadata: dict[str, Any] | None,
    as_json: bool,
) -> None:
    """Change what is said of a key. What isn't given stays."""
    expires_at = end_of(expires_in, expires_at)
    changes: dict[str, Any] = {}
    fields: tuple[tuple[str, Any, bool, Any, str], ...] = (
        ("name", name, False, None, ""),
        ("plan", plan, False, None, ""),
        ("scopes", scopes or None, no_scopes, (), "--scope or --no-scopes"),
        ("expires_at", expires_at, no_expiry, None, "an expiry or --no-expiry"),
        ("allowed_ips", allowed_ips or None, any_ip, (), "--allow-ip or --any-ip"),
        ("limit", limit, no_limit, None, "--limit or --no-limit"),
        ("metadata", metadata, False, None, ""),
    )
    for field, value, emptied, empty, options in fields:
        if value is not None and emptied:
            raise click.UsageError(f"give {options}, not both")
        if value is not None or emptied:
            changes[field] = empty if emptied else value
    if not changes:
        raise click.UsageError("nothing to change was given")
    keyring = context.keyring(change=True)
    record = keyring.update(key_id, **changes)
    tell(f"Updated {key_id}: {', '.join(changes)}.", record, keyring, as_json=as_json)


@keys.command("suspend", epilog=examples("bearer-auth keys suspend 3fQ7mZ0aKx9LpR2T"))
@key_argument
@store_option
@json_option
@pass_context
def suspend(context: Context, /, key_id: str, as_json: bool) -> None:
    """Refuse a key until it is resumed."""
    keyring = context.keyring(change=True)
    record = keyring.suspend(key_id)
    tell(f"Suspended {key_id}; 'keys resume' ends that.", record, keyring, as_json=as_json)


@keys.command("resume", epilog=examples("bearer-auth keys resume 3fQ7mZ0aKx9LpR2T"))
@key_argument
@store_option
@json_option
@pass_context
def resume(context: Context, /, key_id: str, as_json: bool) -> None:
    """End the suspension of a key."""
    keyring = context.keyring(change=True)
    record = keyring.resume(key_id)
    tell(f"Resumed {key_id}.", record, keyring, as_json=as_json)


@keys.command(
    "revoke",
    epilog=examples(
        "bearer-auth keys revoke 3fQ7mZ0aKx9LpR2T --reason 'found in a log' --yes",
        "bearer-auth keys revoke --user user_123 --yes",
    ),
)
@click.argument("key_ids", metavar="[KEY_ID]...", nargs=-1, type=key_id)
@click.option("--user", "user_id", metavar="ID", help="All keys of this owner.")
@click.option("--tenant", "tenant_id", metavar="ID", help="All keys of this tenant.")
@click.option("--reason", metavar="TEXT", default="", help="Why; kept with the key.")
@yes_option
@store_option
@json_option
@pass_context
def revoke(
    context: Context,
    /,
    key_ids: tuple[str, ...],
    user_id: str | None,
    tenant_id: str | None,
    reason: str,
    yes: bool,
    as_json: bool,
) -> None:
    """End keys for good: the ones named, or all of an owner or of a tenant.

    No process accepts them any more once this returns.
    """
    if sum(bool(given) for given in (key_ids, user_id, tenant_id)) != 1:
        raise click.UsageError("give ids of keys, or --user, or --tenant")
    keyring = context.keyring(change=True)
    key_ids = tuple(dict.fromkeys(key_ids))
    missing = [key_id for key_id in key_ids if keyring.get(key_id) is None]
    known = [key_id for key_id in key_ids if key_id not in missing]
    owner = user_id or tenant_id
    if owner and not keyring.list(user_id, tenant_id, limit=1):
        raise KeyNotFound(f"{owner} has no keys")
    count = 0
    if owner or known:
        what = f"all keys of {owner}" if owner else " ".join(known)
        confirm(f"Revoke {what}? This is final.", yes)
        count = keyring.revoke_all(
            user_id=user_id, tenant_id=tenant_id, key_ids=known or None, reason=reason
        )
        note(f"Revoked {count} key{'s' * (count != 1)}.")
    if as_json:
        write_json({"revoked": count, "not_found": missing})
    if missing:
        raise KeyNotFound(f"no key has the id {' or '.join(missing)}")


@keys.command("purge", epilog=examples("bearer-auth keys purge --dead-for 365d --yes"))
@click.option(
    "--dead-for",
    type=duration,
    metavar="DURATION",
    default="365d",
    show_default=True,
    help="Revoked or expired for so long.",
)
@yes_option
@store_option
@json_option
@pass_context
def purge(context: Context, /, dead_for: timedelta, yes: bool, as_json: bool) -> None:
    """Delete the records of keys that ended long ago. Nothing does that by itself."""
    keyring = context.keyring(change=True)
    confirm(f"Delete what is known of keys that ended {dead_for.days} days ago or earlier?", yes)
    count = keyring.purge(dead_for)
    note(f"Deleted {count} record{'s' * (count != 1)}.")
    if as_json:
        write_json({"purged": count})
