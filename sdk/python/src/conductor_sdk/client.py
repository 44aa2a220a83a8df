"""The client."""

from collections.abc import Mapping
from copy import copy
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import TracebackType
from typing import Any, Self, Unpack

import httpx2

from ._call import Call, IdempotencyKey, Params
from ._key import ConfigurationError, Key, KeySource
from ._settings import Options, Settings, base_from
from ._timing import Timing
from ._transport import send
from ._url import execute_path
from .results import Execution, Health

# Plain http is for this machine: no proxy of the environment gets to see a key.
DIRECT: dict[str, None] = {"http://": None}


def no_cookies() -> CookieJar:
    """Keeps none: one that was set for one key would be sent with another one too."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=[]))


class ConductorClient:
    """The API, one method a call. Threads may share it; processes may not: make it after a fork.

        client = ConductorClient(api_key=os.environ["API_KEY"])
        with ConductorClient() as client: ...  # closes its connections

    Args:
        api_key: the key, or a function that returns it and is asked before each try. Without it the
            environment variable CONDUCTOR_API_KEY is read, then API_KEY, before each try too.
        base_url: where the API is; without it the variable CONDUCTOR_BASE_URL, else
            ``https://api.example.com``. May have a path.
        max_retries: how often a call is tried again.
        timeout: seconds that one try may take, from connecting to the last byte.
        deadline: seconds that a whole call may take, tries and waits; None for no end.
        http_client: an ``httpx2.Client`` of yours, for proxies or certificates, say; it stays
            yours to close.
        allow_http: whether a key may go over plain http to another machine.

    Raises:
        ConfigurationError: an option is wrong, or there is no key.

    .. versionadded:: 0.1.0
    """

    def __init__(
        self,
        api_key: Key | None = None,
        *,
        base_url: str | None = None,
        max_retries: int = 2,
        timeout: float = 60.0,
        deadline: float | None = 300.0,
        http_client: httpx2.Client | None = None,
        allow_http: bool = False,
    ) -> None:
        key = KeySource(api_key)
        del api_key  # no traceback shows it
        base = base_from(base_url, allow_http=allow_http)
        self._settings = Settings(key, base, max_retries, timeout, deadline, allow_http)
        self._timing = Timing()
        if http_client is not None and not isinstance(http_client, httpx2.Client):
            raise ConfigurationError("http_client must be an httpx2.Client")
        self._owns_http = http_client is None
        self._http = http_client or httpx2.Client(mounts=DIRECT, cookies=no_cookies())

    def __repr__(self) -> str:
        # Also of one that could not be made, for a traceback with its variables.
        settings: Settings | None = vars(self).get("_settings")
        return f"<{type(self).__name__}: {settings.base.url if settings else 'not made'}>"

    def health(self, *, request_id: str | None = None, timeout: float | None = None) -> Health:
        """Whether the API answers, and whose key this is. Arguments and errors: see ``request``."""
        return Health.of(self.request("GET", "/health", request_id=request_id, timeout=timeout))

    def execute(
        self,
        ensemble: str,
        input: Any = None,
        *,
        idempotency_key: IdempotencyKey = None,
        request_id: str | None = None,
        timeout: float | None = None,
    ) -> Execution:
        """Run an ensemble. It runs once, however often the request has to be sent.

        Args:
            ensemble: its name.
            input: what it gets, anything that JSON can hold.
            idempotency_key: see ``request``.
            request_id: see ``request``.
            timeout: see ``request``.

        Raises:
            APIError: as ``request``.
        """
        response = self.request(
            "POST",
            execute_path(ensemble),
            json={"input": input},
            idempotency_key=idempotency_key,
            request_id=request_id,
            timeout=timeout,
        )
        return Execution.of(response)

    def request(
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
        """Any other request to the API.

        Args:
            method: in capitals.
            path: below the base URL, from its first slash, percent-encoded.
            json: the body, as JSON; None for none.
            content: the body as it is, in place of ``json``; its Content-Type goes into
                ``headers``.
            params: the query.
            headers: more headers.
            idempotency_key: 1 to 255 visible ASCII characters without a comma. None: other methods
                than GET, HEAD and OPTIONS get one, the same on each try. False: none is sent, and
                the call is tried once.
            request_id: an id to find this request by in the API's log.
            timeout: seconds that one try may take, in place of the client's.

        Returns:
            An answer with a status of 2xx, read to its end.

        Raises:
            APIStatusError: the API said no; the class is of the status.
            APIConnectionError: there was no complete answer.
            ConfigurationError: there is no usable key any more.
            ValueError: an argument is wrong.
        """
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
            seconds = call.begin(request, self._settings.key.get())
            answer: httpx2.Response | httpx2.RequestError
            wait: float | None
            try:
                answer = send(self._http, request, seconds, self._timing.monotonic)
            except httpx2.RequestError as error:
                answer = error
            # Out here, so that no error of ours has the transport's as its context.
            if isinstance(answer, httpx2.RequestError):
                wait = call.failed(answer)
            elif (wait := call.answered(answer)) is None:
                return answer
            self._timing.sleep(wait)

    def with_options(self, **changes: Unpack[Options]) -> Self:
        """A client with other options, over the same connections.

        Raises:
            ConfigurationError: an option is wrong.
        """
        other = copy(self)
        other._settings = self._settings.changed(changes)
        other._owns_http = False
        return other

    def close(self) -> None:
        """Close the connections, unless ``http_client`` was given, which stays yours."""
        if self._owns_http:
            self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
