"""A clock for tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ..values import from_micros, to_micros

_START = datetime(2030, 1, 1, 12, 0, 0, tzinfo=UTC)


class FakeClock:
    """A clock that moves only when it is told to. Call it for seconds since 1970, as ``time.time``.

    It starts at 2030-01-01 12:00:00 UTC, 1893499200 seconds since 1970.
    """

    def __init__(self) -> None:
        self._micros = to_micros(_START)

    def __call__(self) -> float:
        """Seconds since 1970."""
        return self._micros / 1_000_000

    @property
    def now(self) -> datetime:
        """The time, aware, in UTC."""
        return from_micros(self._micros)

    def advance(self, by: timedelta | float) -> None:
        """Move on by a duration or by so many seconds; a negative one moves back."""
        if not isinstance(by, timedelta):
            by = timedelta(seconds=by)
        self._micros += by // timedelta(microseconds=1)

    def __repr__(self) -> str:
        return f"FakeClock({self.now.isoformat()})"
