"""The asynchronous client."""

from collections.abc import Mapping
from copy import copy
from types import TracebackType
from typing import Any, Self, Unpack

import httpx2

from ._call import Call, IdempotencyKey, Params
from ._key import AsyncKey, ConfigurationError, KeySource
from ._settings import Options, Settings, base_from
from ._timing import Timing
from ._transport import send_async
from ._url import execute_path
from .client import DIRECT, no_cookies
from .results import Execution, Health


class AsyncConductorClient:
    """``ConductorClient`` for asyncio and trio.

        async with AsyncConductorClient() as client:
            (await client.execute("your-ensemble", input={"text": "…"})).output

    Args:
        api_key: as there; the function may also be asynchronous.
        base_url: as there.
        max_retries: as there.
        timeout: as there.
        deadline: as there.
        http_client: an ``httpx2.AsyncClient`` of yours. It stays yours to close.
        allow_http: as there.

    Raises:
        ConfigurationError: an option is wrong, or there is no key.

    .. versionadded:: 0.1.0
    """

    def __init__(
        self,
        api_key: AsyncKey | None = None,
        *,
        base_url: str | None = None,
        max_retries: int = 2,
        timeout: float = 60.0,
        deadline: float | None = 300.0,
        http_client: httpx2.AsyncClient | None = None,
        allow_http: bool = False,
    ) -> None:
        key = KeySource(api_key)
        del api_key  # no traceback shows it
        base = base_from(base_url, allow_http=allow_http)
        self._settings = Settings(key, base, max_retries, timeout, deadline, allow_http)
        self._timing = Timing()
        if http_client is not None and not isinstance(http_client, httpx2.AsyncClient):
            raise ConfigurationError("http_client must be an httpx2.AsyncClient")
        self._owns_http = http_client is None
        self._http = http_client or httpx2.AsyncClient(mounts=DIRECT, cookies=no_cookies())

    def __repr__(self) -> str:
        # Also of one that could not be made, for a traceback with its variables.
        settings: Settings | None = vars(self).get("_settings")
        return f"<{type(self).__name__}: {settings.base.url if settings else 'not made'}>"

    async def health(
        self, *, request_id: str | None = None, timeout: float | None = None
    ) -> Health:
        """``ConductorClient.health``."""
        return Health.of(
            await self.request("GET", "/health", request_id=request_id, timeout=timeout)
        )

    async def execute(
        self,
        ensemble: str,
        input: Any = None,
        *,
        idempotency_key: IdempotencyKey = None,
        request_id: str | None = None,
        timeout: float | None = None,
    ) -> Execution:
        """``ConductorClient.execute``."""
        response = await self.request(
            "POST",
            execute_path(ensemble),
            json={"input": input},
            idempotency_key=idempotency_key,
            request_id=request_id,
            timeout=timeout,
        )
        return Execution.of(response)

    async def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        content: str | bytes | None = None,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        idempotency_key: IdempotencyKey = None,
        request_id: str | None = None,
        timeout: float | None = None,
    ) -> httpx2.Response:
        """``ConductorClient.request``."""
        call = Call(
            self._settings,
            self._timing,
            method,
            path,
            headers=headers,
            idempotency_key=idempotency_key,
            request_id=request_id,
            timeout=timeout,
        )
        request = call.build(self._http, json=json, content=content, params=params)
        while True:
            seconds = call.begin(request, await self._settings.key.get_async(call.left()))
            answer: httpx2.Response | httpx2.RequestError
            wait: float | None
            try:
                answer = await send_async(self._http, request, seconds)
            except httpx2.RequestError as error:
                answer = error
            # Out here, so that no error of ours has the transport's as its context.
            if isinstance(answer, httpx2.RequestError):
                wait = call.failed(answer)
            elif (wait := call.answered(answer)) is None:
                return answer
            await self._timing.async_sleep(wait)

    def with_options(self, **changes: Unpack[Options]) -> Self:
        """``ConductorClient.with_options``."""
        other = copy(self)
        other._settings = self._settings.changed(changes)
        other._owns_http = False
        return other

    async def aclose(self) -> None:
        """Close the connections, unless ``http_client`` was given, which stays yours."""
        if self._owns_http:
            await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()
