"""The layer that counts the requests of each owner, and refuses what is too many."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ..errors import ConfigurationError, RateLimited, StoreUnavailable
from ..events import Emitter
from ..policy import Policy
from .request_id import LIMIT_HEADERS, PRINCIPAL, REQUEST_ID

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from ..ratelimit import RateLimits


def rate_limit(
    app: WSGIApplication, *, limits: RateLimits, policy: Policy, emitter: Emitter
) -> WSGIApplication:
    """Count each request that has a principal, and refuse those over a limit.

    Args:
        app: The app to wrap.
        limits: The limits of the plans, and what counts.
        policy: Its rules may have limits and costs of their own.
        emitter: Told when a request passes uncounted because the storage failed.

    Raises:
        ConfigurationError: The limit of a rule can't be read.
    """
    from ..ratelimit import parse_limits

    of_rules = {
        name: parse_limits(text, f"the limit of the rule for {name!r}")
        for name, text in policy.limits.items()
    }
    for name, cost in policy.costs.items():
        if any(cost > limit.item.amount for limit in of_rules.get(name, ())):
            raise ConfigurationError(f"the cost of the rule for {name!r} is more than its limit")
        limits.check_cost(cost, f"the rule for {name!r}")

    def with_rate_limit(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        principal = environ.get(PRINCIPAL)
        if principal is None:
            return app(environ, start_response)
        names, cost = (
            policy.counted(environ["REQUEST_METHOD"], environ.get("PATH_INFO", ""))
            if policy.counts
            else ((), 1)
        )
        try:
            verdict = limits.check(principal, [(name, of_rules[name]) for name in names], cost)
        except StoreUnavailable as error:
            if not limits.allow_on_failure or error.reason == "limit":
                raise
            emitter.emit(
                "store.failed",
                status=error.code,
                reason=error.reason,
                key_id=principal.key_id,
                user_id=principal.user_id,
                tenant_id=principal.tenant_id,
                request_id=environ.get(REQUEST_ID),
                address=environ.get("REMOTE_ADDR"),
                data={"detail": error.detail, "allowed": True},
            )
            return app(environ, start_response)
        if not verdict.headers:
            return app(environ, start_response)
        # An answer of ours to this request has them too, whoever raises it.
        environ[LIMIT_HEADERS] = verdict.headers
        if verdict.retry_after is not None:
            raise RateLimited(verdict.retry_after, key_id=principal.key_id)

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            headers = [*headers, *verdict.headers]
            if exc_info is None:
                return start_response(status, headers)
            return start_response(status, headers, exc_info)

        return app(environ, start)

    return with_rate_limit
