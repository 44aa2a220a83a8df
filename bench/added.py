"""What a check adds to a request: the app behind it minus the same app without it."""

from __future__ import annotations

import json
from contextlib import ExitStack, closing
from datetime import timedelta

import peer_django
import peer_keystone
from databases import NAMES, Databases
from flask import Flask
from flask_httpauth import HTTPTokenAuth
from report import Report
from request import BODY, KINDS, App, Contender, Floor, app, bearer, environ_with, requests
from timing import Block, in_turns, medians

from bearer_auth import BearerAuth, EnvStore, Keyring, KeyStore, MemoryStore, Rule
from bearer_auth.token import mint

FLOOR = "floor, by hand"

MOST = {"sqlite": 6.0, "postgresql": 2.4, "mariadb": 2.4}
"""How often the floor's time a valid key may take that was seen before."""

RULES = [
    Rule("/admin/*", scopes=["admin"]),
    Rule("/execute/{ensemble}", scopes=["ensembles:execute"]),
    Rule("/docs", public=True),
]


def run(databases: Databases, report: Report, rounds: int, calls: int) -> None:
    report.title("added µs a request, and how often the floor's valid key")
    with ExitStack() as stack:
        contenders = _contenders(databases, stack)
        blocks: dict[tuple[str, str, bool], Block] = {}
        for name, contender in contenders.items():
            contender.verify(name)
            for kind, environ in zip(KINDS, contender.environs, strict=True):
                blocks[name, kind, False] = requests(contender.bare, [environ])
                blocks[name, kind, True] = requests(contender.checked, [environ])
        seen = in_turns(blocks, rounds, calls)
    added = medians(
        {
            (name, kind): [
                after - before
                for before, after in zip(
                    seen[name, kind, False], seen[name, kind, True], strict=True
                )
            ]
            for name in contenders
            for kind in KINDS
        }
    )
    floor = added[FLOOR, KINDS[0]]
    rows = []
    for name in contenders:
        figures = [added[name, kind] for kind in KINDS]
        rows.append((name, *(f"{us:,.2f} {us / floor:>8,.2f} ×" for us in figures)))
    report.table((f"median of {rounds} rounds", *KINDS), rows)
    for backend in databases.all:
        name = NAMES[backend]
        times = added[name, KINDS[0]] / floor
        report.target(f"{name}, valid key seen before", times, MOST[backend], "× the floor")


def _contenders(databases: Databases, stack: ExitStack) -> dict[str, Contender]:
    memory = MemoryStore()
    issued = Keyring(memory).create(
        user_id="user_123", plan="pro", scopes=["ensembles:execute"], expires_in=timedelta(days=1)
    )
    token = issued.token
    variable = json.dumps({"token": token, "scopes": "ensembles:execute"})
    stores: dict[str, KeyStore] = {
        "memory": memory,
        "env": EnvStore(environ={"BEARER_AUTH_KEY_CI": variable}),
    }
    for backend in databases.all:
        store = stack.enter_context(closing(databases.keys(backend, 1000).store()))
        store.add([issued.record])
        stores[NAMES[backend]] = store
    environs = (bearer(token), bearer(mint("ba", "production")), environ_with())
    contenders = {FLOOR: Contender(app, Floor(app, [token]), environs)}
    for name, store in stores.items():
        for suffix, rules in {"": [], ", with rules": RULES}.items():
            ours = stack.enter_context(closing(BearerAuth(app, store, rules=rules)))
            contenders[name + suffix] = Contender(app, ours, environs)
    contenders["Flask-HTTPAuth, dict"] = Contender(*_flask_apps(token), environs)
    contenders["keystonemiddleware, cached"] = stack.enter_context(peer_keystone.contender())
    return contenders | stack.enter_context(peer_django.contenders(databases))


def _flask_apps(token: str) -> tuple[App, App]:
    """A Flask app, and the same one behind Flask-HTTPAuth with a dict."""
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
