"""Flask's door: ``FlaskBearerAuth``, ``current_principal``, ``flask bearer-auth …``.

::

    from bearer_auth.flask import FlaskBearerAuth, current_principal, require_scopes

    auth = FlaskBearerAuth(app, store, public=["/static/*"])

    @app.get("/admin")
    @require_scopes("admin")
    def admin():
        return {"hello": current_principal.user_id}

Every path needs a key, Flask's own ``/static`` too, until you name it public.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypedDict, Unpack, cast

try:
    from flask import Flask, current_app, request
except ImportError as error:
    raise ImportError('bearer_auth.flask needs Flask: pip install "bearer_auth[flask]"') from error
from werkzeug.local import LocalProxy
from werkzeug.wrappers import Response

from .cli.flask import commands
from .errors import APIError, ConfigurationError
from .events import EventSink
from .formats import KeyFormat
from .hashing import Pepper
from .idempotency import Idempotency, IdempotencyStore
from .middleware import PRINCIPAL, BearerAuth, get_request_id, require_scopes
from .policy import Rule
from .records import Principal
from .stores import KeyStore
from .stores.url import open_store
from .values import Clock

if TYPE_CHECKING:
    from .ratelimit import RateLimits

__all__ = ["FlaskBearerAuth", "Options", "commands", "current_principal", "require_scopes"]

NAME = "bearer_auth"
"""Where ``app.extensions`` holds the app's ``BearerAuth``."""


class Options(TypedDict, total=False):
    """The options of ``BearerAuth``; see there."""

    realm: str
    public: Iterable[str]
    rules: Iterable[Rule]
    environments: Iterable[str]
    health_path: str | None
    content_types: Iterable[str] | None
    allow_preflight: bool
    keep_authorization_header: bool
    set_remote_user: bool
    rate_limits: RateLimits | None
    idempotency: IdempotencyStore | Idempotency | None
    peppers: Iterable[Pepper]
    formats: Iterable[KeyFormat]
    event_sink: EventSink | None
    clock: Clock


_CODE_ONLY = {
    "rate_limits": 'RateLimits(default="100/minute")',
    "idempotency": 'SQLIdempotencyStore("sqlite:///keys.db")',
    "event_sink": "LoggingSink()",
    "clock": "FakeClock()",
}
"""What is no text, each with an example."""

_OPTIONS = tuple(Options.__annotations__)
_CONFIG = {
    f"BEARER_AUTH_{name.upper()}": name for name in ("store", *_OPTIONS) if name not in _CODE_ONLY
}


class FlaskBearerAuth:
    """Flask extension: every request to the app needs a key.

    It puts a ``BearerAuth`` around ``app.wsgi_app`` and keeps nothing of an app in itself, so one
    object can serve several; ``app.extensions["bearer_auth"]`` is the app's ``BearerAuth``. Errors
    of ours that a view raises get the documented envelope, whatever handlers the app has for
    ``HTTPException`` or ``Exception``. For an answer of your own, register a handler for the very
    class, such as ``InsufficientScope``, after ``init_app``.

    Each option can also stand in the app's configuration, as ``BEARER_AUTH_`` and its name, such
    as ``BEARER_AUTH_PUBLIC``; ``BEARER_AUTH_STORE`` is a store or its URL: ``sqlite:///keys.db``,
    or ``env:`` for ``EnvStore``. A rule there may be an object with the arguments of ``Rule``. What
    is given in code wins. ``rate_limits``, ``idempotency``, ``event_sink`` and ``clock`` can be
    given in code only.

    Args:
        app: The app; or call ``init_app`` later.
        store: Where keys are looked up.
        **options: Those of ``BearerAuth``.

    Raises:
        TypeError: An unknown option, or a value of the wrong type.
        ConfigurationError: There is no store, a name in the configuration is not one of ours, a
            value is wrong, or the app has been initialised before.

    .. versionadded:: 0.1
    """

    def __init__(
        self, app: Flask | None = None, store: KeyStore | None = None, **options: Unpack[Options]
    ) -> None:
        for name in options:
            if name not in _OPTIONS:
                raise TypeError(f"no option {name!r}; did you mean {_nearest(name, _OPTIONS)!r}?")
        self._store = store
        self._options = options
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask, store: KeyStore | None = None) -> None:
        """Protect an app; raises as the class does.

        Args:
            app: The app.
            store: Where its keys are looked up, if not in the extension's store.
        """
        if not isinstance(app, Flask):
            raise TypeError(f"the first argument is the Flask app, not {type(app).__name__}")
        if NAME in app.extensions:
            raise ConfigurationError(f"{app!r} has been initialised before; call init_app once")
        options = _configured(app.config) | self._options
        configured = cast("KeyStore | str | None", options.pop("store", None))
        chosen = next((s for s in (store, self._store, configured) if s is not None), None)
        if chosen is None:
            raise ConfigurationError(
                f"{app!r} has no store for its keys: pass one to FlaskBearerAuth, or set "
                "BEARER_AUTH_STORE to a URL such as sqlite:///keys.db"
            )
        opened = open_store(chosen) if isinstance(chosen, str) else chosen
        bearer_auth = BearerAuth(app.wsgi_app, opened, **cast(Options, options))
        # what Flask's documentation says to do, of what its types call a method
        app.wsgi_app = bearer_auth  # type: ignore[method-assign]
        app.extensions[NAME] = bearer_auth
        # Flask looks for a handler by status first, in the app as in its blueprints, and only then
        # for a generic one. So a handler for each class comes before any for HTTPException.
        for kind in _kinds(APIError):
            app.register_error_handler(kind, _answer)


def _configured(config: Mapping[str, Any]) -> dict[str, Any]:
    """The options that an app's configuration holds, by the names of the arguments."""
    options: dict[str, Any] = {}
    for key, value in config.items():
        if not key.startswith("BEARER_AUTH_"):
            continue
        name = key.removeprefix("BEARER_AUTH_").lower()
        if name in _CODE_ONLY:
            raise ConfigurationError(
                f"{key} is no configuration: {name} is given in code, as in "
                f"FlaskBearerAuth(app, {name}={_CODE_ONLY[name]})"
            )
        if key not in _CONFIG:
            raise ConfigurationError(
                f"no configuration {key}; did you mean {_nearest(key, _CONFIG)}?"
            )
        options[_CONFIG[key]] = value
    rules = options.get("rules")
    if isinstance(rules, (list, tuple)):
        options["rules"] = [_rule(rule) for rule in cast("Iterable[object]", rules)]
    return options


def _rule(value: object) -> object:
    return Rule(**cast("dict[str, Any]", value)) if isinstance(value, Mapping) else value


def _nearest(name: str, names: Iterable[str]) -> str:
    return difflib.get_close_matches(name, list(names), n=1, cutoff=0)[0]


def _kinds(base: type[APIError]) -> Iterable[type[APIError]]:
    yield base
    for kind in base.__subclasses__():
        yield from _kinds(kind)


def _answer(error: APIError) -> Response:
    # Flask answers by itself, so the layer outside that reports refusals never sees this one.
    current_app.extensions[NAME].report(error, request.environ)
    return error.get_response(request.environ)


def _current() -> Principal | None:
    principal: Principal | None = request.environ.get(PRINCIPAL)
    if principal is None:
        get_request_id(request.environ)  # nobody, or nobody who asked?
    return principal


current_principal = cast(Principal, LocalProxy(_current))
"""Who the request comes from, as ``get_principal(request.environ)`` says.

Where nobody needed to authenticate and nobody did, it is falsy: ``if current_principal:``.
"""
