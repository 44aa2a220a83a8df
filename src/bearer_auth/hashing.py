"""Secrets at rest: SHA-256 and argon2id behind one PHC-string interface.

The entropy decides. A minted secret has 256 bits, so one SHA-256 is as strong as any slow hash and
costs a microsecond. What a person chose gets argon2id with argon2-cffi's parameters (RFC 9106's
low-memory profile: 64 MiB, t=3, p=4).

Argon2 must never be a weapon, so it runs for right secrets only: a minted token hashed with it
carries a *sieve*, the first 24 bits of its SHA-256, which a forged secret passes once in 16
million times; an imported token is found by a keyed digest of itself, so only the right text finds
a record at all. Here the number of calls at a time is bounded too.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
import threading
from collections.abc import Callable, Iterable
from typing import Literal

from .errors import ConfigurationError, StoreUnavailable
from .token import base62
from .values import listed

Hashing = Literal["sha256", "argon2id"]
Pepper = str | bytes

_SHA256 = "$sha256$"
_SHA512 = "$sha512$"
# 32 bytes in 43 characters: the last one has two bits to spare, which are 0.
_PLAIN_SHA256 = re.compile(r"\$sha256\$[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]")
_ARGON2 = re.compile(
    r"\$argon2id\$v=19\$m=([1-9][0-9]{0,6}),t=[1-9][0-9]{0,2},p=([1-9][0-9]{0,2})"
    r"\$[A-Za-z0-9+/]{11,64}\$[A-Za-z0-9+/]{16,86}"
)
# Django's and crypt(3)'s names of hashes that take long: PBKDF2, bcrypt, scrypt, SHA-crypt.
_STRETCHED = re.compile(r"(\$?pbkdf2|\$?bcrypt|\$?scrypt|\$2[abxy]?\$|\$[156y]\$|argon2\$)", re.I)
_MAX_ARGON2_KIB = 1 << 21
_SLOW_WAIT_S = 2.0


def hash_token(token: str, hashing: Hashing = "sha256") -> str:
    """Hash a whole token to a PHC string."""
    if hashing == "sha256":
        return sha256_phc(hashlib.sha256(token.encode("ascii")).digest())
    import argon2  # 10 ms to import; most processes never need it

    return argon2.PasswordHasher().hash(token)


def parse_hash(text: str) -> str:
    """Check a PHC string and bring it to its one spelling.

    ``$sha256$`` and ``$sha512$`` take the digest as unpadded base64 or as hexadecimal digits.
    SHA-512 is for tokens that others have issued; new ones get SHA-256.

    Raises:
        TypeError: Not text.
        ConfigurationError: Another algorithm, or a malformed string. The message doesn't quote it.
    """
    if not isinstance(text, str):
        raise TypeError(f"hash must be text, not {type(text).__name__}")
    if _PLAIN_SHA256.fullmatch(text):  # as nearly all of them are stored
        return text
    for scheme, size in ((_SHA256, 32), (_SHA512, 64)):
        if text.startswith(scheme):
            digest = text[len(scheme) :]
            if re.fullmatch(rf"[0-9A-Fa-f]{{{2 * size}}}", digest):
                return scheme + _b64(bytes.fromhex(digest))
            if re.fullmatch(rf"[A-Za-z0-9+/]{{{(4 * size + 2) // 3}}}", digest):
                return scheme + _b64(_unb64(digest))
    if _STRETCHED.match(text):
        raise ConfigurationError(
            "this hash is slow on purpose, as for passwords, and the ids of keys are public: each "
            "forged secret would cost one such hash; give these clients new keys"
        )
    match = _ARGON2.fullmatch(text)
    if (
        match
        and 8 * int(match[2]) <= int(match[1]) <= _MAX_ARGON2_KIB  # RFC 9106 §3.1
        and all(_is_b64(part) for part in text.rsplit("$", 2)[1:])
    ):
        return text
    raise ConfigurationError(
        "not a hash that is understood here; write '$sha256$' or '$sha512$' and the digest of the "
        "whole token (unpadded base64 or hexadecimal), or an argon2id PHC string"
    )


def is_slow(phc: str) -> bool:
    """Whether verifying this hash is deliberately slow."""
    return not phc.startswith((_SHA256, _SHA512))


def is_sha512(phc: str) -> bool:
    """Whether this hash is the SHA-512 of a token."""
    return phc.startswith(_SHA512)


def sha512_phc(token: str) -> str:
    """The PHC string of a token with its SHA-512."""
    return _SHA512 + _b64(hashlib.sha512(token.encode("ascii")).digest())


def sha256_phc(digest: bytes) -> str:
    """The PHC string of a token with this SHA-256 digest.

    Secrets keep their hash in this one spelling (see ``parse_hash``), so that two of them are
    compared as text, with ``hmac.compare_digest``.
    """
    return _SHA256 + _b64(digest)


def sieve_of(digest: bytes) -> str:
    """The first 24 bits of a token's SHA-256, as hexadecimal digits."""
    return digest[:3].hex()


