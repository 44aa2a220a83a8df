"""How a record becomes a row and back."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from operator import attrgetter
from typing import Any, cast

from ..errors import StoreUnavailable
from ..records import KeyRecord, Secret
from ..values import from_micros, to_micros
from .search import searchable

_UNREADABLE = (TypeError, ValueError, KeyError, AttributeError, OverflowError, RecursionError)

_TEXT = frozenset([str])

# json.dumps and json.loads look at all their options each time, a third of a short call.
_dump = json.JSONEncoder(separators=(",", ":")).encode
_load = json.JSONDecoder().decode


def _micros(value: datetime | None) -> int | None:
    return None if value is None else to_micros(value)


def _time(value: int | None) -> datetime | None:
    return None if value is None else from_micros(value)


def _dump_strings(values: Sequence[str]) -> str:
    return _dump(values) if values else "[]"


def _dump_object(values: Mapping[str, Any]) -> str:
    return _dump(values) if values else "{}"


def _strings(text: str) -> list[str]:
    if text == "[]":
        return []
    loaded: Any = _load(text)
    if not isinstance(loaded, list):
        raise TypeError
    strings = cast("list[str]", loaded)
    if not _TEXT.issuperset(map(type, strings)):
        raise TypeError
    return strings


def _dump_secrets(hashes: Sequence[Secret]) -> str:
    return _dump(
        [
            {
                "hash": secret.hash,
                "sieve": secret.sieve,
                "created_at": to_micros(secret.created_at),
                "expires_at": _micros(secret.expires_at),
            }
            for secret in hashes
        ]
    )


def _secrets(text: str) -> list[Secret]:
    return [
        Secret(
            hash=secret["hash"],
            sieve=secret["sieve"],
            created_at=from_micros(secret["created_at"]),
            expires_at=_time(secret["expires_at"]),
        )
        for secret in _load(text)
    ]


_CODECS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "scopes": (_dump_strings, _strings),
    "created_at": (to_micros, from_micros),
    "expires_at": (_micros, _time),
    "revoked_at": (_micros, _time),
    "allowed_ips": (_dump_strings, _strings),
    "metadata": (_dump_object, _load),
    "secrets": (_dump_secrets, _secrets),
}
"""To a column and back. All others hold what the record does."""

_FIELDS = tuple(field.name for field in fields(KeyRecord))

COLUMNS = tuple("rate_limit" if name == "limit" else name for name in _FIELDS)  # LIMIT is SQL's
"""The columns of a key's record, in the order of the table's."""

_values = attrgetter(*_FIELDS)

_WRITERS = tuple((name, write) for name, (write, _) in _CODECS.items())

_READERS = tuple((name, read) for name, (_, read) in _CODECS.items())


def encode(record: KeyRecord) -> dict[str, Any]:
    """The row of a record, by column: those of the record, then the text that is searched."""
    row = dict(zip(COLUMNS, _values(record), strict=True))
    for column, write in _WRITERS:
        row[column] = write(row[column])
    row["search"] = searchable(record)
    return row


def decode(row: Sequence[Any]) -> KeyRecord:
    """The record of a row, whose values stand in the order of ``COLUMNS``.

    Raises:
        StoreUnavailable: The row can't be read; the detail names the key and the column.
    """
    values: dict[str, Any] = dict(zip(_FIELDS, row, strict=True))
    column = None
    try:
        for column, read in _READERS:
            values[column] = read(values[column])
        column = None
        return KeyRecord(**values)
    except _UNREADABLE as error:
        # The text of a codec's error is not shown: it could quote the value. KeyRecord says which
        # field it refuses.
        reason = f"{column} can't be read" if column else error
        raise StoreUnavailable(f"the row of key {row[0]}: {reason}") from None
