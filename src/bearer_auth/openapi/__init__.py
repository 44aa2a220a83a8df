"""What BearerAuth adds to an API, as parts of an OpenAPI 3.1 document.

::

    from bearer_auth import openapi

    document = {
        "openapi": "3.1.0",
        "info": {"title": "Reports", "version": "1"},
        "paths": {
            "/health": openapi.health_path(),
            "/reports": {"post": openapi.operation(post, scopes=["reports:write"])},
        },
        "components": openapi.components(),
    }

All of it is plain dictionaries, made anew at each call: change them as you like. What it says of an
error comes from the error itself.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import (
    APIError,
    ConfigurationError,
    IdempotencyConflict,
    IdempotencyKeyReused,
    InsufficientScope,
    InvalidRequest,
    InvalidToken,
    RateLimited,
    RequestTooLarge,
    StoreUnavailable,
    UnsupportedMediaType,
)
from ..scopes import parse_scopes
from .parts import (
    HEADERS,
    HEALTHY,
    HEALTHY_EXAMPLE,
    OF_LIMITS,
    OF_REPEATS,
    PARAMETERS,
    SAMPLES,
    envelope,
    header,
    name_of,
    optional_headers,
    response_of,
)

SCHEME = "bearerAuth"
"""The name of the security scheme."""

_ALWAYS: tuple[type[APIError], ...] = (InvalidToken, InsufficientScope, StoreUnavailable)
_WITH_BODY: tuple[type[APIError], ...] = (UnsupportedMediaType,)
_WITH_LIMITS: tuple[type[APIError], ...] = (RateLimited,)
# A 429 comes as well if too many requests are remembered for one key, and a 500 if the app raised
# and the request is repeated.
_IDEMPOTENT: tuple[type[APIError], ...] = (
    InvalidRequest,
    IdempotencyConflict,
    RequestTooLarge,
    IdempotencyKeyReused,
    RateLimited,
    APIError,
)


def components(
    *, rate_limits: bool = True, idempotency: bool = True, errors: Iterable[APIError] = ()
) -> dict[str, Any]:
    """The ``components`` of the document: all that the other functions refer to.

    Args:
        rate_limits: Whether ``BearerAuth`` has ``rate_limits``.
        idempotency: Whether it has ``idempotency``.
        errors: Errors of your app's own, each as it is raised: ``[QuotaExceeded()]``. A response
            has the name of the class.

    Returns:
        ``securitySchemes``, ``parameters``, ``headers``, ``schemas`` and ``responses``.

    .. versionadded:: 0.1
    """
    left_out = (() if rate_limits else OF_LIMITS) + (() if idempotency else OF_REPEATS)
    headers = {name: each for name, each in HEADERS.items() if name not in left_out}
    wanted = {*_errors(body=True, idempotent=idempotency, rate_limits=rate_limits), InvalidRequest}
    samples: dict[str, list[APIError]] = {}
    for error in (*(sample for sample in SAMPLES if type(sample) in wanted), *errors):
        samples.setdefault(name_of(type(error)), []).append(error)
    may_have = [name for name in (*OF_LIMITS, *OF_REPEATS) if name in headers]
    codes = {error.error_code for each in samples.values() for error in each}
    described = {name: response_of(each, may_have) for name, each in samples.items()}
    return copy.deepcopy(
        {
            "securitySchemes": {SCHEME: {"type": "http", "scheme": "bearer"}},
            "parameters": {
                name: {"name": name, "in": "header", "required": False, **each}
                for name, each in PARAMETERS.items()
                if idempotency or name == "X-Request-ID"
            },
            "headers": {**headers, **optional_headers(described.values())},
            "schemas": {"Error": envelope(sorted(codes))},
            "responses": described,
        }
    )


def operation(
    described: Mapping[str, Any],
    *,
    scopes: Iterable[str] = (),
    public: bool = False,
    idempotent: bool = False,
    rate_limits: bool = True,
    raises: Iterable[type[APIError]] = (),
) -> dict[str, Any]:
    """Your operation, with what BearerAuth adds to it: who may ask, headers that are read and sent,
    and the errors. What you have written yourself stays as it is.

    Args:
        described: The Operation Object, as a dictionary. If it has a ``requestBody``, there is a
            415.
        scopes: What the rule for this path needs; listed in ``security``.
        public: No key is needed.
        idempotent: Whether idempotency keys are read; by default they are of POST, PUT, PATCH and
            DELETE, where ``BearerAuth`` has ``idempotency``.
        rate_limits: Whether ``BearerAuth`` has ``rate_limits``.
        raises: Errors that the operation raises itself: ``[InvalidRequest]``.

    Raises:
        ConfigurationError: Two errors have one status, or a scope doesn't follow the grammar.

    .. versionadded:: 0.1
    """
    done = copy.deepcopy(dict(described))
    # Nothing is counted or remembered without a key.
    idempotent, rate_limits = idempotent and not public, rate_limits and not public
    needed: list[dict[str, list[str]]] = [] if public else [{SCHEME: list(parse_scopes(scopes))}]
    done.setdefault("security", needed)
    read = ["X-Request-ID"]
    if idempotent:
        read += ["X-Idempotency-Key", "Idempotency-Key"]
    done["parameters"] = _with_ours(done.get("parameters", ()), read)
    if public:
        found = _by_status(raises)
    else:
        found = responses(
            body="requestBody" in done,
            idempotent=idempotent,
            rate_limits=rate_limits,
            raises=raises,
        )
    own = done.get("responses", {})
    for response in own.values():
        if "$ref" not in response:
            response["headers"] = {**_sent(rate_limits, idempotent), **response.get("headers", {})}
    together = {**found, **own}
    done["responses"] = {status: together[status] for status in sorted(together)}
    return done


def responses(
    *,
    body: bool = False,
    idempotent: bool = False,
    rate_limits: bool = True,
    raises: Iterable[type[APIError]] = (),
) -> dict[str, Any]:
    """The errors of an operation that needs a key, by status; for generators that ask for no more.

    Args:
        body: Whether it takes a body.
        idempotent: Whether idempotency keys are read.
        rate_limits: Whether ``BearerAuth`` has ``rate_limits``.
        raises: Errors that the operation raises itself.

    Returns:
        References into ``components()``: ``{"401": {"$ref": "#/components/responses/…"}, …}``.

    Raises:
        ConfigurationError: Two errors have one status.

    .. versionadded:: 0.1
    """
    ours = _errors(body=body, idempotent=idempotent, rate_limits=rate_limits)
    return _by_status([*ours, *raises])


def health_path(*, rate_limits: bool = True) -> dict[str, Any]:
    """The Path Item of the health check that ``BearerAuth`` answers.

    Args:
        rate_limits: Whether ``BearerAuth`` has ``rate_limits``. The health check itself isn't
            counted, but failures are.

    .. versionadded:: 0.1
    """
    get = {
        "operationId": "health",
        "summary": "Who am I, and are keys checked?",
        "responses": {
            "200": {
                "description": "The key is valid.",
                "content": {"application/json": {"schema": HEALTHY, "example": HEALTHY_EXAMPLE}},
            }
        },
    }
    return {"get": operation(get, rate_limits=False, raises=_WITH_LIMITS if rate_limits else ())}


def _with_ours(own: Iterable[Mapping[str, Any]], read: Iterable[str]) -> list[Any]:
    """The parameters, each once, as OpenAPI demands: ours only where the operation has none of its
    own by that name. Names of headers are compared without regard to case."""
    own = list(own)
    headers = {each.get("name", "").lower() for each in own if each.get("in") == "header"}
    ours = [
        {"$ref": f"#/components/parameters/{name}"} for name in read if name.lower() not in headers
    ]
    return [*own, *(each for each in ours if each not in own)]


def _errors(*, body: bool, idempotent: bool, rate_limits: bool) -> tuple[type[APIError], ...]:
    return (
        *_ALWAYS,
        *(_WITH_BODY if body else ()),
        *(_WITH_LIMITS if rate_limits else ()),
        *(_IDEMPOTENT if idempotent else ()),
    )


def _by_status(errors: Iterable[type[APIError]]) -> dict[str, Any]:
    found: dict[str, type[APIError]] = {}
    for error in errors:
        other = found.setdefault(str(error.code), error)
        if other is not error:
            raise ConfigurationError(
                f"{other.__name__} and {error.__name__} are both a {error.code}, and an operation "
                "has one response for each status: describe that response yourself"
            )
    return {
        status: {"$ref": f"#/components/responses/{name_of(found[status])}"}
        for status in sorted(found)
    }


def _sent(rate_limits: bool, idempotent: bool) -> dict[str, Any]:
    names = ["X-Request-ID"]
    if rate_limits:
        names += OF_LIMITS
    if idempotent:
        names += OF_REPEATS
    return {name: header(name) for name in names}


__all__ = ["SCHEME", "components", "health_path", "operation", "responses"]
