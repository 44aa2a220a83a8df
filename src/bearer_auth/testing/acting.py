"""``acting_as``: requests of a test, made by a user of your choice, with no store and no key."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ..authenticator import Authenticator
from ..middleware import BearerAuth
from ..records import KeyRecord, Principal
from ..stores.memory import MemoryStore
from ..token import mint, new_key_id

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class acting_as:
    """Requests that carry no Authorization header are this user's.

    ::

        with acting_as(app, user_id="user_123", scopes=["admin"]):
            assert app.test_client().get("/admin").status_code == 200

        client = werkzeug.test.Client(acting_as(app, user_id="user_123"))

    As a context manager it changes the app for the length of the block, and yields the
    ``Principal``; blocks can stand in one another, and the innermost counts. As a WSGI app it
    leaves the app alone.

    Only the store is replaced, by one with a single key, and a header with this key is put into the
    request (on a public path it stays there, as any other would). Rules, scopes, content types, the
    health check, request ids, events and your own code are the real ones. A request that has an
    Authorization header of its own is left alone: the app's store decides.

    Within a block the app is this user's for every thread, a live server's too. So let one test at
    a time use an app, or give each its own; as a WSGI app it is safe for any number of threads.

    Args:
        app: A ``BearerAuth``; a Flask app, or any object whose ``wsgi_app`` or ``app`` leads to
            one; or a bare WSGI app, which is wrapped with the defaults (and can't be changed for a
            block). As a WSGI app, what stands outside of the ``BearerAuth`` is left out.
        user_id: Who acts.
        scopes: What they may do.
        plan: Their plan.
        tenant_id: Their tenant.
        environment: The environment of their key; by default one that the app accepts.
        metadata: The metadata of their key.

    Attributes:
        principal: Who acts, as the app sees it.

    Raises:
        TypeError: The app isn't callable, or a value is of the wrong type; on entering a block,
            the app is a bare one.
        ConfigurationError: A value is out of bounds.

    .. versionadded:: 0.1
    """

    def __init__(
        self,
        app: WSGIApplication,
        *,
        user_id: str = "user_test",
        scopes: Iterable[str] = (),
        plan: str = "default",
        tenant_id: str | None = None,
        environment: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        found = _bearer_auth_of(app)
        self._bare = found is None
        self._bearer_auth = found or BearerAuth(app, MemoryStore())
        accepted = self._bearer_auth.authenticator.environments
        if environment is None:
            environment = "production" if "production" in accepted else min(accepted)
        token = mint("ba", environment, new_key_id())
        record = KeyRecord.from_token(
            token,
            user_id=user_id,
            name="acting_as",
            scopes=scopes,
            plan=plan,
            tenant_id=tenant_id,
            metadata=metadata or {},
        )
        self.principal = Principal.of(record)
        self._header = f"Bearer {token}"
        self._as_user = self._bearer_auth.layers(
            Authenticator(_OneKey(record), environments=accepted)
        )
        self._before: list[WSGIApplication] = []

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """The WSGI app."""
        return self._in_front_of(self._bearer_auth.wsgi_app)(environ, start_response)

    def __enter__(self) -> Principal:
        if self._bare:
            raise TypeError(
                "a bare WSGI app can't be changed for a block: wrap it in BearerAuth, or send the "
                "requests to acting_as(app) itself, which is a WSGI app"
            )
        self._before.append(self._bearer_auth.wsgi_app)
        self._bearer_auth.wsgi_app = self._in_front_of(self._before[-1])
        return self.principal

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bearer_auth.wsgi_app = self._before.pop()

    def _in_front_of(self, app: WSGIApplication) -> Callable[..., Iterable[bytes]]:
        def acting(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            if "HTTP_AUTHORIZATION" in environ:
                return app(environ, start_response)
            environ["HTTP_AUTHORIZATION"] = self._header
            return self._as_user(environ, start_response)

        return acting


class _OneKey:
    """A store that never caches, so nothing of it outlives a test: no thread, no usage times."""

    def __init__(self, record: KeyRecord) -> None:
        self._record = record

    def get(self, key_id: str) -> KeyRecord | None:
        return self._record if key_id == self._record.key_id else None


def _bearer_auth_of(app: object) -> BearerAuth | None:
    seen: list[object] = []
    while app is not None and not any(app is other for other in seen):
        if isinstance(app, BearerAuth):
            return app
        seen.append(app)
        app = getattr(app, "wsgi_app", None) or getattr(app, "app", None)
    return None
