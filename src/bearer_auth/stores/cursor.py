"""Where a page of a list ends: a keyset cursor over (created_at, key_id), as opaque text."""

from __future__ import annotations

import re

from ..errors import ConfigurationError
from ..records import KeyRecord
from ..values import to_micros

_CURSOR = re.compile(r"(-?[0-9]{1,18})\.([0-9A-Za-z]{16})")


def sort_key(record: KeyRecord) -> tuple[int, str]:
    """What lists are sorted by, descending."""
    return to_micros(record.created_at), record.key_id


def encode_cursor(record: KeyRecord) -> str:
    """The cursor that stands behind this record."""
    micros, key_id = sort_key(record)
    return f"{micros}.{key_id}"


def decode_cursor(cursor: str) -> tuple[int, str]:
    """The sort key behind which the next page begins.

    Raises:
        ConfigurationError: The text is no cursor.
    """
    match = _CURSOR.fullmatch(cursor)
    if match is None:
        raise ConfigurationError("after must be the next_cursor of an earlier page")
    return int(match[1]), match[2]
