"""What the servers serve: a small WSGI app and a Flask app, each behind its own BearerAuth.

``X-App: flask`` chooses the second one, so that both see a path just as the server hands it on.
Files named in the environment let a test and the app wait for each other.
"""

import json
import os
from wsgiref.util import FileWrapper

from flask import Flask, request

from bearer_auth import BearerAuth, InvalidRequest, Rule, get_principal, get_request_id
from bearer_auth.idempotency import SQLIdempotencyStore
from bearer_auth.stores.sql import SQLStore

STORE = SQLStore(f"sqlite:///{os.environ['SERVED_STORE']}")
FOLDER = os.environ["SERVED_FOLDER"]
RULES = {
    "rules": [Rule("/admin/*", scopes=["admin"]), Rule("/upload", content_types=None)],
    "public": ["/docs", "/static/*"],
    "idempotency": SQLIdempotencyStore(f"sqlite:///{os.environ['SERVED_STORE']}"),
}


def tiny(environ, start_response):
    path = environ["PATH_INFO"]
    page = {
        "/stream": stream,
        "/endless": Endless,
        "/file": file,
        "/body": body,
        "/upload": body,
        "/each-way": each_way,
        "/pid": pid,
        "/late": late,
        "/later": later,
    }.get(path, show)
    return page(environ, start_response)


def answer(start_response, text):
    data = text.encode()
    start_response(
        "200 OK",
        [
            ("Content-Type", "text/plain"),
            ("Content-Length", str(len(data))),
            ("x-request-id", "the app's own"),
        ],
    )
    return [data]


def show(environ, start_response):
    principal = environ.get("bearer_auth.principal")
    seen = {
        "method": environ["REQUEST_METHOD"],
        "path": environ["PATH_INFO"],
        "user": principal and get_principal(environ).user_id,
        "id": get_request_id(environ),
        "header": environ.get("HTTP_AUTHORIZATION"),
    }
    return answer(start_response, json.dumps(seen))


def pid(environ, start_response):
    return answer(start_response, f"{os.getpid()}")


def late(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    raise InvalidRequest
    yield b""


def later(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "6")])
    yield b"abc"
    raise InvalidRequest


def body(environ, start_response):
    source = environ["wsgi.input"]
    if environ.get("CONTENT_LENGTH"):
        data = source.read(int(environ["CONTENT_LENGTH"]))
    elif environ.get("wsgi.input_terminated"):
        data = source.read()
    else:  # wsgiref hands on a chunked body as it came
        data = b""
        while size := int(source.readline(), 16):
            data += source.read(size)
            source.readline()
    return answer(start_response, data.decode())


def each_way(environ, start_response):
    """Read the body a part at a time, in each of the ways that PEP 3333 knows."""
    source = environ["wsgi.input"]
    parts = [source.read(3), source.readline(), next(iter(source))]
    parts += source.readlines()
    assert source.read() == source.read(5) == source.readline() == b""
    return answer(start_response, json.dumps([os.getpid(), [part.decode() for part in parts]]))


def stream(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    yield b"first\n"
    with open(f"{FOLDER}/first-arrived"):  # a FIFO: waits until the client opens it
        yield b"second\n"


class Endless:
    def __init__(self, environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])

    def __iter__(self):
        while True:
            yield b"x" * 65_536

    def close(self):
        with open(f"{FOLDER}/closed", "ab", buffering=0) as fifo:
            fifo.write(b"c")


def file(environ, start_response):
    path = f"{FOLDER}/file"
    headers = [
        ("Content-Type", "application/octet-stream"),
        ("Content-Length", str(os.path.getsize(path))),
    ]
    start_response("200 OK", headers)
    return environ.get("wsgi.file_wrapper", FileWrapper)(open(path, "rb"))


flask = Flask("served")


@flask.route("/docs")
def docs():
    return "DOCS"


@flask.route("/admin")
@flask.route("/admin/<path:rest>")
def admin(rest=""):
    return "ADMIN"


@flask.route("/<path:rest>", methods=["GET", "POST"])
def other(rest):
    return f"OTHER {get_principal(request.environ).user_id}"


doors = {
    "flask": BearerAuth(flask.wsgi_app, STORE, **RULES),
    "tiny": BearerAuth(tiny, STORE, **RULES),
}


def application(environ, start_response):
    return doors[environ.get("HTTP_X_APP", "tiny")](environ, start_response)
