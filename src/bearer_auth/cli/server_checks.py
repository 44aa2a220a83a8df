"""What ``bearer-auth doctor`` looks at in a database server, by the store's own connections."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..errors import BearerAuthError
from .checks import Finding, Severity
from .store_checks import MAX_CLOCK_S

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from ..stores.server import ServerDatabase

_LONG_LEASE_MS = 5000


def server(database: ServerDatabase) -> Iterator[Finding]:
    """All there is to see in one."""
    from sqlalchemy.exc import SQLAlchemyError

    where = database.name
    checks = (_meta, _replica, _clock, _durability, _indexes, _rights, _pooler, _encryption)
    try:
        yield _time_of_a_look_up(database)
        with database.transaction(write=False) as connection:
            asked = _Asked(connection, database)
            for check in checks:
                try:
                    with connection.begin_nested():
                        yield from check(asked)
                except SQLAlchemyError as error:
                    name = check.__name__.strip("_")
                    what = f"it could not be found out ({type(error).__name__})"
                    yield Finding("warning", name, where, what, "ask as a user who may see it")
    except BearerAuthError as error:
        yield Finding("error", "database", where, str(error), "see docs/databases.md")


class _Asked:
    """A database that is asked."""

    def __init__(self, connection: Connection, database: ServerDatabase) -> None:
        self.connection = connection
        self.database = database
        self.tables = database.tables
        self.is_postgresql = database.dialect == "postgresql"

    def one(self, postgresql: str, mysql: str | None = None) -> Any:
        """The one value of a statement, in the words of the database at hand."""
        statement = postgresql if self.is_postgresql or mysql is None else mysql
        row = self.connection.exec_driver_sql(statement).first()
        return None if row is None else row[-1]

    def finding(self, check: str, what: str, fix: str = "", severity: Severity = "ok") -> Finding:
        return Finding(severity, check, self.database.name, what, fix)


def _time_of_a_look_up(database: ServerDatabase) -> Finding:
    database.row("0" * 16)  # so that a connection is there
    before = time.perf_counter()
    database.row("0" * 16)
    took_ms = (time.perf_counter() - before) * 1000
    return Finding("ok", "database", database.name, f"it answers a look-up in {took_ms:.1f} ms")


def _meta(asked: _Asked) -> Iterator[Finding]:
    from ..stores.sql_tables import HEAD, PROTOCOL, SCHEMA_VERSION

    meta = asked.tables.meta
    row = asked.connection.execute(meta.select()).mappings().one()
    if row["version"] > SCHEMA_VERSION or row["protocol"] != PROTOCOL:
        yield asked.finding(
            "tables",
            f"they are of version {row['version']} and protocol {row['protocol']}; this "
            f"bearer_auth knows {SCHEMA_VERSION} and {PROTOCOL}",
            "install the bearer_auth that made them",
            "error",
        )
    else:
        yield asked.finding(
            "tables",
            f"version {row['version']}; bearer-auth db check compares them with migration {HEAD}",
        )
    lease_ms, wait_ms = row["lease_ms"], row["wait_ms"]
    again = f"bearer-auth db upgrade --lease-ms {lease_ms}"
    if wait_ms > lease_ms:
        what = f"it was shortened to {lease_ms} ms, but changes still wait for {wait_ms} ms"
        yield asked.finding("lease", what, again, "warning")
    elif not lease_ms:
        what = "it is 0, so each request asks the server"
        yield asked.finding("lease", what, "bearer-auth db upgrade --lease-ms 500", "warning")
    elif lease_ms > _LONG_LEASE_MS:
        what = f"it is {lease_ms} ms, and each revocation takes as long"
        yield asked.finding("lease", what, "bearer-auth db upgrade --lease-ms 500", "warning")
    else:
        yield asked.finding("lease", f"{lease_ms} ms; a change of a key takes as long")


def _replica(asked: _Asked) -> Iterator[Finding]:
    if asked.one("SELECT pg_is_in_recovery()", "SELECT @@global.read_only"):
        what = "this is a replica or read-only, so every request gets a 503"
        yield asked.finding("primary", what, "name the primary in the URL", "error")
        return
    nodes = 0 if asked.is_postgresql else _galera_nodes(asked)
    if nodes > 1:
        yield asked.finding(
            "primary",
            f"one of {nodes} nodes of a Galera cluster: what is written at one is read late at "
            "another",
            "let all processes use one node, or set wsrep_sync_wait=1",
            "warning",
        )
    else:
        yield asked.finding("primary", "it takes changes")


def _galera_nodes(asked: _Asked) -> int:
    return int(asked.one("", "SHOW GLOBAL STATUS LIKE 'wsrep_cluster_size'") or 0)


def _clock(asked: _Asked) -> Iterator[Finding]:
    before = time.time()
    its = float(
        asked.one("SELECT extract(epoch FROM clock_timestamp())", "SELECT UNIX_TIMESTAMP(NOW(6))")
    )
    behind = max(before - its, its - time.time(), 0.0)
    if behind > MAX_CLOCK_S:
        what = f"its clock and this machine's differ by {behind:.0f} s"
        yield asked.finding("clock", what, "keep both in time with NTP", "error")
    else:
        yield asked.finding("clock", "as this machine's")


def _durability(asked: _Asked) -> Iterator[Finding]:
    settings = (
        {"synchronous_commit": {"off"}}
        if asked.is_postgresql
        else {
            "innodb_flush_log_at_trx_commit": {"0", "2"},
            "binlog_format": {"STATEMENT"},
        }
    )
    found = False
    for name, bad in settings.items():
        value = str(asked.one(f"SHOW {name}", f"SELECT @@global.{name}"))
        if value not in bad:
            continue
        found = True
        if name == "binlog_format":
            what = "binlog_format is STATEMENT, with which changes of keys are refused"
            yield asked.finding("durability", what, "set binlog_format=MIXED or ROW", "error")
        else:
            what = f"{name} is {value}, so a crash may take a revocation back"
            fix = "set it to on" if asked.is_postgresql else "set it to 1"
            yield asked.finding("durability", what, fix, "warning")
    if not found:
        yield asked.finding("durability", "a change that has returned survives a crash")


def _indexes(asked: _Asked) -> Iterator[Finding]:
    from sqlalchemy import inspect
    from sqlalchemy.schema import CreateIndex

    keys = asked.tables.keys
    there = {
        index["name"] for index in inspect(asked.connection).get_indexes(keys.name, keys.schema)
    }
    missing = [index for index in keys.indexes if index.name not in there]
    for index in missing:
        statement = str(CreateIndex(index).compile(asked.connection)).strip()
        what = f"the index {index.name} is missing, so a list may read all keys"
        yield asked.finding("indexes", what, statement, "warning")
    if not missing:
        yield asked.finding("indexes", "all there")


def _rights(asked: _Asked) -> Iterator[Finding]:
    if asked.is_postgresql:
        tables = (asked.tables.keys.fullname, asked.tables.meta.fullname)
        wide = any(
            asked.one(f"SELECT has_table_privilege('{table}', '{right}')")
            for table in tables
            for right in ("INSERT", "UPDATE", "DELETE")
        )
    else:
        grants = [row[0] for row in asked.connection.exec_driver_sql("SHOW GRANTS").all()]
        narrow = f"{asked.tables.usage.name}`", f"{asked.tables.days.name}`"
        wide = any(
            any(right in grant for right in ("ALL PRIVILEGES", "INSERT", "UPDATE", "DELETE"))
            for grant in grants
            if not any(name in grant for name in narrow)
        )
    if wide:
        yield asked.finding(
            "rights",
            "this user may change keys; a process that only checks them needs no such right",
            "for the web process make a user with the GRANTs of docs/databases.md",
            "warning",
        )
    else:
        yield asked.finding("rights", "this user may check keys and not change them")


def _pooler(asked: _Asked) -> Iterator[Finding]:
    if not asked.is_postgresql:
        return
    raw = asked.connection.connection.dbapi_connection
    if raw is not None and asked.one("SELECT pg_backend_pid()") != raw.info.backend_pid:
        what = "a pooler stands between, so look-ups are not prepared and take twice as long"
        yield asked.finding("pooler", what)


def _encryption(asked: _Asked) -> Iterator[Finding]:
    host = asked.database.host
    if host is None or _is_here(host):
        return
    encrypted = asked.one(
        "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()", "SHOW STATUS LIKE 'Ssl_cipher'"
    )
    if encrypted:
        yield asked.finding("encryption", "the connection is encrypted")
    else:
        what = "hashes of keys and the password travel in the clear"
        fix = "add sslmode=verify-full" if asked.is_postgresql else "add ssl_ca=…"
        yield asked.finding("encryption", what, f"{fix} to the URL", "warning")


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.startswith("/")
