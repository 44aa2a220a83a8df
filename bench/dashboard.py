"""What the dashboard's list costs over its SQL, and whether more keys make it slower."""

from __future__ import annotations

from contextlib import ExitStack, closing

from databases import NAMES, Databases
from report import Report
from size import SIZES
from timing import in_turns, medians, repeated
from werkzeug.test import Client

from bearer_auth import Keyring
from bearer_auth.dashboard import DashboardUser, create_dashboard
from bearer_auth.dashboard.filters import Filters

OPERATOR = DashboardUser("operator", may_manage_all=True)


def run(databases: Databases, report: Report, rounds: int, calls: int) -> None:
    report.title("ms for a page of 50 keys: the whole page, and its SQL alone")
    with ExitStack() as stack:
        blocks = {}
        for backend in databases.all:
            for size in SIZES:
                store = stack.enter_context(closing(databases.keys(backend, size).store()))
                keyring = Keyring(store)
                client = Client(create_dashboard(keyring, lambda _: OPERATOR))
                query = Filters().query(OPERATOR, keyring.now(), None)

                def page(client: Client = client) -> None:
                    if client.get("/").status_code != 200:
                        raise RuntimeError("the list is not there")

                blocks[backend, size, "page"] = repeated(page)
                blocks[backend, size, "SQL"] = repeated(lambda s=store, q=query: s.find(q))
        times = medians(in_turns(blocks, max(rounds // 4, 3), calls))
    ms = {name: time / 1000 for name, time in times.items()}
    rows = [
        (
            NAMES[backend],
            *(f"{ms[backend, n, 'page']:.1f} / {ms[backend, n, 'SQL']:.1f}" for n in SIZES),
        )
        for backend in databases.all
    ]
    report.table(("keys in the table", *(f"{size:,}" for size in SIZES)), rows)
    for backend in databases.all:
        over = max(ms[backend, n, "page"] - ms[backend, n, "SQL"] for n in SIZES)
        report.target(f"{NAMES[backend]}, the list over its SQL", over, 20, "ms")
        few, *more = (ms[backend, size, "page"] for size in SIZES)
        report.target(f"{NAMES[backend]}, the list, most keys against fewest", max(more) / few, 1.2)
