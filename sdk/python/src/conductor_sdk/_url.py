"""Addresses: the API's own, which alone gets the key, and the paths below it."""

import ipaddress
import re
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

import httpx2

from ._key import ConfigurationError

DEFAULT = "https://api.example.com"
VARIABLE = "CONDUCTOR_BASE_URL"

_PATH = re.compile(r"/(?!/)[!-~]*")
_HOST = re.compile(r"[A-Za-z0-9.:_-]+")
_DOT_SEGMENT = re.compile(r"(?:\.|%2e){1,2}", re.IGNORECASE)


class BaseURL(NamedTuple):
    """``url`` has no slash at its end; ``origin`` is its scheme, host and port."""

    url: str
    origin: str


def base_url(text: str, *, allow_http: bool, source: str = "base_url") -> BaseURL:
    """Read the API's address; ``source`` is where it stands.

    Raises:
        ConfigurationError: it isn't one, or the key would travel in the clear.
    """
    if not isinstance(allow_http, bool):  # "false" must not send a key in the clear
        raise ConfigurationError("allow_http must be True or False")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except (AttributeError, TypeError, ValueError):
        raise ConfigurationError(f"{source} is not a URL: https://api.example.com is one") from None
    if parts.scheme not in ("https", "http") or not host or not re.fullmatch(r"[!-~]+", text):
        raise ConfigurationError(
            f"{source} must be like https://api.example.com, or have a path too"
        )
    if "@" in parts.netloc or "?" in text or "#" in text or "\\" in text:
        raise ConfigurationError(f"{source} must not hold a user, a password, '?', '#' or '\\'")
    if any(_DOT_SEGMENT.fullmatch(segment) for segment in parts.path.split("/")):
        raise ConfigurationError(f"{source} must not have '.' or '..' in its path")
    if parts.scheme == "http" and not (allow_http or _is_loopback(host)):
        raise ConfigurationError(
            f"{source} is http://{host}: the API key would be readable on its way there. "
            "Use https, or pass allow_http=True if nobody can listen"
        )
    origin = _origin(parts.scheme, host, port)
    try:
        httpx2.URL(origin)
    except httpx2.InvalidURL:  # such as https://1.2.3.999
        raise ConfigurationError("base_url has a host that can't be one") from None
    return BaseURL(origin + parts.path.rstrip("/"), origin)


def _origin(scheme: str, host: str, port: int | None) -> str:
    host = f"[{host}]" if ":" in host else host
    usual = {"https": 443, "http": 80}[scheme]
    return f"{scheme}://{host}" + ("" if port in (None, usual) else f":{port}")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_path(path: str) -> None:
    """Raises ValueError: a path that could lead elsewhere than where it says."""
    if not _PATH.fullmatch(path) or any(mark in path for mark in "?#\\"):
        raise ValueError(
            "path must begin with one '/' and hold visible ASCII only (percent-encode the rest), "
            "without '?', '#' and '\\': the query goes into params="
        )
    if any(_DOT_SEGMENT.fullmatch(segment) for segment in path.split("/")):
        raise ValueError("path must not have a segment '.' or '..'")


def execute_path(ensemble: str) -> str:
    """The path that runs an ensemble. Raises ValueError: it has no name, or '.' or '..'."""
    name: Any = ensemble
    if not isinstance(name, str) or name in ("", ".", ".."):
        raise ValueError("ensemble must be a name")
    return "/execute/" + quote(ensemble, safe="")


def origin_of(location: str) -> str | None:
    """Scheme, host and port of where a redirect leads, if it says so and is readable."""
    try:
        parts = urlsplit(location)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in ("https", "http") or not host or not _HOST.fullmatch(host):
        return None
    return _origin(parts.scheme, host, port)
