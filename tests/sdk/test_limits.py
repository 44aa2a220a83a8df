"""Too many requests: the client waits for as long as the server names, and then is let in."""

import pytest

pytestmark = pytest.mark.once


def test_after_a_429_it_waits_as_long_as_the_server_named_and_succeeds(sdk, site, ensemble):
    caller = sdk(site.url, site.issue(limit="1 per 2 seconds").token)
    assert caller.execute(ensemble, 1).error is None
    done = caller.execute(ensemble, 2)
    assert done.output == {"ensemble": ensemble, "input": 2}
    assert done.replayed is False
    first, refused, again = site.asked(ensemble)
    assert [first["status"], refused["status"], again["status"]] == [200, 429, 200]
    named = refused["retry_after"]
    assert named in ("1", "2", "3", "4")
    (line,) = caller.log.retries()
    assert line == (
        f"POST {site.url}/execute/{ensemble}: 429 RATE_LIMITED; "
        f"trying again in {named}.00 s (1 of 2)"
    )


def test_without_retries_the_error_says_what_is_left_and_when(sdk, site, ensemble):
    caller = sdk(site.url, site.issue(limit="3 per hour").token, max_retries=0)
    for _ in range(3):
        assert caller.execute(ensemble).error is None
    refused = caller.execute(ensemble)
    assert (refused.error, refused.status, refused.code) == ("RateLimitError", 429, "RATE_LIMITED")
    assert (refused.limit, refused.remaining) == (3, 0)
    named = int(site.asked(ensemble)[-1]["retry_after"])
    assert (refused.retry_after, refused.reset) == (named, named)
    assert len(site.runs(ensemble)) == 3


def test_a_wait_of_more_than_a_minute_is_the_callers_to_decide(sdk, site, ensemble):
    caller = sdk(site.url, site.issue(limit="1 per day").token, max_retries=2)
    assert caller.execute(ensemble).error is None
    refused = caller.execute(ensemble)
    assert refused.error == "RateLimitError"
    assert refused.retry_after > 60
    assert caller.log.retries() == []
    assert site.statuses(ensemble) == [200, 429]
