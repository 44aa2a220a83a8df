"""Moving in: hashes of keys that exist already, from another table. In a process of its own, whose
memory is looked at twice."""

from __future__ import annotations

import base64
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator

from databases import NAMES, Databases
from report import Report

from bearer_auth import KeyRecord
from bearer_auth.moving import Outcome, Row, import_rows
from bearer_auth.records import Secret
from bearer_auth.stores.sql import SQLStore

KEYS = 100_000

EARLY = 20_000
"""Keys after which the memory is looked at first."""

LEAST_A_SECOND = 20_000

FLAT_MIB = 8.0
"""By how much the memory may grow after that."""


def run(databases: Databases, report: Report, rounds: int, calls: int) -> None:
    report.title(f"import of {KEYS:,} hashes")
    rows, found = [], {}
    for backend in databases.all:
        url = databases.empty(backend)
        SQLStore(url, create=True).close()
        done = subprocess.run(
            [sys.executable, __file__, url], capture_output=True, text=True, check=True
        )
        found[backend] = seconds, early, late = json.loads(done.stdout)
        cells = (f"{KEYS / seconds:,.0f}", f"{early:.0f}", f"{late:.0f}")
        rows.append((NAMES[backend], *cells))
    heads = ("", "keys a second", f"MiB after {EARLY:,}", f"MiB after {KEYS:,}")
    report.table(heads, rows)
    for backend, (seconds, early, late) in found.items():
        name = NAMES[backend]
        if backend == "postgresql":
            rate = KEYS / seconds
            report.target(f"{name}, import", rate, LEAST_A_SECOND, "keys a second", least=True)
        report.target(f"{name}, memory that an import adds", late - early, FLAT_MIB, "MiB")


def _import(url: str) -> tuple[float, float, float]:
    store = SQLStore(url)
    early: list[float] = []

    def look(outcome: Outcome) -> None:
        if outcome.added >= EARLY and not early:
            early.append(_peak_mib())

    begin = time.perf_counter()
    import_rows(store, (Row("", record) for record in _records(KEYS)), progress=look)
    seconds = time.perf_counter() - begin
    store.close()
    return seconds, early[0], _peak_mib()


def _records(number: int) -> Iterator[KeyRecord]:
    for i in range(number):
        random = base64.b64encode(os.urandom(45), b"ab").decode()
        yield KeyRecord(
            key_id=random[:16],
            user_id=f"user_{i}",
            plan="pro",
            name="CI",
            scopes=("ensembles:execute",),
            secrets=(Secret(hash=f"$sha256${random[16:58]}A"),),
        )


def _peak_mib() -> float:
    kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kib / (2**20 if sys.platform == "darwin" else 2**10)


if __name__ == "__main__":
    print(json.dumps(_import(sys.argv[1])))
