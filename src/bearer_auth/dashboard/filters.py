"""The filters of the list: from the address of the page to what the store is asked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import url_for

from ..errors import ConfigurationError
from ..stores import Query
from ..token import ENVIRONMENT, PREFIX, parse
from ..values import check_text
from .people import DashboardUser

PAGE = 50
"""Keys on a page."""

SCAN = 20_000
"""Keys that are looked at for one page, so that a rare value costs no more than a common one."""

UNUSED = timedelta(days=90)
SOON = timedelta(days=7)

_CHOICES = {
    "status": ("active", "suspended", "expired", "revoked"),
    "sort": ("newest", "oldest", "name", "expiry"),
    "attention": ("unused", "endless", "ending"),
}

# In what may be a key that somebody has pasted, or a part of one. An owner may have a long id, so
# there only what has the beginning of a key in it.
_WORD = re.compile(r"[0-9A-Za-z_]{40,}")
_LONG = re.compile(r"[0-9A-Za-z]{40,}")
_KEY = re.compile(rf"{PREFIX.pattern}_{ENVIRONMENT.pattern}_[0-9A-Za-z]{{40,}}")
_PASTED = {"q": _LONG, "owner": _KEY, "plan": _KEY, "scope": _KEY}
_HASH = re.compile(r"[0-9a-f]+")  # no key: among 43 random characters there are others

_LENGTHS = {"q": 255, "environment": 16, "plan": 64, "scope": 128, "owner": 255}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What the list is narrowed to; empty text is no filter."""

    q: str = ""
    status: str = ""
    environment: str = ""
    plan: str = ""
    scope: str = ""
    owner: str = ""
    attention: str = ""
    sort: str = ""

    @classmethod
    def of(cls, given: Mapping[str, str], user: DashboardUser) -> Filters:
        """From the address or a form; what can't be is left out, and so is what isn't theirs."""
        values: dict[str, str] = {}
        for name in cls.__dataclass_fields__:
            value = given.get(name, "").strip()
            if value and _can_be(name, value):
                values[name] = value
        if not user.may_manage_all:
            values.pop("owner", None)
        for name in values.keys() & _PASTED.keys():
            values[name] = _without_secret(values[name], _PASTED[name])
        return cls(**values)

    def given(self) -> dict[str, str]:
        """Those that are set, for an address."""
        return {name: value for name, value in asdict(self).items() if value}

    def address(self) -> str:
        """Of the list with these filters."""
        given: dict[str, Any] = {**self.given()}
        return url_for("keys.index", **given)

    def narrowing(self) -> bool:
        """Whether keys may be left out."""
        return bool(self.given().keys() - {"sort"})

    def query(self, user: DashboardUser, now: datetime, after: str | None) -> Query:
        """What the store is asked."""
        fields: dict[str, Any] = {
            "text": self.q or None,
            "state": self.status or None,
            "environment": self.environment or None,
            "plan": self.plan or None,
            "scope": self.scope or None,
            "user_id": self.owner or None,
            "sort": self.sort or "newest",
        }
        fields |= _attention(self.attention, now) | dict(user.key_filter)
        return Query(now=now, limit=PAGE, scan=SCAN, after=after, **fields)


def _attention(kind: str, now: datetime) -> dict[str, Any]:
    wanted: dict[str, dict[str, Any]] = {
        "unused": {"unused_since": now - UNUSED},
        "endless": {"no_expiry": True},
        "ending": {"expires_before": now + SOON},
    }
    return {"state": "active", **wanted[kind]} if kind else {}


def attention(kind: str, user: DashboardUser, now: datetime, limit: int) -> Query:
    """The first keys that need attention of this kind."""
    fields = _attention(kind, now) | dict(user.key_filter)
    fields["sort"] = "expiry" if kind == "ending" else "oldest"
    return Query(now=now, limit=limit, scan=SCAN, **fields)


def key_id_in(text: str) -> str | None:
    """The id of the key that a text names: a whole token, or an id."""
    text = text.strip()
    token = parse(text)
    if token is not None:
        return token.key_id
    return text if len(text) == 16 and text.isascii() and text.isalnum() else None


def _can_be(name: str, value: str) -> bool:
    if name in _CHOICES:
        return value in _CHOICES[name]
    if name == "environment":
        return ENVIRONMENT.fullmatch(value) is not None
    try:
        check_text(name, value, 1, _LENGTHS[name])
    except ConfigurationError:
        return False
    return True


def _without_secret(text: str, pasted: re.Pattern[str]) -> str:
    """With the id of a key in place of the key: a filter goes into the address of the page."""

    def public(word: re.Match[str]) -> str:
        if not pasted.search(word[0]) or _HASH.fullmatch(word[0]):
            return word[0]
        token = parse(word[0])
        return "…" if token is None else token.key_id

    return _WORD.sub(public, text)
