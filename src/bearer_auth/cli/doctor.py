"""``bearer-auth doctor``: what goes wrong in deployment, each finding with its fix."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

import click

from ..errors import BearerAuthError
from ..stores.env import EnvStore
from . import checks, store_checks
from .checks import Finding
from .errors import Code, Command, Failure, redacted
from .options import examples, json_option, pass_context, store_option
from .output import write_findings, write_json
from .probe import server
from .store import Context, env_prefix, is_relative, sqlite_path

if TYPE_CHECKING:
    from ..stores.server import ServerDatabase


def _http_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        fine = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        fine = False
    else:
        fine = fine and parts.username is None and text.isascii() and text.isprintable()
    if not fine or " " in text:
        raise click.BadParameter(
            "write an http or https address without a password, such as "
            "https://api.example.com/health"
        )
    return text


@click.command(
    "doctor",
    cls=Command,
    epilog=examples(
        "bearer-auth doctor",
        "bearer-auth doctor --url http://127.0.0.1:8000/health --json",
    ),
)
@click.option(
    "--url",
    type=_http_url,
    metavar="URL",
    help="Ask this running server whether keys arrive; a path that needs one, such as /health.",
)
@click.option(
    "--apache-config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Look in this configuration of Apache for WSGIPassAuthorization.",
)
@click.option(
    "--after-restore",
    is_flag=True,
    help="A backup of the store was restored: have every process forget what it has read before.",
)
@store_option
@json_option
@pass_context
def doctor(
    context: Context,
    /,
    url: str | None,
    apache_config: Path | None,
    after_restore: bool,
    as_json: bool,
) -> None:
    """Look for what goes wrong in deployment, and say how to mend it.

    Run it as the user and with the environment of the server. Exits with 1 if it finds an error.
    """
    ctx = click.get_current_context()
    program = ctx.command_path.removesuffix(" doctor")  # such as `flask bearer-auth`
    findings = [
        replace(
            finding,
            where=redacted(finding.where),
            what=redacted(finding.what),
            fix=finding.fix.replace("bearer-auth ", f"{program} "),
        )
        for finding in _findings(context, url, apache_config, after_restore)
    ]
    failed = any(finding.severity == "error" for finding in findings)
    if as_json:
        write_json({"ok": not failed, "findings": [asdict(finding) for finding in findings]})
    else:
        write_findings(findings)
    ctx.exit(Code.REFUSED if failed else Code.OK)


def _findings(
    context: Context, url: str | None, apache_config: Path | None, after_restore: bool
) -> Iterator[Finding]:
    yield from checks.environment(os.environ)
    yield from checks.mod_wsgi(apache_config)
    yield from checks.process_list(context.url, checks.command_lines)
    yield from checks.extras(context.url)
    yield from checks.peppers(context.read_peppers)
    if env_prefix(context.url or "") is None:  # variables hold no key with a slow hash
        yield from checks.argon2_cost()
    yield from _store(context)
    if after_restore:
        yield from _forget(context)
    if url is not None:
        yield from server(url)


def _store(context: Context) -> Iterator[Finding]:
    where = context.url or "the store"
    if context.url is None and context.store is None:
        yield Finding(
            "warning",
            "store",
            where,
            "none was named, so neither it nor its keys were looked at",
            "pass --store URL or set BEARER_AUTH_STORE",
        )
        return
    path = sqlite_path(context.url or "")
    where = path or where
    prefix = env_prefix(context.url or "")
    if prefix is not None:
        where = f"variables {prefix}…"
    if is_relative(context.url or ""):
        yield Finding(
            "warning",
            "store_path",
            where,
            "its URL is relative to the working directory of each process, which may be another",
            f"write sqlite:///{path}",
        )
    if path is not None and os.path.exists(path):
        yield from store_checks.store_files(path)
    try:
        keyring = context.keyring()
        yield from store_checks.keys_without_expiry(keyring)
    except (BearerAuthError, Failure) as error:
        text = error.message if isinstance(error, Failure) else str(error)
        yield Finding("error", "store", where, text, "name a store that can be opened")
        return
    store = context.open()
    if isinstance(store, EnvStore) and store.revision() == 0:  # reading it has changed nothing
        fix = "set one, with the line that bearer-auth env prints, where the server is started"
        yield Finding("warning", "store", where, "there are none, so no key is accepted", fix)
    else:
        yield Finding("ok", "store", where, "it answers")
    if path is not None:
        yield from store_checks.database(store_checks.SQLite(path), path)
    database = getattr(store, "_database", None)
    if getattr(database, "dialect", "sqlite") != "sqlite":
        from . import server_checks

        yield from server_checks.server(cast("ServerDatabase", database))


def _forget(context: Context) -> Iterator[Finding]:
    where = "after the restore"
    forget = getattr(context.store, "forget", None)
    if forget is None:
        yield Finding("error", "restore", where, "this store remembers nothing of a database")
        return
    try:
        forget()
    except BearerAuthError as error:
        yield Finding("error", "restore", where, str(error), "run it again")
        return
    yield Finding("ok", "restore", where, "every process reads anew what it remembers")
    yield Finding(
        "warning",
        "restore",
        where,
        "keys that were revoked after the backup was made are alive again",
        "revoke them again: the events key.revoked since then say which",
    )
