"""What an app reads: who the request comes from, its id, and whether a scope is there."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, TypeVar, cast

from ..errors import ConfigurationError, InvalidToken
from ..records import Principal
from ..scopes import parse_scopes
from .request_id import PRINCIPAL, REQUEST_ID

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

F = TypeVar("F", bound=Callable[..., Any])


def get_principal(environ: WSGIEnvironment) -> Principal:
    """Who the request comes from.

    On a public path, or on an optional one without a key, there is nobody: look for
    ``"bearer_auth.principal"`` in the environ if you want to ask first.

    Raises:
        InvalidToken: Nobody authenticated; let it rise and the client gets the documented 401.
        ConfigurationError: The app is not wrapped by ``BearerAuth``.
    """
    principal = environ.get(PRINCIPAL)
    if principal is None:
        get_request_id(environ)
        raise InvalidToken("missing", presented=False)
    return cast(Principal, principal)


def get_request_id(environ: WSGIEnvironment) -> str:
    """The request's id: the client's X-Request-ID if it is harmless, else a fresh one.

    Raises:
        ConfigurationError: The app is not wrapped by ``BearerAuth``.
    """
    try:
        return cast(str, environ[REQUEST_ID])
    except KeyError:
        raise ConfigurationError(
            "this request didn't come through BearerAuth: app = BearerAuth(app, store)"
        ) from None


def require_scopes(*scopes: str) -> Callable[[F], F]:
    """Decorate a Flask view or a plain WSGI app: only keys with all of these scopes get in.

    ::

        @app.get("/admin")
        @require_scopes("admin")
        def admin(): ...

    Raises:
        TypeError: No scope is given, or the function itself.
        ConfigurationError: One doesn't follow the grammar of scopes.

    When called, the decorated function raises:
        InsufficientScope: The key lacks a scope; the client gets the documented 403.
        InvalidToken: Nobody authenticated.
        ConfigurationError: There is no request to read.
    """
    if not scopes or not all(isinstance(scope, str) for scope in scopes):
        raise TypeError('require_scopes takes scopes: @require_scopes("admin")')
    needed = parse_scopes(scopes)

    def decorate(function: F) -> F:
        @functools.wraps(function)
        def with_scopes(*args: Any, **kwargs: Any) -> Any:
            get_principal(_environ_of(args)).require_scopes(*needed)
            return function(*args, **kwargs)

        @functools.wraps(function)
        async def with_scopes_async(*args: Any, **kwargs: Any) -> Any:
            return await with_scopes(*args, **kwargs)

        # Flask looks at a view to see whether it must be awaited.
        return cast(F, with_scopes_async if iscoroutinefunction(function) else with_scopes)

    return decorate


def _environ_of(args: tuple[Any, ...]) -> WSGIEnvironment:
    if len(args) >= 2 and isinstance(args[-2], dict) and callable(args[-1]):
        return cast("WSGIEnvironment", args[-2])  # a WSGI app, or a method that is one
    # Flask is asked only if the app has loaded it, so that the core never imports it.
    flask = sys.modules.get("flask")
    if flask is not None and flask.has_request_context():
        return cast("WSGIEnvironment", flask.request.environ)
    raise ConfigurationError(
        "require_scopes found no request: decorate a Flask view or a WSGI app, or ask "
        "get_principal(environ).require_scopes(…)"
    )
