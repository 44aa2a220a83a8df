"""Who waits as long as Retry-After says gets in: over each storage that has a clock to inject."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bearer_auth import Principal
from bearer_auth.ratelimit import RateLimits
from bearer_auth.ratelimit.memory import MemoryCounter
from bearer_auth.ratelimit.sql import SQLStorage
from bearer_auth.testing import FakeClock

PLAN = "3/second;8/5 second;20/minute"
STEPS = st.lists(st.tuples(st.integers(0, 4000), st.integers(1, 3)), min_size=1, max_size=40)


@pytest.fixture(scope="module", params=["memory", "sqlite"])
def counting(request, tmp_path_factory):
    """A clock, and limits that go by it."""
    clock = FakeClock()
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('limits') / 'limits.db'}"
        limits = RateLimits({"default": PLAN}, storage=SQLStorage(url_or_engine=url, clock=clock))
    else:
        limits = RateLimits({"default": PLAN})
        limits._counter = MemoryCounter(clock)
    yield clock, limits
    limits.close()


@settings(max_examples=60, deadline=None)
@given(steps=STEPS)
def test_who_waits_as_long_as_is_said_gets_in(counting, steps):
    clock, limits = counting
    who = Principal(key_id="a" * 16, user_id="user_123", plan="default")
    clock.advance(1200 - clock() % 600)  # all is forgotten, and each example begins alike
    for wait_ms, cost in steps:
        clock.advance(wait_ms / 1000)
        refused = limits.check(who, cost=cost).retry_after
        if refused is not None:
            assert 1 <= refused <= 61
            clock.advance(refused)
            assert limits.check(who, cost=cost).retry_after is None
