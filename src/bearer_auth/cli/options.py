"""Options that several commands have, and how their values are read.

What a person writes where an id is expected may be a whole token, so no message here quotes it.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import reduce
from typing import Any, TypeVar, cast

import click

from ..errors import ConfigurationError
from ..issuer import KeyFields
from ..token import KEY_ID, parse
from .errors import Code, Failure
from .store import Context

F = TypeVar("F", bound=Callable[..., Any])

MAX_INPUT = 65_536
"""Bytes read from standard input."""

_DURATION = re.compile(r"([0-9]{1,10})([smhdw])")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_LONGEST_S = 36525 * 86_400


def key_id(text: str) -> str:
    """The id of a key."""
    if KEY_ID.fullmatch(text):
        return text
    minted = parse(text)
    if minted is not None:
        raise click.BadParameter(
            f"this is a whole token; write only its id, {minted.key_id}. The token now stands in "
            "the history of this shell: delete it there and rotate the key"
        )
    raise click.BadParameter(
        "not the id of a key, which is the 16 letters and digits after the environment in its "
        "token. (If it was a token: it now stands in the history of this shell)"
    )


def duration(text: str) -> timedelta:
    """``90d``, ``12h``, ``30m``, ``45s``, ``2w`` or ``0``."""
    match = _DURATION.fullmatch("0s" if text == "0" else text)
    seconds = int(match[1]) * _UNITS[match[2]] if match else _LONGEST_S + 1
    if seconds > _LONGEST_S:
        raise click.BadParameter("write a duration of at most 100 years, such as 90d, 12h or 30m")
    return timedelta(seconds=seconds)


def moment(text: str) -> datetime:
    """A date (its first moment, UTC), or a date and a time with a zone, in ISO 8601."""
    try:
        value = datetime.fromisoformat(text)
        if len(text) == len("2030-01-31"):
            value = value.replace(tzinfo=UTC)
        if value.tzinfo is not None:
            return value.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise click.BadParameter("write a date such as 2030-01-31, or 2030-01-31T12:00:00Z")


def rate_limit(text: str) -> str:
    """A rate limit, read where ``limits`` is installed: with one that can't be read, a key is
    refused by an app that limits requests."""
    try:
        from ..ratelimit import parse_limits
    except ImportError:
        return text
    try:
        parse_limits(text, "the limit")
    except ConfigurationError:
        raise click.BadParameter("write one such as 60/minute or 1000/minute;20/second") from None
    return text


def json_object(text: str) -> dict[str, Any]:
    """A JSON object."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise click.BadParameter("""write a JSON object, such as '{"team": "search"}'""")
    return cast(dict[str, Any], value)


def _use_store(ctx: click.Context, _param: click.Parameter, url: str | None) -> None:
    context = ctx.find_object(Context) or Context()
    if url is not None:
        context = replace(context, store=None, url=url, refusal="")
    elif context.store is None and context.url is None:
        context = replace(context, url=os.environ.get("BEARER_AUTH_STORE") or None)
    ctx.obj = context


pass_context = click.make_pass_decorator(Context)

store_option = click.option(
    "--store",
    metavar="URL",
    expose_value=False,
    callback=_use_store,
    help="Where the keys are: sqlite:///keys.db, postgresql://…, mysql://…, env: or env:PREFIX. "
    "Also BEARER_AUTH_STORE, which other users of this machine can't read.",
)

json_option = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")

yes_option = click.option("--yes", is_flag=True, help="Don't ask. Needed where nobody can answer.")

key_argument = click.argument("key_id", metavar="KEY_ID", type=key_id)


def key_options(*, stored: bool) -> Callable[[F], F]:
    """The options that say what a new key is; ``key_fields`` reads them.

    Args:
        stored: Whether the key goes to a store, which keeps more of it than a variable does.
    """
    options = [
        click.option(
            "--user",
            "user_id",
            metavar="ID",
            required=stored,
            help="The owner." if stored else "The owner.  [default: VARIABLE in lower case]",
        ),
        click.option("--tenant", "tenant_id", metavar="ID", help="The owner's tenant."),
        click.option("--plan", metavar="PLAN", help="The owner's plan.  [default: default]"),
        click.option("--name", metavar="TEXT", help="What people call the key."),
        click.option(
            "--scope",
            "scopes",
            metavar="SCOPE",
            multiple=True,
            help="What it may do, such as ensembles:execute or ensembles:*. Repeat it for more.",
        ),
        click.option(
            "--environment",
            metavar="NAME",
            help="Where it is valid.  [default: that of an imported token, else production]",
        ),
        click.option(
            "--expires-in", type=duration, metavar="DURATION", help="It ends after this: 90d, 12h."
        ),
        click.option(
            "--expires-at", type=moment, metavar="DATE", help="It ends then: 2030-01-31 (UTC)."
        ),
        click.option(
            "--allow-ip",
            "allowed_ips",
            metavar="ADDRESS",
            multiple=True,
            help="An address or a network from which it may be used. Repeat it for more.",
        ),
        click.option(
            "--metadata", type=json_object, metavar="JSON", help="A JSON object of your own."
        ),
    ]
    if stored:
        options += [
            click.option("--created-by", metavar="TEXT", help="Who issues it."),
            click.option(
                "--limit",
                type=rate_limit,
                metavar="LIMIT",
                help="A rate limit of its own, such as 10/minute, in place of its plan's.",
            ),
        ]
    return lambda function: reduce(lambda f, option: option(f), reversed(options), function)


def key_fields(options: Mapping[str, Any]) -> KeyFields:
    """The fields of a new key that were given."""
    given = {name: value for name, value in options.items() if value not in (None, ())}
    end = end_of(given.pop("expires_in", None), given.get("expires_at"))
    return cast(KeyFields, given if end is None else {**given, "expires_at": end})


def end_of(expires_in: timedelta | None, expires_at: datetime | None) -> datetime | None:
    """The end that ``--expires-in`` or ``--expires-at`` says, if one of them does."""
    if expires_in is None:
        return expires_at
    if expires_at is not None:
        raise click.UsageError("give --expires-in or --expires-at, not both")
    return datetime.now(UTC) + expires_in


def examples(*lines: str) -> str:
    """The end of a command's help: commands that work as they stand."""
    return "\b\nExample:\n" + "\n".join(f"  {line}" for line in lines)


