"""Who may sign in: a name and the hash of a password."""

from __future__ import annotations

import re
import time
from typing import NamedTuple

from sqlalchemy import String, case, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from ...errors import ConfigurationError, Conflict
from ...stores.sql_database import Database
from ...stores.sql_statement import parameter
from ...stores.sql_tables import Tables
from ...values import Clock
from ..signing import locked_secret

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._@-]{0,62}[A-Za-z0-9])?")

_TRIES = 3


class Account(NamedTuple):
    """An account.

    Attributes:
        name: Its name.
        password_hash: An argon2id PHC string; ``None``: nobody can sign in with a password.
        changed_us: When the password was set, in microseconds since 1970; it differs after each
            change.
    """

    name: str
    password_hash: str | None = None
    changed_us: int = 0


def check_name(name: str) -> str:
    """Return the name of an account.

    Raises:
        ConfigurationError: It is none; the message doesn't quote it, it may be a password.
        TypeError: Not text.
    """
    if not isinstance(name, str):
        raise TypeError(f"the name of an account must be text, not {type(name).__name__}")
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            "the name of an account must be 1 to 64 letters, digits, '.', '_', '@' or '-', and "
            "begin and end with a letter or a digit"
        )
    return name


class Accounts:
    """The accounts in a database.

    Args:
        database: Where they are.
        tables: All of the tables.
        clock: Seconds since 1970.
    """

    def __init__(self, database: Database, tables: Tables, clock: Clock = time.time) -> None:
        self._database = database
        self._table, self._sessions = tables.accounts, tables.sessions
        self._one_at_a_time = locked_secret(tables)
        self._clock = clock
        c = self._table.c
        this = c.name == parameter("name", String)
        self._read = database.statement(select(c.password_hash, c.changed_at).where(this))

    def get(self, name: str) -> Account:
        """The account of this name; one without a password if there is none.

        Raises:
            StoreUnavailable: The database can't answer.
        """
        if not _NAME.fullmatch(name):
            return Account(name)
        rows, _ = self._read(name=name)
        return Account(name, *rows[0]) if rows else Account(name)

    def set_password(self, name: str, password_hash: str) -> None:
        """Set the password of an account, which is made if there is none. All its sessions end,
        and links made for it are void.

        Args:
            name: The name.
            password_hash: An argon2id PHC string.

        Raises:
            ConfigurationError: It is no name.
            Conflict: Others keep making the account at the same time.
            StoreUnavailable: The database can't answer.
        """
        check_name(name)
        for _ in range(_TRIES):
            try:
                self._set(name, password_hash)
                return
            except _MadeMeanwhile:
                continue
        raise Conflict("the account is being made by somebody else; try again")

    def _set(self, name: str, password_hash: str) -> None:
        c, now_us = self._table.c, int(self._clock() * 1_000_000)
        # Never the same as before, also if a clock was set back.
        later = case((c.changed_at >= now_us, c.changed_at + 1), else_=now_us)
        changed = update(self._table).where(c.name == name)
        with self._database.transaction() as connection:
            connection.execute(self._one_at_a_time).all()
            done = connection.execute(changed.values(changed_at=later, password_hash=password_hash))
            if not done.rowcount:
                row = {"name": name, "password_hash": password_hash, "changed_at": now_us}
                try:
                    connection.execute(insert(self._table).values(row))
                except IntegrityError:
                    raise _MadeMeanwhile from None
            # After the locks: a session that begins now waits, and then isn't begun.
            mine = self._sessions.c.account == name
            connection.execute(delete(self._sessions).where(mine))


class _MadeMeanwhile(Exception):
    """By another process."""
