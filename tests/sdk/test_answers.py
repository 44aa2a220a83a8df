"""What the API refuses has the class, the status and the code that stand for it, everywhere."""

import pytest

pytestmark = pytest.mark.once

MAX_REQUEST = 1024 * 1024
"""Bytes that the body of a request with an idempotency key may have."""


def test_health_says_whose_key_it_is(sdk, site):
    key = site.issue(user_id="user_123")
    health = sdk(site.url, key.token).health(request_id="sent-by-me")
    assert health.error is None
    assert (health.status, health.authenticated) == ("healthy", True)
    assert health.user == ["user_123", "pro"]
    assert health.request_id == "sent-by-me"


REFUSALS = {
    "400": (
        ("POST", "/execute/x", {"json": {"no": "input"}}),
        ("BadRequestError", 400, "INVALID_REQUEST", "Invalid request"),
    ),
    "403": (
        ("GET", "/admin", {}),
        (
            "PermissionDeniedError",
            403,
            "FORBIDDEN",
            "Insufficient permissions for this resource",
        ),
    ),
    "404": (
        ("GET", "/nowhere", {}),
        ("APIStatusError", 404, "NOT_FOUND", "There is nothing here"),
    ),
    "405": (
        ("DELETE", "/execute/x", {}),
        ("APIStatusError", 405, "METHOD_NOT_ALLOWED", "This method can't be used here"),
    ),
    "413": (
        ("POST", "/execute/x", {"json": {"input": "a" * MAX_REQUEST}}),
        ("APIStatusError", 413, "REQUEST_TOO_LARGE", "Request body too large"),
    ),
    "415": (
        ("POST", "/execute/x", {"content": "text", "headers": {"Content-Type": "text/plain"}}),
        (
            "APIStatusError",
            415,
            "UNSUPPORTED_MEDIA_TYPE",
            "Content-Type must be application/json",
        ),
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_is_an_error_of_its_class(name, sdk, site):
    (method, path, options), expected = REFUSALS[name]
    caller = sdk(site.url, site.issue().token)
    refused = caller.request(method, path, **options, request_id="sent-by-me")
    assert (refused.error, refused.status, refused.code, refused.message) == expected
    assert refused.request_id == "sent-by-me"
    assert caller.log.retries() == []


def test_a_key_that_lacks_the_scope_may_not_execute(sdk, site, ensemble):
    refused = sdk(site.url, site.issue(scopes=[]).token).execute(ensemble)
    assert (refused.error, refused.code) == ("PermissionDeniedError", "FORBIDDEN")
    assert site.statuses(ensemble) == [403]
    assert site.runs(ensemble) == []


def test_a_revoked_key_is_refused_at_the_very_next_call_and_not_tried_again(sdk, site, ensemble):
    issued = site.issue()
    caller = sdk(site.url, issued.token)
    assert caller.execute(ensemble).error is None
    site.ring.revoke(issued.key_id)
    refused = caller.execute(ensemble)
    assert (refused.error, refused.status) == ("AuthenticationError", 401)
    assert (refused.code, refused.message) == ("UNAUTHORIZED", "Invalid API key")
    assert site.statuses(ensemble) == [200, 401]
    assert len(site.runs(ensemble)) == 1


def test_an_idempotency_key_for_another_input_is_not_tried_again(sdk, site, ensemble):
    caller = sdk(site.url, site.issue().token)
    assert caller.execute(ensemble, 1, idempotency_key="order-1").error is None
    refused = caller.execute(ensemble, 2, idempotency_key="order-1")
    assert (refused.error, refused.status) == ("UnprocessableEntityError", 422)
    assert (refused.code, refused.idempotency_key) == ("IDEMPOTENCY_KEY_REUSED", "order-1")
    assert site.statuses(ensemble) == [200, 422]


def test_an_answer_that_was_not_kept_is_a_conflict_and_not_tried_again(sdk, site, ensemble):
    caller = sdk(site.url, site.issue().token)
    text = "é" * (MAX_REQUEST // 3)  # \u00e9 in the answer, which is longer than the request
    assert caller.execute(ensemble, text, idempotency_key="long").error is None
    refused = caller.execute(ensemble, text, idempotency_key="long")
    assert (refused.error, refused.status) == ("ConflictError", 409)
    assert (refused.code, refused.retry_after) == ("IDEMPOTENCY_CONFLICT", None)
    assert site.statuses(ensemble) == [200, 409]
    assert len(site.runs(ensemble)) == 1


def test_an_app_that_fails_is_asked_twice_and_runs_once(sdk, site, ensemble):
    failed = sdk(site.url, site.issue().token, max_retries=5).execute(f"broken-{ensemble}")
    assert (failed.error, failed.status, failed.code) == ("APIStatusError", 500, None)
    assert failed.message == (
        "HTTP 500 without the API's error body (Content-Type: text/html): "
        "a proxy or another server may have answered"
    )
    # The second answer was a replay, so there was no third.
    assert site.statuses(f"broken-{ensemble}") == [500, 500]
    assert len(site.runs(f"broken-{ensemble}")) == 1
