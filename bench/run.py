"""What a request costs more with a key check than without: ``make bench``.

All in one process and interleaved: each round runs each contender once, so that a slow moment of
the machine hits them all. The figure is the median over the rounds of the app with the check minus
the same app without it. Then what an import costs, and what keys cost in memory.
"""

from __future__ import annotations

import argparse
import gc
import json
import platform
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bearer_auth import BearerAuth, EnvStore, KeyRecord, Keyring, MemoryStore, Rule
from bearer_auth.stores.sql import SQLStore
from bearer_auth.token import mint

App = Callable[[dict[str, Any], Any], Iterable[bytes]]

BODY = b'{"success": true}'
HEADERS = [("Content-Type", "application/json"), ("Content-Length", str(len(BODY)))]


def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", HEADERS)
    return [BODY]


def start_response(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> None:
    pass


class Floor:
    """What a careful person writes by hand: prefix, SHA-256, dict, expiry. Nothing else."""

    def __init__(self, app: App, tokens: list[str]) -> None:
        self.app = app
        end = time.time() + 86_400
        self.keys = {sha256(token.encode()).digest(): ("user_123", end) for token in tokens}

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        header = environ.get("HTTP_AUTHORIZATION", "")
        if header.startswith("Bearer "):
            found = self.keys.get(sha256(header[7:].encode()).digest())
            if found is not None and time.time() < found[1]:
                environ["user"] = found[0]
                return self.app(environ, start_response)
        start_response("401 Unauthorized", HEADERS)
        return [BODY]


def flask_apps(token: str) -> tuple[App, App]:
    """A Flask app, and the same one behind Flask-HTTPAuth with a dict."""
    from flask import Flask
    from flask_httpauth import HTTPTokenAuth

    apps = []
    for protected in (False, True):
        flask = Flask("bench")
        auth = HTTPTokenAuth("Bearer")
        auth.verify_token({token: "user_123"}.get)

        def view() -> tuple[bytes, int, dict[str, str]]:
            return BODY, 200, {"Content-Type": "application/json"}

        flask.get("/execute/demo")(auth.login_required(view) if protected else view)
        apps.append(flask.wsgi_app)
    return apps[0], apps[1]


def environ_with(authorization: str | None) -> dict[str, Any]:
    """What gunicorn 27 makes of the documented curl line."""
    environ: dict[str, Any] = {
        "wsgi.errors": sys.stderr,
        "wsgi.version": (1, 0),
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": None,
        "wsgi.input_terminated": True,
        "SERVER_SOFTWARE": "gunicorn/27.0.1",
        "wsgi.input": None,
        "gunicorn.socket": None,
        "REQUEST_METHOD": "GET",
        "QUERY_STRING": "",
        "RAW_URI": "/execute/demo",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "127.0.0.1:8000",
        "HTTP_USER_AGENT": "curl/8.5.0",
        "HTTP_ACCEPT": "*/*",
        "wsgi.url_scheme": "http",
        "REMOTE_ADDR": "127.0.0.1",
        "REMOTE_PORT": "51234",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "PATH_INFO": "/execute/demo",
        "SCRIPT_NAME": "",
    }
    if authorization is not None:
        environ["HTTP_AUTHORIZATION"] = authorization
    return environ


def time_calls(app: App, environ: dict[str, Any], calls: int) -> float:
    """Seconds for so many requests, each with a fresh environ as a server makes it."""
    begin = time.perf_counter()
    for _ in range(calls):
        app(environ.copy(), start_response)
    return time.perf_counter() - begin


def added_by_request(rounds: int, calls: int) -> None:
    """Print what each contender adds to a request."""
    folder = tempfile.TemporaryDirectory()
    memory = MemoryStore()
    issued = Keyring(memory).create(
        user_id="user_123", plan="pro", scopes=["ensembles:execute"], expires_in=timedelta(days=1)
    )
    token = issued.token
    env = EnvStore(
        environ={"BEARER_AUTH_KEY_CI": json.dumps({"token": token, "scopes": "ensembles:execute"})}
    )
    sqlite = SQLStore(f"sqlite:///{Path(folder.name) / 'keys.db'}")
    sqlite.add([issued.record])
    rules = [
        Rule("/admin/*", scopes=["admin"]),
        Rule("/execute/{ensemble}", scopes=["ensembles:execute"]),
        Rule("/docs", public=True),
    ]
    ours = {
        f"{name}{suffix}": BearerAuth(app, store, rules=given)
        for name, store in {"memory": memory, "env": env, "SQLite": sqlite}.items()
        for suffix, given in {"": [], ", with rules": rules}.items()
    }
    plain_flask, httpauth = flask_apps(token)
    contenders: dict[str, tuple[App, App]] = {
        "floor, by hand": (app, Floor(app, [token])),
        **{name: (app, bearer_auth) for name, bearer_auth in ours.items()},
        "Flask-HTTPAuth, dict": (plain_flask, httpauth),
    }
    unknown = Keyring(MemoryStore()).create(user_id="nobody").token
    kinds = {
        "valid key": environ_with(f"Bearer {token}"),
        "wrong key": environ_with(f"Bearer {unknown}"),
        "no key": environ_with(None),
    }
    added: dict[tuple[str, str], list[float]] = {}
    gc.disable()
    for _ in range(rounds):
        for name, (bare, checked) in contenders.items():
            for kind, environ in kinds.items():
                number = max(calls // 10, 1) if bare is plain_flask else calls
                without = time_calls(bare, environ, number)
                seconds = time_calls(checked, environ, number) - without
                added.setdefault((name, kind), []).append(seconds / number * 1e6)
        gc.collect()
    gc.enable()

    print(f"added µs a request, median of {rounds} rounds, and how often the floor's valid key")
    print(f"{'':24}" + "".join(f"{kind:>18}" for kind in kinds))
    floor = statistics.median(added["floor, by hand", "valid key"])
    for name in contenders:
        figures = [statistics.median(added[name, kind]) for kind in kinds]
        print(f"{name:24}" + "".join(f"{us:>9.2f} {us / floor:>6.2f} x" for us in figures))
    for bearer_auth in ours.values():
        bearer_auth.close()
    sqlite.close()
    folder.cleanup()


def import_time(rounds: int = 15) -> None:
    """Print what ``import bearer_auth`` costs, next to the least that werkzeug's errors cost."""
    times: dict[str, list[int]] = {"werkzeug.exceptions": [], "bearer_auth": []}
    for _ in range(rounds):
        for module, seen in times.items():
            done = subprocess.run(
                [sys.executable, "-X", "importtime", "-c", f"import {module}"],
                capture_output=True,
                text=True,
                check=True,
            )
            rows = [line.split("|") for line in done.stderr.splitlines()[1:]]
            seen.append(next(int(row[1]) for row in rows if row[2][1:] == module))
    ms = {module: statistics.median(seen) / 1000 for module, seen in times.items()}
    print(f"\nimport, median of {rounds}: " + ", ".join(f"{m} {t:.1f} ms" for m, t in ms.items()))
    print(f"difference {ms['bearer_auth'] - ms['werkzeug.exceptions']:.1f} ms")


def memory_of_keys(number: int = 100_000) -> None:
    """Print what keys cost in a MemoryStore."""
    tracemalloc.start()
    keyring = Keyring(store := MemoryStore())
    template = keyring.create(user_id="user_0", name="CI", scopes=["ensembles:execute"]).record
    for i in range(number - 1):
        token = mint("ba", "production")
        store.add(
            [KeyRecord.from_token(token, user_id=f"user_{i}", name="CI", scopes=template.scopes)]
        )
    print(f"\n{number} keys in a MemoryStore: {tracemalloc.get_traced_memory()[0] / 2**20:.0f} MiB")
    tracemalloc.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=60, help="rounds of the first table")
    parser.add_argument("--calls", type=int, default=2000, help="requests a round and contender")
    options = parser.parse_args()
    peers = ("werkzeug", "SQLAlchemy", "Flask-HTTPAuth")
    versions = ", ".join(f"{name} {version(name)}" for name in peers)
    python = f"CPython {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    print(f"{python}, {versions}, {datetime.now(UTC):%Y-%m-%d}\n")
    added_by_request(options.rounds, options.calls)
    import_time()
    memory_of_keys()


if __name__ == "__main__":
    main()
