"""What the documents are made of: each header, parameter and error once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..errors import (
    APIError,
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

SAMPLES: tuple[APIError, ...] = (
    InvalidRequest(),
    InvalidToken("missing", presented=False),
    InvalidToken(),
    InsufficientScope(["reports:write"]),
    IdempotencyConflict(1),
    IdempotencyConflict(),
    RequestTooLarge(),
    UnsupportedMediaType(),
    IdempotencyKeyReused(),
    RateLimited(30),
    APIError(),
    StoreUnavailable(),
)
"""Each error as it is raised; a header that some of its samples lack is not required."""

_SECONDS = {"type": "integer", "minimum": 0}

# What is sent in X-Request-ID may be any text; what comes back follows this.
_REQUEST_ID = r"^[A-Za-z0-9._~:/+=-]{1,128}$"
_IDEMPOTENCY_KEY = r"^[\x21-\x2b\x2d-\x7e]{1,255}$"
# Without the escapes of RFC 8941, which are read but which nobody needs.
_QUOTED_KEY = r'^"[\x21\x23-\x2b\x2d-\x5b\x5d-\x7e]{1,255}"$'

HEADERS: dict[str, dict[str, Any]] = {
    "X-Request-ID": {
        "description": "The request's id: the one that was sent if it matches, else a fresh one.",
        "required": True,
        "schema": {"type": "string", "pattern": _REQUEST_ID},
    },
    "WWW-Authenticate": {
        "description": "The challenge (RFC 6750 §3).",
        "required": True,
        "schema": {"type": "string", "pattern": "^Bearer "},
    },
    "Retry-After": {
        "description": "Seconds after which to try again (RFC 9110 §10.2.3).",
        "required": True,
        "schema": _SECONDS,
    },
    "RateLimit": {
        "description": "What is left of each limit (draft-ietf-httpapi-ratelimit-headers-10).",
        "schema": {"type": "string"},
        "example": '"minute";r=59;t=60',
    },
    "RateLimit-Policy": {
        "description": "The limits that count (draft-ietf-httpapi-ratelimit-headers-10).",
        "schema": {"type": "string"},
        "example": '"minute";q=60;w=60',
    },
    "Idempotent-Replayed": {
        "description": "This answer was given to the first request with this idempotency key.",
        "schema": {"type": "string", "enum": ["true"]},
    },
}
OF_LIMITS = ("RateLimit", "RateLimit-Policy")
OF_REPEATS = ("Idempotent-Replayed",)

PARAMETERS: dict[str, dict[str, Any]] = {
    "X-Request-ID": {
        "description": "An id for tracking and debugging. It comes back if it is 1 to 128 "
        "characters of A-Z a-z 0-9 . _ ~ : / + = - and is replaced if not.",
        "schema": {"type": "string"},
    },
    "X-Idempotency-Key": {
        "description": "A key of the client's own for this request. However often the request is "
        "sent with it, it is done once.",
        "schema": {"type": "string", "pattern": _IDEMPOTENCY_KEY},
        "example": "8e03978e-40d5-43dd-bc93-6894a57f9324",
    },
    "Idempotency-Key": {
        "description": "X-Idempotency-Key in double quotes "
        "(draft-ietf-httpapi-idempotency-key-header). Send one of them.",
        "schema": {"type": "string", "pattern": _QUOTED_KEY},
        "example": '"8e03978e-40d5-43dd-bc93-6894a57f9324"',
    },
}

HEALTHY: dict[str, Any] = {
    "type": "object",
    "required": ["status", "authenticated", "user"],
    "properties": {
        "status": {"const": "healthy"},
        "authenticated": {"const": True},
        "user": {
            "type": "object",
            "required": ["id", "plan"],
            "properties": {"id": {"type": "string"}, "plan": {"type": "string"}},
            "additionalProperties": False,
        },
    },
    "additionalProperties": False,
}
"""The schema of what the health check answers."""

HEALTHY_EXAMPLE: dict[str, Any] = {
    "status": "healthy",
    "authenticated": True,
    "user": {"id": "user_123", "plan": "pro"},
}


def header(name: str) -> dict[str, Any]:
    """A reference to one of the headers."""
    return {"$ref": f"#/components/headers/{name}"}


def envelope(codes: list[str]) -> dict[str, Any]:
    """The schema of every error."""
    error = {
        "type": "object",
        "required": ["code", "message"],
        "properties": {
            "code": {"type": "string", "enum": codes},
            "message": {"type": "string"},
        },
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "required": ["success", "error"],
        "properties": {"success": {"const": False}, "error": error},
        "additionalProperties": False,
    }


def optional(name: str) -> str:
    """The name of a header that is there only sometimes: a reference can't say so itself, for
    nothing but a summary and a description may stand beside ``$ref``."""
    return f"{name}.optional"


def optional_headers(responses: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Each header that some of these responses have only sometimes."""
    named = {json.dumps(each) for response in responses for each in response["headers"].values()}
    return {
        optional(name): {**each, "required": False}
        for name, each in HEADERS.items()
        if json.dumps(header(optional(name))) in named
    }


def response_of(samples: Sequence[APIError], may_have: Iterable[str]) -> dict[str, Any]:
    """The response that an error becomes, read off its samples."""
    headers = {"X-Request-ID": header("X-Request-ID")}
    wires = [dict(sample.wire(None)[1]) for sample in samples]
    for name in dict.fromkeys(name for wire in wires for name in wire):
        # OpenAPI ignores Content-Type here, and the other two say nothing of the API.
        if name in ("Content-Type", "Content-Length", "Cache-Control"):
            continue
        if name not in HEADERS:
            headers[name] = {"schema": {"type": "string"}}
        elif all(name in wire for wire in wires):
            headers[name] = header(name)
        else:
            headers[name] = header(optional(name))
    headers |= {name: header(name) for name in may_have if name not in headers}
    code = {"const": samples[0].error_code}
    schema = {
        "$ref": "#/components/schemas/Error",
        "properties": {"error": {"properties": {"code": code}}},
    }
    examples: dict[str, Any] = {}
    for sample in samples:
        body = json.loads(sample.wire(None)[2])
        if {"value": body} not in examples.values():
            examples[sample.reason] = {"value": body}
    return {
        "description": samples[0].message,
        "headers": headers,
        "content": {"application/json": {"schema": schema, "examples": examples}},
    }


def name_of(error: type[APIError]) -> str:
    """The name of an error's response."""
    return "InternalError" if error is APIError else error.__name__
