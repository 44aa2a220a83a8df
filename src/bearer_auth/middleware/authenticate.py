"""The layer that lets in: policy, header, authenticator, scopes, Content-Type, in this order."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ..authenticator import Authenticator
from ..cache import Watch
from ..errors import APIError, InsufficientScope, UnsupportedMediaType
from ..events import Emitter
from ..policy import Policy
from ..records import Principal
from ..scopes import covers_all
from .health import healthy
from .request_id import PRINCIPAL, REQUEST_ID

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

ACCEPTED = "request.authenticated"


def authenticate(
    app: WSGIApplication,
    *,
    authenticator: Authenticator,
    policy: Policy,
    allow_preflight: bool = False,
    keep_authorization_header: bool = False,
    set_remote_user: bool = False,
    health_path: str | None = None,
    emitter: Emitter,
) -> WSGIApplication:
    """Let a request through to the app if its key allows it, else raise an ``APIError``.

    Nothing is remembered of a request: the same environ, sent in again, is decided anew. The body
    is never touched.

    Args:
        app: The app to wrap.
        authenticator: Checks the credentials.
        policy: What is public, and what needs which scopes.
        allow_preflight: Let CORS preflights through without a key.
        keep_authorization_header: Leave a header that authenticated in the environ.
        set_remote_user: Set ``REMOTE_USER`` and ``AUTH_TYPE`` (RFC 3875 §4.1.1, §4.1.11), and
            remove what the server set there where no key was needed.
        health_path: Where the health check answers in place of the app; as PATH_INFO has it.
        emitter: Told of each acceptance, if its sink wants to know.
    """
    tell = emitter.emit if emitter.wants(ACCEPTED) else None
    check = authenticator.authenticate_header
    measures = emitter.measures
    nothing: Mapping[str, Any] = {}
    decide = None if policy.trivial else policy.at_once
    default = policy.default
    # A path that isn't normal: what it needs is looked at once the key is proven.
    ambiguous = (False, False, None, default.content_types)

    def with_authentication(
        environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        # Only what is set below is ever believed, also by what stands outside and reads the environ
        # after a refusal.
        if PRINCIPAL in environ:
            del environ[PRINCIPAL]
        if set_remote_user:
            environ.pop("REMOTE_USER", None)
            environ.pop("AUTH_TYPE", None)
        public, optional, scopes, types = (
            default
            if decide is None
            else decide(environ["REQUEST_METHOD"], environ.get("PATH_INFO", "")) or ambiguous
        )
        if (
            public
            or (optional and "HTTP_AUTHORIZATION" not in environ)
            or (allow_preflight and _is_preflight(environ))
        ):
            return app(environ, start_response)
        # Never in a local variable: error trackers keep those of each frame that the app's
        # exception passes through.
        if measures:
            principal, measured = _measured(
                check, environ.get("HTTP_AUTHORIZATION"), environ.get("REMOTE_ADDR")
            )
        else:
            principal = check(environ.get("HTTP_AUTHORIZATION"), environ.get("REMOTE_ADDR"))
            measured = nothing
        if scopes is None:
            scopes = policy.decide(environ["REQUEST_METHOD"], environ.get("PATH_INFO", "")).scopes
        if scopes and not covers_all(principal.scopes, scopes):
            raise InsufficientScope(scopes).of(principal)
        # RFC 9112 §6: a request has a body if it has one of these fields. A server may leave
        # CONTENT_LENGTH empty (PEP 3333), and what isn't a number counts as a body.
        length = environ.get("CONTENT_LENGTH")
        if (
            ((length and length.strip("0")) or "HTTP_TRANSFER_ENCODING" in environ)
            and types is not None
            and not types.accepts(environ.get("CONTENT_TYPE", ""))
        ):
            raise UnsupportedMediaType(types.names).of(principal)
        environ[PRINCIPAL] = principal
        if not keep_authorization_header:
            del environ["HTTP_AUTHORIZATION"]  # no log or error tracker of the app ever holds it
        if set_remote_user:
            environ["REMOTE_USER"] = principal.user_id.encode().decode("latin-1")
            environ["AUTH_TYPE"] = "Bearer"
        if tell is not None:
            tell(
                ACCEPTED,
                key_id=principal.key_id,
                user_id=principal.user_id,
                tenant_id=principal.tenant_id,
                request_id=environ.get(REQUEST_ID),
                address=environ.get("REMOTE_ADDR"),
                **measured,
            )
        if (
            health_path is not None
            and environ.get("PATH_INFO") == health_path
            and environ["REQUEST_METHOD"] in ("GET", "HEAD")
        ):
            return healthy(environ, start_response, principal)
        return app(environ, start_response)

    return with_authentication


def _measured(
    check: Callable[..., Principal], value: str | None, address: str | None
) -> tuple[Principal, Mapping[str, Any]]:
    """Check a credential and say how long that took, also of one that is refused."""
    watch = Watch()
    begin = time.perf_counter()
    try:
        principal = check(value, address, watch)
    except APIError as error:
        # Of what was refused before it was looked up nobody knows whether it was remembered.
        cached = False if watch.looked_up else None
        error.measured = {"took_s": time.perf_counter() - begin, "cached": cached}
        raise
    took_s = time.perf_counter() - begin
    return principal, {"took_s": took_s, "cached": not watch.looked_up}


def _is_preflight(environ: WSGIEnvironment) -> bool:
    # Fetch §3.2.3: a CORS preflight is an OPTIONS with both of these.
    return (
        environ["REQUEST_METHOD"] == "OPTIONS"
        and "HTTP_ORIGIN" in environ
        and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ
    )
