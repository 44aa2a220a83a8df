"""Keys in files: JSON lines and CSV."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from typing import Any, cast

from ..errors import ConfigurationError
from ..records import KeyRecord
from .rows import Row, row, to_record

FIELDS = (
    "key_id",
    "user_id",
    "tenant_id",
    "plan",
    "name",
    "scopes",
    "environment",
    "status",
    "created_at",
    "created_by",
    "expires_at",
    "revoked_at",
    "revoked_reason",
    "allowed_ips",
    "limit",
    "metadata",
)
"""What a line says of a key, beside its hashes."""

_KNOWN = {*FIELDS, "hash", "sieve", "secrets"}


def read_jsonl(lines: Iterable[str]) -> Iterator[Row]:
    """A key in each line, as a JSON object."""
    for number, line in enumerate(lines, 1):
        if line.strip():
            # mypy gives no type to a lambda with a default, which keeps this round's value
            yield row(f"line {number}", lambda line=line: to_record(_object(line)))  # type: ignore[misc]


def read_csv(lines: Iterable[str]) -> Iterator[Row]:
    """A key in each line; the first one names the columns.

    Scopes and addresses have blanks between them, metadata is JSON. A cell that is empty is not
    given.

    Raises:
        ConfigurationError: A column is not known; the message lists those that are.
    """
    reader = csv.DictReader(lines, strict=True)
    columns = set(reader.fieldnames or ())
    unknown = columns - _KNOWN
    known = f"there are {', '.join(sorted(_KNOWN - {'secrets'}))}"
    if not columns:
        raise ConfigurationError(f"the first line must name the columns; {known}")
    if unknown:
        raise ConfigurationError(f"unknown column {min(unknown)!r}; {known}")
    while True:
        where = f"line {reader.reader.line_num + 1}"
        try:
            fields: dict[Any, Any] = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield Row(where, None, "this is no line of CSV")
            continue
        if None in fields:
            yield Row(where, None, "more cells than columns")
            continue
        # as above
        yield row(where, lambda fields=fields: to_record(fields))  # type: ignore[misc]


def to_json(record: KeyRecord, *, with_hashes: bool) -> dict[str, Any]:
    """A record as JSON values, which ``read_jsonl`` reads back exactly if the hashes are in it."""
    values = {name: getattr(record, name) for name in FIELDS}
    for name in ("created_at", "expires_at", "revoked_at"):
        values[name] = values[name] and values[name].isoformat()
    values |= {
        "scopes": list(record.scopes),
        "allowed_ips": list(record.allowed_ips),
        "metadata": dict(record.metadata),
    }
    if with_hashes:
        values["secrets"] = [
            {
                "hash": secret.hash,
                "sieve": secret.sieve,
                "created_at": secret.created_at.isoformat(),
                "expires_at": secret.expires_at and secret.expires_at.isoformat(),
            }
            for secret in record.secrets
        ]
    return values


def _object(line: str) -> dict[str, Any]:
    fields: Any = json.loads(line)
    if not isinstance(fields, dict):
        raise TypeError("this is no JSON object")
    found = cast("dict[str, Any]", fields)
    unknown = found.keys() - _KNOWN
    if unknown:
        raise TypeError(f"unknown field {min(unknown)!r}")
    return found
