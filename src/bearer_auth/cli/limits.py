"""``bearer-auth limits``: what is left of the rate limits of a user or a key."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import reduce
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

import click

from ..errors import KeyNotFound
from .errors import Code, Command, Failure, Group, one_line
from .options import examples, json_option, key_id, pass_context, rate_limit, store_option
from .output import note, write_json, write_table
from .store import Context, env_prefix

if TYPE_CHECKING:
    from ..ratelimit import RateLimits

F = TypeVar("F", bound=Callable[..., Any])


class _Owner(TypedDict):
    """The arguments of ``RateLimits.count`` and ``reset`` beside the limit."""

    user_id: str
    tenant_id: str | None
    key_id: str
    rule: str | None


@click.group("limits", cls=Group)
def limits() -> None:
    """Show and reset what was counted for the rate limits of a user or a key.

    What is counted has no names in it that could be listed, so say which limit: the text of the
    plan's or the rule's. A key's own limit stands in its record.
    """


def _whose(function: F) -> F:
    """The options that say which limit of whom."""
    options: list[Callable[[F], F]] = [
        click.option("--user", "user_id", metavar="ID", help="The limit that a user's keys share."),
        click.option("--tenant", "tenant_id", metavar="ID", help="The user's tenant."),
        click.option(
            "--key",
            "key",
            metavar="KEY_ID",
            type=key_id,
            help="The limit of one key: its own, or with per='key' that of its plan.",
        ),
        click.option(
            "--limit",
            metavar="LIMIT",
            type=rate_limit,
            help="The limit as the app has it, such as 1000/minute. A key's own may be left out.",
        ),
        click.option(
            "--rule",
            metavar="RULE",
            help="The rule whose limit it is: its methods, if it has any, and its path.",
        ),
        click.option(
            "--storage",
            metavar="URL",
            help="Where the app counts: a Redis or a database. Also BEARER_AUTH_LIMITS; without "
            "either, the database of the store.",
        ),
        store_option,
        json_option,
    ]
    return reduce(lambda f, option: option(f), reversed(options), function)


@limits.command(
    "show",
    cls=Command,
    epilog=examples(
        "bearer-auth limits show --user user_123 --limit 1000/minute",
        "bearer-auth limits show --user user_123 --limit 10/minute --rule '/execute/*'",
    ),
)
@_whose
@pass_context
def show(context: Context, /, storage: str | None, as_json: bool, **options: Any) -> None:
    """Show how many requests are left, and when the next one passes."""
    limit, owner = _asked(context, **options)
    counts = _open(context, storage).count(limit, **owner)
    if as_json:
        write_json({"limits": [each._asdict() for each in counts]})
        return
    write_table(
        ("limit", "remaining", "retry after"),
        [(each.limit, str(each.remaining), f"{each.retry_after_s} s") for each in counts],
    )


@limits.command(
    "reset",
    cls=Command,
    epilog=examples("bearer-auth limits reset --user user_123 --limit 10000/month"),
)
@_whose
@pass_context
def reset(context: Context, /, storage: str | None, as_json: bool, **options: Any) -> None:
    """Forget what was counted, so that all of the limit is left."""
    limit, owner = _asked(context, **options)
    opened = _open(context, storage)
    opened.reset(limit, **owner)
    if as_json:
        write_json({"limits": [each._asdict() for each in opened.count(limit, **owner)]})
    note(f"All of {limit} is left.")


def _asked(
    context: Context,
    /,
    *,
    user_id: str | None,
    tenant_id: str | None,
    key: str | None,
    limit: str | None,
    rule: str | None,
) -> tuple[str, _Owner]:
    if (user_id is None) == (key is None):
        raise click.UsageError("give --user or --key")
    if key is not None and tenant_id is not None:
        raise click.UsageError("--tenant goes with --user")
    if limit is None:
        if key is None or rule is not None:
            raise click.UsageError("give the --limit that counts, as the app has it")
        record = context.keyring().get(key)
        if record is None:
            raise KeyNotFound(f"no key has the id {key}")
        limit = record.limit
        if limit is None:
            raise click.UsageError("the key has no limit of its own; give the --limit of its plan")
    return limit, _Owner(user_id=user_id or "", tenant_id=tenant_id, key_id=key or "", rule=rule)


def _open(context: Context, storage: str | None) -> RateLimits:
    url = storage or os.environ.get("BEARER_AUTH_LIMITS") or context.url
    if not url or env_prefix(url) is not None:
        raise Failure("no storage: pass --storage URL or set BEARER_AUTH_LIMITS", Code.USAGE)
    if url.startswith("memory:"):
        raise Failure("what an app counts in memory can't be seen from here", Code.STORE)
    try:
        from ..ratelimit import RateLimits

        opened = RateLimits(storage=url, create=False)
    except ImportError as error:
        raise Failure(one_line(str(error)), Code.STORE) from None
    click.get_current_context().call_on_close(opened.close)
    return opened
