"""What identifies a request: the client's idempotency key, and a fingerprint of all the rest."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from ..errors import InvalidRequest

# Visible ASCII without the comma, with which servers join two lines of one header.
_VALUE = re.compile(r"[!-+\--~]{1,255}")

# sf-string (RFC 8941 §3.3.3)
_STRING = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"')
_ESCAPED = re.compile(r'\\(["\\])')


def client_value(environ: Mapping[str, Any]) -> str | None:
    """The idempotency key that a client has sent; ``None`` if it sent none.

    ``X-Idempotency-Key`` has it as it is, ``Idempotency-Key`` as a string of RFC 8941, in double
    quotes (draft-ietf-httpapi-idempotency-key-header §2.1).

    Raises:
        InvalidRequest: It is malformed, or the two differ.
    """
    sent = environ.get("HTTP_X_IDEMPOTENCY_KEY")
    drafted = environ.get("HTTP_IDEMPOTENCY_KEY")
    value = None if sent is None else _checked("X-Idempotency-Key", sent.strip(" \t"))
    if drafted is None:
        return value
    quoted = _STRING.fullmatch(drafted.strip(" \t"))
    if quoted is None:
        raise _malformed('Idempotency-Key must be a string in double quotes, such as "8e03978e"')
    other = _checked("Idempotency-Key", _ESCAPED.sub(r"\1", quoted[1]))
    if value not in (None, other):
        raise _malformed("X-Idempotency-Key and Idempotency-Key differ; send one of them")
    return other


def digest(value: str) -> str:
    """What stands for a client's idempotency key in a store."""
    return hashlib.sha256(value.encode()).hexdigest()


def fingerprint(environ: Mapping[str, Any], body: bytes) -> str:
    """A digest of method, path, query, content type and body, in a form that only they have."""
    parts = [
        str(environ.get(name, "")).encode("utf-8", "surrogatepass")
        for name in ("REQUEST_METHOD", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "CONTENT_TYPE")
    ]
    lengths = ",".join(map(str, map(len, parts)))
    return hashlib.sha256(b"".join((lengths.encode(), b":", *parts, body))).hexdigest()


def _checked(header: str, value: str) -> str:
    if not _VALUE.fullmatch(value):
        raise _malformed(f"{header} must be 1 to 255 visible ASCII characters, without a comma")
    return value


def _malformed(message: str) -> InvalidRequest:
    error = InvalidRequest(reason="idempotency_key")
    error.message = message
    return error
