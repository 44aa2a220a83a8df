"""One call: what is sent, how often, and what comes of each answer. No I/O is done here, so that
the two clients do the same."""

import logging
import re
import uuid
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal

import httpx2

from . import _waits
from ._answers import REQUEST_ID, request_id, status_error
from ._settings import Settings
from ._timing import Timing
from ._url import check_path
from ._version import __version__
from .errors import APIConnectionError, APIError, APIStatusError, APITimeoutError
from .results import is_replay

try:
    from opentelemetry.propagate import inject
except ImportError:  # it is installed where someone traces
    # its real signature has more arguments, which nobody here passes
    def inject(carrier: Any) -> None: ...  # type: ignore[misc]


logger = logging.getLogger("conductor_sdk")

USER_AGENT = f"conductor-sdk-python/{__version__}"
RETRIED = {408, 429, 500, 502, 503, 504}
LONGEST_TRY = 2_000_000.0  # 23 days: sockets count milliseconds in 31 bits
SAFE = {"GET", "HEAD", "OPTIONS"}  # RFC 9110, section 9.2.1

_METHOD = re.compile(r"[A-Z]{1,32}")
_IDEMPOTENCY_KEY = re.compile(r"[!-+\--~]{1,255}")  # visible ASCII without the comma
_FIELD_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_FIELD_VALUE = re.compile(r"[\t -~]*")
_OURS = {
    "authorization": "the client sends its api_key",
    "x-idempotency-key": "pass idempotency_key=",
    "idempotency-key": "pass idempotency_key=",
    "x-request-id": "pass request_id=",
    **dict.fromkeys(
        (
            "connection",
            "content-length",
            "expect",
            "host",
            "keep-alive",
            "te",
            "trailer",
            "transfer-encoding",
            "upgrade",
        ),
        "the transport sets it",
    ),
}

Params = Mapping[str, Any]
IdempotencyKey = str | Literal[False] | None


# To parse an address takes 20 µs, nearly half of what a call may cost beside httpx2.
_parsed = lru_cache(maxsize=128)(httpx2.URL)