def interactive() -> bool:
    """Whether somebody is there to answer."""
    return sys.stdin is not None and sys.stdin.isatty()


def confirm(question: str, yes: bool) -> None:
    """Go on only if somebody has agreed.

    Raises:
        Failure: They have not.
    """
    if yes:
        return
    if not interactive():
        raise Failure("nobody can be asked here; if you are sure, add --yes", Code.USAGE)
    if not click.confirm(question, err=True):
        raise Failure("nothing was changed", Code.REFUSED)


def no_words(*words: str) -> None:
    """Refuse what may be a token among the words of a command, without showing it."""
    if click.get_current_context().args or any(parse(word) for word in words):
        raise click.UsageError(
            "a token is read from standard input or a prompt, never from the command line. If one "
            "was written there, it now stands in the history of this shell: delete it there and "
            "rotate the key"
        )


def read_secret(what: str) -> str:
    """One line that nobody should see, from standard input or a hidden prompt."""
    if interactive():
        try:
            text = str(click.prompt(what, hide_input=True, err=True)).strip()
        except UnicodeDecodeError:
            raise click.UsageError(f"what was typed is no text; a {what.lower()} is") from None
        if not text:
            raise click.UsageError(f"nothing was typed; the {what.lower()} is read from here")
        return text
    data = b"" if sys.stdin is None else sys.stdin.buffer.read(MAX_INPUT + 1)
    text = data.decode("ascii", "replace").strip()
    if not text:
        raise click.UsageError(f"standard input is empty; the {what.lower()} is read from it")
    if len(data) > MAX_INPUT or len(text.splitlines()) > 1:
        raise click.UsageError(f"standard input must be one line, the {what.lower()}")
    return text
