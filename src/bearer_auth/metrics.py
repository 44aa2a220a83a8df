"""Metrics for Prometheus: a sink of events that counts them.

::

    from bearer_auth.metrics import Metrics

    app = BearerAuth(app, store, event_sink=Metrics())

Labels are fixed words: never the id of a key, an address, or text that a client chose.
docs/observability.md lists the metrics and says how they work with several processes.
"""

from __future__ import annotations

import threading
from weakref import WeakKeyDictionary

try:
    from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram
except ImportError as error:
    raise ImportError(
        'bearer_auth.metrics needs prometheus-client: pip install "bearer_auth[metrics]"'
    ) from error

from .events import Emitter, Event, EventSink

REASONS = frozenset(
    {
        *("missing", "malformed", "unknown", "wrong_secret", "expired", "revoked", "suspended"),
        *("environment", "invalid", "scope", "address", "media_type", "invalid_request"),
        *("idempotency_key", "body", "running", "not_kept", "request_too_large", "reused"),
        *("limit", "failures", "records", "locked", "tables", "store", "busy", "argon2"),
    }
)
"""The reasons that docs/events.md lists; any other one is counted as ``other``."""

STATUSES = frozenset({400, 401, 403, 409, 413, 415, 422, 429, 503})
"""The statuses of refusals; an app's own one is counted as ``other``."""

LIMITS = frozenset({"limit", "failures", "records"})
"""The reasons of refusals for a limit."""

HASHING = frozenset({"busy", "argon2"})
"""Failures that are not the store's."""

BUCKETS_S = (
    *(1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4),
    *(1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.25, 0.5, 1.0),
)
"""From a remembered key to a store that hardly answers."""

_ACCEPTED = "request.authenticated"
_REFUSED = "request.refused"
_REPLAYED = "request.replayed"
_FAILED = "store.failed"


class Metrics:
    """Counts the events of requests, and hands all events on.

    Give the same one to every ``BearerAuth`` of a process, or one for each: those that share a
    registry count in the same place.

    Args:
        sink: Where events go from here; by default a ``LoggingSink``, as without metrics.
        registry: Where the metrics are registered.

    Attributes:
        measures: That it wants to know how long a check took.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: The registry has other metrics of these names.

    .. versionadded:: 0.1
    """

    measures = True

    def __init__(
        self, sink: EventSink | None = None, *, registry: CollectorRegistry = REGISTRY
    ) -> None:
        if not isinstance(registry, CollectorRegistry):
            raise TypeError(f"registry must be a CollectorRegistry, not {registry!r}")
        self._next = Emitter(sink)
        self._counted = _counted_in(registry)

    def wants(self, name: str) -> bool:
        """Whether it counts events of this name, or the next sink takes them."""
        return name in (_ACCEPTED, _REFUSED, _REPLAYED, _FAILED) or self._next.wants(name)

    def emit(self, event: Event) -> None:
        """Count an event and hand it on."""
        self._next.forward(event)
        counted = self._counted
        if event.name == _ACCEPTED:
            counted.accepted.inc()
        elif event.name == _REFUSED:
            reason = _reason_of(event)
            counted.requests.labels("refused", _status_of(event), reason).inc()
            if reason in LIMITS and event.status == 429:
                counted.limit_refusals.labels(reason).inc()
        elif event.name == _FAILED:
            reason = _reason_of(event)
            allowed = bool(event.data.get("allowed"))
            if not allowed:
                counted.requests.labels("failed", _status_of(event), reason).inc()
            if reason not in HASHING:
                outcome = "allowed" if allowed else "failed"
                counted.store_errors.labels(outcome, reason).inc()
        elif event.name == _REPLAYED:
            counted.requests.labels("replayed", "", "").inc()
            counted.replays.inc()
        if event.took_s is not None:
            counted.seconds.observe(event.took_s)
        if event.cached is not None:
            (counted.hits if event.cached else counted.misses).inc()

    def __repr__(self) -> str:
        return "Metrics()"


class _Counted:
    """The metrics in one registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"bearer_auth_{name}", text, labels, registry=registry)

        self.requests = counter(
            "requests", "Requests, by what became of them.", "outcome", "status", "reason"
        )
        self.accepted = self.requests.labels("accepted", "", "")
        self.seconds = Histogram(
            "bearer_auth_authentication_seconds",
            "How long the check of a credential took, whatever came of it.",
            registry=registry,
            buckets=BUCKETS_S,
        )
        self.hits = counter("cache_hits", "Credentials that were remembered.")
        self.misses = counter("cache_misses", "Credentials that were not remembered.")
        self.store_errors = counter(
            "store_errors",
            "Failures of a store, by what became of the request.",
            "outcome",
            "reason",
        )
        self.replays = counter("replays", "Answers that were repeated for an idempotency key.")
        self.limit_refusals = counter("limit_refusals", "Requests refused for a limit.", "reason")


# A metric can be registered once only. So that two of ours on one registry are no error, as an app
# that is made anew for each test would have them.
_registered: WeakKeyDictionary[CollectorRegistry, _Counted] = WeakKeyDictionary()
_registering = threading.Lock()


def _counted_in(registry: CollectorRegistry) -> _Counted:
    with _registering:
        counted = _registered.get(registry)
        if counted is None:
            counted = _registered[registry] = _Counted(registry)
        return counted


def _reason_of(event: Event) -> str:
    return event.reason if event.reason in REASONS else "other"


def _status_of(event: Event) -> str:
    return str(event.status) if event.status in STATUSES else "other"
