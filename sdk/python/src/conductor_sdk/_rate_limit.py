"""What is left of a rate limit: the headers of draft-ietf-httpapi-ratelimit-headers-10."""

import re
from typing import NamedTuple

# RFC 9651: a list of strings with parameters, each of which may be a string again.
_STRING = r'"(?:[ !#-\[\]-~]|\\["\\])*"'
_PARAMETER = rf"; *([a-z*][a-z0-9_.*-]*)(?:=({_STRING}|[A-Za-z0-9:*?!#$%&'+./^_|~@=-]+))?"
_MEMBER = rf"({_STRING})((?:{_PARAMETER})*)"
_LIST = re.compile(rf"{_MEMBER}(?:[ \t]*,[ \t]*{_MEMBER})*")


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
    """The members with the numbers in their parameters; none if any part can't be read."""
    if header is None or not _LIST.fullmatch(header):
        return []
    return [(member[1], _numbers(member[2])) for member in re.finditer(_MEMBER, header)]


def _numbers(parameters: str) -> dict[str, int]:
    found = re.findall(_PARAMETER, parameters)
    return {name: int(value) for name, value in found if re.fullmatch("[0-9]{1,15}", value)}