class SlowHasher:
    """Verifies argon2id hashes, a bounded number at a time.

    Args:
        limit: Calls at a time; by default the number of processors.
    """

    def __init__(self, limit: int | None = None) -> None:
        self._limit = limit or os.cpu_count() or 1
        # By process: a slot that a thread of the parent holds at a fork is never given back here.
        self._slots: dict[int, threading.BoundedSemaphore] = {}

    def verify(self, phc: str, token: str, proven: Callable[[], bool] = lambda: False) -> bool:
        """Whether the hash is that of this token.

        Args:
            phc: An argon2id PHC string.
            token: The token.
            proven: Asked when a slot is free: another thread may have proven it meanwhile.

        Raises:
            StoreUnavailable: No slot became free within two seconds, or argon2 could not run.
        """
        from argon2.exceptions import VerificationError, VerifyMismatchError
        from argon2.low_level import Type, verify_secret

        slots = self._slots.setdefault(os.getpid(), threading.BoundedSemaphore(self._limit))
        if not slots.acquire(timeout=_SLOW_WAIT_S):
            raise StoreUnavailable("too many slow hashes at a time", reason="busy")
        try:
            if proven():
                return True
            return verify_secret(phc.encode("ascii"), token.encode("ascii"), Type.ID)
        except VerifyMismatchError:
            return False
        except VerificationError as error:  # no memory, no thread: that says nothing of the token
            raise StoreUnavailable(f"argon2 could not run: {error}", reason="argon2") from None
        finally:
            slots.release()


def check_peppers(peppers: Iterable[Pepper]) -> tuple[bytes, ...]:
    """Peppers as bytes, newest first.

    Raises:
        TypeError: Not a list, such as a lone pepper, or something in it is no text.
        ConfigurationError: An empty one.
    """
    checked: list[bytes] = []
    for pepper in listed("peppers", peppers):
        if not isinstance(pepper, (str, bytes)):
            raise TypeError(f"a pepper must be text or bytes, not {type(pepper).__name__}")
        if not pepper:
            raise ConfigurationError("a pepper is empty; is its environment variable set?")
        checked.append(pepper.encode() if isinstance(pepper, str) else pepper)
    return tuple(checked)


def imported_id(token: str, pepper: bytes) -> str:
    """The id of a token that someone brought along: a keyed digest of its text.

    Keyed, because an unkeyed digest of a weak key could be guessed offline from the id alone.
    """
    digest = hmac.digest(pepper, b"bearer_auth imported token\0" + token.encode("ascii"), "sha256")
    return base62(int.from_bytes(digest), 16)


def _b64(data: bytes) -> str:
    return binascii.b2a_base64(data, newline=False).rstrip(b"=").decode()


def _is_b64(text: str) -> bool:
    return len(text) % 4 != 1 and _b64(_unb64(text)) == text


def _unb64(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4))
