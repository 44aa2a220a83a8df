"""The Authorization header: reading a bearer token from it, and challenging for one.

RFC 9110 §11.4 and RFC 6750 §2.1::

    credentials = "Bearer" 1*SP b64token
    b64token    = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="

The scheme's name is case-insensitive (RFC 9110 §11.1). Optional white space around a field value
is SP and HTAB only (RFC 9110 §5.5), not what ``str.strip`` or ``\\s`` take for blanks. A value in
which a server joined two lines holds a comma, which is no b64token character: it is refused, and
never one of several is picked.
"""

from __future__ import annotations

import re

from .errors import ConfigurationError, InvalidToken

TCHAR = r"!#$%&'*+\-.^_`|~0-9A-Za-z"
"""tchar, the characters of a token (RFC 9110 §5.6.2); to stand in a class of a pattern."""

MAX_HEADER = 4096
"""Characters of a header value; a longer one is refused unread."""

B64TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*")

_CREDENTIALS = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr] +([A-Za-z0-9\-._~+/]+=*)")
_BEARER_SCHEME = re.compile(rf"[ \t]*[Bb][Ee][Aa][Rr][Ee][Rr](?![{TCHAR}])")


def bearer_token(value: str | None) -> str:
    """The token in a header value, exactly as it was sent.

    Raises:
        InvalidToken: There is none (``missing``), or it is not well-formed (``malformed``).
    """
    if value is not None and len(value) <= MAX_HEADER:
        match = _CREDENTIALS.fullmatch(value.strip(" \t"))
        if match is not None:
            return match[1]
    raise unreadable(value)


def unreadable(value: str | None) -> InvalidToken:
    """The error for a header value that holds no token."""
    if value is None:
        return InvalidToken("missing", presented=False)
    # Another scheme is no bearer credential, so its challenge carries no error (RFC 6750 §3.1).
    return InvalidToken("malformed", presented=_BEARER_SCHEME.match(value[:64]) is not None)


def bearer_challenge(realm: str) -> str:
    """``Bearer realm="…"``, the realm as a quoted-string (RFC 9110 §5.6.4).

    Raises:
        TypeError: The realm is not text.
        ConfigurationError: It is empty or holds anything but printable ASCII.
    """
    if not isinstance(realm, str):
        raise TypeError(f"realm must be text, not {realm!r}")
    if not re.fullmatch(r"[ -~]{1,200}", realm):
        raise ConfigurationError(f"realm must be 1 to 200 printable ASCII characters: {realm!r}")
    quoted = realm.replace("\\", "\\\\").replace('"', '\\"')
    return f'Bearer realm="{quoted}"'
