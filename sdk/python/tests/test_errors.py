"""Errors go where objects go: into logs, other processes, and the hands of their callers."""

import pickle

import httpx2
import pytest

import conductor_sdk


def refusal(status: int, **headers: str) -> httpx2.Response:
    body = {"success": False, "error": {"code": "NO", "message": "not today"}}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx2.Response(status, json=body, headers=named)


def test_the_tree():
    api_error = conductor_sdk.APIError
    assert conductor_sdk.APIConnectionError.__bases__ == (api_error,)
    assert conductor_sdk.APITimeoutError.__bases__ == (conductor_sdk.APIConnectionError,)
    assert conductor_sdk.APIResponseError.__bases__ == (api_error,)
    assert conductor_sdk.APIStatusError.__bases__ == (api_error,)
    for name in (
        "AuthenticationError",
        "BadRequestError",
        "ConflictError",
        "PermissionDeniedError",
        "RateLimitError",
        "ServiceUnavailableError",
        "UnprocessableEntityError",
    ):
        assert getattr(conductor_sdk, name).__bases__ == (conductor_sdk.APIStatusError,)


def test_an_error_survives_the_way_to_another_process(client, api):
    api.answers = [refusal(429, Retry_After="900", RateLimit='"m";r=0;t=9', X_Request_ID="r-1")]
    with pytest.raises(conductor_sdk.RateLimitError) as caught:
        client().execute("e", idempotency_key="i-1")
    error = pickle.loads(pickle.dumps(caught.value))
    assert type(error) is conductor_sdk.RateLimitError
    assert str(error) == "429 NO: not today (request id r-1)"
    assert (error.retry_after, error.remaining, error.reset, error.limit) == (900, 0, 9, None)
    assert error.idempotency_key == "i-1"
    assert error.response.status_code == 429


def test_a_lost_answer_has_the_key_to_ask_again_with(client, api):
    api.answers = [httpx2.ReadError("reset"), {"success": True, "output": 1}]
    with pytest.raises(conductor_sdk.APIConnectionError) as caught:
        client(max_retries=0).execute("e")
    key = caught.value.idempotency_key
    client().execute("e", idempotency_key=key)
    assert [r.headers["X-Idempotency-Key"] for r in api.requests] == [key, key]
    assert isinstance(caught.value.__cause__, httpx2.ReadError)
    assert caught.value.__context__ is None


def test_a_wait_that_lasts_past_the_deadline_ends_the_call(client, api):
    api.answers = [refusal(503), {"success": True, "output": 1}]
    made, now = client(timeout=5, deadline=5), [0.0]
    made._timing.random = lambda: 1.0
    made._timing.monotonic = lambda: now[0]
    made._timing.sleep = lambda seconds: now.append(now.pop() + seconds + 10)  # it came late
    with pytest.raises(conductor_sdk.APITimeoutError, match=r"within 5 s$"):
        made.execute("e")
    assert len(api.requests) == 1
