"""A key, an API in memory, and no key in the environment of this process."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import httpx2
import pytest

from conductor_sdk import AsyncConductorClient, ConductorClient

KEY = "ba_production_3fQ7mZ0aKx9LpR2TsecretSECRETsecretSECRETsecretSECRETsecre0Zx1Ab"


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONDUCTOR_API_KEY", "API_KEY", "CONDUCTOR_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def key() -> str:
    return KEY


class API:
    """Answers with ``answers``, the last of them again and again, and keeps what it was asked and
    with which key."""

    def __init__(self) -> None:
        self.answers: list[Any] = [{"success": True, "output": 1}]
        self.requests: list[httpx2.Request] = []
        self.keys: list[str] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        self.keys.append(request.headers["Authorization"])
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx2.Response) else httpx2.Response(200, json=answer)


@pytest.fixture
def api() -> API:
    return API()


@pytest.fixture
def client(api: API) -> Iterator[Callable[..., ConductorClient]]:
    """``client(**options)``: a client of ``api`` that never really waits."""
    with httpx2.Client(transport=httpx2.MockTransport(api)) as http:

        def make(**options: Any) -> ConductorClient:
            made = ConductorClient(options.pop("api_key", KEY), http_client=http, **options)
            made._timing.sleep = lambda seconds: None
            return made

        yield make


@pytest.fixture
def async_client(api: API) -> Callable[..., AsyncConductorClient]:
    """``client``, for the other one."""

    def make(**options: Any) -> AsyncConductorClient:
        http = httpx2.AsyncClient(transport=httpx2.MockTransport(api))
        made = AsyncConductorClient(options.pop("api_key", KEY), http_client=http, **options)

        async def no_sleep(seconds: float) -> None: ...

        made._timing.async_sleep = no_sleep
        return made

    return make


@pytest.fixture
def run_async() -> Callable[[Coroutine[Any, Any, Any]], Any]:
    return asyncio.run
