"""How long a revocation takes, beside the same statements on the driver alone: the rest is the
wait for the leases, once however many keys are revoked."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any
from unittest import mock

import sqlalchemy
from databases import NAMES, Databases, record_of
from report import Report
from sqlalchemy.pool import NullPool

from bearer_auth import Keyring
from bearer_auth.stores.sql import SQLStore
from bearer_auth.stores.sql_meta import commit_wait_s
from bearer_auth.stores.sql_tables import LEASE_MS, new_revision
from bearer_auth.token import mint

TIMES = 5

MANY = 10_000

SLACK_S = 0.05
"""What a revocation may take beside its statements and the wait."""


def run(databases: Databases, report: Report, rounds: int, calls: int) -> None:
    report.title(f"revoke, and revoke_all of {MANY:,} keys, in ms")
    rows, targets = [], []
    for backend in databases.all:
        url = databases.empty(backend)
        store = SQLStore(url, create=True)
        records = [record_of(mint("ba", "production")) for _ in range(TIMES + MANY)]
        for start in range(0, len(records), 1000):
            store.add(records[start : start + 1000])
        keyring = Keyring(store)
        wait_s = 0.0 if backend == "sqlite" else commit_wait_s(LEASE_MS)
        ids = [record.key_id for record in records]
        commit_s = statistics.median(_commit_s(url, key_id) for key_id in ids[-TIMES:])
        ones = [_seconds(keyring.revoke, ids.pop()) for _ in range(TIMES)]
        one_s = statistics.median(seconds for seconds, _ in ones)
        all_s, waits = _seconds(keyring.revoke_all, user_id="user_123")
        work_s = all_s - sum(waits)
        store.close()
        figures = (commit_s, wait_s, one_s, work_s, sum(waits))
        rows.append((NAMES[backend], *(f"{s * 1e3:,.0f}" for s in figures), str(len(waits))))
        targets.append((NAMES[backend], one_s - commit_s - wait_s, len(waits)))
    heads = ("", "driver, raw", "wait", "revoke", "all: work", "all: waited", "all: waits")
    report.table(heads, rows)
    for name, over_s, waits in targets:
        report.target(f"{name}, revoke beyond commit and wait", over_s * 1e3, SLACK_S * 1e3, "ms")
        report.target(f"{name}, waits of revoke_all", waits, 1, "waits")


def _commit_s(url: str, key_id: str) -> float:
    """The statements of a revocation on a connection of their own, as SQLStore has one."""
    engine = sqlalchemy.create_engine(url, poolclass=NullPool)
    begin = time.perf_counter()
    with engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE bearer_auth_meta SET revision = '{new_revision()}'")
        where = f"WHERE key_id = '{key_id}'"
        connection.exec_driver_sql(f"SELECT * FROM bearer_auth_keys {where}").all()
        connection.exec_driver_sql(f"UPDATE bearer_auth_keys SET revoked_reason = 'x' {where}")
    return time.perf_counter() - begin


def _seconds(change: Callable[..., object], *args: Any, **kwargs: Any) -> tuple[float, list[float]]:
    """How long it took, and the waits in it."""
    waits: list[float] = []
    sleep = time.sleep

    def counting(seconds: float) -> None:
        waits.append(seconds)
        sleep(seconds)

    with mock.patch("time.sleep", counting):
        begin = time.perf_counter()
        change(*args, **kwargs)
        return time.perf_counter() - begin, waits
