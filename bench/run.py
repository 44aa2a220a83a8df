"""How fast it is, beside a raw statement of the driver, a check by hand, and peers: ``make bench``.

All in one run and interleaved (``timing.py``). On a machine that does anything else meanwhile, read
the ratios and not the microseconds. Needs the servers that SQLStore is for; one that isn't there is
left out. Each figure that has a target says how it stands, reached or missed.
"""

from __future__ import annotations

import argparse
import os
import platform
import sqlite3
import time
from datetime import UTC, datetime
from importlib.metadata import version

import added
import bulk
import cold
import flood
import idle
import package
import revoke
import size
import throughput
from databases import Databases
from report import Report

import dashboard
import idempotency
import ratelimit
import sdk

SECTIONS = {
    "added": added.run,
    "size": size.run,
    "cold": cold.run,
    "idle": idle.run,
    "revoke": revoke.run,
    "bulk": bulk.run,
    "throughput": throughput.run,
    "flood": flood.run,
    "idempotency": idempotency.run,
    "ratelimit": ratelimit.run,
    "dashboard": dashboard.run,
    "package": package.run,
    "sdk": sdk.run,
}

POSTGRESQL = "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"
MARIADB = "mysql+pymysql://root@127.0.0.1:3306/mysql"
REDIS = "redis://127.0.0.1:6379"

PACKAGES = (
    "werkzeug",
    "SQLAlchemy",
    "psycopg",
    "PyMySQL",
    "redis",
    "limits",
    "gunicorn",
    "Flask-HTTPAuth",
    "Flask-Limiter",
    "Django",
    "djangorestframework",
    "djangorestframework-api-key",
    "django-rest-knox",
    "keystonemiddleware",
    "httpx2",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--only", type=_sections, default=list(SECTIONS), help=", ".join(SECTIONS), metavar="A,B"
    )
    parser.add_argument("--rounds", type=int, default=60, help="turns of each contender")
    parser.add_argument("--calls", type=int, default=2000, help="requests in a turn, at most")
    parser.add_argument("--postgresql", default=POSTGRESQL, metavar="URL")
    parser.add_argument("--mariadb", default=MARIADB, metavar="URL")
    parser.add_argument("--redis", default=REDIS, metavar="URL")
    options = parser.parse_args()

    os.environ["no_proxy"] = "127.0.0.1"  # for what asks a server of ours over HTTP

    report = Report()
    report.note(f"CPython {platform.python_version()}, SQLite {sqlite3.sqlite_version}")
    report.note(", ".join(f"{name} {version(name)}" for name in PACKAGES))
    report.note(f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, load {_load()}")
    begin = time.monotonic()
    servers = {"postgresql": options.postgresql, "mariadb": options.mariadb}
    with Databases(servers, options.redis, report) as databases:
        for name in options.only:
            SECTIONS[name](databases, report, options.rounds, options.calls)
    report.summary()
    report.note(f"\n{(time.monotonic() - begin) / 60:.1f} minutes, load {_load()}")


def _sections(text: str) -> list[str]:
    names = text.split(",")
    if not SECTIONS.keys() >= set(names):
        raise argparse.ArgumentTypeError(f"the sections are {', '.join(SECTIONS)}")
    return names


def _load() -> str:
    return f"{os.getloadavg()[0]:.1f}"


if __name__ == "__main__":
    main()
