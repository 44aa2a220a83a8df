"""``bearer-auth dashboard``: the operator's pages, and who may sign in to them."""

from __future__ import annotations

import ipaddress
import signal
import socket
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from ..errors import ConfigurationError
from .errors import Code, Command, Failure, Group, one_line
from .options import MAX_INPUT, examples, interactive, json_option, pass_context, store_option
from .output import note, write_json
from .store import Context

if TYPE_CHECKING:
    from ..dashboard.operator import Operators

HOST, PORT = "127.0.0.1", 8765

_ACCOUNT = "operator"
_EVERYWHERE = {"0.0.0.0": HOST, "::": "::1"}  # noqa: S104 (how to reach it, not where to listen)


@click.group(
    "dashboard",
    cls=Group,
    invoke_without_command=True,
    epilog=examples("bearer-auth dashboard", "bearer-auth dashboard --port 9000"),
)
@click.option("--host", metavar="ADDRESS", default=HOST, show_default=True, help="Listen here.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=PORT,
    show_default=True,
    help="And on this port; 0 for any that is free.",
)
@click.option(
    "--api-url",
    metavar="URL",
    help="A page of your API that needs a key: for the line with curl beside a new key.",
)
@store_option
@json_option
@click.pass_context
def dashboard(
    ctx: click.Context, /, host: str, port: int, api_url: str | None, as_json: bool
) -> None:
    """Serve the pages on which you make, rotate and revoke the keys of everybody, until Ctrl-C.

    It prints a link that signs you in once, within ten minutes; or sign in with a password, which
    set-password sets.
    """
    if ctx.invoked_subcommand is None:
        _serve(ctx.ensure_object(Context), host, port, api_url, as_json)


def _account(text: str) -> str:
    try:
        from ..dashboard.operator.accounts import check_name

        return check_name(text)
    except ImportError:  # the command says what is missing
        return text
    except ConfigurationError as error:
        raise click.BadParameter(str(error)) from None


_account_argument = click.argument("account", metavar="[NAME]", default=_ACCOUNT, type=_account)


@dashboard.command(
    "set-password",
    cls=Command,
    epilog=examples(
        "bearer-auth dashboard set-password",
        "openssl rand -base64 18 | bearer-auth dashboard set-password alice",
    ),
)
@_account_argument
@store_option
@json_option
@pass_context
def set_password(context: Context, /, account: str, as_json: bool) -> None:
    """Set the password of an account, which is made if there is none.

    It is read from a hidden prompt or from standard input. All sessions of the account end, and
    links that were made for it are void. Without a name the account is "operator".
    """
    operators = _operators(context, change=True)
    operators.set_password(account, _read_password())
    note(f"The password of {account} is set; whoever was signed in as {account} is signed out.")
    if as_json:
        write_json({"account": account})


@dashboard.command(
    "link",
    cls=Command,
    epilog=examples(
        "bearer-auth dashboard link",
        "bearer-auth dashboard link alice --url https://keys.example.com/",
    ),
)
@_account_argument
@click.option(
    "--url",
    metavar="URL",
    default=f"http://{HOST}:{PORT}/",
    show_default=True,
    help="Where the dashboard is.",
)
@store_option
@json_option
@pass_context
def link(context: Context, /, account: str, url: str, as_json: bool) -> None:
    """Print a link that signs in to the dashboard: once, within ten minutes, without a password.

    Whoever has it can sign in. Without a name the account is "operator".
    """
    if not _is_address(url):
        raise click.UsageError(f"--url must be an address such as http://{HOST}:{PORT}/")
    made = _link(url, _operators(context).make_link(account))
    note(f"It signs {account} in once, within ten minutes:")
    if as_json:
        write_json({"account": account, "link": made})
    else:
        click.echo(made)


def _operators(context: Context, *, change: bool = False) -> Operators:
    try:
        from ..dashboard.operator import Operators
    except ImportError as error:
        raise Failure(one_line(str(error)), Code.STORE) from None
    store = context.open()
    try:
        return Operators(store, event_sink=context.sink() if change else None)
    except ConfigurationError as error:
        raise Failure(one_line(str(error)), Code.STORE) from None


def _serve(context: Context, host: str, port: int, api_url: str | None, as_json: bool) -> None:
    try:
        # waitress brings no types
        from waitress.server import create_server  # type: ignore[import-untyped]

        from ..dashboard.app import MAX_FORM
        from ..dashboard.operator import create_operator_dashboard
    except ImportError as error:
        text = one_line(str(error))
        if (error.name or "").startswith("waitress"):
            text = 'the dashboard needs waitress: pip install "bearer_auth[dashboard]"'
        raise Failure(text, Code.STORE) from None
    keyring = context.keyring(change=True)
    operators = _operators(context, change=True)
    sink: Any = context.sink()
    app = create_operator_dashboard(
        context.open(),
        keyring=keyring,
        operators=operators,
        events=sink if hasattr(sink, "history") else None,  # a program's own may not answer
        api_url=api_url,
    )
    listening = _listen(host, port)
    server = create_server(app, sockets=[listening], ident=None, max_request_body_size=MAX_FORM)
    url = _url(host, listening.getsockname()[1])
    made = _link(url, operators.make_link(_ACCOUNT))
    if not _is_loopback(host):
        note(
            "Whoever can reach this address can try to sign in, and without https passwords, keys "
            f"and sessions can be read on the way. Rather listen on {HOST}, behind a proxy with "
            "https."
        )
    if as_json:
        write_json({"url": url, "link": made})
    else:
        click.echo(f"Dashboard: {url} (Ctrl-C ends it)")
        click.echo(f"Sign in, once and within ten minutes: {made}")
    _run(server)


def _run(server: Any) -> None:
    before = signal.signal(signal.SIGTERM, _end)  # so that events are written that wait
    try:
        server.run()  # until Ctrl-C
    finally:
        signal.signal(signal.SIGTERM, before)
        server.close()


def _end(*_: object) -> None:
    raise SystemExit


def _listen(host: str, port: int) -> socket.socket:
    # Here, for waitress leaves a socket behind that can't be bound.
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise Failure(f"can't listen on {host}, port {port}: {why}", Code.USAGE) from None


def _url(host: str, port: int) -> str:
    host = _EVERYWHERE.get(host, host)
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def _link(url: str, token: str) -> str:
    return f"{url.rstrip('/')}/sign-in/link?token={token}"


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    plain = not parts.query and not parts.fragment and url.isprintable() and " " not in url
    return parts.scheme in ("http", "https") and bool(parts.hostname) and plain


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _read_password() -> str:
    """A new password, from a hidden prompt, twice, or from standard input."""
    if interactive():
        return str(
            click.prompt("Password", hide_input=True, confirmation_prompt="Once more", err=True)
        )
    data = b"" if sys.stdin is None else sys.stdin.buffer.read(MAX_INPUT + 1)
    try:
        text = data.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise click.UsageError("standard input must be text in UTF-8, the password") from None
    if not text:
        raise click.UsageError("standard input is empty; the password is read from it")
    if len(data) > MAX_INPUT or len(text.splitlines()) > 1:
        raise click.UsageError("standard input must be one line, the password")
    return text
