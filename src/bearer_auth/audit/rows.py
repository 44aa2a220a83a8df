"""An event as a row of the table, and back.

What is in an event came from other code, so nothing is taken for granted here: one event that a
database refuses would keep those beside it from being written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

from ..events import Event
from ..token import parse, redact
from ..values import from_micros, to_micros

MAX_DATA = 16_384
"""Characters of an event's data as JSON."""

_LENGTHS = {
    "name": 64,
    "key_id": 16,
    "user_id": 255,
    "tenant_id": 255,
    "request_id": 128,
    "reason": 500,
    "address": 64,
}

_MOST = 2**31 - 1
_LONG_WORD = re.compile(r"[0-9A-Za-z_]{60,}")
"""What may be a minted token, which has 68 characters and more."""

_FIRST = datetime.min.replace(tzinfo=UTC)
_LAST = datetime.max.replace(tzinfo=UTC)


def encode(event: Event) -> dict[str, Any]:
    """The columns of an event. What doesn't fit is cut; whatever it holds, a database takes it."""
    row: dict[str, Any] = {
        name: _text(getattr(event, name), length) for name, length in _LENGTHS.items()
    }
    if row["key_id"] is not None:
        row["key_id"] = _text(row["key_id"].encode("ascii", "backslashreplace").decode(), 16)
    status = event.status
    row["status"] = status if isinstance(status, int) and -_MOST <= status <= _MOST else None
    row["at"] = to_micros(event.at if event.at.tzinfo else event.at.replace(tzinfo=UTC))
    row["data"] = _json(event.data)
    return row


def decode(row: Sequence[Any]) -> Event:
    """The event of a row: its columns in the order of the table, without the id."""
    at, name, key_id, user_id, tenant_id, request_id, status, reason, address, data = row
    return Event(
        name=name,
        at=_moment(at),
        key_id=key_id,
        user_id=user_id,
        tenant_id=tenant_id,
        request_id=request_id,
        status=status,
        reason=reason,
        address=address,
        data=_object(data),
    )


def _text(value: object, length: int) -> str | None:
    if value is None:
        return None
    text = value if isinstance(value, str) else type(value).__name__
    # PostgreSQL takes no NUL, and no database a lone surrogate.
    text = text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")
    return _without_tokens(text)[:length]


def _without_tokens(text: str) -> str:
    # Events hold none, but a person may have written one into the reason of a revocation.
    return _LONG_WORD.sub(lambda word: redact(word[0]) if parse(word[0]) else word[0], text)


def _json(data: Mapping[str, Any]) -> str:
    """As JSON; an object of somebody's own is its type's name, for its text may say anything."""
    try:
        text = json.dumps(dict(data), allow_nan=False, default=lambda value: type(value).__name__)
    except (TypeError, ValueError, RecursionError):
        return '{"left_out": "not JSON"}'
    text = _without_tokens(text)
    return text if len(text) <= MAX_DATA else '{"left_out": "too long"}'


def _moment(micros: int) -> datetime:
    # A row that was edited may hold any number.
    try:
        return from_micros(micros)
    except OverflowError:
        return _LAST if micros > 0 else _FIRST


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
