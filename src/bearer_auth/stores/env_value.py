"""What the value of one variable of an ``EnvStore`` says: a token, JSON, or a file with either.

Every message is made of fixed words and names: no part of a value is quoted, for it could be the
key, written in the wrong place.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ..errors import ConfigurationError
from ..hashing import hash_token
from ..records import KeyRecord, Secret
from ..token import KEY_ID, base62, parse
from ..values import MAX_METADATA, check_importable

MAX_FILE = 65_536
"""Bytes of a file that a variable names."""

MIN_TOKEN = 16
"""Characters of a token that was not minted: it has a fast hash here, and no pepper."""

_HASH = re.compile(r"sha256:([0-9A-Fa-f]{64}|[A-Za-z0-9+/]{43})")

# Nearly a token of ours, after a paste that lost or doubled something. Ours have 65 characters
# after the environment, of upper and lower case: someone's own 64 hexadecimal digits have not both.
_LIKE_OURS = re.compile(
    r"[a-z][a-z0-9]{0,15}_[a-z0-9]{1,16}_(?=[^A-Z]*[A-Z])(?=[^a-z]*[a-z])([0-9A-Za-z]{50,80})"
)

FIELDS = {
    "user_id": "text of 1 to 255 characters",
    "tenant_id": "text of 1 to 255 characters",
    "plan": "text of 1 to 64 characters",
    "name": "text of up to 255 characters",
    "scopes": "a list of scopes, or scopes with spaces between them, such as 'jobs:read jobs:run'",
    "environment": "1 to 16 lower-case letters or digits, such as 'production'",
    "expires_at": "a time in ISO 8601 with a zone, such as '2030-01-31T12:00:00Z'",
    "allowed_ips": 'a list of addresses and networks, such as ["192.0.2.7", "10.0.0.0/8"]',
    "metadata": f"a JSON object of at most {MAX_METADATA} bytes",
}
"""The fields that say more about a key, and what each must be."""

_FIELD = re.compile(r"[A-Za-z_]{1,30}")  # what is written like one can be shown
_KNOWN = ("token", "id", "hash", *FIELDS)


def read_file(path: str) -> str:
    """What a file holds, without the line's end.

    Raises:
        ConfigurationError: It can't be read, is empty, too large or no text.
    """
    # What names no file could be the key itself, under a name with _FILE too much; '/' is a
    # character of tokens too.
    shown = "that the variable names (not shown: it could be the key)"
    if os.path.isabs(path) and os.path.lexists(path):
        shown = repr(path)
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_FILE + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        why = getattr(error, "strerror", None) or "not a path"
        raise ConfigurationError(f"can't read the file {shown}: {why}") from None
    if len(data) > MAX_FILE:
        raise ConfigurationError(f"the file {shown} has more than {MAX_FILE} bytes")
    data = data.removesuffix(b"\r\n") if data.endswith(b"\r\n") else data.removesuffix(b"\n")
    if not data:
        raise ConfigurationError(f"the file {shown} is empty")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise ConfigurationError(f"the file {shown} is not UTF-8 text") from None


def read_key(
    variable: str, name: str, value: str, created_at: datetime
) -> tuple[KeyRecord, str | None]:
    """The record that a value describes, and the token if it was not minted.

    Args:
        variable: The whole name, without ``_FILE``.
        name: The owner and the key's name, where the value has no other.
        value: A token, or JSON.
        created_at: For the record.

    Raises:
        ConfigurationError: What is wrong with the value.
    """
    if value.startswith(("'", '"')):
        raise ConfigurationError("the value begins with a quote: leave the outer quotes out")
    fields: dict[str, Any] = _parse_json(value) if value.startswith("{") else {"token": value}
    for place, field in enumerate(fields, 1):
        if field not in _KNOWN:
            shown = repr(field) if _FIELD.fullmatch(field) else f"number {place}"
            raise ConfigurationError(f"unknown field {shown}; known are {', '.join(_KNOWN)}")
    about: dict[str, Any] = {"user_id": name, "name": name}
    about |= {field: _read_field(field, fields[field]) for field in FIELDS if field in fields}
    imported: str | None = None
    if "token" in fields:
        if "id" in fields or "hash" in fields:
            raise ConfigurationError("write either token, or id and hash")
        token = fields["token"]
        if not isinstance(token, str):
            raise ConfigurationError("token must be text")
        minted = parse(token)
        if minted is not None and minted.checksum_ok:
            key_id = minted.key_id
            if about.setdefault("environment", minted.environment) != minted.environment:
                raise ConfigurationError("environment is not the one that the token names")
        else:
            check_importable(token, MIN_TOKEN)
            if like_ours := _LIKE_OURS.fullmatch(token):
                raise ConfigurationError(
                    "the token looks like a token of bearer_auth but is not whole "
                    f"({len(token)} characters instead of {like_ours.start(1) + 65}?)"
                )
            key_id, imported = _id_of(variable), token
        phc = hash_token(token)
    else:
        key_id, phc = _read_hash(fields)
    secret = Secret(hash=phc, created_at=created_at)
    return KeyRecord(key_id=key_id, secrets=(secret,), created_at=created_at, **about), imported


def _id_of(variable: str) -> str:
    """From the variable's name: the same in each worker and after a restart, and no part of the
    token can be learned from it.
    """
    digest = hashlib.sha256(b"bearer_auth environment variable\0" + variable.encode()).digest()
    return base62(int.from_bytes(digest), 16)


def _parse_json(value: str) -> dict[str, Any]:
    repeated = False

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal repeated
        fields = dict(pairs)
        repeated = repeated or len(fields) < len(pairs)
        return fields

    try:
        fields: dict[str, Any] = json.loads(value, object_pairs_hook=once)
    except json.JSONDecodeError as error:
        raise ConfigurationError(
            f"it begins with '{{' and is no JSON object: look at character {error.pos + 1}"
        ) from None
    except (ValueError, RecursionError):
        raise ConfigurationError("its JSON has a number or a nesting that is too large") from None
    if repeated:
        raise ConfigurationError("its JSON has the same field twice")
    return fields


def _read_hash(fields: Mapping[str, Any]) -> tuple[str, str]:
    """An id and a PHC string."""
    key_id, digest = fields.get("id"), fields.get("hash")
    if key_id is None or digest is None:
        raise ConfigurationError("write token, or both id and hash")
    if not isinstance(key_id, str) or not KEY_ID.fullmatch(key_id):
        raise ConfigurationError("id must be the 16 characters that follow the environment")
    if not isinstance(digest, str) or not (match := _HASH.fullmatch(digest)):
        raise ConfigurationError(
            "hash must be 'sha256:' and the digest of the whole token, as 64 hexadecimal digits or "
            "unpadded base64"
        )
    return key_id, "$sha256$" + match[1]


def _read_field(field: str, value: Any) -> Any:
    """The value as a record takes it, once a record has taken it."""
    try:
        if field == "scopes" and isinstance(value, str):
            value = value.split()
        elif field == "expires_at" and value is not None:
            value = datetime.fromisoformat(value)
        if field in ("scopes", "allowed_ips") and not isinstance(value, list):
            raise TypeError
        fields: dict[str, Any] = {"key_id": "0" * 16, "user_id": "checked", field: value}
        record = KeyRecord(**fields)
    except (TypeError, ValueError):  # a ConfigurationError is a ValueError
        raise ConfigurationError(f"{field} must be {FIELDS[field]}") from None
    return getattr(record, field)
