"""The layer that does a request once, however often it is sent."""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from ..errors import IdempotencyConflict, IdempotencyKeyReused, StoreUnavailable
from ..events import Emitter
from ..idempotency import Answer, Found, Idempotency
from ..idempotency.request import client_value, digest, fingerprint
from ..records import Principal
from .body import read_body
from .recorded import Claim, Recorded
from .request_id import PRINCIPAL, REQUEST_ID

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

IDEMPOTENCY_KEY = "bearer_auth.idempotency_key"
"""Environ key of what the client sent; missing where the request isn't idempotent. Unique for one
API key only: an app that makes its own writes exact keeps it beside the principal's ``key_id``."""

IDEMPOTENCY = "bearer_auth.idempotency"
"""Environ key of a ``Handle``."""

RETRY_S = 1
"""Seconds after which who repeats a running request is told to ask again."""

Step = Callable[[], bool]
"""Tells a store how a request ended; whether its claim still held."""

_UNSAVED = 32
"""Answers that the store could not take, kept to be tried again."""


class Handle:
    """What an app can say about its idempotent request.

    .. versionadded:: 0.1
    """

    def __init__(self, claim: Claim) -> None:
        self._claim = claim

    def forget(self) -> None:
        """Nothing was done: once this request has ended, its repeat is done anew."""
        self._claim.nothing_done = True


def idempotency(
    app: WSGIApplication, *, settings: Idempotency, emitter: Emitter
) -> WSGIApplication:
    """Remember the answers of requests that carry an idempotency key, and repeat them.

    Requests without that header pass as they are, and so do those without a principal.

    Args:
        app: The app to wrap.
        settings: The store, the methods, and how much is kept.
        emitter: Told of repeats, and of answers that could not be kept.
    """
    store = settings.store
    methods = frozenset(settings.methods)
    max_request, max_answer = settings.max_request, settings.max_answer
    renew_s = store.lease.total_seconds() / 3
    unsaved: deque[tuple[Step, ...]] = deque(maxlen=_UNSAVED)

    def with_idempotency(
        environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        # Only what is set below is ever believed.
        if IDEMPOTENCY_KEY in environ:
            del environ[IDEMPOTENCY_KEY]
        if IDEMPOTENCY in environ:
            del environ[IDEMPOTENCY]
        if (
            ("HTTP_X_IDEMPOTENCY_KEY" not in environ and "HTTP_IDEMPOTENCY_KEY" not in environ)
            # some frameworks run "patch" as PATCH
            or environ["REQUEST_METHOD"].upper() not in methods
            or PRINCIPAL not in environ
        ):
            return app(environ, start_response)
        value = client_value(environ)
        assert value is not None  # one of the headers is there
        principal: Principal = environ[PRINCIPAL]
        body = read_body(environ, max_request)
        this = principal.key_id, digest(value)
        ours, fence = fingerprint(environ, body), secrets.token_hex(16)
        del body  # or it would stay for as long as the app streams
        save_unsaved(unsaved)
        found = store.claim(*this, ours, fence)
        if found is not None:
            return repeat(found, ours, principal, environ, start_response)
        tell = partial(overtaken, environ, principal)

        def quietly(step: Step, *others: Step) -> None:
            try:
                if not step():
                    tell()
            except Exception as error:
                # The work is done, so its answer goes out; another attempt to keep it follows.
                detail = f"{store!r}: it failed ({type(error).__name__})"
                if isinstance(error, StoreUnavailable):  # the text of others may hold anything
                    detail = error.detail
                emitter.emit(
                    "store.failed",
                    status=503,
                    reason="store",
                    key_id=principal.key_id,
                    user_id=principal.user_id,
                    tenant_id=principal.tenant_id,
                    request_id=environ.get(REQUEST_ID),
                    address=environ.get("REMOTE_ADDR"),
                    data={"detail": detail, "allowed": True},
                )
                if others:
                    unsaved.append(others)

        def finish(answer: Answer | None) -> None:
            # One that the store can't take, however often, is remembered without its body.
            step = partial(store.finish, *this, fence, answer)
            quietly(step, step, partial(store.finish, *this, fence, None))

        claim = Claim(
            finish=finish,
            forget=lambda: quietly(*[partial(store.forget, *this, fence)] * 2),
            renew=lambda: quietly(partial(store.renew, *this, fence)),
            renew_s=renew_s,
            max_answer=max_answer,
        )
        environ[IDEMPOTENCY_KEY] = value
        environ[IDEMPOTENCY] = Handle(claim)

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            return claim.start(status, headers, start_response, exc_info)

        try:
            answer = app(environ, start)
            if answer.__class__ in (list, tuple) and claim.started:
                for block in answer:
                    claim.passed(block)
                claim.complete()
                return answer
        except BaseException as error:
            claim.broke_off(error, environ)
            raise
        return Recorded(answer, claim, environ)

    def repeat(
        found: Found,
        ours: str,
        principal: Principal,
        environ: WSGIEnvironment,
        start_response: StartResponse,
    ) -> Iterable[bytes]:
        if found.fingerprint != ours:
            raise IdempotencyKeyReused().of(principal)
        if found.running_s is not None:
            raise IdempotencyConflict(RETRY_S).of(principal)
        if found.answer is None:
            raise IdempotencyConflict().of(principal)
        if emitter.wants("request.replayed"):
            emitter.emit(
                "request.replayed",
                key_id=principal.key_id,
                user_id=principal.user_id,
                tenant_id=principal.tenant_id,
                request_id=environ.get(REQUEST_ID),
                status=int(found.answer.status[:3]),
                address=environ.get("REMOTE_ADDR"),
            )
        headers = [*found.answer.headers, ("Idempotent-Replayed", "true")]
        start_response(found.answer.status, headers)
        return [found.answer.body] if found.answer.body else []

    def overtaken(environ: WSGIEnvironment, principal: Principal) -> None:
        emitter.emit(
            "request.overtaken",
            key_id=principal.key_id,
            user_id=principal.user_id,
            tenant_id=principal.tenant_id,
            request_id=environ.get(REQUEST_ID),
            address=environ.get("REMOTE_ADDR"),
        )

    return with_idempotency


def save_unsaved(unsaved: deque[tuple[Step, ...]]) -> None:
    """Try again to keep answers that the store could not take.

    Args:
        unsaved: For each the steps of which one is enough, the best one first.

    Raises:
        StoreUnavailable: It still can't.
    """
    while unsaved:
        try:
            steps = unsaved.popleft()
        except IndexError:  # another thread was quicker
            return
        failure: Exception | None = None
        for step in steps:
            try:
                step()
            except Exception as error:
                failure = error
            else:
                break
        else:
            if isinstance(failure, StoreUnavailable):
                unsaved.appendleft(steps)
                raise failure
