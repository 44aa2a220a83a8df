"""The line that gives a key to an ``EnvStore``."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ..errors import ConfigurationError
from ..records import IssuedKey, KeyRecord
from ..token import parse
from .env import PREFIX, VARIABLE
from .env_value import FIELDS


def env_line(variable: str, key: IssuedKey | KeyRecord, *, prefix: str = PREFIX) -> str:
    """The line that gives a key to an ``EnvStore``, for a POSIX shell, a dotenv or a compose file.

    An ``IssuedKey`` becomes a line with its token, a ``KeyRecord`` one with its newest hash and no
    secret. A key without a name gets the variable's.

    Args:
        variable: The whole name, such as ``BEARER_AUTH_KEY_CI``.
        key: The key.
        prefix: As for ``EnvStore``.

    Raises:
        ConfigurationError: The name doesn't fit, or a variable can't hold this key.
    """
    name = variable.removeprefix(prefix)
    if not VARIABLE.fullmatch(variable) or name in (variable, "") or variable.endswith("_FILE"):
        raise ConfigurationError(
            f"not a variable's name: {variable!r}; write {prefix} and letters, digits or '_', not "
            "ending in _FILE"
        )
    value: dict[str, Any]
    environment = "production"
    if isinstance(key, IssuedKey):
        record, value, minted = key.record, {"token": key.token}, parse(key.token)
        if minted is not None:
            environment = minted.environment
    else:
        record = key
        phc = record.secrets[0].hash if record.secrets else ""
        if not phc.startswith("$sha256$"):
            raise ConfigurationError("a variable holds the SHA-256 of a minted token, nothing else")
        value = {"id": record.key_id, "hash": "sha256:" + phc.removeprefix("$sha256$")}
    if record.status != "active" or record.limit is not None:
        raise ConfigurationError("a variable holds active keys only, and no limit of their own")

    left_out = KeyRecord(
        key_id=record.key_id,
        user_id=name.lower(),
        name=name.lower() if record.name else "",
        environment=environment,
    )
    for field in FIELDS:
        if getattr(record, field) != getattr(left_out, field):
            value[field] = getattr(record, field)
    if value.keys() == {"token"}:
        return f"{variable}={shlex.quote(value['token'])}"
    return f"{variable}={shlex.quote(_quiet_json(value))}"


def _quiet_json(value: Mapping[str, Any]) -> str:
    """JSON in which no shell, dotenv or compose file finds anything to expand or unescape."""
    text = json.dumps(value, separators=(",", ":"), default=datetime.isoformat)
    text = re.sub(r'\\(["\\])', lambda pair: f"\\u{ord(pair[1]):04x}", text)
    return re.sub(r"['$`]", lambda character: f"\\u{ord(character[0]):04x}", text)
