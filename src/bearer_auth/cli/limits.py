"""``bearer-auth limits``: what is left of a rate limit, and to forget what was counted."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import reduce
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from ..errors import BearerAuthError, KeyNotFound, StoreUnavailable
from .errors import Code, Command, Failure, Group, one_line
from .options import examples, json_option, key_id, pass_context, rate_limit, store_option
from .output import note, write_json, write_table
from .store import Context, sqlite_path

if TYPE_CHECKING:
    from ..ratelimit import Count, RateLimits

F = TypeVar("F", bound=Callable[..., Any])

_STORAGE = "BEARER_AUTH_LIMITS_STORAGE"


@click.group("limits", cls=Group)
def limits() -> None:
    """Look at rate limits and quotas, and forget what was counted.

    Which limits there are is said in the app, so --limit takes the text that stands there: that of
    the plan, or of a rule. A key that has a limit of its own brings it along.
    """


_OPTIONS = (
    click.option("--user", "user_id", metavar="ID", help="All that this owner's keys have used."),
    click.option("--tenant", "tenant_id", metavar="ID", help="The owner's tenant."),
    click.option(
        "--key",
        "of_key",
        metavar="KEY_ID",
        type=key_id,
        help="What this key has used: it has a limit of its own, or the app limits each key.",
    ),
    click.option(
        "--limit",
        type=rate_limit,
        metavar="LIMIT",
        help="The limit, as the app has it: 60/minute, or 1000/minute;20/second.  "
        "[default: the key's own]",
    ),
    click.option(
        "--rule",
        metavar="RULE",
        help="The limit is that of this rule: its methods, if it names some, and its path, as in "
        "'POST /execute/*'.",
    ),
    click.option(
        "--storage",
        metavar="URL",
        help="Where the app counts: redis://…, or a database.  [default: the store's database] "
        f"Also {_STORAGE}, which other users of this machine can't read.",
    ),
    store_option,
    json_option,
)


def _limit_options(function: F) -> F:
    return reduce(lambda f, option: option(f), reversed(_OPTIONS), function)


@limits.command(
    "show",
    cls=Command,
    epilog=examples(
        "bearer-auth limits show --user user_123 --limit 10000/month",
        "bearer-auth limits show --user user_123 --limit 10/minute --rule '/execute/*'",
    ),
)
@_limit_options
@pass_context
def show(context: Context, /, as_json: bool, **options: str | None) -> None:
    """Show how many requests are left of a limit. It counts none."""
    asked = _asked(context, **options)
    counts = _open(context, options["storage"]).count(asked.limit, **asked.whose)
    if _all_left(asked.limit, counts):
        note(
            f"Nothing is counted under {asked.limit} in {_where(options['storage'])}. If there "
            "were requests: does the app count there, is --limit the text that stands in the app, "
            "and is it this owner's?"
        )
    if as_json:
        told = [each._asdict() for each in counts]
        write_json({**asked.whose, "limits": told})
        return
    rows = [(each.limit, str(each.remaining), f"{each.retry_after_s} s") for each in counts]
    write_table(["limit", "remaining", "next in"], rows)


@limits.command(
    "reset",
    cls=Command,
    epilog=examples("bearer-auth limits reset --user user_123 --limit 10000/month"),
)
@_limit_options
@pass_context
def reset(context: Context, /, as_json: bool, **options: str | None) -> None:
    """Forget what was counted under a limit: all of it is left again."""
    asked = _asked(context, **options)
    _open(context, options["storage"]).reset(asked.limit, **asked.whose)
    note(f"All of {asked.limit} is left again.")
    if as_json:
        write_json({**asked.whose, "reset": asked.limit})


class _Asked(NamedTuple):
    """Which limit, and whose, as ``RateLimits.count`` takes it."""

    limit: str
    whose: dict[str, Any]


def _asked(
    context: Context,
    /,
    user_id: str | None,
    tenant_id: str | None,
    of_key: str | None,
    limit: str | None,
    rule: str | None,
    storage: str | None,
) -> _Asked:
    if bool(user_id) == bool(of_key):
        raise click.UsageError("give --user or --key")
    if of_key is None:
        whose: dict[str, Any] = {"user_id": user_id, "tenant_id": tenant_id}
    elif tenant_id is not None:
        raise click.UsageError("--tenant goes with --user")
    else:
        whose = {"key_id": of_key}
        record = context.keyring().get(of_key)
        if record is None:
            raise KeyNotFound(f"no key has the id {of_key}")
        if limit is None and rule is None:
            limit = record.limit
    if rule is not None:
        whose["rule"] = rule
    if limit is None:
        raise click.UsageError(
            "give --limit, as it stands in the app"
            + (": this key has none of its own" if of_key and rule is None else "")
        )
    return _Asked(limit, whose)


def _all_left(limit: str, counts: list[Count]) -> bool:
    from ..ratelimit import parse_limits

    limits = parse_limits(limit, "--limit")
    return [each.remaining for each in counts] == [each.item.amount for each in limits]


def _where(given: str | None) -> str:
    """In words, for there may be a password in the URL."""
    if given:
        return "the storage that --storage names"
    if os.environ.get(_STORAGE):
        return f"the storage that {_STORAGE} names"
    return "the database of the store"


def _open(context: Context, url: str | None) -> RateLimits:
    url = url or os.environ.get(_STORAGE) or context.url
    if not url or "://" not in url:
        raise Failure(f"where does the app count? Pass --storage URL or set {_STORAGE}", Code.USAGE)
    if url.startswith("memory://"):
        raise Failure("what an app counts in its own memory can't be seen from here", Code.STORE)
    try:
        from ..ratelimit import RateLimits

        path = sqlite_path(url)
        if path is not None and not os.path.exists(path):
            raise Failure(f"{path}: there is no such file", Code.STORE)
        limits = RateLimits(storage=url, create=False)
    except StoreUnavailable as error:
        raise Failure(
            f"{one_line(str(error))}. Does the app count here? Name its storage with --storage "
            f"or {_STORAGE}",
            Code.STORE,
        ) from None
    except (BearerAuthError, ImportError) as error:
        raise Failure(one_line(str(error)), Code.STORE) from None
    click.get_current_context().call_on_close(limits.close)
    return limits
