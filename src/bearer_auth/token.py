"""The key's text: ``<prefix>_<environment>_<id><secret><checksum>``.

::

    prefix       [a-z][a-z0-9]{0,15}
    environment  [a-z0-9]{1,16}
    id           16 base62 characters, public
    secret       43 base62 characters, 256 bits
    checksum      6 base62 characters, the CRC-32 of all text before it

The checksum is a filter (a typo, a truncation or a scanner's false hit costs no look-up), never a
proof. Base62 is ``0-9A-Za-z``.
"""

from __future__ import annotations

import re
import secrets
import zlib
from typing import Literal, NamedTuple

from .errors import ConfigurationError, InvalidToken

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

PREFIX = re.compile(r"[a-z][a-z0-9]{0,15}")
ENVIRONMENT = re.compile(r"[a-z0-9]{1,16}")
KEY_ID = re.compile(r"[0-9A-Za-z]{16}")

_PARTS = {
    "prefix": (
        PREFIX,
        "a key prefix",
        "a lower-case letter and up to 15 lower-case letters or digits, such as 'acme'",
    ),
    "environment": (
        ENVIRONMENT,
        "an environment",
        "1 to 16 lower-case letters or digits, such as 'production'",
    ),
}

_TOKEN = re.compile(
    rf"({PREFIX.pattern})_({ENVIRONMENT.pattern})_({KEY_ID.pattern})"
    "[0-9A-Za-z]{43}([0-9A-Za-z]{6})"
)


class MintedToken(NamedTuple):
    """What can be read from a token of ours without knowing whether it is genuine."""

    prefix: str
    environment: str
    key_id: str
    checksum_ok: bool


def mint(prefix: str, environment: str, key_id: str | None = None) -> str:
    """Make a new token.

    Args:
        prefix: Names the issuer, so that secret scanners and people recognise the key.
        environment: ``production``, ``staging`` …
        key_id: The id to use; a new random one by default.

    Raises:
        TypeError: The prefix or the environment is not text.
        ConfigurationError: One of them doesn't follow the grammar.
    """
    check_part("prefix", prefix)
    check_part("environment", environment)
    secret = base62(secrets.randbelow(62**43), 43)
    text = f"{prefix}_{environment}_{key_id or new_key_id()}{secret}"
    return text + _checksum(text)


def parse(text: str) -> MintedToken | None:
    """Read a token of our shape; ``None`` for any other text."""
    match = _TOKEN.fullmatch(text)
    if match is None:
        return None
    prefix, environment, key_id, checksum = match.groups()
    return MintedToken(prefix, environment, key_id, checksum == _checksum(text[:-6]))


def minted_key_id(text: str) -> str | None:
    """The id in a token of ours; ``None`` for any other text.

    Raises:
        InvalidToken: It has our shape and a wrong checksum.
    """
    match = _TOKEN.fullmatch(text)
    if match is None:
        return None
    if match[4] != _checksum(text[:-6]):
        raise InvalidToken("malformed")
    return match[3]


def redact(text: str) -> str:
    """Show which key this is without showing it: ``ba_production_AbCd…``; other text is ``…``."""
    token = parse(text)
    return f"{token.prefix}_{token.environment}_{token.key_id[:4]}…" if token else "…"


def new_key_id() -> str:
    """A new random id, 95 bits."""
    return base62(secrets.randbelow(62**16), 16)


def base62(number: int, width: int) -> str:
    """A number in base62, its last ``width`` digits, left-padded with ``0``."""
    digits = [""] * width
    for place in range(width - 1, -1, -1):
        number, digit = divmod(number, 62)
        digits[place] = ALPHABET[digit]
    return "".join(digits)


def check_part(name: Literal["prefix", "environment"], text: str) -> str:
    """Return the prefix or the environment of a token.

    Raises:
        TypeError: Not text.
        ConfigurationError: It doesn't follow the grammar.
    """
    if not isinstance(text, str):
        raise TypeError(f"{name} must be text, not {type(text).__name__}")
    pattern, what, fix = _PARTS[name]
    if not pattern.fullmatch(text):
        raise ConfigurationError(f"not {what}: {text!r}; write {fix}")
    return text


def check_key_id(text: str) -> str:
    """Return a key's id. What is none is never quoted: it may be a token, given by mistake.

    Raises:
        TypeError: Not text.
        ConfigurationError: Not an id; for a token the message says what its id is.
    """
    if not isinstance(text, str):
        raise TypeError(f"key_id must be text, not {type(text).__name__}")
    if KEY_ID.fullmatch(text):
        return text
    token = parse(text)
    if token is not None:
        raise ConfigurationError(
            "this is a whole token; its id is the 16 characters after the environment: "
            + token.key_id
        )
    raise ConfigurationError("that is no key id (16 letters and digits)")


def _checksum(text: str) -> str:
    # base62(…, 6) without its loop: 0.5 µs instead of 1.4 for each key that isn't cached
    n, a = zlib.crc32(text.encode("ascii")), ALPHABET
    return (
        f"{a[n // 916132832]}{a[n // 14776336 % 62]}{a[n // 238328 % 62]}"
        f"{a[n // 3844 % 62]}{a[n // 62 % 62]}{a[n % 62]}"
    )
