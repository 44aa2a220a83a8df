"""What the servers serve: examples/conductor, which notes what it is asked and waits where a test
says so.

In SERVED_FOLDER, ``asked`` has a line for each answer and ``runs`` one for each run of an ensemble.
A FIFO named after an ensemble holds its run, and ``NAME-answer`` holds its complete answer back.
"""

import json
import logging
import os
from datetime import timedelta
from pathlib import Path

from flask import request
from werkzeug.test import run_wsgi_app

from bearer_auth.idempotency import SQLIdempotencyStore
from bearer_auth.ratelimit import RateLimits
from bearer_auth.stores.sql import SQLStore
from conductor import PLANS, create_app

FOLDER = Path(os.environ["SERVED_FOLDER"])
URL = os.environ["SERVED_STORE"]
LEASE = timedelta(seconds=2)

logging.basicConfig(level=logging.DEBUG)


class BrokenEnsemble(Exception):
    pass


def note(name, **what):
    # One write of one line: those of two workers never mix.
    with open(FOLDER / name, "ab", buffering=0) as file:
        file.write(json.dumps(what).encode() + b"\n")


def wait_in(name):
    if (FOLDER / name).exists():
        with open(FOLDER / f"{name}.says", "wb") as says:
            says.write(b"x")
        with open(FOLDER / name) as fifo:
            fifo.read()


app = create_app(
    SQLStore(URL),
    idempotency=SQLIdempotencyStore(URL, lease=LEASE),
    rate_limits=RateLimits(PLANS, default="100/minute", storage=URL),
)


@app.before_request
def run():
    ensemble = (request.view_args or {}).get("ensemble")
    if ensemble is None or request.method != "POST":
        return
    note("runs", ensemble=ensemble, pid=os.getpid())
    wait_in(ensemble)
    if ensemble.startswith("broken"):
        raise BrokenEnsemble


def application(environ, start_response):
    path = environ["PATH_INFO"]
    # complete before anything of it is sent
    blocks, status, headers = run_wsgi_app(app, environ, buffered=True)
    note(
        "asked",
        method=environ["REQUEST_METHOD"],
        path=path,
        status=int(status[:3]),
        retry_after=headers.get("Retry-After"),
        pid=os.getpid(),
    )
    wait_in(f"{path.rpartition('/')[2]}-answer")
    start_response(status, headers.to_wsgi_list())
    return blocks
