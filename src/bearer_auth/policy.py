"""What is public, and what needs which scopes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple


class ContentTypes(NamedTuple):
    """Accepted media types."""

    names: tuple[str, ...]

    def accepts(self, value: str) -> bool:
        """Whether a Content-Type is accepted."""
        return value.split(";")[0].strip().lower() in self.names


class Decision(NamedTuple):
    """What a request needs."""

    public: bool = False
    optional: bool = False
    scopes: tuple[str, ...] = ()
    content_types: ContentTypes | None = None


@dataclass(frozen=True)
class Rule:
    """One rule."""

    path: str
    methods: Any = None
    scopes: Any = ()
    public: bool = False
    optional: bool = False
    content_types: Any = ...


class Policy:
    """All rules, first match wins."""

    def __init__(
        self,
        rules: Iterable[Rule] = (),
        *,
        public: Iterable[str] = (),
        content_types: Iterable[str] | None = ("application/json",),
    ) -> None:
        self._rules = [*rules, *(Rule(path, public=True) for path in public)]
        self.trivial = not self._rules
        accepted = None if content_types is None else ContentTypes(tuple(content_types))
        self.default = Decision(content_types=accepted)

    def decide(self, method: str, path: str) -> Decision:
        """What this request needs."""
        for rule in self._rules:
            if path == rule.path or (rule.path.endswith("/*") and path.startswith(rule.path[:-1])):
                return Decision(
                    rule.public, rule.optional, tuple(rule.scopes), self.default.content_types
                )
        return self.default
