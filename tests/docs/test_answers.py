"""The answers that the documentation shows, compared with real ones."""

import json
import re
from typing import Any

from werkzeug.test import Client, TestResponse

from bearer_auth import BearerAuth, InvalidRequest, KeyRecord, Keyring, MemoryStore, Rule
from bearer_auth import StoreUnavailable as Unavailable
from bearer_auth.idempotency import MemoryIdempotencyStore
from bearer_auth.ratelimit import RateLimits

LANGUAGES = ("json", "http")


def test_an_answer_is_what_is_shown(block: Any) -> None:
    """To the letter; only the request's id and the seconds to wait differ each time."""
    response = real_answer(block.heading)
    if block.language == "json":
        assert json.loads(response.text) == json.loads(block.text)
        return
    head = "".join(f"{name}: {value}\n" for name, value in response.headers)
    head = re.sub(r"(X-Request-ID: ).+", r"\1…", head)
    shown = f"HTTP/1.1 {response.status}\n{head}\n{response.text}\n"
    assert without_seconds(shown) == without_seconds(block.text)


def without_seconds(text: str) -> str:
    return re.sub(r"(Retry-After: |;t=)\d+", r"\1…", text)


def real_answer(heading: str) -> TestResponse:
    """The answer that a heading announces."""
    store = MemoryStore()
    keyring = Keyring(store)
    app = BearerAuth(fine, store, rules=[Rule("/admin", scopes=["admin"])])
    token = keyring.create(user_id="user_123", plan="pro").token
    once = MemoryIdempotencyStore()
    repeated = BearerAuth(fine, store, content_types=None, idempotency=once)
    elsewhere = keyring.create(user_id="user_123", allowed_ips=["192.0.2.7"]).token
    match heading:
        case "401 without a key":
            return Client(app).get("/")
        case "401 with a key that is not valid":
            return ask(app, "no-such-key")
        case "403 without the scope" | "Scopes":
            return ask(app, token, path="/admin")
        case "403 from another address":
            return ask(app, elsewhere)
        case "415":
            return ask(app, token, method="POST", data="x", content_type="text/plain")
        case "409":
            inner: list[TestResponse] = []

            def running(environ: Any, start_response: Any) -> list[bytes]:
                inner.append(ask_once(app, token))
                return fine(environ, start_response)

            app = BearerAuth(running, store, content_types=None, idempotency=once)
            ask_once(app, token)
            return inner[0]
        case "422":
            ask_once(repeated, token)
            return ask_once(repeated, token, path="/other")
        case "413":
            return ask_once(repeated, token, data=b"x" * (1024 * 1024 + 1))
        case "429":
            limited = BearerAuth(fine, store, rate_limits=RateLimits({"pro": "60/minute"}))
            return [ask(limited, token) for _ in range(64)][-1]  # a minute may end meanwhile
        case "503":
            return ask(BearerAuth(fine, Down()), token)
        case "400":
            return ask(BearerAuth(malformed, store), token)
    raise AssertionError(f"nobody checks the answer under {heading!r}")


def ask(app: Any, token: str, **options: Any) -> TestResponse:
    return Client(app).open(headers={"Authorization": f"Bearer {token}"}, **options)


def ask_once(app: Any, token: str, **options: Any) -> TestResponse:
    headers = {"Authorization": f"Bearer {token}", "X-Idempotency-Key": "key-1"}
    return Client(app).post(headers=headers, **options)


def fine(environ: Any, start_response: Any) -> list[bytes]:
    start_response("200 OK", [])
    return []


def malformed(environ: Any, start_response: Any) -> list[bytes]:
    raise InvalidRequest


class Down:
    """A store that can't answer."""

    def get(self, key_id: str) -> KeyRecord | None:
        raise Unavailable
