"""What is searched, and sorted by, when keys are looked for by name."""

from __future__ import annotations

from ..records import KeyRecord

MAX_SEARCHED = 511
"""Characters: a name, a line break and a user id, which is what an index can hold everywhere."""


def searchable(record: KeyRecord) -> str:
    """The name and the owner of a key, in which capitals don't matter."""
    return f"{record.name}\n{record.user_id}".casefold()[:MAX_SEARCHED]
