"""For clients that still send their key in another header, or under another scheme."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from ..errors import ConfigurationError
from ..events import Emitter, EventSink
from ..header import TCHAR
from ..records import Principal
from ..values import listed
from .request_id import PRINCIPAL, REQUEST_ID

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

MAX_KEYS = 16_384
"""Keys whose uses are counted; those that come later are not."""

_AUTHORIZATION = "HTTP_AUTHORIZATION"

# What BearerAuth is given in place of two credentials. A comma is in no token, so it is never one.
_REFUSED = "Bearer ,"

# Field names and schemes are tokens (RFC 9110 §5.1, §11.1).
_TOKEN = re.compile(rf"[{TCHAR}]+")
_SCHEME = re.compile(rf"[ \t]*([{TCHAR}]+)")


class header_alias:
    """WSGI middleware: takes a key from another header, or from under another scheme.

    ::

        app = header_alias(BearerAuth(app, store), headers=["X-API-Key"], schemes=["Token"])

    It stands outside of ``BearerAuth``, which alone decides: ``X-API-Key: KEY`` and
    ``Authorization: Token KEY`` become ``Authorization: Bearer KEY``, and are accepted or refused
    as that would be. The other header is taken out of the environ.

    A request that says two things is a 401: an alias beside any Authorization header, or two alias
    headers. An alias header that is there and empty counts as one.

    The rewriting knows no paths. On a public path the app gets the rewritten header, as it would
    get ``Authorization: Bearer KEY``, or ``Bearer ,`` where two things were said. So a part of your
    app that reads such a header itself belongs outside of this. On an optional path an alias header
    that is wrong is a 401 too. What stands further outside, and whoever has copied the environ
    before, still has the header as it came.

    To see when it may go, ask ``uses``, and look for the event ``key.alias_used``, told at the
    first use of each key in this process. A use counts once BearerAuth has let the request through
    to the app. What stands between the two hides uses if it hands on a copy of the environ, or asks
    BearerAuth only when its own answer is iterated.

    Args:
        app: The ``BearerAuth``, or what stands around it.
        headers: Names of headers whose whole value is a key.
        schemes: Schemes to take for ``Bearer``, in any letter case.
        event_sink: Told of the first uses; by default ``logging.getLogger("bearer_auth")``.

    Attributes:
        app: What was given.

    Raises:
        TypeError: The app isn't callable, or an argument is of the wrong type.
        ConfigurationError: A name is wrong, or there is none at all.

    .. versionadded:: 0.1
    """

    def __init__(
        self,
        app: WSGIApplication,
        *,
        headers: Iterable[str] = ("X-API-Key",),
        schemes: Iterable[str] = ("Token", "Api-Key"),
        event_sink: EventSink | None = None,
    ) -> None:
        if not callable(app):
            raise TypeError(f"app must be a WSGI app, which is callable, not {type(app).__name__}")
        self.app = app
        self._headers: dict[str, str] = {}
        for name in _tokens("headers", headers):
            variable = name.upper().replace("-", "_")
            if variable in ("AUTHORIZATION", "CONTENT_TYPE", "CONTENT_LENGTH"):
                raise ConfigurationError(f"headers can't hold {name}, which means something else")
            self._headers["HTTP_" + variable] = name
        self._schemes = {name.lower(): name for name in _tokens("schemes", schemes)}
        if "bearer" in self._schemes:
            raise ConfigurationError("schemes can't hold Bearer: it is no alias")
        if not self._headers and not self._schemes:
            raise ConfigurationError("there is no alias: name headers or schemes, or leave it out")
        self._emitter = Emitter(event_sink)
        self._uses: dict[str, int] = {}
        self._locks: dict[int, threading.Lock] = {}

    @property
    def uses(self) -> Mapping[str, int]:
        """How often each key was let in by an alias since this process began, by key id."""
        with self._lock():
            return dict(self._uses)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """The WSGI app."""
        alias = self._rewrite(environ)
        if alias is None:
            return self.app(environ, start_response)
        try:
            return self.app(environ, start_response)
        finally:
            self._count(environ, alias)

    def _rewrite(self, environ: WSGIEnvironment) -> str | None:
        """Put what an alias says into the Authorization header; which alias it was, if any."""
        sent = environ.get(_AUTHORIZATION)
        found = [variable for variable in self._headers if variable in environ]
        if found:
            one = sent is None and len(found) == 1
            environ[_AUTHORIZATION] = f"Bearer {environ[found[0]]}" if one else _REFUSED
            for variable in found:
                del environ[variable]
            return self._headers[found[0]]
        scheme = _SCHEME.match(sent or "")
        alias = scheme and self._schemes.get(scheme[1].lower())
        if scheme and sent and alias:
            environ[_AUTHORIZATION] = "Bearer" + sent[scheme.end() :]
        return alias

    def _count(self, environ: WSGIEnvironment, alias: str) -> None:
        principal = environ.get(PRINCIPAL)
        if not isinstance(principal, Principal):
            return
        with self._lock():
            uses = self._uses.get(principal.key_id, 0)
            if not uses and len(self._uses) >= MAX_KEYS:
                return
            self._uses[principal.key_id] = uses + 1
        if not uses:
            self._emitter.emit(
                "key.alias_used",
                key_id=principal.key_id,
                user_id=principal.user_id,
                tenant_id=principal.tenant_id,
                request_id=environ.get(REQUEST_ID),
                address=environ.get("REMOTE_ADDR"),
                data={"alias": alias},
            )

    def _lock(self) -> threading.Lock:
        # One a process: one that is held at a fork is never released in the child.
        return self._locks.setdefault(os.getpid(), threading.Lock())

    def __repr__(self) -> str:
        names = ", ".join([*self._headers.values(), *self._schemes.values()])
        return f"header_alias({self.app!r}, {names})"


def _tokens(argument: str, names: Iterable[str]) -> list[str]:
    found = listed(argument, names)
    for name in found:
        if not isinstance(name, str):
            raise TypeError(f"{argument} must hold text, not {type(name).__name__}")
        if not _TOKEN.fullmatch(name):
            raise ConfigurationError(
                f"{argument} must hold names such as X-API-Key or Token, not {name!r}"
            )
    return found
