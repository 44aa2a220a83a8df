"""What ``bearer-auth doctor`` looks at in a store: its files, its database, its keys."""

from __future__ import annotations

import os
import shlex
import stat
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from ..errors import ReadOnlyStore
from ..keyring import Keyring
from ..stores import MAX_PAGE
from .checks import Finding

MAX_CLOCK_S = 2.0
"""Seconds by which the database's clock may differ."""

_SHOWN = 5  # ids in a finding


def store_files(path: str) -> Iterator[Finding]:
    """Who can read or replace an SQLite file. Only looks at it: opening and closing it beside
    SQLite would drop the locks of this process."""
    real = os.path.realpath(path)  # SQLite names its other files after what a link points to
    names = [real, real + "-wal", real + "-shm"]
    names += dict.fromkeys(os.path.dirname(name) for name in (os.path.abspath(path), real))
    looked_at, findings = 0, list[Finding]()
    for name in names:
        try:
            found = os.stat(name)
        except OSError:
            continue
        looked_at += 1
        findings += _owner(name, found.st_uid)
        look = _folder if stat.S_ISDIR(found.st_mode) else _file
        findings += look(name, stat.S_IMODE(found.st_mode))
    if looked_at and not findings:
        yield Finding("ok", "store_file", path, "only its owner can read it")
    yield from findings


def _owner(name: str, uid: int) -> Iterator[Finding]:
    if uid and uid != os.geteuid():
        yield Finding(
            "error",
            "store_file",
            name,
            f"it belongs to another user of this machine ({uid}), who can take over the store",
            f"chown {os.geteuid()} {shlex.quote(name)}, or run this as the user of the server",
        )


def _file(name: str, mode: int) -> Iterator[Finding]:
    if mode & 0o077:
        yield Finding(
            "error" if mode & 0o007 else "warning",
            "store_file",
            name,
            f"its mode is {mode:04o}, so {'everybody' if mode & 0o007 else 'its group'} on "
            "this machine has access to it",
            f"chmod 600 {shlex.quote(name)}",
        )


def _folder(name: str, mode: int) -> Iterator[Finding]:
    # A sticky bit keeps others from replacing a file, not from adding the -wal that SQLite then
    # takes for the store's own.
    if mode & (stat.S_IWOTH | stat.S_IWGRP):
        everybody = mode & stat.S_IWOTH
        yield Finding(
            "error" if everybody else "warning",
            "store_file",
            name,
            f"{'everybody' if everybody else 'its group'} on this machine can put a file in the "
            "place of the store or beside it, and so replace what it holds",
            "move the store into a folder of its own"
            if mode & stat.S_ISVTX
            else f"chmod go-w {shlex.quote(name)}",
        )


class SQLite:
    """A file, asked through SQLite itself."""

    def __init__(self, path: str) -> None:
        self._path = path

    def _ask(self, statement: str) -> object:
        import sqlite3

        address = Path(os.path.abspath(self._path)).as_uri() + "?mode=rw"
        with closing(sqlite3.connect(address, uri=True, timeout=2)) as connection:
            return connection.execute(statement).fetchall()[0][0]

    def now(self) -> float:
        """Its clock: this machine's."""
        return float(str(self._ask("SELECT (julianday('now') - 2440587.5) * 86400.0")))

    def journal(self) -> Iterator[Finding]:
        """Whether it is in WAL mode."""
        mode = self._ask("PRAGMA journal_mode")
        if mode == "wal":
            yield Finding("ok", "journal_mode", self._path, "wal")
        else:
            yield Finding(
                "warning",
                "journal_mode",
                self._path,
                f"{mode}: each change of a key makes the requests wait",
                f"sqlite3 {shlex.quote(self._path)} 'PRAGMA journal_mode=WAL' (not on a network "
                "file system)",
            )


def database(asked: SQLite, where: str) -> Iterator[Finding]:
    """Its journal, and its clock against this machine's."""
    try:
        yield from asked.journal()
        before = time.time()
        its = asked.now()
        after = time.time()
    except Exception as error:  # whatever a driver raises; its text may hold anything
        yield Finding(
            "error",
            "database",
            where,
            f"it can't be asked ({type(error).__name__})",
            "see what 'bearer-auth keys list' says",
        )
        return
    behind = max(before - its, its - after, 0.0)
    if behind > MAX_CLOCK_S:
        yield Finding(
            "error",
            "clock",
            where,
            f"its clock and this machine's differ by {behind:.0f} s, so keys end too early or late",
            "keep both in time with NTP",
        )
    else:
        yield Finding("ok", "clock", where, "as this machine's")


def keys_without_expiry(keyring: Keyring) -> Iterator[Finding]:
    """Active keys that live for ever."""
    where, endless, number, count, after = "active keys", list[str](), 0, 0, None
    try:
        while True:
            page = keyring.list(status="active", limit=MAX_PAGE, after=after)
            count += len(page)
            without = [record.key_id for record in page if record.expires_at is None]
            number += len(without)
            endless = (endless + without)[: _SHOWN + 1]
            after = page.next_cursor
            if after is None:
                break
    except ReadOnlyStore:
        yield Finding("ok", "expiry", where, "not looked at: this store has no list of its keys")
        return
    if endless:
        shown = ", ".join(endless[:_SHOWN]) + (", …" if number > _SHOWN else "")
        yield Finding(
            "warning",
            "expiry",
            shown,
            f"{number} of {count} active keys have no end, so one that leaks works for ever",
            f"bearer-auth keys update {endless[0]} --expires-in 90d",
        )
    else:
        yield Finding("ok", "expiry", where, f"each of {count} has an end")