class Call:
    """The tries of one call. Times are seconds."""

    def __init__(
        self,
        settings: Settings,
        timing: Timing,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None,
        idempotency_key: IdempotencyKey,
        request_id: str | None,
        timeout: float | None,
    ) -> None:
        self._settings, self._timing = settings, timing
        if not _METHOD.fullmatch(method):
            raise ValueError("method must be one of HTTP in capitals, such as 'POST'")
        check_path(path)
        self.method = method
        self.url = settings.base.url + path
        self._timeout = settings.timeout if timeout is None else settings.limit(timeout)
        if idempotency_key is None and method not in SAFE:
            idempotency_key = str(uuid.uuid4())
        # "" is a mistake, which is refused below; False is a wish
        self._idempotency_key = None if idempotency_key is False else idempotency_key
        self._may_repeat = method in SAFE or self._idempotency_key is not None
        self._request_id = request_id
        self.headers = self._headers(headers or {})
        self._key = ""
        self._retries = 0
        self._limit = 0.0
        self._start = self._try_start = timing.monotonic()

    def _headers(self, given: Mapping[str, str]) -> dict[str, str]:
        if not isinstance(given, Mapping) or not all(isinstance(name, str) for name in given):
            raise TypeError("headers must be a mapping of str to str")
        for name, value in given.items():
            if name.lower() in _OURS:
                raise ValueError(f"headers must not hold {name}: {_OURS[name.lower()]}")
            if not _FIELD_NAME.fullmatch(name) or not _FIELD_VALUE.fullmatch(value):
                raise ValueError(f"headers: {name!r} or its value is not one of HTTP")
        headers: dict[str, str] = {}
        inject(headers)
        headers |= {"accept": "application/json", "user-agent": USER_AGENT}
        headers |= {name.lower(): value for name, value in given.items()}
        if self._idempotency_key is not None:
            key: Any = self._idempotency_key
            if not isinstance(key, str) or not _IDEMPOTENCY_KEY.fullmatch(key):
                raise ValueError(
                    "idempotency_key must be 1 to 255 visible ASCII characters without a comma"
                )
            headers["X-Idempotency-Key"] = key
        if self._request_id is not None:
            if not REQUEST_ID.fullmatch(self._request_id):
                raise ValueError("request_id must be 1 to 128 letters, digits or ._~:/+=-")
            headers["X-Request-ID"] = self._request_id
        return headers

    def build(
        self,
        http: httpx2.Client | httpx2.AsyncClient,
        *,
        json: Any,
        content: Any,
        params: Params | None,
    ) -> httpx2.Request:
        """What is sent, but for the key and the time, which are of a try. Raises ValueError."""
        if json is not None and content is not None:
            raise ValueError("pass json= or content=, not both")
        if not isinstance(content, str | bytes | None):  # an iterator couldn't be sent again
            raise TypeError("content must be str or bytes")
        if not isinstance(params, Mapping | None):
            raise TypeError("params must be a mapping")
        try:
            return http.build_request(
                self.method,
                _parsed(self.url),
                json=json,
                content=content,
                params=params,
                headers=self.headers,
                extensions={"timeout": {}},
            )
        except RecursionError:
            raise ValueError("json is nested too deeply") from None
        except httpx2.InvalidURL as error:
            raise ValueError(f"path or params: {error}") from None

    def begin(self, request: httpx2.Request, key: str | None) -> float:
        """A try begins, with this key; None: it didn't come in time. Returns how long it may take.

        Raises:
            APITimeoutError: there is no time left, for it took so long to get the key.
        """
        self._try_start = self._timing.monotonic()
        left = self.left()
        if key is None or (left is not None and left <= 0):
            del key  # no traceback shows it
            raise self._unanswered(APITimeoutError, f" within {self._settings.deadline:.10g} s")
        request.headers["Authorization"] = f"Bearer {key}"
        self._key = key
        self._limit = min(self._timeout, LONGEST_TRY, LONGEST_TRY if left is None else left)
        request.extensions["timeout"] = dict.fromkeys(
            ("connect", "read", "write", "pool"), self._limit
        )
        return self._limit

    def answered(self, response: httpx2.Response) -> float | None:
        """What an answer means: None: it is the one; else seconds to wait before the next try.

        Raises:
            APIStatusError: it is an error, and the last try.
        """
        self._hide_in(response)
        self._took(response.status_code, response)
        if response.is_success:
            return None
        error = status_error(response, hide=self._hide, clock=self._timing.time)
        wait = None if is_replay(response) else self._wait_after(error)
        return self._again(error, wait)

    def failed(self, cause: httpx2.RequestError) -> float:
        """How long to wait after a try without a complete answer.

        Raises:
            APIConnectionError: it was the last one.
        """
        if isinstance(cause, httpx2.TimeoutException):
            error = self._unanswered(APITimeoutError, f" within {round(self._limit, 3):.10g} s")
        else:
            said = self._hide(str(cause)) or type(cause).__name__
            error = self._unanswered(APIConnectionError, f": {said}")
        error.__cause__ = self._bare(cause)
        self._took(type(error).__name__)
        return self._again(error, self._back_off())

    def _unanswered(self, kind: type[APIConnectionError], why: str) -> APIConnectionError:
        return kind(
            f"no complete answer from {self._settings.base.origin}{why}",
            request_id=self._request_id,
            idempotency_key=self._idempotency_key,
        )

    def _wait_after(self, error: APIStatusError) -> float | None:
        retry_after = error.retry_after
        if error.status == 409:  # still running: the API says when to ask again
            return retry_after
        if error.status not in RETRIED:
            return None
        return self._back_off() if retry_after is None else retry_after

    def _back_off(self) -> float:
        return _waits.back_off(self._retries, self._timing.random())

    def _again(self, error: APIError, wait: float | None) -> float:
        """``wait``, if there is to be another try, else the error."""
        error.idempotency_key = self._idempotency_key
        left = self.left()
        if (
            wait is None
            or not self._may_repeat
            or self._retries >= self._settings.max_retries
            or wait > _waits.LONGEST
            or (left is not None and wait >= left)
        ):
            raise error
        self._retries += 1
        why = (
            f"{error.status} {error.code or ''}".rstrip() if error.status else type(error).__name__
        )
        count = f"{self._retries} of {self._settings.max_retries}"
        self._log(logging.INFO, f"{why}; trying again in {wait:.2f} s ({count})")
        return wait

    def left(self) -> float | None:
        """Seconds that the call has left; None: there is no end."""
        deadline = self._settings.deadline
        return None if deadline is None else deadline - (self._timing.monotonic() - self._start)

    def _hide(self, text: str) -> str:
        return text.replace(self._key, "[redacted]")

    def _hide_in(self, response: httpx2.Response) -> None:
        """A server that shows what it was sent may show the key in a header or the status line."""
        key, hidden = self._key.encode(), b"[redacted]"
        raw = response.headers.raw
        if any(key in name or key in value for name, value in raw):
            response.headers = httpx2.Headers(
                [(name.replace(key, hidden), value.replace(key, hidden)) for name, value in raw]
            )
        reason = response.extensions.get("reason_phrase", b"")
        if key in reason:
            response.extensions["reason_phrase"] = reason.replace(key, hidden)

    def _bare(self, cause: BaseException) -> BaseException:
        """The same error, and all that caused it, without the transport's frames: their variables
        hold the request's headers, which trackers of errors would send away. The transport also
        quotes what it can't read, and that may be the key."""
        link: BaseException | None = cause
        while link is not None:
            link.__traceback__ = None
            if self._key in str(link):
                link.args = tuple(
                    self._hide(one) if isinstance(one, str) else one for one in link.args
                )
            link = link.__cause__ or link.__context__
        return cause

    def _took(self, what: str | int, response: httpx2.Response | None = None) -> None:
        if logger.isEnabledFor(logging.DEBUG):
            took = self._timing.monotonic() - self._try_start
            id_ = request_id(response) if response else self._request_id
            tail = f" (request id {id_})" if id_ else ""
            self._log(logging.DEBUG, f"{what} in {took:.3f} s{tail}")

    def _log(self, level: int, text: str) -> None:
        logger.log(level, "%s %s: %s", self.method, self.url, text)
