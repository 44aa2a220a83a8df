"""What ``import bearer_auth`` costs, and what keys cost in memory."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tracemalloc

from databases import Databases
from report import Report

from bearer_auth import KeyRecord, MemoryStore
from bearer_auth.token import mint

IMPORTS = 15
KEYS = 100_000


def run(databases: Databases, report: Report, rounds: int, calls: int) -> None:
    report.title("the package")
    ms = _import_ms()
    report.note(f"import, median of {IMPORTS}: " + ", ".join(f"{m} {t:.1f} ms" for m, t in ms))
    report.note(f"difference {ms[1][1] - ms[0][1]:.1f} ms")
    report.note(f"{KEYS:,} keys in a MemoryStore: {_memory_mib():.0f} MiB")


def _import_ms() -> list[tuple[str, float]]:
    """Next to the least that werkzeug's errors cost."""
    times: dict[str, list[int]] = {"werkzeug.exceptions": [], "bearer_auth": []}
    for _ in range(IMPORTS):
        for module, seen in times.items():
            done = subprocess.run(
                [sys.executable, "-X", "importtime", "-c", f"import {module}"],
                capture_output=True,
                text=True,
                check=True,
            )
            rows = [line.split("|") for line in done.stderr.splitlines()[1:]]
            seen.append(next(int(row[1]) for row in rows if row[2][1:] == module))
    return [(module, statistics.median(seen) / 1000) for module, seen in times.items()]


def _memory_mib() -> float:
    tracemalloc.start()
    store = MemoryStore()
    for i in range(KEYS):
        token = mint("ba", "production")
        store.add(
            [
                KeyRecord.from_token(
                    token, user_id=f"user_{i}", name="CI", scopes=("ensembles:execute",)
                )
            ]
        )
    size = tracemalloc.get_traced_memory()[0] / 2**20
    tracemalloc.stop()
    return size
