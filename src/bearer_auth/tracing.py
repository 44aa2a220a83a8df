"""Attributes on the current span of OpenTelemetry: a sink of events.

::

    from bearer_auth.tracing import TracingSink

    app = BearerAuth(app, store, event_sink=TracingSink())

Where OpenTelemetry is not installed it only hands events on.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from .events import Emitter, Event, EventSink

trace: Any = None
with suppress(ImportError):
    from opentelemetry import trace

_OUTCOMES = {
    "request.authenticated": "accepted",
    "request.refused": "refused",
    "request.replayed": "replayed",
    "store.failed": "failed",
}


class TracingSink:
    """Says on the current span who a request came from and what became of it.

    The attributes are ``enduser.id`` (the owner of the key), ``bearer_auth.key_id``,
    ``bearer_auth.outcome`` and ``bearer_auth.reason``. A span that is not recorded is left alone,
    and so is one of a change of keys.

    Args:
        sink: Where events go from here; by default a ``LoggingSink``, as without tracing.

    Raises:
        TypeError: The sink is none.

    .. versionadded:: 0.1
    """

    def __init__(self, sink: EventSink | None = None) -> None:
        self._next = Emitter(sink)
        self.measures = self._next.measures

    def wants(self, name: str) -> bool:
        """Whether events of this name go onto a span, or the next sink takes them."""
        return (trace is not None and name in _OUTCOMES) or self._next.wants(name)

    def emit(self, event: Event) -> None:
        """Hand an event on and, if it is of a request, write it onto the current span."""
        self._next.forward(event)
        outcome = _OUTCOMES.get(event.name)
        if trace is None or outcome is None or event.data.get("allowed"):
            return
        span = trace.get_current_span()
        if not span.is_recording():
            return
        attributes = {
            # Who was let in; a refusal knows the owner of a revoked key, too.
            "enduser.id": event.user_id if outcome == "accepted" else None,
            "bearer_auth.key_id": event.key_id,
            "bearer_auth.outcome": outcome,
            "bearer_auth.reason": event.reason,
        }
        span.set_attributes({name: value for name, value in attributes.items() if value})

    def __repr__(self) -> str:
        return "TracingSink()"
