"""Requests a second of an app that does nothing, under gunicorn, with the check and without."""

from __future__ import annotations

import statistics
import tempfile
from contextlib import ExitStack
from pathlib import Path

from databases import Databases
from report import Report

from server import WORKERS, Wrk, can_run, gunicorn, write_tokens

ROUNDS = 8

SECONDS = 2

CONNECTIONS = 8

LEAST = 95.0
"""Per cent of what the app does without us."""


def run(databases: Databases, report: Report, rounds: int, calls: int) -> None:
    report.title("gunicorn: requests a second, an app that does nothing, keys in PostgreSQL")
    if not can_run(databases, report):
        return
    keys = databases.keys("postgresql", 1000)
    rows, shares = [], {}
    with tempfile.TemporaryDirectory() as folder:
        tokens = write_tokens(Path(folder) / "tokens", keys.tokens)
        for name, options in WORKERS.items():
            rates: dict[str, list[float]] = {"bare": [], "checked": []}
            cpu_us: dict[str, list[float]] = {"bare": [], "checked": []}
            with ExitStack() as stack:
                servers = {app: stack.enter_context(gunicorn(app, options, keys)) for app in rates}
                for _ in range(ROUNDS):
                    for app, server in servers.items():
                        begin = server.cpu_s()
                        traffic = Wrk(server.address, tokens, CONNECTIONS, SECONDS).wait()
                        assert not traffic.refused
                        rates[app].append(traffic.requests_s)
                        cpu_us[app].append((server.cpu_s() - begin) / traffic.requests * 1e6)
            bare, checked = (statistics.median(figures) for figures in rates.values())
            shares[name] = checked / bare * 100
            cells = [f"{bare:,.0f}", f"{checked:,.0f}", f"{shares[name]:.1f} %"]
            cells += [f"{statistics.median(figures):.0f}" for figures in cpu_us.values()]
            rows.append((name, *cells))
    heads = (f"median of {ROUNDS} runs of {SECONDS} s", "without us", "with us", "")
    report.table((*heads, "CPU µs a request without", "with"), rows)
    for name, share in shares.items():
        report.target(f"throughput, {name}", share, LEAST, "% of the app alone", least=True)
