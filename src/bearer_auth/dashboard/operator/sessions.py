"""Who is signed in: 256 random bits in a cookie, and their SHA-256 in the database."""

from __future__ import annotations

import re
import secrets
import time
from hashlib import sha256

from sqlalchemy import BigInteger, String, delete, insert, select, update

from ...errors import StoreUnavailable
from ...stores.sql_database import Database
from ...stores.sql_statement import parameter
from ...stores.sql_tables import Tables
from ...values import Clock
from ..signing import locked_secret
from .accounts import Account

IDLE_US = 30 * 60 * 1_000_000
"""How long a session lives without a request, in microseconds; up to a minute less, for it isn't
written down at each request."""

ABSOLUTE_US = 12 * 3600 * 1_000_000
"""How long it lives at most."""

SEEN_EVERY_US = 60 * 1_000_000
"""How often it is written down, at most, that a session was used."""

SKEW_US = 5 * 60 * 1_000_000
"""How far the clocks of two workers may differ."""

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


class Sessions:
    """The sessions in a database.

    Args:
        database: Where they are.
        tables: All of the tables.
        clock: Seconds since 1970.
    """

    def __init__(self, database: Database, tables: Tables, clock: Clock = time.time) -> None:
        self._database = database
        self._table, self._accounts = tables.sessions, tables.accounts
        self._one_at_a_time = locked_secret(tables)
        self._clock = clock
        c = self._table.c
        this = c.digest == parameter("digest", String)
        now = parameter("now_us", BigInteger)
        columns = (c.account, c.created_at, c.seen_at)
        self._read = database.statement(select(*columns).where(this))
        self._touch = database.statement(
            update(self._table).where(this, c.seen_at < now).values(seen_at=now)
        )
        self._delete = database.statement(delete(self._table).where(this))

    def begin(self, account: Account) -> str | None:
        """Begin a session.

        Args:
            account: Whose, as it was when they proved who they are.

        Returns:
            What belongs into the cookie; ``None`` if the password was changed meanwhile.

        Raises:
            StoreUnavailable: The database can't answer.
        """
        self._prune()
        token, now_us = secrets.token_urlsafe(32), self._now_us()
        row = {"digest": _digest(token), "account": account.name}
        accounts = self._accounts.c
        # Locked, so that a change of the password comes before, and is seen here, or after, and
        # ends this session too; by the secret, since the first password has no row to lock.
        changed = select(accounts.changed_at).where(accounts.name == account.name).with_for_update()
        with self._database.transaction() as connection:
            connection.execute(self._one_at_a_time).all()
            if (connection.scalar(changed) or 0) != account.changed_us:
                return None
            connection.execute(insert(self._table).values(**row, created_at=now_us, seen_at=now_us))
        return token

    def account_of(self, token: str) -> str | None:
        """The name of the account whose session this is, if it hasn't ended.

        Raises:
            StoreUnavailable: The database can't answer.
        """
        if not _TOKEN.fullmatch(token):
            return None
        digest, now_us = _digest(token), self._now_us()
        rows, _ = self._read(digest=digest)
        if not rows:
            return None
        account, created_us, seen_us = rows[0]
        if not _is_alive(now_us, created_us, seen_us):
            return None
        if now_us - seen_us >= SEEN_EVERY_US:
            self._touch(digest=digest, now_us=now_us)
        return str(account)

    def end(self, token: str) -> None:
        """End a session, if it is one.

        Raises:
            StoreUnavailable: The database can't answer.
        """
        if _TOKEN.fullmatch(token):
            self._delete(digest=_digest(token))

    def _prune(self) -> None:
        idle = self._table.c.seen_at < self._now_us() - IDLE_US - SKEW_US
        try:
            with self._database.transaction(brief=True) as connection:
                connection.execute(delete(self._table).where(idle))
        except StoreUnavailable:
            return  # who signs in finds out, if it matters to them

    def _now_us(self) -> int:
        return int(self._clock() * 1_000_000)


def _is_alive(now_us: int, created_us: int, seen_us: int) -> bool:
    # One from the future was begun by a clock that was wrong; it might live for years.
    return created_us <= now_us + SKEW_US and (
        now_us - created_us < ABSOLUTE_US and now_us - seen_us < IDLE_US
    )


def _digest(token: str) -> str:
    return sha256(token.encode("ascii")).hexdigest()
