"""An operator's password: what it must be, and its argon2id hash."""

from __future__ import annotations

import hashlib
import secrets
import unicodedata

from ...errors import ConfigurationError
from ...hashing import SlowHasher, hash_token

MIN_LENGTH = 12
"""Characters of a password."""

MAX_LENGTH = 1024


def hash_password(password: str) -> str:
    """The argon2id hash of a new password, as a PHC string.

    Raises:
        ConfigurationError: It is too short or too long; the message doesn't quote it.
        TypeError: Not text.
    """
    if not isinstance(password, str):
        raise TypeError(f"a password must be text, not {type(password).__name__}")
    if not MIN_LENGTH <= len(_normal(password)) <= MAX_LENGTH:
        raise ConfigurationError(f"a password must have {MIN_LENGTH} to {MAX_LENGTH} characters")
    return hash_token(_digest(password), "argon2id")


class Passwords:
    """Checks passwords, a bounded number at a time."""

    def __init__(self) -> None:
        self._hasher = SlowHasher()
        self._decoy: str | None = None

    def is_right(self, phc: str | None, password: str) -> bool:
        """Whether this is the password.

        Args:
            phc: Its hash; ``None`` if there is no such account. That takes as long.
            password: What somebody typed.

        Raises:
            StoreUnavailable: Too many are being checked, or argon2 could not run.
        """
        # Also when it isn't needed, or who asks for an unknown account first would wait longer.
        decoy = self._decoy = self._decoy or hash_token(secrets.token_hex(32), "argon2id")
        right = self._hasher.verify(phc or decoy, _digest(password))
        return right and phc is not None


def _normal(password: str) -> str:
    # NIST SP 800-63B, 5.1.1.2: keyboards differ in how they write the same letter.
    return unicodedata.normalize("NFKC", password)


def _digest(password: str) -> str:
    """What argon2 gets: of one length, however long the password is, and in ASCII."""
    return hashlib.sha256(_normal(password).encode("utf-8", "surrogatepass")).hexdigest()
