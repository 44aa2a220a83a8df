"""EnvStore: keys in environment variables, for a handful of keys and no database.

Each variable whose name begins with the prefix is one key::

    BEARER_AUTH_KEY_CI=ba_production_…                        the token itself
    BEARER_AUTH_KEY_CI='{"token":"…","scopes":"a b"}'         with more about it
    BEARER_AUTH_KEY_CI='{"id":"…","hash":"sha256:…"}'         no secret in the environment
    BEARER_AUTH_KEY_CI_FILE=/run/secrets/ci                   a file that holds any of these

Left out, ``user_id`` and ``name`` are what follows the prefix, in lower case, ``plan`` is
``default``, there are no scopes, and ``environment`` is that of a minted token, else
``production``.
"""

from __future__ import annotations

import hmac
import logging
import os
import re
import secrets
import threading
from collections.abc import Hashable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from ..errors import ConfigurationError
from ..records import KeyRecord
from .env_value import read_file, read_key

PREFIX = "BEARER_AUTH_KEY_"
"""What the names of the variables begin with, unless another is given."""

VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
"""The name of a variable (POSIX.1-2017, 3.235 Name)."""

logger = logging.getLogger("bearer_auth")

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,255}")


class EnvStore:
    """Keys from environment variables, read once, now and at each ``reload``. It only reads.

    One without any key is no error; the logger ``bearer_auth`` gets a warning.

    Args:
        prefix: What the names of the variables begin with.
        environ: Where the variables are.

    Raises:
        ConfigurationError: A variable or a file is wrong. The message names it and what is wrong,
            and never holds its value.
    """

    def __init__(self, prefix: str = PREFIX, environ: Mapping[str, str] = os.environ) -> None:
        if not VARIABLE.fullmatch(prefix):
            raise ConfigurationError(
                f"not the beginning of a variable's name: {prefix!r}; write letters, digits and "
                f"'_', such as {PREFIX!r}"
            )
        self._prefix = prefix
        self._environ = environ
        del environ  # error trackers keep the local variables of a frame that raised
        self._created_at = datetime.now(UTC)
        self._digest_key = secrets.token_bytes(32)
        self._locks: dict[int, threading.Lock] = {}
        self._keys = _Keys({}, {}, 0)
        self.reload()
        if not self._keys.records:
            logger.warning("EnvStore: no variable begins with %s%s", prefix, self._near())

    def get(self, key_id: str) -> KeyRecord | None:
        """The record with this id, or ``None``."""
        return self._keys.records.get(key_id)

    def key_ids_for(self, text: str) -> Sequence[str]:
        """The id of the key whose token this is, if it is one that was not minted."""
        key_id = self._keys.ids.get(self._digest(text))
        return () if key_id is None else (key_id,)

    def revision(self) -> Hashable:
        """A counter of the reloads that found something changed."""
        return self._keys.revision

    def reload(self) -> None:
        """Read the variables and the files again. If one is wrong, everything stays as it was.

        Raises:
            ConfigurationError: As at construction.
        """
        # One lock a process: one that is held at a fork is never released in the child.
        with self._locks.setdefault(os.getpid(), threading.Lock()):
            problem = self._load()
        # Raised from here, where no cause, no context and no local variable holds a value.
        if problem is not None:
            raise ConfigurationError(problem)

    def _load(self) -> str | None:
        """Read everything anew; what is wrong, if something is."""
        records: dict[str, KeyRecord] = {}
        ids: dict[bytes, str] = {}
        owners: dict[tuple[str, Hashable], str] = {}
        for variable in sorted(self._environ):
            if not variable.startswith(self._prefix):
                continue
            base = variable.removesuffix("_FILE")
            try:
                record, imported = self._read(variable, base)
            except ConfigurationError as error:
                return f"{variable if variable.isprintable() else ascii(variable)}: {error}"
            handles: list[tuple[str, Hashable]] = [("name", base), ("key", record.key_id)]
            if imported is not None:
                digest = self._digest(imported)
                handles.append(("token", digest))
                ids[digest] = record.key_id
            for handle in handles:
                other = owners.setdefault(handle, variable)
                if other != variable:
                    return f"{other} and {variable} are the same key; keep one of them"
            records[record.key_id] = record
        old = self._keys
        if (records, ids) != (old.records, old.ids):
            self._keys = _Keys(records, ids, old.revision + 1)
        return None

    def _read(self, variable: str, base: str) -> tuple[KeyRecord, str | None]:
        """The record of one variable, and its token if that was not minted."""
        name = base[len(self._prefix) :]
        if not _NAME.fullmatch(name):
            raise ConfigurationError(
                f"the name after the prefix must have 1 to 255 letters, digits, '_', '-' or '.', "
                f"as in {self._prefix}CI"
            )
        value = self._environ[variable]
        if base != variable:
            value = read_file(value)
        elif os.path.isabs(value) and os.path.exists(value):
            # '/' and '.' are b64token characters: the path would be taken for the key.
            raise ConfigurationError(f"this is the path of a file; call the variable {base}_FILE")
        if not value:
            raise ConfigurationError("it is empty; write a token, or unset the variable")
        return read_key(base, name.lower(), value, self._created_at)

    def _near(self) -> str:
        """The names of variables that may have been meant."""
        start = (self._prefix.rstrip("_") or self._prefix).upper()
        near = sorted(
            name
            for name in self._environ
            if name.upper().startswith(start) and VARIABLE.fullmatch(name)
        )
        return f"; these come near: {', '.join(near)}" if near else ""

    def _digest(self, text: str) -> bytes:
        # Keyed at start, so that how long a look-up takes says nothing about the tokens.
        return hmac.digest(self._digest_key, text.encode("utf-8", "replace"), "sha256")

    def __repr__(self) -> str:
        return f"EnvStore({len(self._keys.records)} keys, prefix={self._prefix!r})"


class _Keys(NamedTuple):
    """What was read. One attribute holds it all, so that a reader sees all of it or nothing."""

    records: dict[str, KeyRecord]
    ids: dict[bytes, str]
    revision: int
