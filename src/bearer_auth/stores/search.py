"""Which keys a query finds, and the text in which keys are looked for by name."""

from __future__ import annotations

from ..records import KeyRecord
from . import Query, Usage

MAX_SEARCHED = 511
"""Characters: a name, a line break and a user id, which is what an index can hold everywhere."""


WHOSE = ("user_id", "tenant_id")
"""The filters that say whose keys are asked for. Others' are not even looked at: the cursor of a
bounded search names the last key that was."""


def searchable(record: KeyRecord) -> str:
    """The name and the owner of a key, in which capitals don't matter; lists are sorted by it."""
    return f"{record.name}\n{record.user_id}".casefold()[:MAX_SEARCHED]


def is_theirs(query: Query, record: KeyRecord) -> bool:
    """Whether a record is of those whose keys are asked for."""
    return all(getattr(query, name) in (None, getattr(record, name)) for name in WHOSE)


def matches(query: Query, record: KeyRecord, usage: Usage | None) -> bool:
    """Whether a record is one that is asked for.

    Args:
        query: What is asked.
        record: The record.
        usage: When its key was used, if it was.
    """
    if not is_theirs(query, record):
        return False
    for name in ("environment", "plan"):
        wanted = getattr(query, name)
        if wanted is not None and getattr(record, name) != wanted:
            return False
    if query.state is not None and record.state_at(query.now) != query.state:
        return False
    if query.scope is not None and query.scope not in record.scopes:
        return False
    if query.text is not None and query.text.casefold() not in searchable(record):
        return False
    return _ends(query, record) and _is_unused(query, record, usage)


def _ends(query: Query, record: KeyRecord) -> bool:
    if record.expires_at is None:
        return query.expires_before is None and query.sort != "expiry"
    if query.no_expiry:
        return False
    return query.expires_before is None or query.now < record.expires_at < query.expires_before


def _is_unused(query: Query, record: KeyRecord, usage: Usage | None) -> bool:
    if query.unused_since is None:
        return True
    last = usage.last_used_at if usage and usage.last_used_at else record.created_at
    return last < query.unused_since
