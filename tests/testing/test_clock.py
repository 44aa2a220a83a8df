"""FakeClock."""

from datetime import UTC, datetime, timedelta

from bearer_auth.testing import FakeClock


def test_the_clock_starts_at_a_fixed_time():
    clock = FakeClock()
    assert clock() == 1893499200.0
    assert clock.now == datetime(2030, 1, 1, 12, 0, 0, tzinfo=UTC)


def test_the_clock_stands_still():
    clock = FakeClock()
    assert [clock(), clock(), clock()] == [1893499200.0] * 3


def test_the_clock_moves_by_a_duration():
    clock = FakeClock()
    clock.advance(timedelta(days=1, microseconds=1))
    assert clock.now == datetime(2030, 1, 2, 12, 0, 0, 1, tzinfo=UTC)


def test_the_clock_moves_by_seconds():
    clock = FakeClock()
    clock.advance(90)
    clock.advance(0.5)
    assert clock() == 1893499290.5


def test_the_clock_moves_back():
    clock = FakeClock()
    clock.advance(-10)
    assert clock.now == datetime(2030, 1, 1, 11, 59, 50, tzinfo=UTC)


def test_the_clock_shows_its_time():
    assert repr(FakeClock()) == "FakeClock(2030-01-01T12:00:00+00:00)"
