"""An app's answer on its way out, remembered as it passes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from time import monotonic
from typing import TYPE_CHECKING, Any

from ..errors import APIError
from ..idempotency import Answer

if TYPE_CHECKING:
    from types import TracebackType

    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    ExcInfo = (
        tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None] | None
    )

# RFC 9110 §7.6.1, and what belongs to the one request or the one client.
_NOT_KEPT = frozenset(
    {
        "connection",
        "date",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "set-cookie",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "x-request-id",
    }
)

# What every store takes of a status line: latin-1 (PEP 3333), without control characters.
_STATUS = re.compile(r"[1-9][0-9]{2}[\x20-\x7e\xa0-\xff]{0,252}")

_MAX_HEAD = 64 * 1024
"""Characters of headers that are kept."""

NOT_DONE = ("429", "503")
"""Statuses by which an app says that it did nothing, and that the request may be repeated."""


class Claim:
    """A claimed request.

    Args:
        finish: Remembers an answer, or with ``None`` that there was one.
        forget: Lets the request be claimed anew.
        renew: Has the lease begin anew.
        renew_s: Seconds after which that is due.
        max_answer: Bytes of a body that are kept.
    """

    def __init__(
        self,
        *,
        finish: Callable[[Answer | None], None],
        forget: Callable[[], None],
        renew: Callable[[], None],
        renew_s: float,
        max_answer: int,
    ) -> None:
        self._finish = finish
        self._forget = forget
        self._renew = renew
        self._renew_s = renew_s
        self._renew_at = monotonic() + renew_s
        self._max_answer = max_answer
        self.nothing_done = False
        self._ended = False
        self._sent = False
        self._status = ""
        self._headers: list[tuple[str, str]] = []
        self._length: int | None = None
        self._blocks: list[bytes] = []
        self._size = 0

    @property
    def started(self) -> bool:
        """Whether the app has called start_response."""
        return bool(self._status)

    def start(
        self,
        status: str,
        headers: list[tuple[str, str]],
        start_response: StartResponse,
        exc_info: ExcInfo,
    ) -> Callable[[bytes], object]:
        """The app's start_response."""
        self._status, self._headers = status, list(headers)
        self._length = None
        for name, value in headers:
            if name.lower() == "content-length" and value.strip().isdigit():
                self._length = int(value)
        if exc_info is None:
            write = start_response(status, headers)
        else:
            write = start_response(status, headers, exc_info)

        def noted(block: bytes) -> object:
            self.passed(block)
            return write(block)

        return noted

    def passed(self, block: bytes) -> None:
        """A block is about to go out. The answer is remembered before its last one has gone, so
        that who has seen all of it can rely on that."""
        if block:
            self._sent = True
            self._size += len(block)
            if self._size > self._max_answer:
                self._blocks.clear()
            else:
                self._blocks.append(block)
        if self._size == self._length and self._status:
            self.complete()
        elif monotonic() > self._renew_at and not self._ended:
            self._renew_at = monotonic() + self._renew_s
            self._renew()

    def complete(self) -> None:
        """The app has answered all that it will."""
        if self._ended:
            return
        if not self._status:
            self.broke_off(None, {})
            return
        # First, for it may raise: then the answer broke off.
        body = b"".join(self._blocks)
        self._ended = True
        if self.nothing_done or self._status[:3] in NOT_DONE:
            self._forget()
            return
        headers = _kept(self._headers)
        whole = self._length in (None, self._size)
        fits = (
            self._size <= self._max_answer
            and _STATUS.fullmatch(self._status)
            and sum(len(n) + len(v) for n, v in headers) <= _MAX_HEAD
        )
        self._finish(Answer(self._status, headers, body) if whole and fits else None)

    def broke_off(self, error: BaseException | None, environ: WSGIEnvironment) -> None:
        """The app raised, or the client went away before the end."""
        if self._ended:
            return
        self._ended = True
        ours = error if isinstance(error, APIError) else APIError()
        if self.nothing_done or (ours is error and str(ours.code) in NOT_DONE):
            self._forget()
        elif error is None or self._sent:
            self._finish(None)
        else:
            # The server will answer 500 in its own way; a repeat gets ours.
            status, headers, body = ours.wire(environ)
            self._finish(Answer(status, _kept(headers), body))


class Recorded:
    """The app's answer; one value out for each value in.

    Args:
        answer: What the app returned.
        claim: Told of what passes.
        environ: The request.
    """

    def __init__(self, answer: Iterable[bytes], claim: Claim, environ: WSGIEnvironment) -> None:
        self._answer = answer
        self._claim = claim
        self._environ = environ
        self._iterator: Iterator[bytes] | None = None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            if self._iterator is None:
                self._iterator = iter(self._answer)
            block = next(self._iterator)
        except StopIteration:
            self._claim.complete()
            raise
        except BaseException as error:
            self._claim.broke_off(error, self._environ)
            raise
        self._claim.passed(block)
        return block

    def close(self) -> None:
        """Close the app's answer, if it can be closed."""
        try:
            close: Any = getattr(self._answer, "close", None)
            if close is not None:
                close()
        finally:
            self._claim.broke_off(None, self._environ)


def _kept(headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    pairs = list(headers)
    named = {
        word.strip().lower()
        for name, value in pairs
        if name.lower() == "connection"
        for word in value.split(",")
    }
    dropped = _NOT_KEPT | named
    return tuple(pair for pair in pairs if pair[0].lower() not in dropped)
