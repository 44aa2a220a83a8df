"""``bearer-auth verify``: is this token valid, and if not, why."""

from __future__ import annotations

import ipaddress
import re

import click

from ..authenticator import Authenticator
from ..errors import InsufficientScope, InvalidToken
from ..records import KeyRecord
from ..stores import KeyStore
from ..token import parse
from .errors import Code, Command, printable
from .options import examples, json_option, no_words, pass_context, read_secret, store_option
from .output import write_json
from .store import Context

REASONS = {
    "malformed": "it has not the form of a token, or a wrong checksum: is it whole?",
    "unknown": "no key in this store has it",
    "wrong_secret": "the key exists, with another secret: was it rotated?",
    "expired": "the key has ended, or the grace of this secret after a rotation has",
    "revoked": "the key was revoked",
    "suspended": "the key is suspended; 'keys resume' ends that",
    "environment": "the key is for another environment; --environment says which are accepted",
    "address": "the key may not be used from there; --ip says from which address",
}

_TOKEN_AND_MORE = re.compile(r"([a-z0-9]+_[a-z0-9]+_[0-9A-Za-z]{65}).")


class _Unrecorded:
    """A store without its ``record_used``: a check at the terminal is no use of the key."""

    def __init__(self, store: KeyStore) -> None:
        self._store = store
        key_ids_for = getattr(store, "key_ids_for", None)
        if key_ids_for is not None:
            self.key_ids_for = key_ids_for

    def get(self, key_id: str) -> KeyRecord | None:
        return self._store.get(key_id)


def _why(reason: str, token: str) -> str:
    if token[:7].lower() == "bearer ":
        return "leave the word Bearer out"
    longer = _TOKEN_AND_MORE.match(token)
    minted = parse(longer[1]) if longer else None
    if minted is not None and minted.checksum_ok:
        return "longer than a token; is something stuck to it?"
    return REASONS[reason]


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise click.BadParameter("write an IPv4 or IPv6 address") from None


@click.command(
    "verify",
    cls=Command,
    context_settings={"allow_extra_args": True},
    epilog=examples("""printf %s "$KEY" | bearer-auth verify --ip 192.0.2.7"""),
)
@click.option(
    "--environment",
    "environments",
    metavar="NAME",
    multiple=True,
    help="An environment whose keys are accepted; repeat it for more.  [default: production]",
)
@click.option("--ip", type=_address, metavar="ADDRESS", help="Where the request would come from.")
@store_option
@json_option
@pass_context
def verify(
    context: Context,
    /,
    environments: tuple[str, ...],
    ip: str | None,
    as_json: bool,
) -> None:
    """Say whether a token is valid, and if not, why; exit with 0 or 1.

    It is read from standard input or a hidden prompt, never from the command line. This doesn't
    count as a use of the key.
    """
    no_words()
    authenticator = Authenticator(
        _Unrecorded(context.open()),
        environments=environments or context.environments,
        peppers=context.read_peppers(),
        cache_size=0,
    )
    token = read_secret("Token")
    try:
        principal = authenticator.authenticate(token, client_ip=ip)
    except (InvalidToken, InsufficientScope) as error:
        if as_json:
            write_json({"valid": False, "reason": error.reason, "key_id": error.key_id})
        else:
            key = f" (key {error.key_id})" if error.key_id else ""
            click.echo(f"invalid: {error.reason}{key}: {_why(error.reason, token)}")
        click.get_current_context().exit(Code.REFUSED)
    answer = {
        "valid": True,
        "key_id": principal.key_id,
        "user_id": principal.user_id,
        "tenant_id": principal.tenant_id,
        "plan": principal.plan,
        "name": principal.name,
        "environment": principal.environment,
        "scopes": list(principal.scopes),
    }
    if as_json:
        write_json(answer)
    else:
        scopes = " ".join(principal.scopes) or "none"
        click.echo(
            printable(
                f"valid: key {principal.key_id} of {principal.user_id} ({principal.plan}, "
                f"{principal.environment}); scopes: {scopes}"
            )
        )
