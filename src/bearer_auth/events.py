"""What happened, told to whoever wants to know: audit events, the sink protocol, a logging sink.

Names are stable. An event holds ids and fixed words: no secret, no text that a client chose.

docs/events.md lists the names, and the reasons of refusals.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic
from typing import Any, Protocol

logger = logging.getLogger("bearer_auth")

NAMES = (
    "request.refused",
    "request.authenticated",
    "request.replayed",
    "request.overtaken",
    "store.failed",
    "key.created",
    "key.imported",
    "key.updated",
    "key.suspended",
    "key.resumed",
    "key.rotated",
    "key.rotation_finished",
    "key.revoked",
    "key.alias_used",
    "key.purged",
    "key.expiring",
    "key.idle",
    "operator.signed_in",
    "operator.sign_in_refused",
    "operator.signed_out",
    "operator.password_set",
)
"""Names of all events, as docs/events.md has them."""

SUCCESSES = ("request.authenticated", "request.replayed")
"""Names of events that come with each request."""

_REPEAT_S = 60.0

_FAILURES = 32
"""Different failures of a store that are remembered as said."""

_WORD = re.compile(r"[!-~]+")  # no blank and no line end: one event is one line
_ADDRESS = re.compile(r"[0-9A-Za-z.:%]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened.

    Attributes:
        name: A stable name, such as ``"key.revoked"``.
        at: When, aware UTC.
        key_id: The key's public id; on a refusal only if its secret was proven.
        user_id: Its owner.
        tenant_id: Its owner's tenant.
        request_id: The X-Request-ID of the request.
        status: The HTTP status that was answered.
        reason: A fixed word, such as ``"expired"``; for ``key.revoked`` what the caller wrote.
        address: The client's address (REMOTE_ADDR).
        data: More, by name; JSON values.
        took_s: Seconds that the check of the credential took, if the sink measures.
        cached: Whether the credential was remembered; ``None`` if that wasn't looked at, or the
            sink doesn't measure.
    """

    name: str
    at: datetime
    key_id: str | None = None
    user_id: str | None = None
    tenant_id: str | None = None
    request_id: str | None = None
    status: int | None = None
    reason: str | None = None
    address: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict[str, Any], hash=False)
    took_s: float | None = None
    cached: bool | None = None


class EventSink(Protocol):
    """Takes events. It must be quick and thread-safe; what it raises is logged once and dropped.

    It may also have ``wants(name) -> bool``, asked first, so that an event that nobody reads
    isn't built. And ``measures = True``: then ``took_s`` and ``cached`` of the events of requests
    are filled in.
    """

    def emit(self, event: Event) -> None:
        """Take one event."""
        ...


class Sinks:
    """Several sinks as one. What one of them raises keeps no event from the others.

    Args:
        *sinks: They, in the order in which they are told.

    Attributes:
        measures: Whether one of them measures.

    Raises:
        TypeError: One of them is no sink.

    .. versionadded:: 0.1
    """

    def __init__(self, *sinks: EventSink) -> None:
        self._emitters = [Emitter(sink) for sink in sinks]
        self.measures = any(emitter.measures for emitter in self._emitters)

    def wants(self, name: str) -> bool:
        """Whether one of them would take an event of this name."""
        return any(emitter.wants(name) for emitter in self._emitters)

    def emit(self, event: Event) -> None:
        """Hand an event to each that wants it."""
        for emitter in self._emitters:
            emitter.forward(event)


class LoggingSink:
    """Writes events to a logger, as one line each, with the event as ``record.event``.

    Refusals and changes of keys are INFO, failures of a store ERROR, successes not logged. While a
    store is away each request fails, so of one store there is one line a minute, which says how
    many went unsaid since the last one.

    Args:
        target: The logger; by default ``logging.getLogger("bearer_auth")``.
    """

    def __init__(self, target: logging.Logger = logger) -> None:
        self._logger = target
        self._said: dict[str, list[float]] = {}  # failures: when, and how often not since

    def wants(self, name: str) -> bool:
        """Whether an event of this name would be written at all."""
        level = logging.ERROR if name == "store.failed" else logging.INFO
        return name not in SUCCESSES and self._logger.isEnabledFor(level)

    def emit(self, event: Event) -> None:
        """Write one event."""
        data = dict(event.data)
        if event.name == "store.failed":
            # A detail begins with what has failed; why may differ from request to request.
            unsaid = self._unsaid(str(data.get("detail", "")).partition(": ")[0])
            if unsaid is None:
                return
            if unsaid:
                data["unsaid"] = unsaid
        words = [event.name]
        for name in ("status", "reason", "key_id", "user_id", "tenant_id", "request_id", "address"):
            value = getattr(event, name)
            if value not in (None, ""):
                plain = _WORD.fullmatch(str(value))
                words.append(f"{name}={value}" if plain else f"{name}={value!r}")
        words += [f"{name}={value!r}" for name, value in data.items()]
        level = logging.ERROR if event.name == "store.failed" else logging.INFO
        self._logger.log(level, " ".join(words), extra={"event": event})

    def _unsaid(self, failure: str) -> int | None:
        """How often this failure was not written since it last was; ``None`` if it isn't now."""
        # Without a lock, which a fork could leave held: at worst a line comes twice.
        mine = [monotonic(), 0]
        said = self._said.setdefault(failure, mine)
        if said is mine:
            for oldest in list(self._said)[:-_FAILURES]:
                self._said.pop(oldest, None)
            return 0
        if mine[0] < said[0] + _REPEAT_S:
            said[1] += 1
            return None
        unsaid = said[1]
        said[:] = mine
        return int(unsaid)


class Emitter:
    """Hands events to a sink, and keeps the sink's failures away from the caller.

    Args:
        sink: Where events go; by default a ``LoggingSink``.

    Attributes:
        measures: Whether the sink wants to know how long a check took.
    """

    def __init__(self, sink: EventSink | None = None) -> None:
        self._sink: EventSink = LoggingSink() if sink is None else sink
        if isinstance(sink, type) or not callable(getattr(self._sink, "emit", None)):
            raise TypeError(f"event_sink must be an object with a method emit(event), not {sink!r}")
        self._wants = getattr(self._sink, "wants", None)
        self.measures = bool(getattr(self._sink, "measures", False))
        self._broken = False

    def wants(self, name: str) -> bool:
        """Whether the sink would take an event of this name."""
        if self._wants is None:
            return True
        try:
            return bool(self._wants(name))
        except Exception as error:
            self._failed(error)
            return False

    def emit(self, name: str, *, address: str | None = None, **fields: Any) -> None:
        """Build an event and hand it over; never raises."""
        if not self.wants(name):
            return
        if address is not None and not _ADDRESS.fullmatch(address):
            address = None  # behind a careless proxy this is text that a client chose
        try:
            self._sink.emit(Event(name=name, at=datetime.now(UTC), address=address, **fields))
        except Exception as error:
            self._failed(error)

    def forward(self, event: Event) -> None:
        """Hand over an event that is there already, if the sink wants it; never raises."""
        if not self.wants(event.name):
            return
        try:
            self._sink.emit(event)
        except Exception as error:
            self._failed(error)

    def _failed(self, error: Exception) -> None:
        if not self._broken:
            self._broken = True
            # Without the traceback: its frames, and those of the refusal that is being told, have
            # the key in their local variables, which some log handlers show.
            logger.error(
                "the event sink %s failed with %s; further failures of it are not logged",
                type(self._sink).__name__,
                type(error).__name__,
            )
