"""Whether a check takes longer when there are more keys."""

from __future__ import annotations

from contextlib import ExitStack, closing

from databases import NAMES, Databases
from report import Report
from request import app, bearer, requests
from timing import in_turns, medians

from bearer_auth import BearerAuth

SIZES = (1_000, 100_000, 1_000_000)

IN_USE = 1_000
"""Keys that are used in turn, all seen before."""


def run(databases: Databases, report: Report, rounds: int, calls: int) -> None:
    report.title(f"µs a request, app included, {IN_USE:,} keys in turn that were seen before")
    with ExitStack() as stack:
        blocks = {}
        for backend in databases.all:
            for size in SIZES:
                keys = databases.keys(backend, size)
                store = stack.enter_context(closing(keys.store()))
                ours = stack.enter_context(closing(BearerAuth(app, store)))
                block = requests(ours, [bearer(token) for token in keys.tokens[:IN_USE]])
                block(2 * IN_USE)
                blocks[backend, size] = block
        times = medians(in_turns(blocks, rounds, calls))
    rows = [
        (NAMES[backend], *(f"{times[backend, size]:.2f}" for size in SIZES))
        for backend in databases.all
    ]
    report.table(("keys in the table", *(f"{size:,}" for size in SIZES)), rows)
    for backend in databases.all:
        few, *more = (times[backend, size] for size in SIZES)
        worst = max(more) / few
        report.target(f"{NAMES[backend]}, most keys against fewest, seen before", worst, 1.1)
