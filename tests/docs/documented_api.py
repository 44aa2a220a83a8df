"""The documented API on a real socket, and what the page of the SDKs says of bad days."""

import io
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from werkzeug.serving import make_server

from bearer_auth import Keyring, MemoryStore
from conductor import create_app


class DocumentedAPI(NamedTuple):
    """Where it is, a key for it, and the headers of each request so far."""

    url: str
    token: str
    seen: list[dict[str, str]]


@contextmanager
def serving() -> Iterator[DocumentedAPI]:
    store = MemoryStore()
    issued = Keyring(store).create(user_id="user_123", plan="pro", scopes=["ensembles:execute"])
    app = BadDays(create_app(store))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield DocumentedAPI(f"http://127.0.0.1:{server.server_port}", issued.token, app.seen)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class BadDays:
    """The app; but order 17 is done and then the connection lost, three times, and the yearly
    report is one too many for its limit."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._lost = 0
        self.seen: list[dict[str, str]] = []

    def __call__(self, environ: Any, start_response: Any) -> Any:
        self.seen.append({k[5:]: v for k, v in environ.items() if k.startswith("HTTP_")})
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        given = json.loads(body)["input"] if body else None
        if given == {"report": "yearly"}:
            return too_many(start_response)
        if given == {"order": 17} and self._lost < 3:
            self._lost += 1
            list(self._app(environ, start_response))
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            return []
        return self._app(environ, start_response)


def too_many(start_response: Any) -> list[bytes]:
    headers = {
        "Content-Type": "application/json",
        "Retry-After": "120",
        "RateLimit": '"minute";r=12;t=9, "hour";r=0;t=120',
        "RateLimit-Policy": '"minute";q=60;w=60, "hour";q=1000;w=3600',
    }
    start_response("429 Too Many Requests", list(headers.items()))
    error = {"code": "RATE_LIMITED", "message": "Too many requests"}
    return [json.dumps({"success": False, "error": error}).encode()]
