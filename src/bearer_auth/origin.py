"""Origins: scheme, host and port of a URL, each in one spelling (RFC 6454 §4).

A request that is compared with an origin here is sent by a library that reads the URL for itself.
So whatever two readers may take for different hosts is no origin at all.
"""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple

from .errors import ConfigurationError

# Readers of URLs disagree about a backslash, a second "@" and white space before the path: where
# there is one, this matches nothing, and there is no origin.
_URL = re.compile(
    r"(?P<scheme>[Hh][Tt][Tt][Pp][Ss]?)://(?P<userinfo>[^\s/?#\\@]*@)?"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s/?#\\@:\[\]]+)(?::(?P<port>[0-9]{0,5}))?(?P<rest>[/?#].*)?",
    re.DOTALL,
)
_NAME = re.compile(r"[a-z0-9_.-]+")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_PORTS = {"http": 80, "https": 443}
_LOOPBACK = ipaddress.IPv4Network("127.0.0.0/8")


class Origin(NamedTuple):
    """Where a request goes; made by ``origin_of``, in the one spelling of each part."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"


def origin_of(url: str) -> Origin | None:
    """The origin of an http or https URL, or None where libraries may disagree about it."""
    match = _URL.fullmatch(url)
    return None if match is None else _origin(match)


def host_in(url: str) -> str:
    """The host as the URL spells it, in lower case; empty where ``origin_of`` finds none."""
    match = _URL.fullmatch(url)
    return "" if match is None else match["host"].lower().strip("[]")


def check_origin(text: str, allow_http: bool) -> Origin:
    """Read what was given as an origin.

    Raises:
        TypeError: It is no text.
        ConfigurationError: It is no origin, or plain http to another machine and not
            ``allow_http``. What was given isn't quoted: it may hold a password, or be the key in
            the wrong place.
    """
    if not isinstance(text, str):
        raise TypeError(f"origin must be str, not {type(text).__name__}")
    match = _URL.fullmatch(text)
    origin = None if match is None else _origin(match)
    if match is None or origin is None:
        raise ConfigurationError(
            "origin is not the beginning of a URL: write it as https://api.example.com or "
            "http://127.0.0.1:8000, and a name of other letters as xn--…"
        )
    if match["userinfo"] or match["rest"] not in (None, "/"):
        raise ConfigurationError(
            f"origin is a scheme, a host and a port only: write {str(origin)!r}, without user "
            "info, path, query and fragment"
        )
    if origin.scheme == "http" and not (allow_http or _is_loopback(origin.host)):
        raise ConfigurationError(
            f"to {origin} the key would go in plain text: use https, or pass allow_http=True if "
            "nobody else can read what goes over that wire"
        )
    return origin


def _origin(match: re.Match[str]) -> Origin | None:
    scheme = match["scheme"].lower()
    port = int(match["port"]) if match["port"] else _PORTS[scheme]
    try:
        return Origin(scheme, _host(match["host"].lower()), port) if port < 65536 else None
    except ValueError:
        return None


def _host(text: str) -> str:
    """The one spelling of a host, in lower case: an address, or a name without the final dot.

    Raises:
        ValueError: It is neither, or libraries disagree about what it means.
    """
    if text.startswith("["):
        return str(ipaddress.IPv6Address(text[1:-1]))
    name = text
    if not text.isascii():
        # Names that IDNA 2003 (this one) and IDNA 2008 map to different ones don't come back.
        name = text.encode("idna").decode("ascii")
        if name.encode("ascii").decode("idna") != text:
            raise ValueError("ambiguous")
    bare = name.removesuffix(".")
    if _NUMBER.fullmatch(bare.rpartition(".")[2]):
        return str(ipaddress.IPv4Address(name))  # 127.1 and 0x7f000001 are refused
    if not _NAME.fullmatch(bare):
        raise ValueError("no name")
    return bare


def _is_loopback(host: str) -> bool:
    if host in ("localhost", "::1"):
        return True
    try:
        return ipaddress.IPv4Address(host) in _LOOPBACK
    except ValueError:
        return False
