"""What servers, callers and their typing mistakes have tried, so that it stays without effect."""

import asyncio
import math
import traceback
from collections.abc import Callable, Coroutine
from typing import Any

import httpx2
import pytest

from conductor_sdk import (
    APIConnectionError,
    AsyncConductorClient,
    BadRequestError,
    ConductorClient,
    ConfigurationError,
)
from conductor_sdk._waits import back_off

Make = Callable[..., ConductorClient]


def shown(error: BaseException) -> str:
    return "".join(traceback.TracebackException.from_exception(error).format()) + repr(vars(error))


def test_a_cause_that_quotes_the_server_quotes_no_key(client: Make, api: Any, key: str) -> None:
    inner = ValueError(5, f"illegal header line: bytearray(b'Bearer {key}')")
    outer = httpx2.RemoteProtocolError(f"illegal header line: bytearray(b'Bearer {key}')")
    outer.__cause__ = inner
    api.answers = [outer]
    with pytest.raises(APIConnectionError) as caught:
        client(max_retries=0).execute("e")
    assert key not in shown(caught.value)
    assert "illegal header line: bytearray(b'Bearer [redacted]')" in str(caught.value.__cause__)
    assert inner.args == (5, "illegal header line: bytearray(b'Bearer [redacted]')")


def test_a_reason_phrase_or_a_header_name_that_is_the_key(client: Make, api: Any, key: str) -> None:
    reason = {"reason_phrase": f"not {key}".encode()}
    api.answers = [httpx2.Response(400, headers={f"X-{key}": "1"}, extensions=reason)]
    with pytest.raises(BadRequestError) as caught:
        client().execute("e")
    assert caught.value.response is not None
    assert caught.value.response.reason_phrase == "not [redacted]"
    assert key not in repr(caught.value.response.headers.raw) + shown(caught.value)


def test_the_thousandth_retry_waits_like_the_others() -> None:
    assert back_off(1023, 0.5) == 4.0
    assert back_off(1_000_000, 0.5) == 4.0


@pytest.mark.parametrize("option", ["timeout", "deadline"])
def test_a_time_that_no_float_can_hold(key: str, option: str) -> None:
    options: Any = {"deadline": None, option: 10**400}
    with pytest.raises(ConfigurationError, match=f"^{option} must be .* and finite"):
        ConductorClient(key, **options)


def test_a_time_that_no_socket_can_hold(client: Make, api: Any) -> None:
    client(timeout=1e300, deadline=None).execute("e")
    assert api.requests[0].extensions["timeout"]["read"] == 2_000_000


@pytest.mark.parametrize("allow_http", ["false", 1, None])
def test_allow_http_is_true_or_false(key: str, allow_http: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^allow_http must be True or False$"):
        ConductorClient(key, base_url="http://api.example.com", allow_http=allow_http)


def test_a_base_url_that_the_transport_could_not_read(key: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^base_url has a host that can't be one$"):
        ConductorClient(key, base_url="https://1.2.3.999")


def test_a_misspelt_option_shows_no_key(client: Make, key: str) -> None:
    made = client()
    for changes in ({"apikey": key}, {"key": key}):
        with pytest.raises(TypeError, match=r"^unknown option '(api)?key': known are ") as caught:
            made.with_options(**changes)
        ours = caught.value.__traceback__.tb_next
        told = traceback.TracebackException(TypeError, caught.value, ours, capture_locals=True)
        assert key not in "".join(told.format())


def deep() -> Any:
    value: Any = 1
    for _ in range(100_000):
        value = [value]
    return value


WRONG: list[dict[str, Any]] = [
    {"headers": [("a", "b")]},
    {"headers": {1: "b"}},
    {"headers": {"a": 1}},
    {"params": 5},
    {"content": iter([b"a"])},
    {"content": bytearray(b"a")},
    {"json": math.nan},
    {"path": "/" + "a" * 70_000},
]


@pytest.mark.parametrize("arguments", WRONG, ids=lambda a: next(iter(a)))
def test_a_wrong_argument(client: Make, api: Any, arguments: dict[str, Any]) -> None:
    arguments = {"path": "/x", **arguments}
    with pytest.raises((ValueError, TypeError)):
        client().request("POST", **arguments)
    assert api.requests == []


def test_json_that_is_too_deep(client: Make, api: Any) -> None:
    with pytest.raises(ValueError, match=r"^json is nested too deeply$"):
        client().execute("e", deep())
    assert api.requests == []


def test_a_message_that_can_be_printed_on_one_line(client: Make, api: Any) -> None:
    text = "a\\ud800b\\u2028c\\u202ed\\u2066e \\ud83d\\ude00"
    body = '{"success":false,"error":{"code":"NO","message":"' + text + '"}}'
    api.answers = [httpx2.Response(400, content=body)]
    with pytest.raises(BadRequestError) as caught:
        client().execute("e")
    assert caught.value.message == "a?b?c?d?e \U0001f600"


def test_an_interrupted_call_leaves_the_variables_of_the_transport_behind(key: str) -> None:
    def transport(request: httpx2.Request) -> httpx2.Response:
        event = dict(request.headers)  # as h11 has them while they are written
        assert event["authorization"] == f"Bearer {key}"
        raise KeyboardInterrupt

    http = httpx2.Client(transport=httpx2.MockTransport(transport))
    client = ConductorClient(key, http_client=http)
    with pytest.raises(KeyboardInterrupt) as caught:
        client.execute("e")
    assert "transport" not in [entry.name for entry in caught.traceback]


def test_a_cancelled_call_leaves_them_too(
    key: str, run_async: Callable[[Coroutine[Any, Any, Any]], Any]
) -> None:
    async def transport(request: httpx2.Request) -> httpx2.Response:
        event = dict(request.headers)
        assert event["authorization"] == f"Bearer {key}"
        raise asyncio.CancelledError

    http = httpx2.AsyncClient(transport=httpx2.MockTransport(transport))
    client = AsyncConductorClient(key, http_client=http)
    with pytest.raises(asyncio.CancelledError) as caught:
        run_async(client.execute("e"))
    assert "transport" not in [entry.name for entry in caught.traceback]


def test_a_cookie_of_one_key_is_not_sent_with_another(key: str) -> None:
    with ConductorClient(key) as client:
        http = client._http
        request = httpx2.Request("GET", "https://api.example.com/health")
        answer = httpx2.Response(200, headers={"Set-Cookie": "session=a"}, request=request)
        http.cookies.extract_cookies(answer)
        assert dict(http.cookies) == {}
