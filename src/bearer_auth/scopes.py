"""What a key may do: the grammar of scopes, and which granted scope covers which needed one.

::

    scope    = name *( ":" name ) [ ":*" ]
    name     = 1*( ALPHA / DIGIT / "." / "_" / "-" )       at most 128 characters in all

``ensembles:*`` covers everything below ``ensembles:`` (``ensembles:execute``,
``ensembles:runs:read``), but not ``ensembles`` itself. Letter case counts. The grammar is a
subset of RFC 6750's scope-token, so that a scope can stand in a challenge as it is.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from .errors import ConfigurationError
from .values import listed

MAX_SCOPES = 100
"""Scopes that one key or rule may have."""

_SCOPE = re.compile(r"[A-Za-z0-9._-]+(?::[A-Za-z0-9._-]+)*(?::\*)?")


def parse_scopes(scopes: Iterable[str]) -> tuple[str, ...]:
    """Check scopes and put them in their one order, without repeats.

    Raises:
        TypeError: Not a list.
        ConfigurationError: A scope that doesn't follow the grammar, or too many.
    """
    unique = set(listed("scopes", scopes))
    for scope in unique:
        if not isinstance(scope, str) or len(scope) > 128 or not _SCOPE.fullmatch(scope):
            raise ConfigurationError(
                f"not a scope: {str(scope)[:140]!r}; write names of letters, digits, '.', '_' "
                "and '-' joined by ':', such as 'ensembles:execute' or 'ensembles:*'"
            )
    if len(unique) > MAX_SCOPES:
        raise ConfigurationError(f"{len(unique)} scopes; at most {MAX_SCOPES} are allowed")
    return tuple(sorted(unique))


def covers(granted: str, needed: str) -> bool:
    """Whether one granted scope covers one needed scope."""
    return granted == needed or (granted.endswith(":*") and needed.startswith(granted[:-1]))


def covers_all(granted: Collection[str], needed: Iterable[str]) -> bool:
    """Whether the granted scopes cover each of the needed ones."""
    for need in needed:
        if need not in granted and not any(covers(have, need) for have in granted):
            return False
    return True
