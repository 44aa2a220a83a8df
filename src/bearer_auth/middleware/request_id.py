"""The outermost layer: each request has an id, each answer carries it, each error of ours is the
documented envelope."""

from __future__ import annotations

import os
import re
import secrets
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import count
from types import GeneratorType
from typing import TYPE_CHECKING, Any

from ..errors import CHALLENGE, APIError, StoreUnavailable
from ..events import Emitter
from ..records import Principal
from .recorded import Recorded

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

REQUEST_ID = "bearer_auth.request_id"
"""Environ key of the request's id."""

PRINCIPAL = "bearer_auth.principal"
"""Environ key of the ``Principal``; missing where no key was asked for."""

LIMIT_HEADERS = "bearer_auth.limit_headers"
"""Environ key of the headers by which a limited request's answer tells of its limits."""

# A kept id is still text that a client chose; these characters are harmless in a header, a log
# line and a shell's double quotes.
_SENT_ID = re.compile(r"[A-Za-z0-9._~:/+=-]{1,128}")


_LATE = (GeneratorType, Recorded)
"""Answers that may still raise what becomes an answer of ours."""


class _Ids:
    """Ids that are unique also between processes: a random part for the process, and a counter.

    ``secrets.token_hex`` for each request would cost as much as the whole check of a key.
    """

    def __init__(self) -> None:
        self.reseed()

    def reseed(self) -> None:
        self.prefix = secrets.token_hex(8) + "-"
        self.next = count(1).__next__


_ids = _Ids()
if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(after_in_child=_ids.reseed)  # or a child repeats its parent's ids


def request_id(app: WSGIApplication, *, challenge: str, emitter: Emitter) -> WSGIApplication:
    """Give each request an id and answer with it.

    ``X-Request-ID`` is kept if it is harmless and short, else replaced. The response carries it
    exactly once, in place of an app's own. An ``APIError`` that the app raises becomes the
    envelope, also one that a generator raises before the headers have gone out.

    Args:
        app: The app to wrap.
        challenge: The challenge of errors that have one, realm included.
        emitter: Told of each refusal.
    """

    def refuse(
        environ: WSGIEnvironment,
        start: StartResponse,
        header: tuple[str, str],
        started: bool,
        error: APIError,
    ) -> list[bytes]:
        report(emitter, error, environ)
        status, headers, body = error.wire(environ)
        answered = [*headers, *environ.get(LIMIT_HEADERS, ()), header]
        if started:
            # The server raises this again if the headers have gone out (PEP 3333).
            start(status, answered, sys.exc_info())
        else:
            start(status, answered)
        # Every server but gunicorn sends what a HEAD answer yields.
        return [] if environ.get("REQUEST_METHOD") == "HEAD" else [body]

    def with_request_id(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        identifier = environ.get("HTTP_X_REQUEST_ID")
        if identifier is None or not _SENT_ID.fullmatch(identifier):
            identifier = _ids.prefix + str(_ids.next())
            # A BearerAuth within this one, or a log of the app, takes the same id from the header.
            environ["HTTP_X_REQUEST_ID"] = identifier
        if LIMIT_HEADERS in environ:
            del environ[LIMIT_HEADERS]
        environ[REQUEST_ID] = identifier
        environ[CHALLENGE] = challenge
        header = ("X-Request-ID", identifier)
        started = False

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            nonlocal started
            started = True
            for name, _ in headers:
                if len(name) == 12 and name[0] in "Xx" and name.lower() == "x-request-id":
                    headers = [pair for pair in headers if pair[0].lower() != "x-request-id"]
                    break
            if exc_info is None:
                return start_response(status, [*headers, header])
            return start_response(status, [*headers, header], exc_info)

        try:
            answer = app(environ, start)
        except APIError as error:
            return refuse(environ, start_response, header, started, error)
        # An answer that hasn't called start_response yet, or a generator, can still raise what
        # becomes the envelope. All else is the server's: it may know a list's length, or a file.
        if started and answer.__class__ not in _LATE:
            return answer
        refuse_late = partial(refuse, environ, start_response, header)
        return _Late(answer, lambda error: refuse_late(started, error))

    return with_request_id


def report(emitter: Emitter, error: APIError, environ: WSGIEnvironment) -> None:
    """Tell of a request that was answered with an error of ours."""
    event = "store.failed" if isinstance(error, StoreUnavailable) else "request.refused"
    if emitter.wants(event):
        whose = _about(error, environ)
        emitter.emit(
            event,
            status=error.code,
            reason=error.reason,
            key_id=whose.key_id,
            user_id=whose.user_id,
            tenant_id=whose.tenant_id,
            request_id=environ.get(REQUEST_ID),
            address=environ.get("REMOTE_ADDR"),
            data={"detail": error.detail} if error.detail else {},
            **error.measured,
        )


def _about(error: APIError, environ: WSGIEnvironment) -> Principal | APIError:
    """What knows the key that an error is about, if one was proven."""
    principal = environ.get(PRINCIPAL)
    # What comes after the check of a key, an error of the app's own too, is about this key.
    if isinstance(principal, Principal) and error.key_id in (None, principal.key_id):
        return principal
    return error


class _Late:
    """An answer whose app may still raise an ``APIError`` when it is iterated.

    One value out for each value in. What the app raises before the headers have gone out can still
    become an answer of ours.
    """

    def __init__(self, answer: Iterable[bytes], refuse: Callable[[APIError], list[bytes]]) -> None:
        self._answer = answer
        self._refuse = refuse
        self._iterator: Iterator[bytes] | None = None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            if self._iterator is None:
                self._iterator = iter(self._answer)
            return next(self._iterator)
        except APIError as error:
            self._iterator = iter(self._refuse(error))
            return next(self._iterator)

    def close(self) -> None:
        """Close the app's answer, if it can be closed."""
        close = getattr(self._answer, "close", None)
        if close is not None:
            close()
