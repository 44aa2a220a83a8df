"""How many requests a plan, a key or a rule allows, over the sliding window counter of ``limits``.

Whoever has used up a limit gets 429 with a ``Retry-After`` that is true: a request that comes so
much later passes, if no other came in between.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from ..errors import ConfigurationError, StoreUnavailable
from ..records import Principal
from .failures import FailureLimit
from .windows import Reading, remaining, wait_s

try:
    from .parsing import Limit, parse_limits, parsed
except ImportError as error:
    raise ImportError('rate limits need limits: pip install "bearer_auth[ratelimit]"') from error

from .storages import open_counter


class Verdict(NamedTuple):
    """Whether a request may pass.

    Attributes:
        retry_after: Seconds after which it may; ``None``: now.
        headers: ``RateLimit`` and ``RateLimit-Policy``
            (draft-ietf-httpapi-ratelimit-headers-10).
    """

    retry_after: int | None
    headers: tuple[tuple[str, str], ...]


class Count(NamedTuple):
    """What is left of a limit.

    Attributes:
        limit: The limit, as text.
        remaining: Requests that would pass now.
        retry_after_s: Seconds until the next one passes.
    """

    limit: str
    remaining: int
    retry_after_s: int


class RateLimits:
    """Limits by plan. A limit is text such as ``60/minute``, ``10 per 5 minutes`` or
    ``1000/minute;20/second``, all of which hold.

    .. warning::
        ``memory://``, the default storage, counts in each process for itself, and forgets when it
        ends: with 4 workers a client gets up to 4 times its limit. With several workers or machines
        give a ``storage`` that they share.

    Args:
        plans: The limit of each plan.
        default: That of all other plans; ``None``: they have none.
        per: Whether all keys of a user (of one tenant) share a limit, or each key has its own.
        storage: Where requests are counted. ``memory://``: in each process for itself; the URL of a
            Redis, the URL or an engine of a database (SQLite, PostgreSQL, MariaDB): for all that
            share it; or a storage of ``limits`` that knows the sliding window counter.
        on_storage_failure: What happens to requests when it can't answer: ``"refuse"`` them with
            503, or ``"allow"`` them uncounted.
        failures: How many keys that nobody knows one client address may send, ``20/minute`` say,
            counted in each process; behind a proxy every client has the proxy's address, unless
            werkzeug's ProxyFix stands outside.
        create: As for ``SQLStore``, where the storage is a database.
        timeout: Seconds that a step of a Redis or a database may take.

    Attributes:
        failures: Counts those; ``None`` if they aren't limited.

    Raises:
        TypeError: An argument is of the wrong type.
        ConfigurationError: A limit can't be read, or another value is wrong.
        ImportError: An extra is missing; the message names it.
        StoreUnavailable: The tables of a database are missing.

    .. versionadded:: 0.1
    """

    def __init__(
        self,
        plans: Mapping[str, str] | None = None,
        *,
        default: str | None = None,
        per: Literal["user", "key"] = "user",
        storage: Any = "memory://",
        on_storage_failure: Literal["refuse", "allow"] = "refuse",
        failures: str | None = None,
        create: bool | None = None,
        timeout: float = 2.0,
    ) -> None:
        if plans is not None and not isinstance(plans, Mapping):
            raise TypeError(f"plans must be a mapping of plans to limits, not {plans!r}")
        if per not in ("user", "key"):
            raise ConfigurationError(f"per must be 'user' or 'key': {per!r}")
        if on_storage_failure not in ("refuse", "allow"):
            raise ConfigurationError(
                f"on_storage_failure must be 'refuse' or 'allow': {on_storage_failure!r}"
            )
        self._plans = {
            plan: parse_limits(text, f"the limit of the plan {plan!r}")
            for plan, text in (plans or {}).items()
        }
        self._default = () if default is None else parse_limits(default, "the default limit")
        self._per_key = per == "key"
        self.allow_on_failure = on_storage_failure == "allow"
        self.failures: FailureLimit | None = None
        if failures is not None:
            (first, *more) = parse_limits(failures, "the limit of failures")
            if more:
                raise ConfigurationError(f"failures must be one limit: {failures!r}")
            self.failures = FailureLimit(first.item.amount, first.length_s)
        self._counter = open_counter(storage, create=create, timeout=timeout)

    def check(
        self, principal: Principal, rules: Iterable[tuple[str, Sequence[Limit]]] = (), cost: int = 1
    ) -> Verdict:
        """Count a request under each limit that it falls under, shortest window first, until one
        refuses it.

        Args:
            principal: Whose request it is.
            rules: The limits of rules, with what names the rule.
            cost: What the request counts as.

        Raises:
            StoreUnavailable: The storage can't answer, or the key's own limit can't be read.
        """
        wanted = sorted(self._wanted(principal, rules), key=_length)
        if not wanted:
            return Verdict(None, ())
        told: list[str] = []
        wait, refused = 0.0, False
        for limit, key in wanted:
            amount, length_s = limit.item.amount, limit.length_s
            # Once one refuses it the others are only read: it may have to wait for them longer.
            reading = (
                self._counter.read(key, length_s)
                if refused
                else self._counter.take(key, amount, length_s, cost)
            )
            refused = refused or not reading.allowed
            wait = max(wait, min(wait_s(reading, amount, length_s, cost), 2 * length_s))
            told.append(_told(limit, reading))
        headers = (
            ("RateLimit", ", ".join(told)),
            ("RateLimit-Policy", _policy(tuple(limit for limit, _ in wanted))),
        )
        return Verdict(max(1, math.ceil(wait)) if refused else None, headers)

    def check_cost(self, cost: int, what: str) -> None:
        """Whether each plan allows one request of this cost at least.

        Args:
            cost: The cost.
            what: Whose it is, for the message.

        Raises:
            ConfigurationError: One doesn't.
        """
        named = {f"the limit of the plan {plan!r}": each for plan, each in self._plans.items()}
        for name, limits in {**named, "the default limit": self._default}.items():
            if any(cost > limit.item.amount for limit in limits):
                raise ConfigurationError(
                    f"the cost of {what} is more than {name}, so no request would "
                    "ever pass; to keep a plan out, use scopes"
                )

    def count(
        self,
        limit: str,
        *,
        user_id: str = "",
        tenant_id: str | None = None,
        key_id: str = "",
        rule: str | None = None,
    ) -> list[Count]:
        """What is left of a limit, for a user or for a key.

        Args:
            limit: The text of the limit that counts for them.
            user_id: The user,
            tenant_id: and their tenant;
            key_id: or the key.
            rule: The rule whose limit it is, by its methods and path: ``POST /execute/*``, or
                ``/execute/*`` if it is about all methods; ``None``: it is that of a plan or a key.

        Raises:
            ConfigurationError: The limit can't be read.
            StoreUnavailable: The storage can't answer.
        """
        found: list[Count] = []
        names = _names(user_id, tenant_id, key_id, rule)
        for each in parse_limits(limit, "the limit"):
            reading = self._counter.read(each.item.key_for(*names), each.length_s)
            amount = each.item.amount
            wait = wait_s(reading, amount, each.length_s)
            left = remaining(reading, amount, each.length_s)
            found.append(Count(str(each.item), left, math.ceil(wait)))
        return found

    def reset(
        self,
        limit: str,
        *,
        user_id: str = "",
        tenant_id: str | None = None,
        key_id: str = "",
        rule: str | None = None,
    ) -> None:
        """Forget what was counted under a limit, for a user or for a key; see ``count``."""
        names = _names(user_id, tenant_id, key_id, rule)
        for each in parse_limits(limit, "the limit"):
            self._counter.clear_sliding_window(each.item.key_for(*names), each.length_s)

    def close(self) -> None:
        """Let go of the storage's connections; they come back when they are needed."""
        close = getattr(self._counter, "close", None)
        if close is not None:
            close()

    def _wanted(
        self, principal: Principal, rules: Iterable[tuple[str, Sequence[Limit]]]
    ) -> Iterable[tuple[Limit, str]]:
        key = _key_owner(principal.key_id)
        owner = key if self._per_key else _user_owner(principal.user_id, principal.tenant_id)
        limits, own = self._plans.get(principal.plan, self._default), principal.limit
        if own is not None:
            try:
                limits = parsed(own)
            except ValueError:
                raise StoreUnavailable(
                    f"the limit of the key {principal.key_id} can't be read: mend it with "
                    "'bearer-auth keys update'",
                    reason="limit",
                ) from None
        # Of two windows of one length that of a rule is asked first, and is the stricter one: who
        # is refused by it has used up nothing of the other.
        for rule, of_rule in rules:
            for limit in of_rule:
                yield (
                    limit._replace(name=f"rule-{limit.name}"),
                    limit.item.key_for("rule", rule, owner),
                )
        for limit in limits:
            yield limit, limit.item.key_for(owner if own is None else key)

    def __repr__(self) -> str:
        return f"RateLimits({len(self._plans)} plans, storage={self._counter!r})"


def _key_owner(key_id: str) -> str:
    return f"key:{key_id}"


def _user_owner(user_id: str, tenant_id: str | None) -> str:
    # With its length in front, so that no two pairs read the same.
    tenant = "-" if tenant_id is None else f"{len(tenant_id)}:{tenant_id}"
    return f"user:{tenant}:{user_id}"


def _names(user_id: str, tenant_id: str | None, key_id: str, rule: str | None) -> tuple[str, ...]:
    owner = _key_owner(key_id) if key_id else _user_owner(user_id, tenant_id)
    return (owner,) if rule is None else ("rule", rule, owner)


def _length(wanted: tuple[Limit, str]) -> int:
    return wanted[0].length_s


def _told(limit: Limit, reading: Reading) -> str:
    amount, length_s = limit.item.amount, limit.length_s
    left = remaining(reading, amount, length_s)
    # How long what is left must last; or, if nothing is, how long there is nothing.
    until = reading.left_s if left else wait_s(reading, amount, length_s)
    return f'"{limit.name}";r={left};t={max(1, math.ceil(until))}'


@lru_cache(maxsize=256)
def _policy(limits: tuple[Limit, ...]) -> str:
    return ", ".join(f'"{name}";q={item.amount};w={length}' for name, item, length in limits)


__all__ = ["Count", "FailureLimit", "Limit", "RateLimits", "Verdict", "parse_limits"]
