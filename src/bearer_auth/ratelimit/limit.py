"""The text of a limit, and what is counted under in the storage."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from ..errors import ConfigurationError

try:
    from limits import RateLimitItem, parse_many
except ImportError as error:
    raise ImportError('rate limits need limits: pip install "bearer_auth[ratelimit]"') from error


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
        what: Whose it is, for the message.

    Raises:
        TypeError: It isn't text.
        ConfigurationError: It can't be read.
    """
    if not isinstance(text, str):
        raise TypeError(f"the limit of {what} must be text such as '60/minute', not {text!r}")
    try:
        return parsed(text)
    except ValueError:
        raise ConfigurationError(
            f"the limit of {what} can't be read: {text!r}; write one such as '60/minute' or "
            "'1000/minute;20/second'"
        ) from None


@lru_cache(maxsize=1024)
def parsed(text: str) -> tuple[Limit, ...]:
    """The limits in a text; ``ValueError`` if it can't be read."""
    items = parse_many(text)
    if any(item.amount < 1 or item.get_expiry() < 1 for item in items):
        raise ValueError
    return tuple(Limit(_name(item), item, item.get_expiry()) for item in items)


def _name(item: RateLimitItem) -> str:
    period = item.GRANULARITY.name
    return period if item.multiples == 1 else f"{item.multiples}-{period}s"


def key_owner(key_id: str) -> str:
    """Who has a limit of one key."""
    return f"key:{key_id}"


def user_owner(user_id: str, tenant_id: str | None) -> str:
    """Who has a limit that all keys of a user share."""
    # With its length in front, so that no two pairs read the same.
    tenant = "-" if tenant_id is None else f"{len(tenant_id)}:{tenant_id}"
    return f"user:{tenant}:{user_id}"


def named(limit: Limit, owner: str, rule: str | None = None) -> str:
    """What is counted under, in the storage."""
    return limit.item.key_for(owner) if rule is None else limit.item.key_for("rule", rule, owner)


def keys(
    text: str, user_id: str, tenant_id: str | None, key_id: str, rule: str | None
) -> Iterable[tuple[Limit, str]]:
    """The limits in a text, and what each is counted under for a key or a user."""
    owner = key_owner(key_id) if key_id else user_owner(user_id, tenant_id)
    return [(limit, named(limit, owner, rule)) for limit in parse_limits(text, "the limit")]
