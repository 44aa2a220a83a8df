"""The arithmetic of the sliding window counter, against a simulation of it."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bearer_auth.ratelimit.windows import Reading, remaining, wait_s


@pytest.mark.parametrize(
    ("reading", "limit", "left", "wait"),
    [
        (Reading(True, 0, 0.0, 0, 60.0), 10, 10, 0.0),
        (Reading(True, 0, 0.0, 9, 30.0), 10, 1, 0.0),
        # the window must end, and then weigh less than all of it
        (Reading(False, 0, 0.0, 10, 30.0), 10, 0, 30.001),
        # of 10 in the previous window 5 still count; one more fades each 6 s
        (Reading(False, 10, 30.0, 5, 30.0), 10, 0, 0.001),
        (Reading(False, 10, 33.0, 5, 33.0), 10, 0, 3.001),
        # a limit that was lowered: 20 are counted where 10 are allowed
        (Reading(False, 0, 0.0, 20, 12.0), 10, 0, 12 + 30.001),
    ],
)
def test_what_is_left_and_how_long_to_wait(reading, limit, left, wait):
    assert remaining(reading, limit, 60) == left
    assert wait_s(reading, limit, 60) == pytest.approx(wait)


def test_what_costs_more_than_the_limit_never_passes():
    assert wait_s(Reading(False, 0, 0.0, 0, 60.0), 10, 60, cost=11) == math.inf


def passes(reading, limit, length, cost, after):
    """Whether a request passes so many seconds later, worked out from the windows anew."""
    before, counted = reading.before, reading.counted
    left, before_s = reading.left_s - after, reading.before_s - after
    if left <= 0:
        before, counted, before_s = counted, 0, left + length
    weight = math.floor(before * max(before_s, 0.0) / length) if before_s > 0 else 0
    return weight + counted + cost <= limit


@given(
    st.integers(1, 1000),
    st.integers(0, 1500),
    st.integers(0, 1500),
    st.integers(1, 50),
    st.integers(1, 86_400),
    st.floats(0.001, 1.0),
)
def test_who_waits_as_long_as_is_said_gets_in_and_not_much_sooner(
    limit, before, counted, cost, length, part
):
    left = length * part
    reading = Reading(False, before, left if before else 0.0, counted, left)
    wait = wait_s(reading, limit, length, cost)
    if cost > limit:
        assert wait == math.inf
        return
    assert passes(reading, limit, length, cost, math.ceil(wait))
    assert passes(reading, limit, length, cost, wait + 0.001)
    if wait > 0.01:
        assert not passes(reading, limit, length, cost, wait - 0.01)
