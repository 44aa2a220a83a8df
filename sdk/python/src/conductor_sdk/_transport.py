"""Sends a request over httpx2 and reads the whole answer, in time."""

from collections.abc import Callable

import anyio
import httpx2

HIDDEN = "Bearer [redacted]"


def send(
    http: httpx2.Client, request: httpx2.Request, seconds: float, clock: Callable[[], float]
) -> httpx2.Response:
    """The answer, read to its end.

    Raises:
        httpx2.RequestError: there was none within ``seconds``.
    """
    ends = clock() + seconds
    try:
        response = http.send(request, stream=True, auth=None, follow_redirects=False)
    finally:
        request.headers["Authorization"] = HIDDEN
    try:
        if response.is_stream_consumed:
            return _plain(response)
        blocks: list[bytes] = []
        for block in response.iter_raw():
            blocks.append(block)
            # The timeouts of httpx2 are for one read; a body that trickles in passes them all.
            if clock() > ends:
                raise httpx2.ReadTimeout("the body came too slowly", request=request)
    finally:
        response.close()
    return _rebuilt(response, b"".join(blocks))


async def send_async(
    http: httpx2.AsyncClient, request: httpx2.Request, seconds: float
) -> httpx2.Response:
    """``send``, for an asynchronous client."""
    with anyio.move_on_after(seconds):
        try:
            response = await http.send(request, stream=True, auth=None, follow_redirects=False)
        finally:
            request.headers["Authorization"] = HIDDEN
        try:
            if response.is_stream_consumed:
                return _plain(response)
            blocks = [block async for block in response.aiter_raw()]
        finally:
            await response.aclose()
        return _rebuilt(response, b"".join(blocks))
    raise httpx2.ReadTimeout("the answer came too slowly", request=request)


def _rebuilt(response: httpx2.Response, body: bytes) -> httpx2.Response:
    """The answer by itself: the one of the transport refers to the request as it was sent.

    Raises:
        httpx2.DecodingError: the body isn't compressed as it says.
    """
    kept = ("http_version", "reason_phrase")
    return httpx2.Response(
        response.status_code,
        headers=response.headers,
        content=body,
        request=response.request,
        extensions={
            name: response.extensions[name] for name in kept if name in response.extensions
        },
        default_encoding=response.default_encoding,
    )


def _plain(response: httpx2.Response) -> httpx2.Response:
    """An answer that someone has read already: a mock's, or one that an event hook looked at."""
    response.next_request = None  # made before the key was taken out of its headers
    return response
