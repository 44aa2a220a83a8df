"""A request as gunicorn makes it, the app that it is for, and the floor: a check by hand."""

from __future__ import annotations

import io
import itertools
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

from timing import Block

Environ = dict[str, Any]
App = Callable[[Environ, Any], Iterable[bytes]]

BODY = b'{"success": true}'
HEADERS = [("Content-Type", "application/json"), ("Content-Length", str(len(BODY)))]

KINDS = ("valid key", "wrong key", "no key")


def app(environ: Environ, start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", HEADERS)
    return [BODY]


def start_response(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> None:
    pass


class Floor:
    """What a careful person writes by hand: prefix, SHA-256, dict, expiry. Nothing else."""

    def __init__(self, app: App, tokens: Iterable[str]) -> None:
        self.app = app
        end = time.time() + 86_400
        self.keys = {sha256(token.encode()).digest(): ("user_123", end) for token in tokens}

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        header = environ.get("HTTP_AUTHORIZATION", "")
        if header.startswith("Bearer "):
            found = self.keys.get(sha256(header[7:].encode()).digest())
            if found is not None and time.time() < found[1]:
                environ["user"] = found[0]
                return self.app(environ, start_response)
        start_response("401 Unauthorized", HEADERS)
        return [BODY]


class Contender(NamedTuple):
    """An app, the same one behind a check, and its requests: one for each of ``KINDS``."""

    bare: App
    checked: App
    environs: tuple[Environ, Environ, Environ]

    def verify(self, name: str) -> None:
        """See that it checks at all: what lets everyone in is fast."""
        statuses = [status_of(self.checked, environ) for environ in self.environs]
        if statuses[0] != 200 or not {*statuses[1:]} <= {401, 403}:
            raise RuntimeError(f"{name} answers {statuses}")


def environ_with(**headers: str) -> Environ:
    """What gunicorn 27 makes of the documented curl line."""
    return {
        "wsgi.errors": sys.stderr,
        "wsgi.version": (1, 0),
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": None,
        "wsgi.input_terminated": True,
        "SERVER_SOFTWARE": "gunicorn/27.0.1",
        "wsgi.input": io.BytesIO(),
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
        **headers,
    }


def bearer(token: str) -> Environ:
    return environ_with(HTTP_AUTHORIZATION=f"Bearer {token}")


def status_of(app: App, environ: Environ) -> int:
    """The status of an answer."""
    statuses: list[int] = []
    answer = app(environ.copy(), lambda status, *_: statuses.append(int(status[:3])))
    close = getattr(answer, "close", None)
    if close is not None:
        close()
    return statuses[-1]


def requests(app: App, environs: Sequence[Environ]) -> Block:
    """Requests one after the other, each with a fresh environ as a server makes it.

    One goes before them untimed: under load a lease is renewed once in thousands of requests, and
    here it would be once in each turn. What that one costs is in ``idle.py``.
    """
    endless = itertools.cycle(environs)

    def block(calls: int) -> float:
        status_of(app, next(endless))
        begin = time.perf_counter()
        for environ in itertools.islice(endless, calls):
            answer = app(environ.copy(), start_response)
            close = getattr(answer, "close", None)
            if close is not None:  # Django's requests end here
                close()
        return time.perf_counter() - begin

    return block
