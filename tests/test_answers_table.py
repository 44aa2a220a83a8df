"""Every error that a client of BearerAuth can get: status, code, message and headers, written out.

Each is provoked through a BearerAuth with idempotency and rate limits.
"""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from bearer_auth import BearerAuth, InvalidRequest, Keyring, MemoryStore, Rule, StoreUnavailable
from bearer_auth.idempotency import Idempotency, MemoryIdempotencyStore
from bearer_auth.openapi import components
from bearer_auth.ratelimit import RateLimits

LIMITS = {"RateLimit": '"hour";r=1;t=…', "RateLimit-Policy": '"hour";q=2;w=3600'}
SECOND = LIMITS | {"RateLimit": '"hour";r=0;t=…'}


class World:
    """An API with all layers, and its clients."""

    def __init__(self, call: Callable[..., Any]) -> None:
        self._call = call
        self.keys: Any = MemoryStore()
        self.keyring = Keyring(self.keys)
        self.token = self.keyring.create(user_id="user_123", scopes=["jobs:run"]).token
        self.store: Any = MemoryIdempotencyStore()
        self.limits: Any = RateLimits(default="2/hour", failures="1/hour")
        self.during: Callable[[], object] = lambda: None
        self.answer = b"done"

    def app(self, environ: Any, start_response: Any) -> list[bytes]:
        self.during()
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [self.answer]

    def send(self, path: str = "/jobs", body: bytes = b"{}", **environ: Any) -> Any:
        auth = BearerAuth(
            self.app,
            self.keys,
            rules=[Rule("/admin", scopes=["admin"])],
            rate_limits=self.limits,
            idempotency=Idempotency(self.store, max_request=10, max_answer=10),
        )
        sent = {
            "HTTP_AUTHORIZATION": f"Bearer {self.token}",
            "HTTP_X_REQUEST_ID": "id-1",
            "CONTENT_TYPE": "application/json",
        }
        sent = {name: value for name, value in (sent | environ).items() if value is not None}
        return self._call(auth, "POST", path, body, **sent)

    def once(self, value: str = "k", **more: Any) -> Any:
        return self.send(HTTP_X_IDEMPOTENCY_KEY=value, **more)


def refuse(error: type[Exception], *arguments: Any) -> Callable[..., Any]:
    def refused(*_: Any, **__: Any) -> Any:
        raise error(*arguments)

    return refused


class Down:
    """A store that can't answer."""

    get = claim = renew = finish = forget = staticmethod(refuse(StoreUnavailable, "for the log"))
    lease = MemoryIdempotencyStore().lease


def malformed_key(world: World) -> Any:
    return world.once("a,b")


def unquoted_key(world: World) -> Any:
    return world.send(HTTP_IDEMPOTENCY_KEY="k")


def two_keys(world: World) -> Any:
    return world.once("a", HTTP_IDEMPOTENCY_KEY='"b"')


def endless_body(world: World) -> Any:
    return world.once(body=b"", HTTP_TRANSFER_ENCODING="chunked")


def broken_body(world: World) -> Any:
    return world.once(CONTENT_LENGTH="9")


def raised_by_the_app(world: World) -> Any:
    world.during = refuse(InvalidRequest, "for the log")
    return world.send()


def no_key(world: World) -> Any:
    return world.send(HTTP_AUTHORIZATION=None)


def wrong_key(world: World) -> Any:
    return world.send(HTTP_AUTHORIZATION="Bearer nonsense")


def no_scope(world: World) -> Any:
    return world.send("/admin")


def other_address(world: World) -> Any:
    world.token = world.keyring.create(user_id="user_123", allowed_ips=["198.51.100.1"]).token
    return world.send()


def still_running(world: World) -> Any:
    answers: list[Any] = []

    def ask_again() -> None:
        world.during = lambda: None
        answers.append(world.once())

    world.during = ask_again
    world.once()
    return answers[0]


def not_kept(world: World) -> Any:
    world.answer = b"longer than is kept"
    world.once()
    return world.once()


def too_large(world: World) -> Any:
    return world.once(body=b'{"a": "longer"}')


def other_type(world: World) -> Any:
    return world.send(CONTENT_TYPE="text/plain")


def reused(world: World) -> Any:
    world.once()
    return world.once(path="/other")


def too_many(world: World) -> Any:
    world.send()
    world.send()
    return world.send()


def too_many_failures(world: World) -> Any:
    other = Keyring(MemoryStore()).create(user_id="ada").token
    world.send(HTTP_AUTHORIZATION=f"Bearer {other}")
    return world.send(HTTP_AUTHORIZATION=f"Bearer {other}")


def too_many_remembered(world: World) -> Any:
    world.store = MemoryIdempotencyStore(records_per_key=1)
    world.once()
    return world.once("another")


def app_that_raised(world: World) -> Any:
    world.during = refuse(ValueError)
    with pytest.raises(AssertionError):  # the server says in its log that the app raised
        world.once()
    return world.once()


def keys_are_down(world: World) -> Any:
    world.keys = Down()
    return world.send()


def limits_are_down(world: World) -> Any:
    world.limits.check = refuse(StoreUnavailable, "for the log")
    return world.send()


def requests_are_down(world: World) -> Any:
    world.store = Down()
    return world.once()


