"""What a request costs that comes alone: one a second, so that each lease has run out."""

from __future__ import annotations

import random
import statistics
import time
from contextlib import ExitStack, closing

from databases import NAMES, Databases, record_of
from report import Report
from request import App, Floor, app, bearer, start_response

from bearer_auth import BearerAuth, MemoryStore

SECONDS = 20


def run(databases: Databases, report: Report, rounds: int, calls: int) -> None:
    report.title("added µs a request, one a second (really waited for)")
    with ExitStack() as stack:
        keys = {backend: databases.keys(backend, 1000) for backend in databases.all}
        token = keys["sqlite"].tokens[0]
        memory = MemoryStore()
        memory.add([record_of(token)])
        apps: dict[str, tuple[App, str]] = {
            "no check": (app, token),
            "floor, by hand": (Floor(app, [token]), token),
            "memory": (stack.enter_context(closing(BearerAuth(app, memory))), token),
        }
        for backend in databases.all:
            store = stack.enter_context(closing(keys[backend].store()))
            ours = stack.enter_context(closing(BearerAuth(app, store)))
            apps[NAMES[backend]] = (ours, keys[backend].tokens[0])
        seen: dict[str, list[float]] = {name: [] for name in apps}
        for second in range(SECONDS + 1):
            for name in random.sample(list(apps), len(apps)):
                served, token = apps[name]
                environ = bearer(token)
                begin = time.perf_counter()
                served(environ, start_response)
                if second:  # the first one opens connections
                    seen[name].append((time.perf_counter() - begin) * 1e6)
            time.sleep(1)
    bare = statistics.median(seen["no check"])
    rows = [
        (name, f"{statistics.median(us) - bare:,.0f}", f"{max(us) - bare:,.0f}")
        for name, us in seen.items()
        if us is not seen["no check"]
    ]
    report.table((f"{SECONDS} requests", "median", "slowest"), rows)
