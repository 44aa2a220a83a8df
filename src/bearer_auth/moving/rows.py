"""What a reader yields, and how a record is made of what it has read."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple, cast

from ..errors import BearerAuthError
from ..formats import DigestFormat
from ..hashing import parse_hash
from ..records import KeyRecord, Secret


class Row(NamedTuple):
    """One key that was found.

    Attributes:
        where: Which one it is, for people: ``line 7``.
        record: The key; ``None`` if it can't be taken in.
        problem: Why not. It quotes no hash.
    """

    where: str
    record: KeyRecord | None
    problem: str = ""


def row(where: str, make: Callable[[], KeyRecord]) -> Row:
    """A row, with the problem if no record can be made."""
    try:
        return Row(where, make())
    except KeyError as error:
        return Row(where, None, f"{error.args[0]} is missing")
    except (BearerAuthError, ValueError, TypeError, AttributeError, OverflowError) as error:
        known = isinstance(error, (BearerAuthError, TypeError))
        return Row(where, None, str(error) if known else "a value can't be read")


def to_record(fields: Mapping[str, Any]) -> KeyRecord:
    """A record from the fields of a line; ``bearer-auth export`` writes them.

    ``hash`` stands for a single secret. Without ``key_id`` the hash must be a digest, and the id is
    the one that ``DigestFormat`` derives.

    Raises:
        KeyError: A field is missing.
        BearerAuthError, TypeError, ValueError: A value is out of bounds.
    """
    given = {name: value for name, value in fields.items() if value not in (None, "")}
    created_at = _time(given.pop("created_at", None)) or datetime.now(UTC)
    secrets = given.pop("secrets", None)
    if secrets is None:
        phc = parse_hash(given.pop("hash"))
        secrets = (Secret(hash=phc, sieve=given.pop("sieve", None), created_at=created_at),)
        if "key_id" not in given:
            given["key_id"] = id_of_hash(phc)
    else:
        secrets = tuple(_secret(secret) for secret in cast("list[dict[str, Any]]", secrets))
    for name in ("expires_at", "revoked_at"):
        given[name] = _time(given.get(name))
    for name in ("scopes", "allowed_ips"):
        if isinstance(given.get(name), str):
            given[name] = given[name].split()
    if isinstance(given.get("metadata"), str):
        given["metadata"] = json.loads(given["metadata"])
    for name in ("key_id", "user_id"):
        if name not in given:
            raise KeyError(name)
    return KeyRecord(created_at=created_at, secrets=secrets, **given)


def id_of_hash(phc: str) -> str:
    """The id that ``DigestFormat`` derives from the digest in a hash.

    Raises:
        KeyError: It is no digest, so the id must be given.
    """
    scheme, digest = phc.split("$")[1:3]
    if scheme not in ("sha256", "sha512"):
        raise KeyError("key_id")
    return DigestFormat.id_of(base64.b64decode(digest + "=" * (-len(digest) % 4)).hex())


def _secret(fields: Mapping[str, Any]) -> Secret:
    return Secret(
        hash=fields["hash"],
        sieve=fields.get("sieve"),
        created_at=_time(fields.get("created_at")) or datetime.now(UTC),
        expires_at=_time(fields.get("expires_at")),
    )


def _time(value: object) -> datetime | None:
    """A time from ISO 8601; one without a zone is UTC."""
    if value is None:
        return None
    found = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return found if found.tzinfo else found.replace(tzinfo=UTC)
