"""Every error that bearer_auth raises, in one tree.

::

    BearerAuthError
    ├── ConfigurationError (ValueError)    an argument, a rule or a variable is wrong
    ├── KeyNotFound (LookupError)          no key has this id
    ├── KeyExists                          a key with this id is already stored
    ├── KeyInactive                        the key is revoked or expired: too late for this
    ├── RotationInProgress                 the previous secret is still in its grace period
    ├── Conflict                           someone else changed the key in between
    ├── ReadOnlyStore                      the keyring was asked to write to a store that can't
    └── APIError (werkzeug HTTPException)  what a client sees, as the documented envelope
        ├── InvalidRequest           400
        ├── InvalidToken             401
        ├── InsufficientScope        403
        ├── IdempotencyConflict      409
        ├── RequestTooLarge          413
        ├── UnsupportedMediaType     415
        ├── IdempotencyKeyReused     422
        ├── RateLimited              429
        └── StoreUnavailable         503

Branch on the class or on ``error_code``, never on a message.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, Self

from werkzeug.exceptions import HTTPException
from werkzeug.http import HTTP_STATUS_CODES

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

CHALLENGE = "bearer_auth.challenge"
"""Environ key of the challenge that the enclosing BearerAuth answers with, realm included."""

# scope-token = 1*( %x21 / %x23-5B / %x5D-7E ) (RFC 6750 §3.3, RFC 6749 §3.3)
_SCOPE_TOKEN = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")

_DEFAULT_CHALLENGE = 'Bearer realm="api"'


class BearerAuthError(Exception):
    """Base class of every error of this package."""


class ConfigurationError(BearerAuthError, ValueError):
    """Something that the developer or the operator wrote is wrong; the message has the fix."""


class KeyNotFound(BearerAuthError, LookupError):
    """No key has this id."""


class KeyExists(BearerAuthError):
    """A key with this id is already stored."""


class KeyInactive(BearerAuthError):
    """The key is revoked or expired, so the change that was asked for can't be made."""


class RotationInProgress(BearerAuthError):
    """The previous secret is still in its grace period.

    A lost answer of ``rotate``, retried, must not end the secret that is in use. Wait for the
    grace to end, call ``finish_rotation``, or rotate with ``if_rotating="discard_new"``.
    """


class Conflict(BearerAuthError):
    """A record was changed by someone else between reading and writing it."""


class ReadOnlyStore(BearerAuthError, TypeError):
    """The keyring was asked to write, and the store only reads."""


class Owned(Protocol):
    """A key and whose it is: a ``KeyRecord`` or a ``Principal``."""

    @property
    def key_id(self) -> str:
        """The public id."""
        ...

    @property
    def user_id(self) -> str:
        """Its owner."""
        ...

    @property
    def tenant_id(self) -> str | None:
        """Its owner's tenant."""
        ...


