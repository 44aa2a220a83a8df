"""A peer that asks another server: keystonemiddleware, before a Keystone that is none.

Its cache is the one in the process, which is the fastest that it has; in production its
documentation wants memcached. What it has cached it asks for again after five minutes.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from keystonemiddleware import auth_token
from request import Contender, app, environ_with

VALID, UNKNOWN = "a" * 180, "b" * 180  # as long as a Fernet token

_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"


class Keystone(BaseHTTPRequestHandler):
    """Knows one token, and gives one to whoever asks."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer in two pieces would wait 40 ms for the first one's ACK

    def do_GET(self) -> None:
        if "/auth/tokens" not in self.path:
            links = [{"rel": "self", "href": f"http://{self.headers['Host']}/v3/"}]
            version = {"id": "v3.14", "status": "stable", "links": links}
            many = {"versions": {"values": [version]}}
            self._answer(200, {"version": version} if "/v3" in self.path else many)
        elif self.headers["X-Subject-Token"] == VALID:
            self._answer(200, self._token("user_123"), {"X-Subject-Token": VALID})
        else:
            self._answer(404, {"error": {"code": 404, "message": "", "title": "Not Found"}})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(201, self._token("service"), {"X-Subject-Token": "c" * 180})

    def _token(self, name: str) -> dict[str, Any]:
        now = datetime.now(UTC)
        domain = {"id": "default", "name": "Default"}
        endpoint = {"region_id": "one", "region": "one", "url": f"http://{self.headers['Host']}/v3"}
        faces = ("public", "internal", "admin")
        endpoints = [{**endpoint, "id": face, "interface": face} for face in faces]
        keystone = {"type": "identity", "name": "keystone", "id": "1", "endpoints": endpoints}
        return {
            "token": {
                "methods": ["password"],
                "user": {"id": name, "name": name, "domain": domain},
                "project": {"id": "project_1", "name": "project_1", "domain": domain},
                "roles": [{"id": "role_1", "name": "member"}],
                "audit_ids": ["an audit id"],
                "issued_at": now.strftime(_TIME),
                "expires_at": (now + timedelta(days=1)).strftime(_TIME),
                "catalog": [keystone],
            }
        }

    def _answer(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        headers = {"Content-Type": "application/json", "Content-Length": str(len(data))} | (
            headers or {}
        )
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def contender() -> Generator[Contender, None, None]:
    """The middleware around the app, and its Keystone as long as it is needed."""
    logging.getLogger("keystonemiddleware").setLevel(logging.CRITICAL)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Keystone)
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    checked = auth_token.AuthProtocol(
        app,
        {
            "www_authenticate_uri": address,
            "auth_type": "password",
            "auth_url": address,
            "username": "service",
            "password": "of the benchmark",
            "user_domain_id": "default",
            "project_name": "service",
            "project_domain_id": "default",
            "service_token_roles_required": True,
        },
    )
    environs = (
        environ_with(HTTP_X_AUTH_TOKEN=VALID),
        environ_with(HTTP_X_AUTH_TOKEN=UNKNOWN),
        environ_with(),
    )
    yield Contender(app, checked, environs)
    server.shutdown()
    server.server_close()
