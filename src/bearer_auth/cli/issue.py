"""``keys create``, ``import`` and ``rotate``: where tokens are handed out or taken in."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import click

from ..hashing import Hashing
from .errors import Command
from .listing import tell
from .options import (
    duration,
    examples,
    json_option,
    key_argument,
    key_fields,
    key_id,
    key_options,
    no_words,
    pass_context,
    read_secret,
    store_option,
)
from .output import note, record_to_dict, utc_now, write_issued, write_json
from .store import Context

_prefix_option = click.option(
    "--prefix", metavar="TEXT", help="The first part of the token.  [default: ba]"
)
_hashing_option = click.option(
    "--hashing",
    type=click.Choice(["sha256", "argon2id"]),
    help="How the token is kept; argon2id only where a rule asks for it.  [default: sha256]",
)


def _as_told(context: Context, prefix: str | None, hashing: Hashing | None) -> Context:
    return replace(context, prefix=prefix or context.prefix, hashing=hashing or context.hashing)


@click.command(
    "create",
    cls=Command,
    epilog=examples(
        "KEY=$(bearer-auth keys create --user user_123 --plan pro --name CI)",
        "bearer-auth keys create --user user_123 --scope ensembles:execute --expires-in 90d",
    ),
)
@key_options(stored=True)
@_prefix_option
@_hashing_option
@store_option
@json_option
@pass_context
def create(
    context: Context,
    /,
    user_id: str,
    prefix: str | None,
    hashing: Hashing | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Issue a new key.

    The token goes to standard output, alone, and everything else to standard error. It is never
    shown again. A database that doesn't exist yet is made.
    """
    fields = key_fields(options)
    keyring = _as_told(context, prefix, hashing).keyring(change=True, create=True)
    write_issued(keyring.create(user_id=user_id, **fields), "Created", as_json=as_json)


@click.command(
    "import",
    cls=Command,
    context_settings={"allow_extra_args": True},
    epilog=examples(
        """printf %s "$OLD_KEY" | bearer-auth keys import --user user_123 --name legacy""",
        'printf %s "$HASH" | bearer-auth keys import --user user_123 --hash --id 5hT2vN8cYw1QsJ4K',
    ),
)
@key_options(stored=True)
@click.option(
    "--hash",
    "hashed",
    is_flag=True,
    help="Read the hash of a minted token instead: $sha256$ and its digest, or argon2id.",
)
@click.option(
    "--id", "hashed_id", type=key_id, metavar="KEY_ID", help="With --hash: the id in the token."
)
@click.option(
    "--sieve",
    metavar="HEX",
    help="With an argon2id hash: the first 6 hexadecimal digits of the token's SHA-256.",
)
@store_option
@json_option
@pass_context
def import_(
    context: Context,
    /,
    user_id: str,
    hashed: bool,
    hashed_id: str | None,
    sieve: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Take in a key that someone already uses.

    Its token (or, with --hash, its hash) is read from standard input or a hidden prompt. A token
    needs a pepper in BEARER_AUTH_PEPPERS, and the server the same one.
    """
    no_words()
    fields = key_fields(options)
    if hashed != (hashed_id is not None) or (sieve is not None and not hashed):
        raise click.UsageError("--hash and --id go together, and --sieve only with them")
    keyring = context.keyring(change=True, create=True)
    text = read_secret("Hash" if hashed else "Token")
    if hashed_id is not None:
        record = keyring.import_hash(hashed_id, text, user_id=user_id, sieve=sieve, **fields)
    else:
        record = keyring.import_token(text, user_id=user_id, **fields)
    if as_json:
        write_json(record_to_dict(record, now=utc_now()))
    else:
        click.echo(record.key_id)
        note(f"Imported the key of {record.user_id}; its id is on standard output.")


@click.command(
    "rotate",
    cls=Command,
    epilog=examples(
        "KEY=$(bearer-auth keys rotate 3fQ7mZ0aKx9LpR2T --grace 7d)",
        "bearer-auth keys rotate 3fQ7mZ0aKx9LpR2T --finish",
    ),
)
@key_argument
@click.option(
    "--grace",
    type=duration,
    metavar="DURATION",
    help="How long the old token lives on; 0 ends it now.  [default: 24h]",
)
@click.option(
    "--discard-new",
    is_flag=True,
    help="While a grace runs: replace the newest token, which got lost, and keep the old one.",
)
@click.option("--finish", is_flag=True, help="End the grace of the old token now; no new token.")
@_prefix_option
@_hashing_option
@store_option
@json_option
@pass_context
def rotate(
    context: Context,
    /,
    key_id: str,
    grace: timedelta | None,
    discard_new: bool,
    finish: bool,
    prefix: str | None,
    hashing: Hashing | None,
    as_json: bool,
) -> None:
    """Give a key a new token.

    The id, the owner and the scopes stay, and the old token lives on for a while. The new one goes
    to standard output, alone, as with create.
    """
    if finish and (grace is not None or discard_new):
        raise click.UsageError("--finish goes with neither --grace nor --discard-new")
    keyring = _as_told(context, prefix, hashing).keyring(change=True)
    if finish:
        record = keyring.finish_rotation(key_id)
        tell(f"The old token of {key_id} has ended.", record, keyring, as_json=as_json)
        return
    issued = keyring.rotate(
        key_id,
        timedelta(hours=24) if grace is None else grace,
        if_rotating="discard_new" if discard_new else "refuse",
    )
    write_issued(issued, "Rotated", as_json=as_json)
