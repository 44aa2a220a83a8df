"""A valid key that was not seen before, beside the least that it could cost: the driver reading the
same row by its primary key, prepared, on a cursor that is kept."""

from __future__ import annotations

import itertools
import random
import sqlite3
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, closing, contextmanager
from typing import Any

import psycopg
import pymysql
from databases import NAMES, Databases, Keys
from report import Report
from sqlalchemy import make_url
from timing import Block, in_turns, medians

from bearer_auth import Authenticator
from bearer_auth.token import minted_key_id

KEYS = 1_000_000

MOST = {"sqlite": 5.0, "postgresql": 2.0, "mariadb": 2.0}
"""How often the driver's time a valid key may take."""

READ, GET, WHOLE = "driver, raw", "SQLStore.get", "Authenticator, nothing remembered"


def run(databases: Databases, report: Report, rounds: int, calls: int) -> None:
    report.title(f"µs for a valid key not seen before, of {KEYS:,}")
    with ExitStack() as stack:
        blocks: dict[tuple[str, str], Block] = {}
        for backend in databases.all:
            keys = databases.keys(backend, KEYS)
            tokens = random.sample(keys.tokens, len(keys.tokens))
            ids = [minted_key_id(token) for token in tokens]
            raw = stack.enter_context(_RAW[backend](keys))
            store = stack.enter_context(closing(keys.store()))
            whole = stack.enter_context(closing(Authenticator(store, cache_size=0)))
            assert raw(ids[0])[0] == store.get(ids[0]).key_id == ids[0]
            blocks[backend, READ] = _over(ids, raw)
            blocks[backend, GET] = _over(ids, store.get)
            blocks[backend, WHOLE] = _over(tokens, whole.authenticate)
        times = medians(in_turns(blocks, rounds, calls))
    rows = []
    for backend in databases.all:
        least = times[backend, READ]
        figures = [times[backend, what] for what in (GET, WHOLE)]
        cells = (f"{us:.1f} {us / least:>6.2f} ×" for us in figures)
        rows.append((NAMES[backend], f"{least:.1f}", *cells))
    report.table((f"median of {rounds} rounds", READ, GET, WHOLE), rows)
    for backend in databases.all:
        ratio = times[backend, WHOLE] / times[backend, READ]
        report.target(f"{NAMES[backend]}, valid key not seen before", ratio, MOST[backend])


def _over(values: list[Any], call: Callable[[Any], object]) -> Block:
    endless = itertools.cycle(values)

    def block(calls: int) -> float:
        begin = time.perf_counter()
        for value in itertools.islice(endless, calls):
            call(value)
        return time.perf_counter() - begin

    return block


@contextmanager
def _sqlite(keys: Keys) -> Generator[Callable[[str], Any], None, None]:
    connection = sqlite3.connect(keys.url.removeprefix("sqlite:///"), isolation_level=None)
    cursor, sql = connection.cursor(), f"SELECT * FROM {keys.prefix}keys WHERE key_id = ?"
    yield lambda key_id: cursor.execute(sql, (key_id,)).fetchone()
    connection.close()


@contextmanager
def _postgresql(keys: Keys) -> Generator[Callable[[str], Any], None, None]:
    url = make_url(keys.url).set(drivername="postgresql")
    connection = psycopg.connect(url.render_as_string(hide_password=False), autocommit=True)
    cursor, sql = connection.cursor(), f"SELECT * FROM {keys.prefix}keys WHERE key_id = %s"
    yield lambda key_id: cursor.execute(sql, (key_id,), prepare=True).fetchone()
    connection.close()


@contextmanager
def _mariadb(keys: Keys) -> Generator[Callable[[str], Any], None, None]:
    url = make_url(keys.url)
    connection = pymysql.connect(
        host=url.host,
        port=url.port or 3306,
        user=url.username,
        password=url.password or "",
        database=url.database,
        autocommit=True,
    )
    cursor, sql = connection.cursor(), f"SELECT * FROM {keys.prefix}keys WHERE key_id = %s"

    def read(key_id: str) -> Any:  # PyMySQL knows no prepared statements
        cursor.execute(sql, (key_id,))
        return cursor.fetchone()

    yield read
    connection.close()


_RAW = {"sqlite": _sqlite, "postgresql": _postgresql, "mariadb": _mariadb}