class APIError(BearerAuthError, HTTPException):
    """An error that a client sees, as the documented JSON envelope.

    Raise one from a Flask view or from a plain WSGI app that ``BearerAuth`` wraps and the client
    gets the envelope. It is a werkzeug ``HTTPException``, so that frameworks built on werkzeug
    handle it by themselves.

    Args:
        detail: For the log and the terminal; never sent to a client.
        reason: A short, fixed word for the events, such as ``"expired"``; never sent to a client.

    Attributes:
        code: The HTTP status, as in werkzeug.
        error_code: The ``code`` of the envelope.
        message: The ``message`` of the envelope.
        challenge: The auth-params of ``WWW-Authenticate`` that follow the realm (RFC 9110
            §11.6.1), such as ``error="invalid_token"``; ``None`` where the answer carries no
            challenge.
        headers: Headers of this answer beside those that each has, such as ``Retry-After``.
        measured: How long the check took that ended in this, for the events.
        key_id: The key whose secret was proven, if one was; for the events.
        user_id: Its owner, for the events.
        tenant_id: Its owner's tenant, for the events.
    """

    code = 500
    error_code: str = "INTERNAL_ERROR"
    message: str = "Internal error"
    challenge: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    measured: Mapping[str, Any] = MappingProxyType({})
    key_id: str | None = None
    user_id: str | None = None
    tenant_id: str | None = None

    response = None  # HTTPException's own __init__ would cost a refusal half a microsecond

    def __init__(self, detail: str = "", *, reason: str = "") -> None:
        self.detail = detail
        self.reason = reason or self.error_code.lower()

    @property
    def description(self) -> str:  # type: ignore[override]  # there it is a plain attribute
        """The message, under the name that werkzeug gives it."""
        return self.message

    def __str__(self) -> str:
        return self.detail or self.message

    def of(self, key: Owned) -> Self:
        """This error, which now says whose key was proven."""
        self.key_id, self.user_id, self.tenant_id = key.key_id, key.user_id, key.tenant_id
        return self

    def envelope(self) -> dict[str, Any]:
        """The documented body, as an object."""
        return _envelope(self.error_code, self.message)

    def wire(self, environ: Mapping[str, Any] | None) -> Wire:
        """The whole answer: status line, headers and body."""
        realm = (
            _DEFAULT_CHALLENGE if environ is None else environ.get(CHALLENGE, _DEFAULT_CHALLENGE)
        )
        status, headers, body = _wire(
            self.code or 500, self.error_code, self.message, realm, self.challenge
        )
        return status, headers + self.headers, body

    def get_body(
        self, environ: WSGIEnvironment | None = None, scope: dict[str, Any] | None = None
    ) -> str:
        """The envelope as JSON text; werkzeug's hook."""
        return self.wire(environ)[2].decode()

    def get_headers(
        self, environ: WSGIEnvironment | None = None, scope: dict[str, Any] | None = None
    ) -> list[tuple[str, str]]:
        """The headers of the answer; werkzeug's hook."""
        return list(self.wire(environ)[1])


class InvalidRequest(APIError):
    """400: the request is malformed (RFC 6750 §3.1, ``invalid_request``)."""

    code = 400
    error_code = "INVALID_REQUEST"
    message = "Invalid request"


class InvalidToken(APIError):
    """401: no key, or not one that is valid here. The client never learns which.

    Args:
        reason: ``missing``, ``malformed``, ``unknown``, ``wrong_secret``, ``expired``,
            ``revoked``, ``suspended`` or ``environment``; ``invalid``: your app raised it itself.
            For the events only.
        presented: Whether a Bearer credential was sent. Without one the challenge carries no
            error code (RFC 6750 §3.1).
        key_id: The id of the key whose secret was proven, if it was.
    """

    code = 401
    error_code = "UNAUTHORIZED"
    message = "Invalid API key"
    challenge = ""

    def __init__(
        self, reason: str = "invalid", *, presented: bool = True, key_id: str | None = None
    ) -> None:
        self.detail = ""
        self.reason = reason
        self.key_id = key_id
        if presented:
            self.challenge = 'error="invalid_token"'


class InsufficientScope(APIError):
    """403: a valid key that may not do this.

    Args:
        scopes: The scopes that the resource needs, named in the challenge (RFC 6750 §3) if they
            are scope-tokens: printable ASCII without blanks, ``"`` and ``\\``.
        reason: ``scope``, or ``address`` for a key used from outside its ``allowed_ips``.
        key_id: The id of the key.

    Raises:
        TypeError: A lone string as scopes, which would be read letter by letter.
    """

    code = 403
    error_code = "FORBIDDEN"
    message = "Insufficient permissions for this resource"

    def __init__(
        self, scopes: Iterable[str] = (), *, reason: str = "scope", key_id: str | None = None
    ) -> None:
        super().__init__(reason=reason)
        if isinstance(scopes, str):
            raise TypeError("scopes must be a list; write InsufficientScope([…])")
        self.scopes = tuple(scopes)
        self.key_id = key_id
        self.challenge = 'error="insufficient_scope"'
        named = [scope for scope in self.scopes if _SCOPE_TOKEN.fullmatch(scope)]
        if named:
            self.challenge += f', scope="{" ".join(named)}"'


