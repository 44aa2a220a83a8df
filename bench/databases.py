"""Databases of our own, dropped at the end, and tables with as many keys as are asked for.

A few keys are real ones, made as a user makes them. The rest only fills the tables: the database
makes those rows itself, which takes seconds where SQLStore would take minutes.
"""

from __future__ import annotations

import base64
import os
import sqlite3
import tempfile
import uuid
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import redis
import sqlalchemy
from report import Report
from sqlalchemy import Engine, literal, literal_column, select, text
from sqlalchemy.pool import NullPool

from bearer_auth import KeyRecord
from bearer_auth.stores.sql import SQLStore
from bearer_auth.stores.sql_rows import encode
from bearer_auth.stores.sql_tables import make_tables
from bearer_auth.token import mint

NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "mariadb": "MariaDB"}

_REAL = 10_000
"""Real keys in a table, at most."""

# Ids as random as ours, made by the server from the number of the row.
_IDS = {
    "postgresql": "translate(left(encode(decode(md5(n::text), 'hex'), 'base64'), 16), '+/', 'ab')",
    "mariadb": "replace(replace(left(to_base64(unhex(md5(n))), 16), '+', 'a'), '/', 'b')",
}
_USERS = {"postgresql": "'user_' || n", "mariadb": "concat('user_', n)"}
_NUMBERS = {
    "postgresql": "generate_series(1, {}) AS n",
    "mariadb": "(SELECT seq AS n FROM seq_1_to_{}) AS numbers",
}


class Keys(NamedTuple):
    """Tables with keys in them, and the tokens of the real ones."""

    url: str
    prefix: str
    tokens: list[str]

    def store(self, **options: Any) -> SQLStore:
        return SQLStore(self.url, table_prefix=self.prefix, **options)


class Databases:
    """Makes databases on the servers, and a folder for files; a server that isn't there is left
    out, which is said once."""

    def __init__(self, servers: dict[str, str], redis_url: str, report: Report) -> None:
        self._servers = dict(servers)
        self.redis: str | None = redis_url
        self.mark = f"bearer_auth_bench_{uuid.uuid4().hex[:12]}:"
        """Stands in the names of all that is put into Redis, which is removed at the end."""
        self._report = report
        self._made: list[tuple[str, str]] = []
        self._keys: dict[tuple[str, int], Keys] = {}
        self._common: dict[str, str] = {}
        self._folder = tempfile.TemporaryDirectory(prefix="bearer_auth_bench_")

    def __enter__(self) -> Databases:
        for backend, address in list(self._servers.items()):
            try:
                self._run(backend, "SELECT 1")
            except sqlalchemy.exc.OperationalError:
                self._report.note(f"no {NAMES[backend]} at {sqlalchemy.make_url(address).host}")
                del self._servers[backend]
        try:
            self._in_redis().ping()
        except redis.ConnectionError:
            self._report.note(f"no Redis at {sqlalchemy.make_url(self.redis or '').host}")
            self.redis = None
        return self

    def __exit__(self, *exc_info: object) -> None:
        for backend, name in self._made:
            force = " WITH (FORCE)" if backend == "postgresql" else ""
            self._run(backend, f"DROP DATABASE {name}{force}")
        if self.redis is not None:
            client = self._in_redis()
            for name in client.scan_iter(match=f"*{self.mark}*", count=1000):
                client.delete(name)
        self._folder.cleanup()

    @property
    def servers(self) -> list[str]:
        """The servers that answer."""
        return list(self._servers)

    @property
    def all(self) -> list[str]:
        """SQLite and the servers that answer."""
        return ["sqlite", *self._servers]

    def empty(self, backend: str) -> str:
        """The URL of a new and empty database."""
        name = f"bearer_auth_bench_{uuid.uuid4().hex[:12]}"
        if backend == "sqlite":
            return f"sqlite:///{Path(self._folder.name) / name}.db"
        self._made.append((backend, name))
        self._run(backend, f"CREATE DATABASE {name}")
        url = sqlalchemy.make_url(self._servers[backend]).set(database=name)
        return url.render_as_string(hide_password=False)

    def common(self, backend: str) -> str:
        """The URL of one database for all that has tables or names of its own."""
        url = self._common.get(backend)
        if url is None:
            url = self._common[backend] = self.empty(backend)
        return url

    def urls(self) -> dict[str, str]:
        """By name, the URL of a database on each server, and of Redis."""
        urls = {NAMES[backend]: self.common(backend) for backend in self._servers}
        return urls if self.redis is None else {**urls, "Redis": self.redis}

    def keys(self, backend: str, number: int) -> Keys:
        """Tables with so many keys, made when they are first asked for."""
        found = self._keys.get((backend, number))
        if found is None:
            # on SQLite a file of its own: writers of one file would wait for each other
            url = self.empty(backend) if backend == "sqlite" else self.common(backend)
            prefix = f"bearer_auth_{number}_"
            begin = datetime.now()
            found = self._keys[backend, number] = Keys(url, prefix, fill(url, prefix, number))
            if number >= 1_000_000:
                seconds = (datetime.now() - begin).total_seconds()
                self._report.note(f"({NAMES[backend]}: {number:,} keys made in {seconds:.0f} s)")
        return found

    def _in_redis(self) -> redis.Redis:
        return redis.Redis.from_url(self.redis or "")

    def _run(self, backend: str, statement: str) -> None:
        with _engine(self._servers[backend], isolation_level="AUTOCOMMIT").connect() as connection:
            connection.exec_driver_sql(statement)


