"""Reads answers: which error one is, and what the API says in it."""

import json
import re
from collections.abc import Callable
from typing import Any

import httpx2

from . import errors
from ._rate_limit import rate_limit
from ._url import origin_of
from ._waits import retry_after

_CLASSES: dict[int, type[errors.APIStatusError]] = {
    400: errors.BadRequestError,
    401: errors.AuthenticationError,
    403: errors.PermissionDeniedError,
    409: errors.ConflictError,
    422: errors.UnprocessableEntityError,
    429: errors.RateLimitError,
    503: errors.ServiceUnavailableError,
}

REQUEST_ID = re.compile(r"[A-Za-z0-9._~:/+=-]{1,128}")

_CODE = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_CONTENT_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,64}/[A-Za-z0-9!#$&^_.+-]{1,64}")
# also what breaks a line or turns its direction, and halves of surrogate pairs, which no UTF-8 has
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_ELSEWHERE = "a proxy or another server may have answered"


def status_error(
    response: httpx2.Response, *, hide: Callable[[str], str], clock: Callable[[], float]
) -> errors.APIStatusError:
    """The error that an answer stands for.

    Args:
        response: an answer with another status than 2xx.
        hide: takes the API key out of a text of the server.
        clock: the time of day, for an answer without a Date.
    """
    code, message = _said(response, hide)
    kind = _CLASSES.get(response.status_code, errors.APIStatusError)
    error = kind(
        message,
        status=response.status_code,
        code=code,
        request_id=request_id(response),
        response=response,
    )
    headers = response.headers
    error.retry_after = retry_after(headers.get("Retry-After"), headers.get("Date"), clock)
    if isinstance(error, errors.RateLimitError):
        error.limit, error.remaining, error.reset = rate_limit(
            headers.get("RateLimit"), headers.get("RateLimit-Policy")
        )
    return error


def _said(response: httpx2.Response, hide: Callable[[str], str]) -> tuple[str | None, str]:
    status = response.status_code
    if 300 <= status < 400:
        target = origin_of(response.headers.get("Location", ""))
        if target is None:
            return None, f"HTTP {status}: a redirect, which is not followed"
        return None, (
            f"HTTP {status}: a redirect to {target}, which is not followed; "
            "if that is the API, make it the base URL"
        )
    match document(response):
        case {"success": False, "error": {"code": str(code), "message": str(message)}}:
            known = code if _CODE.fullmatch(code) and hide(code) == code else None
            return known, _CONTROL.sub("?", hide(message))
        case _:
            return None, (
                f"HTTP {status} without the API's error body ({_type_of(response)}): {_ELSEWHERE}"
            )


def undocumented(response: httpx2.Response) -> errors.APIResponseError:
    """The error of a success whose body is not what it should be."""
    return errors.APIResponseError(
        f"HTTP {response.status_code}, but the body is not the documented JSON "
        f"({_type_of(response)}): {_ELSEWHERE}",
        status=response.status_code,
        request_id=request_id(response),
        response=response,
        idempotency_key=response.request.headers.get("X-Idempotency-Key"),
    )


def document(response: httpx2.Response) -> Any:
    """The JSON of an answer; None if it isn't any."""
    try:
        # json would guess at UTF-16 and UTF-32 too; RFC 8259, section 8.1, allows UTF-8 only
        return _JSON.decode(response.content.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None


def _not_json(name: str) -> None:
    raise ValueError(name)


_JSON = json.JSONDecoder(parse_constant=_not_json)


def request_id(response: httpx2.Response) -> str | None:
    """The id that the answer has, or else the one that the request was sent with."""
    for headers in (response.headers, response.request.headers):
        value = header(headers, b"x-request-id").decode("latin-1")
        if REQUEST_ID.fullmatch(value):
            return value
    return None


def header(headers: httpx2.Headers, name: bytes) -> bytes:
    """The value of a header, or nothing; ``name`` in small letters. The first look-up in an
    ``httpx2.Headers`` guesses at the encoding of all, which takes longer than this."""
    return b", ".join([value for key, value in headers.raw if key.lower() == name])


def _type_of(response: httpx2.Response) -> str:
    value = response.headers.get("Content-Type", "").partition(";")[0].strip()
    return f"Content-Type: {value}" if _CONTENT_TYPE.fullmatch(value) else "no Content-Type"