MALFORMED = "X-Idempotency-Key must be 1 to 255 visible ASCII characters, without a comma"
ENDLESS = "Invalid request: this server can't tell where the body ends; send a Content-Length"
NOT_KEPT = (
    "A request with this idempotency key was completed, but its answer was not kept; repeating it "
    "doesn't help"
)

TABLE: list[tuple[Callable[[World], Any], int, str, str, dict[str, str]]] = [
    (malformed_key, 400, "INVALID_REQUEST", MALFORMED, LIMITS),
    (
        unquoted_key,
        400,
        "INVALID_REQUEST",
        'Idempotency-Key must be a string in double quotes, such as "8e03978e"',
        LIMITS,
    ),
    (
        two_keys,
        400,
        "INVALID_REQUEST",
        "X-Idempotency-Key and Idempotency-Key differ; send one of them",
        LIMITS,
    ),
    (
        endless_body,
        400,
        "INVALID_REQUEST",
        ENDLESS,
        LIMITS,
    ),
    (
        broken_body,
        400,
        "INVALID_REQUEST",
        "Invalid request: the body broke off",
        LIMITS,
    ),
    (raised_by_the_app, 400, "INVALID_REQUEST", "Invalid request", LIMITS),
    (
        no_key,
        401,
        "UNAUTHORIZED",
        "Invalid API key",
        {"WWW-Authenticate": 'Bearer realm="api"'},
    ),
    (
        wrong_key,
        401,
        "UNAUTHORIZED",
        "Invalid API key",
        {"WWW-Authenticate": 'Bearer realm="api", error="invalid_token"'},
    ),
    (
        no_scope,
        403,
        "FORBIDDEN",
        "Insufficient permissions for this resource",
        {"WWW-Authenticate": 'Bearer realm="api", error="insufficient_scope", scope="admin"'},
    ),
    (
        other_address,
        403,
        "FORBIDDEN",
        "Insufficient permissions for this resource",
        {"WWW-Authenticate": 'Bearer realm="api", error="insufficient_scope"'},
    ),
    (
        still_running,
        409,
        "IDEMPOTENCY_CONFLICT",
        "A request with this idempotency key is still running",
        {"Retry-After": "1"} | SECOND,
    ),
    (not_kept, 409, "IDEMPOTENCY_CONFLICT", NOT_KEPT, SECOND),
    (
        too_large,
        413,
        "REQUEST_TOO_LARGE",
        "Request body too large",
        LIMITS,
    ),
    (
        other_type,
        415,
        "UNSUPPORTED_MEDIA_TYPE",
        "Content-Type must be application/json",
        {},
    ),
    (
        reused,
        422,
        "IDEMPOTENCY_KEY_REUSED",
        "This idempotency key was used for another request",
        SECOND,
    ),
    (
        too_many,
        429,
        "RATE_LIMITED",
        "Rate limit exceeded",
        {"Retry-After": "…"} | SECOND,
    ),
    (
        too_many_failures,
        429,
        "RATE_LIMITED",
        "Rate limit exceeded",
        {"Retry-After": "…"},
    ),
    (
        too_many_remembered,
        429,
        "RATE_LIMITED",
        "Rate limit exceeded",
        {"Retry-After": "…"} | SECOND,
    ),
    (
        app_that_raised,
        500,
        "INTERNAL_ERROR",
        "Internal error",
        {"Idempotent-Replayed": "true"} | SECOND,
    ),
    (
        keys_are_down,
        503,
        "SERVICE_UNAVAILABLE",
        "Service temporarily unavailable",
        {},
    ),
    (
        limits_are_down,
        503,
        "SERVICE_UNAVAILABLE",
        "Service temporarily unavailable",
        {},
    ),
    (
        requests_are_down,
        503,
        "SERVICE_UNAVAILABLE",
        "Service temporarily unavailable",
        LIMITS,
    ),
]


@pytest.mark.parametrize(
    ("provoke", "status", "code", "message", "headers"),
    TABLE,
    ids=[row[0].__name__ for row in TABLE],
)
def test_the_whole_answer(
    call: Callable[..., Any],
    provoke: Callable[[World], Any],
    status: int,
    code: str,
    message: str,
    headers: dict[str, str],
) -> None:
    answer = provoke(World(call))
    assert int(answer.status[:3]) == status
    assert json.loads(answer.body) == {
        "success": False,
        "error": {"code": code, "message": message},
    }
    assert len(dict(answer.headers)) == len(answer.headers), "a header comes twice"
    sent = {name: told(status, name, value) for name, value in answer.headers}
    assert sent == {
        "Content-Type": "application/json",
        "Content-Length": str(len(answer.body)),
        "Cache-Control": "no-store",
        "X-Request-ID": "id-1",
        **headers,
    }


def told(status: int, name: str, value: str) -> str:
    """A header's value, with ``…`` for seconds that depend on when it is asked."""
    if name == "RateLimit":
        return re.sub(r";t=[1-9]\d*$", ";t=…", value)
    if name == "Retry-After" and status == 429:
        return re.sub(r"^[1-9]\d*$", "…", value)
    return value


def test_the_table_has_every_error_and_the_openapi_components_name_its_headers() -> None:
    of_codes = {
        response["content"]["application/json"]["schema"]["properties"]["error"]["properties"][
            "code"
        ]["const"]: response
        for response in components()["responses"].values()
    }
    assert {row[2] for row in TABLE} == of_codes.keys()
    for provoke, _, code, _, headers in TABLE:
        assert headers.keys() <= of_codes[code]["headers"].keys(), provoke.__name__
