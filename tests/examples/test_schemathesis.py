"""schemathesis, pointed at the example API with its OpenAPI document, finds nothing.

All of its default checks. A short run here; five minutes with BEARER_AUTH_SOAK set (``make soak``).
"""

import os
import zlib
from collections.abc import Iterable
from typing import Any

import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, events, from_schema
from schemathesis.transport.wsgi import WSGITransport

from bearer_auth import Keyring, MemoryStore
from bearer_auth.ratelimit import RateLimits
from conductor import create_app

pytestmark = pytest.mark.once

# The same each time.
SHORT: dict[str, Any] = {"seed": 1, "generation": {"max-examples": 50}}
# Goes on until its time is up.
LONG: dict[str, Any] = {"max-time": 300}
IDEMPOTENCY_KEYS = ("X-Idempotency-Key", "Idempotency-Key")
OPERATIONS = {
    "GET /health",
    "GET /execute/{ensemble}",
    "POST /execute/{ensemble}",
    "GET /admin",
    "GET /docs",
}


@pytest.fixture(autouse=True)
def mended_transport(monkeypatch: pytest.MonkeyPatch) -> None:
    """schemathesis 4.32 hands what configures sockets on to werkzeug's client if a check, such as
    ``ignored_auth``, sends a request of its own."""
    send = WSGITransport.send

    def without(self: Any, case: Any, **options: Any) -> Any:
        for name in ("max_redirects", "verify", "cert", "proxies"):
            options.pop(name, None)
        return send(self, case, **options)

    monkeypatch.setattr(WSGITransport, "send", without)


def closed(app: Any) -> Any:
    """An app whose answers are closed, as servers do; schemathesis leaves them open."""

    def closed_app(environ: Any, start_response: Any) -> list[bytes]:
        answer = app(environ, start_response)
        try:
            return list(answer)
        finally:
            getattr(answer, "close", lambda: None)()

    return closed_app


def findings(app: Any, token: str, run: dict[str, Any]) -> list[str]:
    """What schemathesis has to say against an app, each with the request that shows it."""
    config = SchemathesisConfig.from_dict(run | {"headers": {"Authorization": f"Bearer {token}"}})
    schema = schemathesis.openapi.from_wsgi("/openapi.json", closed(app), config=config)

    @schema.hook
    def map_case(context: Any, case: Any) -> Any:
        return one_key_for_each_request(case)

    found: list[str] = []
    tried: set[str] = set()
    for event in from_schema(schema).execute():
        if isinstance(event, events.NonFatalError | events.FatalError):
            found.append(repr(vars(event)))
        if isinstance(event, events.ScenarioFinished):
            found += failures_of(event.recorder)
            tried.update(case.value.operation.label for case in event.recorder.cases.values())
    assert tried == OPERATIONS
    return found


def one_key_for_each_request(case: Any) -> Any:
    """What OpenAPI can't say of a valid request: of two idempotency keys that differ each is valid
    only alone, and a key is for one request. A request that comes again keeps its key, so it is
    replayed."""
    sent = [name for name in IDEMPOTENCY_KEYS if name in (case.headers or {})]
    other_method = case.method != case.operation.method.upper()
    if not sent or not (case.meta.generation.mode.is_positive or other_method):
        return case
    request = repr((case.method, case.path_parameters, case.body, case.media_type))
    mark = zlib.crc32(request.encode("utf-8", "surrogatepass"))
    if len(sent) == 2:
        del case.headers[sent.pop(mark % 2)]
    (name,) = sent
    # Its boundary cases forget the quotes, which the pattern asks for.
    value, quote = case.headers[name].strip('"'), '"' if name == "Idempotency-Key" else ""
    case.headers[name] = f"{quote}{value[:240]}{mark:08x}{quote}"
    return case


def failures_of(recorder: Any) -> Iterable[str]:
    for case_id, checks in recorder.checks.items():
        for check in checks:
            if check.status == Status.FAILURE:
                failure, request = check.failure_info.failure, recorder.cases[case_id].value
                yield f"{check.name}: {failure.message}\n{request.as_curl_command()}"


def example_api() -> tuple[Any, str]:
    """The example, with limits that nobody reaches, and a key for all of it."""
    store = MemoryStore()
    issued = Keyring(store).create(user_id="user_123", scopes=["ensembles:execute", "admin"])
    return create_app(store, rate_limits=RateLimits(default="1000000/second")), issued.token


def test_it_finds_nothing() -> None:
    run = LONG if os.environ.get("BEARER_AUTH_SOAK") else SHORT
    assert "\n\n".join(findings(*example_api(), run)) == ""


def test_it_would_find_an_answer_that_is_not_as_documented() -> None:
    app, token = example_api()

    def without_challenges(environ: Any, start_response: Any) -> Any:
        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            kept = [pair for pair in headers if pair[0] != "WWW-Authenticate"]
            return start_response(status, kept, *more)

        return app(environ, start)

    found = findings(without_challenges, token, SHORT)
    assert any("response_headers_conformance" in each and "WWW-Auth" in each for each in found)
