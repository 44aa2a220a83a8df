"""The documented ``GET /health``: who am I, and does the store answer?"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

from .authenticate import PRINCIPAL

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def health(app: WSGIApplication, *, path: str) -> WSGIApplication:
    """Answer GET and HEAD of one path for whoever has authenticated.

    It stands behind authentication, so an answer means that the key was accepted and the store
    could be asked. Where no key was needed the app's own answers.

    Args:
        app: The app to wrap.
        path: The path, decoded.
    """
    raw = path.encode().decode("latin-1")  # as PATH_INFO has it (PEP 3333)

    def with_health(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if (
            environ.get("PATH_INFO") != raw
            or PRINCIPAL not in environ
            or environ["REQUEST_METHOD"] not in ("GET", "HEAD")
        ):
            return app(environ, start_response)
        principal = environ[PRINCIPAL]
        body = json.dumps(
            {
                "status": "healthy",
                "authenticated": True,
                "user": {"id": principal.user_id, "plan": principal.plan},
            }
        ).encode()
        start_response(
            "200 OK",
            [
                ("Content-Type", "application/json"),
                ("Content-Length", str(len(body))),
                ("Cache-Control", "no-store"),
            ],
        )
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]

    return with_health
