"""BearerAuth: the layers in the one right order, and what an app reads of them."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..authenticator import Authenticator
from ..errors import APIError, ConfigurationError
from ..events import Emitter, EventSink
from ..formats import KeyFormat
from ..hashing import Pepper
from ..header import bearer_challenge
from ..idempotency import Idempotency, IdempotencyStore
from ..paths import is_normal
from ..policy import Policy, Rule
from ..stores import KeyStore
from ..values import Clock
from .authenticate import authenticate
from .header_alias import header_alias
from .idempotency import IDEMPOTENCY, IDEMPOTENCY_KEY
from .idempotency import idempotency as idempotent
from .principal import get_principal, get_request_id, require_scopes
from .rate_limit import rate_limit
from .request_id import PRINCIPAL, REQUEST_ID, report, request_id

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from ..ratelimit import RateLimits


class BearerAuth:
    """WSGI middleware: every request needs a key.

    ::

        app = BearerAuth(app, SQLStore("sqlite:///keys.db"))

    A request with a valid ``Authorization: Bearer KEY`` reaches the app, which finds who it is with
    ``get_principal(environ)``. Any other gets the documented envelope. The header is taken out of
    the environ, so that no log of the app ever holds the secret.

    Args:
        app: The WSGI app to wrap.
        store: Where keys are looked up.
        realm: Names the protected space in challenges (RFC 9110 §11.5).
        public: Paths that need no key, such as ``["/docs", "/static/*"]``; short for rules that
            come after ``rules``.
        rules: What needs which scopes; the first rule that matches counts.
        environments: The environments whose keys are accepted here.
        health_path: Where the documented health check is answered; ``None`` for nowhere.
        content_types: What the Content-Type of a request with a body may be; ``None`` for any.
        allow_preflight: Let CORS preflights through without a key.
        keep_authorization_header: Leave a header that authenticated in the environ, for an inner
            BearerAuth, say.
        set_remote_user: Set ``REMOTE_USER`` and ``AUTH_TYPE``. Beware: Django's
            RemoteUserMiddleware turns that into a full login.
        rate_limits: How many requests a plan, a key or a rule allows: a ``RateLimits``.
        idempotency: Where requests with an idempotency key are remembered, so that a repeat gets
            the same answer and the app doesn't run again: a store such as
            ``SQLIdempotencyStore(url)``, or an ``Idempotency`` with a store and limits.
        peppers: The keyring's; needed for imported tokens only.
        formats: Formats of keys that others have issued; see ``bearer_auth.formats``.
        event_sink: Told of refusals and failures; by default ``logging.getLogger("bearer_auth")``.
        clock: Seconds since 1970; for tests.

    Attributes:
        app: The app that is wrapped.
        store: Its keys.
        event_sink: The sink that was given.
        authenticator: Checks the keys.
        policy: The rules, compiled.
        layers: Makes the same layers around the app over another authenticator.
        wsgi_app: The layers in use; as in Flask, something may be put in their place.

    Raises:
        TypeError: The app isn't callable, the store has no ``get``, or an argument is of the wrong
            type.
        ConfigurationError: An argument or a rule is wrong; the message says how to mend it.

    .. versionadded:: 0.1
    """

    def __init__(
        self,
        app: WSGIApplication,
        store: KeyStore,
        *,
        realm: str = "api",
        public: Iterable[str] = (),
        rules: Iterable[Rule] = (),
        environments: Iterable[str] = ("production",),
        health_path: str | None = "/health",
        content_types: Iterable[str] | None = ("application/json",),
        allow_preflight: bool = False,
        keep_authorization_header: bool = False,
        set_remote_user: bool = False,
        rate_limits: RateLimits | None = None,
        idempotency: IdempotencyStore | Idempotency | None = None,
        peppers: Iterable[Pepper] = (),
        formats: Iterable[KeyFormat] = (),
        event_sink: EventSink | None = None,
        clock: Clock = time.time,
    ) -> None:
        if not callable(app):
            raise TypeError(f"app must be a WSGI app, which is callable, not {type(app).__name__}")
        if health_path is not None:
            if not isinstance(health_path, str):
                raise TypeError(f"health_path must be text or None, not {health_path!r}")
            if not is_normal(health_path):
                raise ConfigurationError(
                    "health_path must start with '/' and be a decoded path, such as '/health', "
                    f"or None for nowhere; this one could never be asked for: {health_path!r}"
                )
        switches = {
            "allow_preflight": allow_preflight,
            "keep_authorization_header": keep_authorization_header,
            "set_remote_user": set_remote_user,
        }
        for name, value in switches.items():
            if not isinstance(value, bool):  # "false" from a file or a variable would mean yes
                raise TypeError(f"{name} must be True or False, not {value!r}")
        self.app = app
        self.store = store
        self.event_sink = event_sink
        if rate_limits is not None and not callable(getattr(rate_limits, "check", None)):
            raise TypeError(f"rate_limits must be a RateLimits, not {rate_limits!r}")
        self.authenticator = Authenticator(
            store,
            environments=environments,
            peppers=peppers,
            formats=formats,
            clock=clock,
            failures=None if rate_limits is None else rate_limits.failures,
        )
        self.policy = Policy(rules, public=public, content_types=content_types)
        if self.policy.counts and rate_limits is None:
            raise ConfigurationError(
                "a rule has a limit or a cost, and nothing counts: give rate_limits=RateLimits(…)"
            )
        self._emitter = emitter = Emitter(event_sink)
        once = idempotency
        if once is not None and not isinstance(once, Idempotency):
            once = Idempotency(once)
        inner = app if once is None else idempotent(app, settings=once, emitter=emitter)
        if rate_limits is not None:
            inner = rate_limit(inner, limits=rate_limits, policy=self.policy, emitter=emitter)

        def layers(authenticator: Authenticator) -> WSGIApplication:
            # From the inside out. A refusal is raised, and becomes an answer in the outermost.
            checked = authenticate(
                inner,
                authenticator=authenticator,
                policy=self.policy,
                allow_preflight=allow_preflight,
                keep_authorization_header=keep_authorization_header,
                set_remote_user=set_remote_user,
                # PATH_INFO is bytes in latin-1 (PEP 3333)
                health_path=health_path and health_path.encode().decode("latin-1"),
                emitter=emitter,
            )
            return request_id(checked, challenge=bearer_challenge(realm), emitter=emitter)

        self.layers = layers
        self.wsgi_app = layers(self.authenticator)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """The WSGI app."""
        return self.wsgi_app(environ, start_response)

    def report(self, error: APIError, environ: WSGIEnvironment) -> None:
        """Tell the events of an error that a framework has turned into an answer by itself."""
        report(self._emitter, error, environ)

    def close(self) -> None:
        """Write the last usage times. The store is yours to close."""
        self.authenticator.close()

    def __repr__(self) -> str:
        return f"BearerAuth({self.app!r}, {self.authenticator!r})"


__all__ = [
    "IDEMPOTENCY",
    "IDEMPOTENCY_KEY",
    "PRINCIPAL",
    "REQUEST_ID",
    "BearerAuth",
    "get_principal",
    "get_request_id",
    "header_alias",
    "require_scopes",
]
