"""Two servers that write down what Authorization they were sent, and ways to ask them."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
import requests

Get = Callable[..., int]


class Server(ThreadingHTTPServer):
    """``/to?url=…`` redirects there, with ``&status=…`` by another status than 302."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: list[tuple[str, list[str]]] = []

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def by_name(self) -> str:
        return f"http://localhost:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = parse_qs(parts.query)
        self.server.seen.append((parts.path, self.headers.get_all("Authorization", [])))
        target = query.get("url")
        self.send_response(int(query.get("status", ["302"])[0]) if target else 200)
        if target:
            self.send_header("Location", target[0])
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        pass


def _serve() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def api() -> Iterator[Server]:
    yield from _serve()


@pytest.fixture
def other() -> Iterator[Server]:
    yield from _serve()


@pytest.fixture(autouse=True)
def no_proxy_here(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def with_httpx2(auth: Any, *urls: str, **options: Any) -> int:
    with httpx2.Client(auth=auth, follow_redirects=True) as client:
        return [client.get(url, **options) for url in urls][-1].status_code


def with_async_httpx2(auth: Any, *urls: str, **options: Any) -> int:
    async def ask() -> int:
        async with httpx2.AsyncClient(auth=auth, follow_redirects=True) as client:
            return [await client.get(url, **options) for url in urls][-1].status_code

    return asyncio.run(ask())


def with_requests(auth: Any, *urls: str, **options: Any) -> int:
    with requests.Session() as session:
        session.auth = auth
        return [session.get(url, **options) for url in urls][-1].status_code


@pytest.fixture(params=[with_httpx2, with_async_httpx2, with_requests])
def get(request: pytest.FixtureRequest) -> Get:
    """Asks for one URL after the other with one client, and follows redirects."""
    chosen: Get = request.param
    return chosen
