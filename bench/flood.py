"""Good keys while others flood the server: with keys that don't exist, or with good ones too."""

from __future__ import annotations

import statistics
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from databases import Databases
from report import Report

from bearer_auth.token import mint
from server import WORKERS, Traffic, Wrk, can_run, gunicorn, write_tokens

ROUNDS = 3

SECONDS = 4

CONNECTIONS = 8
"""Of the flood; the good keys have one of their own."""

UNKNOWN = 20_000

MOST = 1.5

APPS = {"an app that does nothing": 0.0, "an app that waits 2 ms": 0.002}


def run(databases: Databases, report: Report, rounds: int, calls: int) -> None:
    report.title(f"a flood from {CONNECTIONS} connections: p99 of good keys on another one, in ms")
    if not can_run(databases, report):
        return
    keys = databases.keys("postgresql", 1000)
    rows, ratios = [], {}
    with tempfile.TemporaryDirectory() as folder:
        good = write_tokens(Path(folder) / "good", keys.tokens)
        unknown = (mint("ba", "production") for _ in range(UNKNOWN))
        floods = {"good": good, "unknown": write_tokens(Path(folder) / "unknown", unknown)}
        for workers, options in WORKERS.items():
            for app, work_s in APPS.items():
                seen: dict[str, list[tuple[Traffic, Traffic]]] = {name: [] for name in floods}
                with ExitStack() as stack:
                    server = stack.enter_context(gunicorn("checked", options, keys, work_s))
                    for _ in range(ROUNDS):
                        for name, tokens in floods.items():
                            seen[name].append(_flooded(server.address, good, tokens))
                p99 = {
                    name: statistics.median(probe.p99_ms for _, probe in traffic)
                    for name, traffic in seen.items()
                }
                rate = {
                    name: statistics.median(flood.requests_s for flood, _ in traffic)
                    for name, traffic in seen.items()
                }
                ratios[f"{workers}, {app}"] = p99["unknown"] / p99["good"]
                cells = (f"{p99[name]:.2f} at {rate[name]:,.0f}/s" for name in floods)
                rows.append((f"{workers}, {app}", *cells))
    report.table(("p99, and the flood's rate", "of good keys", "of unknown keys"), rows)
    for name, ratio in ratios.items():
        report.target(f"flood of unknown keys, {name}", ratio, MOST, "× a flood of good ones")


def _flooded(address: str, good: Path, tokens: Path) -> tuple[Traffic, Traffic]:
    flood = Wrk(address, tokens, CONNECTIONS, SECONDS + 1)
    time.sleep(0.5)
    probe = Wrk(address, good, 1, SECONDS).wait()
    assert not probe.refused
    return flood.wait(), probe
