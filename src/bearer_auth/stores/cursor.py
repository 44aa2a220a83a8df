"""Where a page of a list ends: a keyset cursor over what lists are sorted by, as opaque text."""

from __future__ import annotations

import base64
import re
from typing import Any

from ..errors import ConfigurationError
from ..records import KeyRecord
from ..values import to_micros
from . import Sort
from .search import MAX_SEARCHED, searchable

SortKey = tuple[Any, str]
"""What a list is sorted by, and the key's id: microseconds since 1970, or for ``name`` text."""

_CURSOR = re.compile(r"(?:(oldest|expiry|name)\.)?([-_=0-9A-Za-z]*)\.([0-9A-Za-z]{16})")
_MICROS = re.compile(r"-?[0-9]{1,18}")


def sort_key(record: KeyRecord, sort: Sort = "newest") -> SortKey:
    """What lists are sorted by; descending for ``newest``. For ``expiry`` the record has an end."""
    if sort == "name":
        return searchable(record), record.key_id
    at = record.expires_at if sort == "expiry" else record.created_at
    if at is None:
        raise ValueError("a key without an end has no place among those that end")
    return to_micros(at), record.key_id


def is_behind(key: SortKey, place: SortKey, sort: Sort) -> bool:
    """Whether a sort key comes later in a list than another one."""
    return key < place if sort == "newest" else key > place


def encode_cursor(record: KeyRecord, sort: Sort = "newest") -> str:
    """The cursor that stands behind this record."""
    return encode_place(sort_key(record, sort), sort)


def encode_place(place: SortKey, sort: Sort) -> str:
    """The cursor that stands behind the record with this sort key."""
    value, key_id = place
    if sort == "name":
        value = base64.urlsafe_b64encode(value.encode()).decode()
    return f"{value}.{key_id}" if sort == "newest" else f"{sort}.{value}.{key_id}"


def decode_cursor(cursor: str, sort: Sort = "newest") -> SortKey:
    """The sort key behind which the next page begins.

    Raises:
        ConfigurationError: The text is no cursor, or one of a list that is sorted in another way.
    """
    match = _CURSOR.fullmatch(cursor)
    if match is None or (match[1] or "newest") != sort:
        raise _refusal(sort)
    if sort == "name":
        return _text(match[2]), match[3]
    if not _MICROS.fullmatch(match[2]):
        raise _refusal(sort)
    return int(match[2]), match[3]


def _text(encoded: str) -> str:
    try:
        text = base64.b64decode(encoded, altchars=b"-_", validate=True).decode()
    except ValueError:
        raise _refusal("name") from None
    if len(text) > MAX_SEARCHED or "\0" in text:  # which a database may not even compare
        raise _refusal("name")
    return text


def _refusal(sort: Sort) -> ConfigurationError:
    return ConfigurationError(
        f"after must be the next_cursor of an earlier page of the same list, sorted by {sort}"
    )
