"""What ``bearer-auth doctor`` looks at outside the store: the process, the machine, the peppers."""

from __future__ import annotations

import importlib.util
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..errors import BearerAuthError
from ..hashing import Pepper, hash_token

Severity = Literal["ok", "warning", "error"]

MIN_PEPPER = 32
"""Bytes; fewer could be guessed."""

SLOW_ARGON2_S = 0.5
"""Seconds; longer is felt by whoever sends an imported key for the first time."""

EXTRAS = {"sql": "sqlalchemy", "flask": "flask", "cli": "rich"}
"""The extras, and what to import to see whether they are there."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        severity: ``error`` needs to be mended, ``warning`` to be thought about.
        check: What was looked at, as a stable name.
        where: The file, the variable, the process.
        what: What was found, without a secret.
        fix: What to do.
    """

    severity: Severity
    check: str
    where: str
    what: str
    fix: str = ""


def environment(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Variables of the process that a server would take for a client's header."""
    where = "HTTP_AUTHORIZATION in the environment"
    if "HTTP_AUTHORIZATION" in environ:
        yield Finding(
            "error",
            "environment",
            where,
            "servers built on wsgiref copy their environment into each request, so everybody's "
            "request carries this header",
            "unset HTTP_AUTHORIZATION where the server is started",
        )
    else:
        yield Finding("ok", "environment", where, "not set")


def mod_wsgi(config: Path | None) -> Iterator[Finding]:
    """Whether Apache hands the Authorization header to the app."""
    fix = "add the line 'WSGIPassAuthorization On' beside WSGIScriptAlias, and restart Apache"
    if config is None:
        if importlib.util.find_spec("mod_wsgi") or "APACHE_CONFDIR" in os.environ:
            yield Finding(
                "warning",
                "mod_wsgi",
                "this machine",
                "mod_wsgi keeps the Authorization header from the app unless it is told otherwise, "
                "and its configuration was not looked at",
                "pass --apache-config FILE, or ask the running server with --url",
            )
        return
    try:
        text = config.read_text(errors="replace").replace("\\\n", "  ")
    except OSError as error:
        yield Finding(
            "error",
            "mod_wsgi",
            str(config),
            f"the file can't be read: {error.strerror}",
            "pass the path of a file that can be read to --apache-config",
        )
        return
    # Directives are case-insensitive, and a comment has a line of its own.
    said = re.findall(
        r"^[ \t]*WSGIPassAuthorization[ \t]+(\w+)", text, re.IGNORECASE | re.MULTILINE
    )
    if not said or any(word.lower() != "on" for word in said):
        what = "is Off somewhere" if said else "is missing, and Off by default"
        yield Finding(
            "error", "mod_wsgi", str(config), f"WSGIPassAuthorization {what}: no key arrives", fix
        )
    else:
        what = "WSGIPassAuthorization is On here (files that it includes were not read)"
        yield Finding("ok", "mod_wsgi", str(config), what)


def process_list(
    url: str | None, arguments: Callable[[], Mapping[int, Sequence[str]]]
) -> Iterator[Finding]:
    """Whether a password of a URL can be read in the list of processes.

    Args:
        url: The store's URL; its password is sought in other words too.
        arguments: The command lines of this machine, by process.
    """
    own = re.search(r"://[^\s:/@]*:(\S+)@", url or "")
    password = own[1] if own else None
    found: list[str] = []
    for pid, words in arguments().items():
        text = " ".join(words)
        mine = pid == os.getpid() and re.search(r"://[^\s:/@]*:\S+@", text)
        if mine or (password is not None and password in text):
            found.append(f"process {pid}")
    if found:
        yield Finding(
            "error",
            "process_list",
            ", ".join(found),
            "everybody on this machine can read the password of a URL in its command line",
            "pass the URL in BEARER_AUTH_STORE or in a file of configuration, and change the "
            "password",
        )
    else:
        yield Finding("ok", "process_list", "command lines", "no password of a URL")


def command_lines() -> dict[int, list[str]]:
    """The command lines that can be read here: all on Linux, else this process's own."""
    lines = {os.getpid(): list(sys.argv)}
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().decode(errors="replace").split("\0")
        except OSError:  # it has ended, or is hidden
            continue
        lines[int(entry.parent.name)] = words
    return lines


def argon2_cost(clock: Callable[[], float] = time.perf_counter) -> Iterator[Finding]:
    """How long one slow hash takes here."""
    runs: list[float] = []
    for _ in range(3):  # the fastest says what it costs, the others what else was going on
        start = clock()
        hash_token("doctor", "argon2id")
        runs.append(clock() - start)
    took = min(runs)
    what = f"one hash takes {took * 1000:.0f} ms"
    if took > SLOW_ARGON2_S:
        yield Finding(
            "warning",
            "argon2",
            "this machine",
            f"{what}; the first request of each imported key waits for it in each process",
            "have imported keys rotated into minted ones (bearer-auth keys rotate)",
        )
    else:
        yield Finding("ok", "argon2", "this machine", what)


def peppers(read: Callable[[], Sequence[Pepper]]) -> Iterator[Finding]:
    """Whether peppers are long enough."""
    where = "BEARER_AUTH_PEPPERS"
    try:
        given = read()
    except BearerAuthError as error:
        yield Finding("error", "peppers", where, str(error), "mend the variable")
        return
    short = [
        str(number)
        for number, pepper in enumerate(given, 1)
        if len(pepper.encode() if isinstance(pepper, str) else pepper) < MIN_PEPPER
    ]
    if short:
        yield Finding(
            "warning",
            "peppers",
            where,
            f"number {', '.join(short)} has fewer than {MIN_PEPPER} bytes, so it could be guessed",
            "put a longer one in front (openssl rand -base64 32) and keep the old one behind it",
        )
    else:
        what = f"{len(given)}, long enough" if given else "none; imported tokens need one"
        yield Finding("ok", "peppers", where, what)


def extras(url: str | None) -> Iterator[Finding]:
    """Which extras are installed, and whether the store needs one that isn't."""
    missing = [name for name, module in EXTRAS.items() if not importlib.util.find_spec(module)]
    if "sql" in missing and "://" in (url or ""):
        yield Finding(
            "error",
            "extras",
            "sql",
            "the store needs SQLAlchemy, which is not installed",
            'pip install "bearer_auth[sql]"',
        )
    what = f"not installed: {', '.join(missing)}" if missing else "all are installed"
    yield Finding("ok", "extras", "bearer_auth", what)
