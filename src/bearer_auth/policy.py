"""What is public, what needs which scopes, and which bodies are taken.

A path that no rule matches needs a key. The first rule that matches counts. Ambiguity never
loosens: a path that isn't in normal form (``paths``) is never public, and it needs the scopes of
all its readings together: raw, N, N cut, and those that undo some of its oddities only.

Rules read PATH_INFO, what the wrapped app routes on. SCRIPT_NAME, X-HTTP-Method-Override,
X-Original-URL and RAW_URI are never read.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import KW_ONLY, dataclass, fields
from types import EllipsisType
from typing import NamedTuple

from . import paths
from .content_types import ContentTypes
from .errors import ConfigurationError
from .header import TCHAR
from .paths import Pattern
from .scopes import parse_scopes
from .values import listed

MAX_DECISIONS = 2048
"""Decisions that a policy remembers."""

MAX_COST = 1_000_000
"""The cost of one request, at most."""

MAX_REMEMBERED = 256
"""Characters of a method and a path together whose decision is remembered."""

_METHOD = re.compile(rf"[{TCHAR}]+")  # RFC 9110 §9.1


@dataclass(frozen=True, slots=True)
class Rule:
    """What requests to some paths need.

    A rule that says nothing but a path needs a key. What restricts (``scopes``) holds with or
    without a final slash, for the folder itself (``/admin/*`` covers ``/admin``), for a ``{name}``
    that is empty, and for ``get`` as for ``GET``. What loosens (``public``, ``optional``,
    ``content_types``) holds for normal paths and exact methods only, and ``public`` and
    ``optional`` for the pattern to the letter.

    Args:
        path: ``/docs`` is that path alone, ``/static/*`` everything below that folder,
            ``{name}`` one segment. Decoded text, compared with PATH_INFO; letter case counts, so
            a router that ignores it needs a rule for the folder above.
        methods: The methods that the rule is about; ``None`` all. GET stands for HEAD too.
        scopes: What the key needs, all of them.
        public: Needs no key. Nothing is read there: no principal, no check of the body's type.
        optional: Without an Authorization header the app decides; a bad one is still a 401.
        content_types: The media types that a body may have; ``...`` as the policy says, ``None``
            any.
        limit: What one owner may send here, such as ``"10/minute"``, beside the limit of their
            plan; needs ``BearerAuth(rate_limits=…)``.
        cost: What a request here counts as under each limit.

    Raises:
        TypeError: A value is of the wrong type.
        ConfigurationError: A value is malformed, or two contradict each other.
    """

    path: str
    _: KW_ONLY
    methods: Iterable[str] | None = None
    scopes: Iterable[str] = ()
    public: bool = False
    optional: bool = False
    content_types: Iterable[str] | EllipsisType | None = ...
    limit: str | None = None
    cost: int = 1

    def __post_init__(self) -> None:
        put = object.__setattr__
        Pattern(self.path)
        for name in ("public", "optional"):
            if not isinstance(getattr(self, name), bool):
                raise TypeError(f"{name} of the rule for {self.path!r} must be True or False")
        put(self, "scopes", parse_scopes(self.scopes))
        if self.methods is not None:
            methods = {_check_method(method) for method in listed("methods", self.methods)}
            if not methods:
                raise ConfigurationError(
                    f"methods of the rule for {self.path!r} is empty; leave it out to mean all"
                )
            put(self, "methods", tuple(sorted(methods)))
        if self.content_types is not None and not isinstance(self.content_types, EllipsisType):
            put(self, "content_types", ContentTypes(self.content_types).names)
        if self.limit is not None and not isinstance(self.limit, str):
            raise TypeError(f"limit of the rule for {self.path!r} must be text or None")
        if not isinstance(self.cost, int) or isinstance(self.cost, bool):
            raise TypeError(f"cost of the rule for {self.path!r} must be a whole number")
        if not 1 <= self.cost <= MAX_COST:
            raise ConfigurationError(
                f"cost of the rule for {self.path!r} must be 1 to {MAX_COST}: {self.cost}"
            )
        restricts = self.scopes or self.limit is not None or self.cost != 1
        if self.public and (restricts or self.optional or self.content_types is not ...):
            raise ConfigurationError(
                f"the rule for {self.path!r} is public, so nothing is read there: leave out "
                "scopes, optional, content_types, limit and cost, or leave out public"
            )

    @property
    def counts(self) -> bool:
        """Whether it has a limit or a cost of its own."""
        return self.limit is not None or self.cost != 1

    @property
    def name(self) -> str:
        """What names it among the rules of a policy."""
        methods = " ".join(self.methods or ())
        return f"{methods} {self.path}".strip()

    def __repr__(self) -> str:
        said = [
            f", {field.name}={value!r}"
            for field in fields(self)[1:]
            if (value := getattr(self, field.name)) != field.default
        ]
        return f"Rule({self.path!r}{''.join(said)})"


class Decision(NamedTuple):
    """What one request needs.

    Attributes:
        public: Nothing at all.
        optional: A key only if it sends an Authorization header.
        scopes: What the key must have, sorted.
        content_types: What a body's type must be; ``None`` anything.
    """

    public: bool
    optional: bool
    scopes: tuple[str, ...]
    content_types: ContentTypes | None


class Policy:
    """Rules, in order, compiled.

    Args:
        rules: The first that matches counts.
        public: Paths that need no key: short for ``Rule(path, public=True)`` after ``rules``.
        content_types: The media types that a body may have where no rule says otherwise; ``None``
            any.

    Attributes:
        default: What a request needs that no rule is about.
        trivial: Whether there is no rule at all: then ``default`` holds for every request.
        limits: The limits of the rules that have one, by the names of the rules.
        costs: Likewise what a request costs, where that isn't 1.
        counts: Whether there is any of these.

    Raises:
        TypeError: A value is of the wrong type.
        ConfigurationError: A value is malformed, or a rule is out of reach behind another.
    """

    __slots__ = (
        "_counted",
        "_decided",
        "_rules",
        "_strictest",
        "costs",
        "counts",
        "default",
        "limits",
        "trivial",
    )

    def __init__(
        self,
        rules: Iterable[Rule] = (),
        *,
        public: Iterable[str] = (),
        content_types: Iterable[str] | None = ("application/json",),
    ) -> None:
        types = None if content_types is None else ContentTypes(content_types)
        named = {f"rules[{i}]": rule for i, rule in enumerate(listed("rules", rules))}
        for name, rule in named.items():
            if not isinstance(rule, Rule):
                raise TypeError(f"{name} must be a Rule, not {type(rule).__name__}")
        for i, path in enumerate(listed("public", public)):
            named[f"public[{i}]"] = Rule(path, public=True)
        compiled = {name: _Compiled(rule, types) for name, rule in named.items()}
        for (first, a), (second, b) in itertools.combinations(compiled.items(), 2):
            if a.hides(b):
                path = b.rule.path
                raise ConfigurationError(
                    f"{second} ({path!r}) is never reached: {first} ({a.rule.path!r}) comes "
                    f"before it and covers it; put Rule({path!r}, …) first, or remove one of them"
                )
        self._rules = tuple(compiled.values())
        self._decided: dict[tuple[str, str], Decision | None] = {}
        self.default = Decision(False, False, (), types)
        self._strictest = self._with_scopes_of(self._rules)
        self.trivial = not self._rules
        counting = [each.rule for each in self._rules if each.rule.counts]
        self.limits = {rule.name: rule.limit for rule in counting if rule.limit is not None}
        self.costs = {rule.name: rule.cost for rule in counting if rule.cost != 1}
        self.counts = bool(counting)
        self._counted: dict[tuple[str, str], tuple[tuple[str, ...], int]] = {}

    def counted(self, method: str, path: str) -> tuple[Sequence[str], int]:
        """The names of the rules whose limits a request falls under, and what it costs.

        Args:
            method: REQUEST_METHOD, as it came.
            path: PATH_INFO, as it came.
        """
        try:
            return self._counted[method, path]
        except KeyError:
            pass
        rules = [each.rule for each in self._counting(method, path) if each.rule.counts]
        names = tuple(dict.fromkeys(rule.name for rule in rules if rule.limit is not None))
        found = names, max((rule.cost for rule in rules), default=1)
        if len(method) + len(path) <= MAX_REMEMBERED:
            if len(self._counted) >= MAX_DECISIONS:
                self._counted.clear()
            self._counted[method, path] = found
        return found

    def _counting(self, method: str, path: str) -> Iterable[_Compiled]:
        """The rules that a request may fall under, in each reading of its path."""
        text = paths.decode(path)
        if text is not None and paths.is_normal(text):
            forms = {text, text.removesuffix("/") or "/"}
            return [rule for form in forms if (rule := self._first(method, form)) is not None]
        readings, more = paths.normalise(path), paths.readings(path)
        if readings is None or more is None:
            return self._rules
        # A rule that doesn't count only takes away what later ones would, so here it is passed by.
        rules = [rule for rule in self._rules if rule.rule.counts and rule.has(method.upper())]
        found: list[_Compiled] = []
        for form in {*readings, *more}:
            found += [rule for rule in rules if rule.pattern.covers(form)][:1]
        return found

    def decide(self, method: str, path: str) -> Decision:
        """What a request needs.

        Args:
            method: REQUEST_METHOD, as it came.
            path: PATH_INFO, as it came.
        """
        decision = self.at_once(method, path)
        return self._of_each_reading(method, path) if decision is None else decision

    def at_once(self, method: str, path: str) -> Decision | None:
        """The same, but ``None`` for a path that isn't normal.

        Such a path needs a key. Which scopes it needs may take milliseconds to find out, so ask
        ``decide`` only for who has shown a key.
        """
        try:
            return self._decided[method, path]
        except KeyError:
            pass
        text = paths.decode(path)
        normal = text is not None and paths.is_normal(text)
        decision = self._of_normal(method, text) if text is not None and normal else None
        if len(method) + len(path) <= MAX_REMEMBERED:
            # Each step is atomic, under the GIL and in a free-threaded build. Threads that race
            # here do the work twice, or exceed the bound by one entry each.
            if len(self._decided) >= MAX_DECISIONS:
                self._decided.clear()
            self._decided[method, path] = decision
        return decision

    def _of_normal(self, method: str, text: str) -> Decision:
        first = self._first(method, text)
        decision = self.default if first is None else self._as_written(first, method, text)
        # Of a normal path, N is the same without a final slash, and N cut is N.
        n = text.removesuffix("/") or "/"
        also = None if n == text else self._first(method, n)
        if also is not None and not also.scopes <= set(decision.scopes):
            scopes = also.scopes.union(decision.scopes)
            return decision._replace(public=False, optional=False, scopes=tuple(sorted(scopes)))
        return decision

    def _of_each_reading(self, method: str, path: str) -> Decision:
        forms, more = paths.normalise(path), paths.readings(path)
        if forms is None or more is None:
            return self._strictest
        # A rule without scopes only takes away what later ones need, so here it doesn't count.
        scoped = [rule for rule in self._rules if rule.scopes and rule.has(method.upper())]
        found: list[_Compiled] = []
        for form in {*forms, *more}:
            found += [rule for rule in scoped if rule.pattern.covers(form)][:1]
        return self._with_scopes_of(found)

    def _first(self, method: str, text: str) -> _Compiled | None:
        return next((rule for rule in self._rules if rule.counts(method, text)), None)

    def _as_written(self, rule: _Compiled, method: str, text: str) -> Decision:
        exact = rule.has(method)
        return Decision(
            public=rule.rule.public,
            optional=rule.rule.optional and exact and rule.pattern.matches(text),
            scopes=tuple(sorted(rule.scopes)),
            content_types=rule.types if exact else self.default.content_types,
        )

    def _with_scopes_of(self, rules: Iterable[_Compiled]) -> Decision:
        scopes = {scope for rule in rules for scope in rule.scopes}
        return self.default._replace(scopes=tuple(sorted(scopes)))


class _Compiled:
    """A rule, ready to be compared with requests."""

    __slots__ = ("methods", "pattern", "restricts", "rule", "scopes", "types")

    def __init__(self, rule: Rule, default: ContentTypes | None) -> None:
        self.rule = rule
        self.pattern = Pattern(rule.path)
        self.scopes = frozenset(rule.scopes)
        self.restricts = bool(self.scopes) or rule.counts
        methods = None if rule.methods is None else frozenset(rule.methods)
        self.methods = methods | {"HEAD"} if methods and "GET" in methods else methods
        self.types = default
        if not isinstance(rule.content_types, EllipsisType):
            names = rule.content_types
            self.types = None if names is None else ContentTypes(names)

    def has(self, method: str) -> bool:
        """Whether the rule is about this method."""
        return self.methods is None or method in self.methods

    def counts(self, method: str, text: str) -> bool:
        """Whether the rule is about this request to a normal path."""
        if self.rule.public:
            return self.has(method) and self.pattern.matches(text)
        match = self.pattern.covers if self.restricts else self.pattern.matches
        return self.has(method.upper()) and match(text)

    def hides(self, later: _Compiled) -> bool:
        """Whether no request that a later rule is written for gets past this one."""
        if self.methods is not None and (later.methods is None or later.methods - self.methods):
            return False
        return later.pattern.within(self.pattern, wide=self.restricts)


def _check_method(method: str) -> str:
    if not isinstance(method, str):
        raise TypeError(f"a method must be text, not {type(method).__name__}")
    if not _METHOD.fullmatch(method):
        raise ConfigurationError(f"not a method: {method!r}; write a name such as 'GET'")
    if method != method.upper():
        raise ConfigurationError(
            f"not a method: {method!r}; letter case counts, write {method.upper()!r}"
        )
    return method
