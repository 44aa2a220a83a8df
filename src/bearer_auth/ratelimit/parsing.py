"""From a text such as ``1000/minute;20/second`` to limits."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from limits import RateLimitItem, parse_many

from ..errors import ConfigurationError


class Limit(NamedTuple):
    """One limit of several that a request may fall under.

    Attributes:
        name: What the headers call it.
        item: How many in which time.
        length_s: The length of its window in seconds.
    """

    name: str
    item: RateLimitItem
    length_s: int


def parse_limits(text: str, what: str) -> tuple[Limit, ...]:
    """The limits in a text.

    Args:
        text: Such as ``1000/minute;20/second``.
        what: What it is, for the message, such as ``the limit of the plan 'free'``.

    Raises:
        TypeError: It isn't text.
        ConfigurationError: It can't be read.
    """
    if not isinstance(text, str):
        raise TypeError(f"{what} must be text such as '60/minute', not {text!r}")
    try:
        return parsed(text)
    except ValueError:
        raise ConfigurationError(
            f"{what} can't be read: {text!r}; write one such as '60/minute' or "
            "'1000/minute;20/second'"
        ) from None


@lru_cache(maxsize=1024)
def parsed(text: str) -> tuple[Limit, ...]:
    """The limits in a text, which raises ``ValueError`` if it can't be read."""
    items = parse_many(text)
    if any(item.amount < 1 or item.get_expiry() < 1 for item in items):
        raise ValueError
    return tuple(Limit(_name(item), item, item.get_expiry()) for item in items)


def _name(item: RateLimitItem) -> str:
    period = item.GRANULARITY.name
    return period if item.multiples == 1 else f"{item.multiples}-{period}s"
