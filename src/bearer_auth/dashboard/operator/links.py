"""Links to sign in by, once and within ten minutes.

A link is signed, and its digest waits in the database until it is used. So it takes more than
reading the database, where the signing secret is, to make one: just as it does for a session or a
key.
"""

from __future__ import annotations

import json
import secrets
import time
from datetime import timedelta
from hashlib import sha256
from typing import Any, NamedTuple

from itsdangerous import BadData, URLSafeSerializer
from sqlalchemy import String, delete, insert, select

from ...stores.sql_database import Database
from ...stores.sql_statement import parameter
from ...stores.sql_tables import Tables
from ...values import Clock
from ..once import KEPT_US
from .accounts import Account

LIFE = timedelta(minutes=10)
"""How long a link can be used."""

MAX_LENGTH = 1024
"""Characters of a link's token."""

_SALT = "bearer_auth.dashboard.sign-in-link"
_LIFE_US = LIFE // timedelta(microseconds=1)
_SKEW_US = 5 * 60 * 1_000_000


class _Link(NamedTuple):
    """What is signed."""

    name: str
    changed_us: int
    ends_us: int
    nonce: str

    @property
    def digest(self) -> str:
        """Names it in the database. No digest of a form, in the same table, begins so."""
        return "link-" + sha256(json.dumps(self).encode()).hexdigest()[:59]


class Links:
    """Makes links, and reads them.

    Args:
        secret: What they are signed with.
        database: Where it is known which of them were not used.
        tables: All of the tables.
        clock: Seconds since 1970.
    """

    def __init__(
        self, secret: bytes, database: Database, tables: Tables, clock: Clock = time.time
    ) -> None:
        self._signer = URLSafeSerializer(
            secret, salt=_SALT, signer_kwargs={"digest_method": sha256}
        )
        self._database = database
        self._table = tables.once
        self._clock = clock
        this = self._table.c.digest == parameter("digest", String)
        self._find = database.statement(select(self._table.c.digest).where(this))

    def make(self, account: Account) -> str:
        """The token of a new link; void once the account's password changes.

        Raises:
            StoreUnavailable: The database can't answer.
        """
        now_us = self._now_us()
        link = _Link(account.name, account.changed_us, now_us + _LIFE_US, secrets.token_urlsafe(24))
        old = self._table.c.expires_at < now_us - KEPT_US
        row = {"digest": link.digest, "expires_at": link.ends_us}
        with self._database.transaction() as connection:
            connection.execute(delete(self._table).where(old))
            connection.execute(insert(self._table).values(**row))
        return str(self._signer.dumps(list(link)))

    def is_live(self, token: str) -> bool:
        """Whether a link can be used.

        Raises:
            StoreUnavailable: It can't be known.
        """
        link = self._read(token)
        return link is not None and bool(self._find(digest=link.digest)[0])

    def use(self, token: str) -> Account | None:
        """Use a link up.

        Returns:
            The account that it was made for, as it was then; ``None`` if the link is none of ours,
            has ended or was used.

        Raises:
            StoreUnavailable: It can't be known whether it was used.
        """
        link = self._read(token)
        if link is None:
            return None
        this = delete(self._table).where(self._table.c.digest == link.digest)
        with self._database.transaction() as connection:
            was_live = connection.execute(this).rowcount == 1  # for one of all who try
        return Account(link.name, changed_us=link.changed_us) if was_live else None

    def _read(self, token: str) -> _Link | None:
        if len(token) > MAX_LENGTH:
            return None
        try:
            values: Any = self._signer.loads(token)
        except BadData:
            return None
        link = _Link(*values)
        left_us = link.ends_us - self._now_us()
        return link if 0 < left_us <= _LIFE_US + _SKEW_US else None

    def _now_us(self) -> int:
        return int(self._clock() * 1_000_000)
