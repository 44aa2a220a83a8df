"""What a request costs more with a key check than without: ``make bench``.

All in one process and interleaved: each round runs each contender once, so that a slow moment of
the machine hits them all. The figure is the median over the rounds of (the app with the check minus the
same app without it).
"""

from __future__ import annotations

import argparse
import gc
import json
import platform
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bearer_auth import BearerAuth, EnvStore, Keyring, MemoryStore, Rule
from bearer_auth.stores.sql import SQLStore

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
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/execute/demo",
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "127.0.0.1:8000",
        "HTTP_USER_AGENT": "curl/8.5.0",
        "HTTP_ACCEPT": "*/*",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": None,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--calls", type=int, default=2000)
    options = parser.parse_args()

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
    plain_flask, httpauth = flask_apps(token)
    contenders: dict[str, tuple[App, App]] = {
        "floor, by hand": (app, Floor(app, [token])),
        "memory": (app, BearerAuth(app, memory)),
        "memory, with rules": (app, BearerAuth(app, memory, rules=rules)),
        "env": (app, BearerAuth(app, env)),
        "env, with rules": (app, BearerAuth(app, env, rules=rules)),
        "SQLite": (app, BearerAuth(app, sqlite)),
        "SQLite, with rules": (app, BearerAuth(app, sqlite, rules=rules)),
        "Flask-HTTPAuth, dict": (plain_flask, httpauth),
    }
    unknown = Keyring(MemoryStore()).create(user_id="nobody").token
    kinds = {
        "valid": environ_with(f"Bearer {token}"),
        "wrong": environ_with(f"Bearer {unknown}"),
        "none": environ_with(None),
    }
    added: dict[tuple[str, str], list[float]] = {}
    gc.disable()
    for _ in range(options.rounds):
        for name, (bare, checked) in contenders.items():
            for kind, environ in kinds.items():
                calls = max(options.calls // 10, 1) if bare is plain_flask else options.calls
                without = time_calls(bare, environ, calls)
                seconds = time_calls(checked, environ, calls) - without
                added.setdefault((name, kind), []).append(seconds / calls * 1e6)
        gc.collect()

    def figure(name: str, kind: str) -> float:
        return statistics.median(added[name, kind])

    floor = figure("floor, by hand", "valid")
    print(f"added µs a request, median of {options.rounds} rounds; x the floor's valid key")
    print(
        f"CPython {platform.python_version()}, SQLite {sqlite3.sqlite_version}, "
        + ", ".join(
            f"{name} {version(name)}" for name in ("werkzeug", "SQLAlchemy", "Flask-HTTPAuth")
        )
        + f", {datetime.now(UTC):%Y-%m-%d}"
    )
    print(f"{'':24}{'valid key':>16}{'wrong key':>16}{'no key':>16}")
    for name in contenders:
        cells = [f"{figure(name, kind):8.2f} {figure(name, kind) / floor:5.2f} x" for kind in kinds]
        print(f"{name:24}" + "".join(f"{cell:>16}" for cell in cells))
    sqlite.close()
    folder.cleanup()


if __name__ == "__main__":
    main()
