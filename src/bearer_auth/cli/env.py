"""``bearer-auth env``: lines that give a key to an ``EnvStore``."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from ..keyring import Keyring
from ..records import IssuedKey, KeyRecord
from ..stores.env import PREFIX, EnvStore
from ..stores.env_line import env_line
from ..stores.memory import MemoryStore
from ..token import parse
from .errors import Command
from .listing import existing
from .options import (
    examples,
    json_option,
    key_fields,
    key_id,
    key_options,
    no_words,
    pass_context,
    read_secret,
    store_option,
)
from .output import note, record_to_dict, utc_now, write_json
from .store import Context, env_prefix

_BOTH = (
    "Paste one of the two lines. The first holds only a hash, so prefer it for the server; the "
    "second holds\nthe token, which is printed this once: keep it for the client as you would a "
    "password."
)
_NO_HASH = (
    "The line holds the token itself, since it was not minted here: keep it where passwords are."
)
_ONLY_HASH = "The line holds only a hash; the token stays the one that its owner has."


@click.command(
    "env",
    cls=Command,
    context_settings={"allow_extra_args": True},
    epilog=examples(
        "bearer-auth env CI --user user_123 --plan pro",
        """printf %s "$OLD_KEY" | bearer-auth env LEGACY --stdin""",
        "bearer-auth env CI --key 3fQ7mZ0aKx9LpR2T",
    ),
)
@click.argument("variable", metavar="VARIABLE")
@key_options(stored=False)
@click.option("--stdin", is_flag=True, help="Take the token from standard input or a prompt.")
@click.option("--key", "key_id", type=key_id, metavar="KEY_ID", help="Take this key of the store.")
@store_option
@json_option
@pass_context
def env(
    context: Context,
    /,
    variable: str,
    user_id: str | None,
    stdin: bool,
    key_id: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Print lines for an environment that holds keys.

    They hold a new key, or one that exists. VARIABLE is a name such as CI; the whole name is then
    BEARER_AUTH_KEY_CI, or begins with PREFIX under --store env:PREFIX.
    """
    no_words(variable)
    fields = key_fields(options)
    if key_id is not None and (stdin or fields or user_id):
        raise click.UsageError("--key takes the key as it is in the store, without other options")
    prefix = env_prefix(context.url or "") or PREFIX
    name = variable.removeprefix(prefix)
    key: IssuedKey | KeyRecord
    if key_id is not None:
        key = existing(context.keyring(), key_id)
    else:
        fields.setdefault("name", name.lower())
        user_id = user_id or name.lower()
        if stdin:
            token = read_secret("Token")
            record = _read(prefix + name, token, prefix)
            given: dict[str, Any] = {**fields}
            key = IssuedKey(token, replace(record, user_id=user_id, **given))
        else:
            key = Keyring(MemoryStore(), context.prefix).create(user_id=user_id, **fields)
    _write(prefix + name, key, prefix, as_json=as_json)


def _read(variable: str, token: str, prefix: str) -> KeyRecord:
    """The record of a token that somebody has, as the server will read it."""
    store = EnvStore(prefix, {variable: token})
    minted = parse(token)
    record = store.get(minted.key_id if minted else store.key_ids_for(token)[0])
    assert record is not None
    return record


def _write(variable: str, key: IssuedKey | KeyRecord, prefix: str, *, as_json: bool) -> None:
    record = key if isinstance(key, KeyRecord) else key.record
    token = None if isinstance(key, KeyRecord) else key.token
    minted = token is None or parse(token) is not None
    hash_line = env_line(variable, record, prefix=prefix) if minted else None
    token_line = env_line(variable, key, prefix=prefix) if token is not None else None
    if as_json:
        about = record_to_dict(record, now=utc_now())
        write_json({"token": token, "hash_line": hash_line, "token_line": token_line, **about})
        return
    for line in (hash_line, token_line):
        if line is not None:
            click.echo(line)
    note(_BOTH if hash_line and token_line else _ONLY_HASH if hash_line else _NO_HASH)
