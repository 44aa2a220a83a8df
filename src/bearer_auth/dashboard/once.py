"""What may be used once: a form."""

from __future__ import annotations

import re
import threading
import time
from datetime import datetime

from sqlalchemy import delete, insert

from ..errors import StoreUnavailable
from ..stores.beside import database_of
from ..stores.sql_database import Database
from ..stores.sql_prepare import prepare
from ..stores.sql_tables import Tables
from ..values import Clock, to_micros, to_utc
from .first import Taken, insert_first

PRUNE_US = 60_000_000
"""Microseconds between two looks for what ended long ago."""

KEPT_US = 3_600_000_000
"""How long it is remembered beyond its end, for a worker whose clock is behind."""

MAX_REMEMBERED = 100_000
"""What the memory of a process holds, where there is no database."""

_DIGEST = re.compile(r"[0-9A-Za-z_-]{16,64}")


class Once:
    """Remembers what was used, for all processes that share the store.

    Args:
        store: The store of the keys. Where it is in no database, each process remembers its own.
        clock: Seconds since 1970; for tests.
    """

    def __init__(self, store: object, clock: Clock = time.time) -> None:
        found = database_of(store)
        self._used = _Memory() if found is None else _Table(store, *found)
        self._clock = clock
        self._prune_at_us = 0

    def use(self, digest: str, expires_at: datetime) -> bool:
        """Use something up.

        Args:
            digest: What names it: 16 to 64 of the characters ``0-9A-Za-z_-``. Not the text of
                something signed, which can be spelled in two ways; something unique inside of it.
            expires_at: When it ends, aware; then it is forgotten.

        Returns:
            Whether this is the first time, anywhere. What has ended can't be used.

        Raises:
            ValueError: The digest is of another shape.
            StoreUnavailable: It can't be known.
        """
        if not _DIGEST.fullmatch(digest):
            raise ValueError("not the digest of something that is used once")
        now_us = int(self._clock() * 1_000_000)
        ends_us = to_micros(to_utc("expires_at", expires_at))
        if ends_us <= now_us:
            return False
        self._prune(now_us)
        return self._used.add(digest, ends_us)

    def _prune(self, now_us: int) -> None:
        if now_us < self._prune_at_us:
            return
        self._prune_at_us = now_us + PRUNE_US
        try:
            self._used.prune(now_us - KEPT_US)
        except StoreUnavailable:
            return  # whoever uses something finds out by itself


class _Memory:
    """In this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ends: dict[str, int] = {}

    def add(self, digest: str, ends_us: int) -> bool:
        with self._lock:
            if digest in self._ends:
                return False
            if len(self._ends) >= MAX_REMEMBERED:
                raise StoreUnavailable("too many forms were sent to be remembered", reason="busy")
            self._ends[digest] = ends_us
            return True

    def prune(self, before_us: int) -> None:
        with self._lock:
            self._ends = {key: ends for key, ends in self._ends.items() if ends >= before_us}


class _Table:
    """In the database."""

    def __init__(self, store: object, database: Database, tables: Tables) -> None:
        self._database = database
        self._table = tables.once
        prepare(store, database, tables, [tables.once], create=False, meanwhile="no form is taken")

    def add(self, digest: str, ends_us: int) -> bool:
        try:
            row = insert(self._table).values(digest=digest, expires_at=ends_us)
            insert_first(self._database, row)
        except Taken:
            return False
        return True

    def prune(self, before_us: int) -> None:
        with self._database.transaction(brief=True) as connection:
            connection.execute(delete(self._table).where(self._table.c.expires_at < before_us))
