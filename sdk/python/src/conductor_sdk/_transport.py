"""Sends a request over httpx2 and reads the whole answer, in time."""

from collections.abc import Callable, Iterator

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
    except BaseException as error:
        # An interrupted one too: the variables of the transport's frames hold the headers.
        raise error.with_traceback(None)  # noqa: B904 - the same error, not another
    finally:
        request.headers["Authorization"] = HIDDEN
    try:
        # A mock's answer is read already, and one that an event hook looked at.
        if isinstance(response.stream, httpx2.SyncByteStream) and not response.is_stream_consumed:
            response.stream = _InTime(response.stream, lambda: clock() <= ends)
        response.read()
    finally:
        response.close()
    return _by_itself(response)


async def send_async(
    http: httpx2.AsyncClient, request: httpx2.Request, seconds: float
) -> httpx2.Response:
    """``send``, for an asynchronous client."""
    with anyio.move_on_after(seconds):
        try:
            response = await http.send(request, stream=True, auth=None, follow_redirects=False)
        except BaseException as error:
            raise error.with_traceback(None)  # noqa: B904 - the same error, not another
        finally:
            request.headers["Authorization"] = HIDDEN
        try:
            await response.aread()
        finally:
            await response.aclose()
        return _by_itself(response)
    raise httpx2.ReadTimeout("the answer came too slowly", request=request)


class _InTime(httpx2.SyncByteStream):
    """The timeouts of httpx2 are for one read: a body that trickles in passes them all."""

    def __init__(self, stream: httpx2.SyncByteStream, in_time: Callable[[], bool]) -> None:
        self._stream, self._in_time = stream, in_time

    def __iter__(self) -> Iterator[bytes]:
        for block in self._stream:
            if not self._in_time():
                raise httpx2.ReadTimeout("the body came too slowly")
            yield block

    def close(self) -> None:
        self._stream.close()


def _by_itself(response: httpx2.Response) -> httpx2.Response:
    """The answer without what refers to the request as it was sent, with the key in its headers."""
    kept = ("http_version", "reason_phrase")
    response.stream = httpx2.ByteStream(b"")
    response.extensions = {n: response.extensions[n] for n in kept if n in response.extensions}
    response.next_request = None
    return response
