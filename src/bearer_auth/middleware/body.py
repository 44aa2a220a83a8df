"""A request's body, read once and bounded, and given to the app again."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

from ..errors import InvalidRequest, RequestTooLarge

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_BLOCK = 64 * 1024


def read_body(environ: WSGIEnvironment, limit: int) -> bytes:
    """Read the body, and leave a stream in its place that has all of it.

    With a Content-Length that many bytes are read; without one all that there are, if the server
    says that the stream ends by itself (``wsgi.input_terminated``), as those do that understand
    chunked bodies. A body whose end can't be known is refused.

    Args:
        environ: The request.
        limit: Bytes that it may have.

    Raises:
        RequestTooLarge: It has more. It isn't read to its end.
        InvalidRequest: It broke off, or its length is not known.
    """
    length = environ.get("CONTENT_LENGTH", "").strip(" \t")
    if length:
        if not (length.isascii() and length.isdigit()):
            raise _unread("Content-Length is not a number")
        if len(length) > 18 or int(length) > limit:
            raise RequestTooLarge
        body = _read(environ["wsgi.input"], int(length))
        if len(body) < int(length):
            raise _unread("the body broke off")
    elif environ.get("wsgi.input_terminated"):
        body = _read(environ["wsgi.input"], limit + 1)
        if len(body) > limit:
            raise RequestTooLarge
    elif "HTTP_TRANSFER_ENCODING" in environ:
        raise _unread("this server can't tell where the body ends; send a Content-Length")
    else:
        body = b""
    environ["wsgi.input"] = BytesIO(body)
    environ["wsgi.input_terminated"] = True
    environ["CONTENT_LENGTH"] = str(len(body))
    environ.pop("HTTP_TRANSFER_ENCODING", None)  # what was chunked isn't any more
    return body


def _read(stream: Any, count: int) -> bytes:
    """So many bytes, or fewer if there are no more."""
    blocks: list[bytes] = []
    while count > 0:
        try:
            block = stream.read(min(count, _BLOCK))
        except (OSError, ValueError) as error:  # the client went away, or sent no proper chunks
            raise _unread("the body broke off") from error
        if not block:
            break
        blocks.append(block)
        count -= len(block)
    return b"".join(blocks)


def _unread(message: str) -> InvalidRequest:
    error = InvalidRequest(reason="body")
    error.message = f"Invalid request: {message}"
    return error
