"""The key is in no repr, log, error or traceback of ours."""

import asyncio
import functools
import logging
import traceback
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest
import requests

import bearer_auth.client
from bearer_auth import ConfigurationError
from bearer_auth.client import APIKeyAuth

KEY = "s3cretS3CRETs3cret"
BROKEN = f"{KEY} {KEY}"
ORIGIN = "https://api.example.com"
OURS = str(Path(bearer_auth.client.__file__))


def our_frames(error: BaseException) -> str:
    """The frames of ours in a traceback, with the variables, as error trackers render them."""
    found: list[str] = []
    seen: BaseException | None = error
    while seen is not None:
        for frame in traceback.TracebackException.from_exception(seen, capture_locals=True).stack:
            if frame.filename == OURS:
                found += [f"{frame.name}: {frame.locals}"]
        seen = seen.__cause__ or seen.__context__
    return "\n".join(found)


def raised(make: Callable[[], object]) -> BaseException:
    with pytest.raises((ConfigurationError, TypeError, LookupError)) as caught:
        make()
    return caught.value


def ask(auth: APIKeyAuth) -> None:
    auth(SimpleNamespace(url=ORIGIN, headers=dict[str, str]()))


def test_nothing_that_can_be_printed_holds_it() -> None:
    auth = APIKeyAuth(KEY, origin=ORIGIN)
    partial = APIKeyAuth(functools.partial(str, KEY), origin=ORIGIN)
    for shown in (auth, partial):
        assert KEY not in repr(shown) + str(shown) + f"{shown}" + str(vars(shown))
        assert KEY not in repr(httpx2.Client(auth=shown)) + str([vars(shown), {"auth": shown}])


@pytest.mark.parametrize(
    "arguments",
    [
        {"key": BROKEN},
        {"key": KEY, "origin": "http://api.example.com"},
        {"key": KEY, "origin": "nonsense"},
        {"key": KEY, "origin": None},
        {"key": KEY, "allow_http": "no"},
        {"key": KEY, "env": "API_KEY"},
        {"key": KEY.encode()},
        {"key": [KEY]},
        {"env": "API_KEY"},
    ],
)
def test_a_refusal_at_construction_does_not_tell_it(
    arguments: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_KEY", BROKEN)
    error = raised(lambda: APIKeyAuth(**{"origin": ORIGIN, **arguments}))
    frames = our_frames(error)
    assert "__init__: " in frames
    assert KEY not in str(error)
    assert KEY not in frames


def vault_is_closed(key: str) -> str:
    raise LookupError("the vault is closed")


@pytest.mark.parametrize(
    "key",
    [
        lambda: BROKEN,
        lambda: KEY.encode(),
        lambda: [KEY],
        functools.partial(str, BROKEN),
        functools.partial(vault_is_closed, KEY),
    ],
)
def test_a_refusal_at_a_request_does_not_tell_it(key: Any) -> None:
    auth = APIKeyAuth(key, origin=ORIGIN)
    error = raised(lambda: ask(auth))
    frames = our_frames(error)
    assert "__call__: " in frames
    assert KEY not in str(error)
    assert KEY not in frames


def test_a_refusal_for_a_proxy_does_not_tell_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://user:password@proxy.example")
    auth = APIKeyAuth(KEY, origin="http://localhost")
    error = raised(lambda: auth(httpx2.Request("GET", "http://localhost/a")))
    assert KEY not in str(error) + our_frames(error)
    assert "password" not in str(error) + our_frames(error)


def test_no_library_logs_it(
    get: Callable[..., int], api: Any, other: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    auth = APIKeyAuth(KEY, origin=api.origin)
    get(auth, f"{api.origin}/a", f"{api.origin}/to?url={other.origin}/b")
    assert api.seen == [("/a", [f"Bearer {KEY}"]), ("/to", [f"Bearer {KEY}"])]
    assert caplog.records != []
    for record in caplog.records:
        assert KEY not in record.getMessage() + str(vars(record))


def test_an_error_of_a_library_does_not_tell_it() -> None:
    """Nobody listens on port 1. The text only: the libraries' own frames hold the headers."""
    auth = APIKeyAuth(KEY, origin="http://127.0.0.1:1")

    async def ask_async() -> None:
        async with httpx2.AsyncClient(auth=auth) as client:
            await client.get("http://127.0.0.1:1")

    ways: list[Callable[[], object]] = [
        lambda: httpx2.get("http://127.0.0.1:1", auth=auth),
        lambda: asyncio.run(ask_async()),
        lambda: requests.get("http://127.0.0.1:1", auth=auth),
    ]
    for way in ways:
        with pytest.raises((httpx2.ConnectError, requests.ConnectionError)) as caught:
            way()
        assert KEY not in "".join(traceback.format_exception(caught.value))
