"""What the values of a key must be, and how each is brought to its one spelling."""

from __future__ import annotations

import ipaddress
import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from .errors import ConfigurationError
from .header import B64TOKEN, MAX_HEADER
from .token import parse

_T = TypeVar("_T")

Clock = Callable[[], float]
"""Seconds since 1970, as ``time.time`` gives them."""

MAX_METADATA = 8192
"""Bytes of a key's metadata as compact JSON."""

MAX_LIFETIME = timedelta(days=365_000)
"""The longest duration, forwards or back; ``datetime`` ends with the year 9999."""

MAX_DEPTH = 32
"""Levels of a key's metadata."""

MIN_IMPORTED = 8
"""Characters of a token that someone brings along."""


def check_clock(clock: Clock) -> Clock:
    """Return a clock.

    Raises:
        TypeError: It can't be called.
    """
    if not callable(clock):
        raise TypeError(f"clock must be a function such as time.time, not {clock!r}")
    return clock


def listed(name: str, values: Iterable[_T]) -> list[_T]:
    """The values of an argument that takes several.

    Raises:
        TypeError: Not a list or the like, or a lone text, which would be read letter by letter. It
            is not quoted: it may be a pepper or a token.
    """
    if isinstance(values, (str, bytes)):
        raise TypeError(f"{name} must be a list; write {name}=[…]")
    if not isinstance(values, Iterable):
        raise TypeError(f"{name} must be a list, not {type(values).__name__}")
    return list(values)


def to_utc(name: str, value: datetime) -> datetime:
    """An aware datetime, in UTC.

    Raises:
        TypeError: Not a datetime.
        ConfigurationError: A naive one.
    """
    if not isinstance(value, datetime):
        raise TypeError(f"{name} must be a datetime, not {type(value).__name__}")
    if value.tzinfo is UTC:
        return value
    if value.utcoffset() is None:
        raise ConfigurationError(f"{name} has no time zone; use datetime.now(UTC)")
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ConfigurationError(f"{name} is outside the years 1 to 9999") from None


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_micros(value: datetime) -> int:
    """Whole microseconds since 1970, exactly."""
    return (value - _EPOCH) // _MICROSECOND


def from_micros(value: int) -> datetime:
    """The time at so many microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=value)


def check_importable(token: str, least: int = MIN_IMPORTED) -> None:
    """Refuse text that can't be a token that someone brings along.

    Raises:
        TypeError: Not text.
        ConfigurationError: It could never be sent as a bearer token, or is too short to be safe.
            The message never quotes it.
    """
    if not isinstance(token, str):
        raise TypeError(f"a token must be text, not {type(token).__name__}")
    if parse(token) is not None:
        raise ConfigurationError("the token has our shape and a wrong checksum; is it truncated?")
    if not least <= len(token) <= MAX_HEADER - len("Bearer ") or not B64TOKEN.fullmatch(token):
        raise ConfigurationError(
            f"not a token: it needs at least {least} characters of A-Z, a-z, 0-9, '-', '.', "
            "'_', '~', '+', '/' and '=' only at the end (RFC 6750 §2.1)"
        )


def parse_networks(addresses: Iterable[str]) -> tuple[str, ...]:
    """Check addresses and networks and bring each to its one spelling.

    Raises:
        TypeError: Not a list of strings.
        ConfigurationError: Something that is neither, or a network with host bits set.
    """
    networks: list[str] = []
    for address in listed("allowed_ips", addresses):
        if not isinstance(address, str):  # ip_network takes numbers too
            raise TypeError(f"allowed_ips must hold strings, not {type(address).__name__}")
        try:
            network = ipaddress.ip_network(address)
            mapped = getattr(network.network_address, "ipv4_mapped", None)
            if mapped is not None and network.prefixlen >= 96:  # RFC 4291 §2.5.5.2
                network = ipaddress.ip_network(f"{mapped}/{network.prefixlen - 96}")
        except ValueError as error:
            raise ConfigurationError(f"allowed_ips: {address[:60]!r}: {error}") from None
        text = str(network.network_address if network.num_addresses == 1 else network)
        if text not in networks:
            networks.append(text)
    return tuple(networks)


def check_text(name: str, value: str, least: int, most: int) -> None:
    """Refuse text that is too short or too long, or that holds a control character.

    Raises:
        TypeError: Not text.
        ConfigurationError: Out of bounds.
    """
    if not isinstance(value, str):
        raise TypeError(f"{name} must be text, not {type(value).__name__}")
    if not least <= len(value) <= most:
        raise ConfigurationError(f"{name} must have {least} to {most} characters, not {len(value)}")
    if not value.isprintable() and any(
        unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in value
    ):
        raise ConfigurationError(f"{name} has a control character or a lone surrogate in it")


def check_metadata(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a JSON object.

    Raises:
        TypeError: Not a mapping.
        ConfigurationError: Not JSON, too large, or too deep.
    """
    if not isinstance(metadata, Mapping):
        raise TypeError(f"metadata must be a JSON object, not {type(metadata).__name__}")
    if not metadata:
        return {}
    try:
        text = json.dumps(dict(metadata), allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"metadata must be a JSON object: {error}") from None
    if len(text) > MAX_METADATA:
        raise ConfigurationError(f"metadata has {len(text)} bytes as JSON; at most {MAX_METADATA}")
    # Whoever reads it may be deep in calls of their own, so far below Python's recursion limit.
    depth = deepest = 0
    for bracket in re.sub(r'"(?:[^"\\]|\\.)*"', "", text):
        depth += (bracket in "[{") - (bracket in "]}")
        deepest = max(deepest, depth)
    if deepest > MAX_DEPTH:
        raise ConfigurationError(f"metadata is nested {deepest} deep; at most {MAX_DEPTH}")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def to_lifetime(name: str, value: timedelta) -> timedelta:
    """A duration that is positive or zero.

    Raises:
        TypeError: Not a timedelta.
        ConfigurationError: Negative, or so long that a date so far off may not exist.
    """
    if not isinstance(value, timedelta):
        raise TypeError(f"{name} must be a timedelta, not {type(value).__name__}")
    if value < timedelta(0):
        raise ConfigurationError(f"{name} is negative: {value}")
    if value > MAX_LIFETIME:
        raise ConfigurationError(f"{name} is longer than {MAX_LIFETIME.days} days: {value}")
    return value