class IdempotencyConflict(APIError):
    """409: the idempotency key was used already, and there is no answer to repeat.

    Args:
        retry_after: Seconds after which the answer may be there (``Retry-After``); ``None`` if
            repeating the request doesn't help, because its answer was not kept.
        key_id: The id of the key.

    .. versionadded:: 0.1
    """

    code = 409
    error_code = "IDEMPOTENCY_CONFLICT"
    message = "A request with this idempotency key is still running"

    def __init__(self, retry_after: int | None = None, *, key_id: str | None = None) -> None:
        super().__init__(reason="running" if retry_after is not None else "not_kept")
        self.key_id = key_id
        if retry_after is None:
            self.message = (
                "A request with this idempotency key was completed, but its answer was not kept; "
                "repeating it doesn't help"
            )
        else:
            self.headers = (("Retry-After", str(retry_after)),)


class RequestTooLarge(APIError):
    """413: the body is longer than is kept for an idempotency key (RFC 9110 §15.5.14).

    .. versionadded:: 0.1
    """

    code = 413
    error_code = "REQUEST_TOO_LARGE"
    message = "Request body too large"


class UnsupportedMediaType(APIError):
    """415: the body's Content-Type is not one that the resource accepts."""

    code = 415
    error_code = "UNSUPPORTED_MEDIA_TYPE"
    message = "Content-Type must be application/json"

    def __init__(self, accepted: Iterable[str] = ("application/json",)) -> None:
        self.message = "Content-Type must be " + " or ".join(accepted)
        super().__init__(reason="media_type")


class IdempotencyKeyReused(APIError):
    """422: the idempotency key was used for another request.

    .. versionadded:: 0.1
    """

    code = 422
    error_code = "IDEMPOTENCY_KEY_REUSED"
    message = "This idempotency key was used for another request"

    def __init__(self, *, key_id: str | None = None) -> None:
        super().__init__(reason="reused")
        self.key_id = key_id


class RateLimited(APIError):
    """429: more requests than the limit allows (RFC 6585 §4).

    Args:
        retry_after: Whole seconds after which a request gets in (``Retry-After``, RFC 9110
            §10.2.3).
        headers: More headers, such as ``RateLimit``.
        reason: ``limit``, ``failures`` or ``records``; for the events only.
        key_id: The id of the key, if one was proven.

    .. versionadded:: 0.1
    """

    code = 429
    error_code = "RATE_LIMITED"
    message = "Rate limit exceeded"

    def __init__(
        self,
        retry_after: int,
        *,
        headers: Iterable[tuple[str, str]] = (),
        reason: str = "limit",
        key_id: str | None = None,
    ) -> None:
        super().__init__(reason=reason)
        self.key_id = key_id
        self.headers = (("Retry-After", str(retry_after)), *headers)


class StoreUnavailable(APIError):
    """503: the store can't answer. Never open, never a 401.

    Stores raise it with a ``detail`` for the log: what failed, without a password or a key.
    """

    code = 503
    error_code = "SERVICE_UNAVAILABLE"
    message = "Service temporarily unavailable"

    def __init__(self, detail: str = "", *, reason: str = "store") -> None:
        super().__init__(detail, reason=reason)


Wire = tuple[str, tuple[tuple[str, str], ...], bytes]
"""A status line, headers and a body."""


def _envelope(error_code: str, message: str) -> dict[str, Any]:
    return {"success": False, "error": {"code": error_code, "message": message}}


# Few different answers are sent often, so each is built once. All the arguments come from code
# and configuration, none from a client.
@lru_cache(maxsize=256)
def _wire(code: int, error_code: str, message: str, realm: str, challenge: str | None) -> Wire:
    body = json.dumps(_envelope(error_code, message)).encode()
    headers = [
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
    ]
    if challenge is not None:
        headers.append(("WWW-Authenticate", f"{realm}, {challenge}" if challenge else realm))
    phrase = HTTP_STATUS_CODES.get(code, "Unknown")  # an error of an app's own may have any code
    return f"{code} {phrase}", tuple(headers), body