def fill(url: str, prefix: str, number: int) -> list[str]:
    """Make tables with so many keys; returns the tokens of the real ones."""
    tokens = [mint("ba", "production") for _ in range(min(number, _REAL))]
    with_keys = SQLStore(url, create=True, table_prefix=prefix)
    if number > len(tokens):
        _fill(url, prefix, number - len(tokens))
    for start in range(0, len(tokens), 1000):
        with_keys.add(record_of(token) for token in tokens[start : start + 1000])
    with_keys.close()
    engine = _engine(url)
    analyze = "ANALYZE TABLE" if engine.dialect.name == "mysql" else "ANALYZE"
    with engine.connect() as connection:
        connection.execute(text(f"{analyze} {prefix}keys"))
    return tokens


def record_of(token: str) -> KeyRecord:
    """A record such as most have."""
    return KeyRecord.from_token(
        token, user_id="user_123", plan="pro", name="CI", scopes=["ensembles:execute"]
    )


def _fill(url: str, prefix: str, number: int) -> None:
    row = encode(record_of(mint("ba", "production")))
    if url.startswith("sqlite"):
        _fill_file(url.removeprefix("sqlite:///"), prefix, row, number)
        return
    engine = _engine(url)
    backend = "mariadb" if engine.dialect.name == "mysql" else "postgresql"
    table = make_tables(prefix, None).keys
    made = {"key_id": _IDS[backend], "user_id": _USERS[backend]}
    values = [
        literal_column(made[column]).label(column)
        if column in made
        else literal(row[column], table.c[column].type)
        for column in row
    ]
    numbers = text(_NUMBERS[backend].format(number))
    # In the order of the primary key: InnoDB keeps the rows in it.
    rows = select(*values).select_from(numbers).order_by(literal_column(made["key_id"]))
    with engine.begin() as connection:
        connection.execute(table.insert().from_select(list(row), rows))


def _fill_file(path: str, prefix: str, row: dict[str, Any], number: int) -> None:
    random = base64.b64encode(os.urandom(12 * number), b"ab").decode()
    ids = sorted({random[start : start + 16] for start in range(0, len(random), 16)})
    del row["key_id"], row["user_id"]
    rest = tuple(row.values())
    rows = ((key_id, f"user_{n}", *rest) for n, key_id in enumerate(ids))
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA synchronous = OFF")
    places = ", ".join("?" * (len(row) + 2))
    connection.executemany(
        f"INSERT INTO {prefix}keys (key_id, user_id, {', '.join(row)}) VALUES ({places})", rows
    )
    connection.commit()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def _engine(url: str, **options: Any) -> Engine:
    return sqlalchemy.create_engine(url, poolclass=NullPool, **options)
