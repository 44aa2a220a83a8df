"""What is left of a rate limit: the headers of draft-ietf-httpapi-ratelimit-headers-10."""

import re
from typing import NamedTuple

_ITEM = re.compile(
    r'"((?:[^"\\]|\\["\\])*)"((?:\s*;\s*[a-z*][a-z0-9_.*-]*(?:=[^,;"\s]+|="[^"]*")?)*)'
)
_PARAMETER = re.compile(r";\s*([a-z])=([0-9]{1,15})(?=\s*(?:;|$))")


class RateLimit(NamedTuple):
    """``limit`` requests in its window, of which ``remaining`` are left for ``reset`` seconds."""

    limit: int | None = None
    remaining: int | None = None
    reset: int | None = None


def rate_limit(current: str | None, policies: str | None) -> RateLimit:
    """Of several limits the one with the least left; of equal ones the one that lasts longest."""
    items = [(name, p) for name, p in _items(current) if "r" in p]
    if not items:
        return RateLimit()
    name, tightest = min(items, key=lambda item: (item[1]["r"], -item[1].get("t", 0)))
    quotas = {name: p.get("q") for name, p in reversed(_items(policies))}
    return RateLimit(quotas.get(name), tightest["r"], tightest.get("t"))


def _items(header: str | None) -> list[tuple[str, dict[str, int]]]:
    """The members of a list of strings with parameters (RFC 9651); none if it isn't one."""
    items: list[tuple[str, dict[str, int]]] = []
    rest = (header or "").strip()
    while rest:
        match = _ITEM.match(rest)
        if match is None:
            return []
        items.append((match[1], {name: int(n) for name, n in _PARAMETER.findall(match[2])}))
        rest = rest[match.end() :].lstrip()
        if rest and not rest.startswith(","):
            return []
        rest = rest[1:].lstrip()
    return items
