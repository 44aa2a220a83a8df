"""The rate limit layer: what a client sees, which rules count, and a storage that fails."""

import json
import time

import pytest

from bearer_auth import (
    BearerAuth,
    ConfigurationError,
    InsufficientScope,
    InvalidRequest,
    Keyring,
    MemoryStore,
    Rule,
    StoreUnavailable,
)
from bearer_auth.idempotency import MemoryIdempotencyStore
from bearer_auth.ratelimit import RateLimits

POLICY = ("RateLimit-Policy", '"hour";q=2;w=3600')
LIMITED = json.dumps(
    {"success": False, "error": {"code": "RATE_LIMITED", "message": "Rate limit exceeded"}}
).encode()


class World:
    def __init__(self, call, sink):
        self.call, self.sink = call, sink
        self.keys = MemoryStore()
        self.keyring = Keyring(self.keys)
        self.token = self.keyring.create(user_id="user_123").token
        self.runs = 0
        self.behave = None

    def app(self, environ, start_response):
        self.runs += 1
        if self.behave:
            return self.behave(environ, start_response)
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"ok"]

    def wrap(self, limits, **options):
        options = {"content_types": None, "event_sink": self.sink} | options
        self.auth = BearerAuth(self.app, self.keys, rate_limits=limits, **options)

    def get(self, path="/x", method="GET", **environ):
        headers = {"HTTP_AUTHORIZATION": f"Bearer {self.token}", "HTTP_X_REQUEST_ID": "id-1"}
        return self.call(self.auth, method, path, **(headers | environ))


@pytest.fixture
def world(call, sink):
    return World(call, sink)


def limit_header(answer):
    (value,) = [value for name, value in answer.headers if name == "RateLimit"]
    return value


def test_what_is_over_the_limit_is_refused_before_the_app(world):
    world.wrap(RateLimits(default="2/hour"))
    answers = [world.get() for _ in range(3)]
    assert [answer.status for answer in answers] == ["200 OK", "200 OK", "429 Too Many Requests"]
    assert world.runs == 2
    assert [limit_header(answer).partition(";t=")[0] for answer in answers] == [
        '"hour";r=1',
        '"hour";r=0',
        '"hour";r=0',
    ]
    assert all(POLICY in answer.headers for answer in answers)
    refused = answers[2]
    assert refused.body == LIMITED
    headers = dict(refused.headers)
    assert 0 < int(headers["Retry-After"]) <= 3601
    assert list(headers) == [
        "Content-Type",
        "Content-Length",
        "Cache-Control",
        "Retry-After",
        "RateLimit",
        "RateLimit-Policy",
        "X-Request-ID",
    ]
    (refused,) = (e for e in world.sink.events if e.name == "request.refused")
    assert (refused.status, refused.reason, refused.user_id) == (429, "limit", "user_123")


@pytest.mark.parametrize("error", [InsufficientScope(["x"]), InvalidRequest()])
def test_errors_of_ours_tell_of_the_limit_too(world, error):
    def behave(environ, start_response):
        raise error

    world.behave = behave
    world.wrap(RateLimits(default="2/hour"))
    answer = world.get()
    assert answer.status[:3] in ("403", "400")
    assert POLICY in answer.headers


def test_refusals_before_and_public_paths_are_not_limited(world):
    world.wrap(RateLimits(default="2/hour"), public=["/docs"], rules=[Rule("/s", scopes=["s"])])
    for _ in range(5):
        assert world.get("/docs").status == "200 OK"
        assert world.get("/s").status == "403 Forbidden"
        assert world.get(HTTP_AUTHORIZATION="Bearer x").status == "401 Unauthorized"
    answer = world.get("/docs")
    assert not any(name.startswith("RateLimit") for name, _ in answer.headers)
    assert world.get().status == "200 OK"


def test_a_limited_request_uses_up_no_idempotency_key(world):
    store = MemoryIdempotencyStore()
    world.wrap(RateLimits(default="1/hour"), idempotency=store)
    world.get()
    answer = world.get(method="POST", HTTP_X_IDEMPOTENCY_KEY="key-1")
    assert answer.status == "429 Too Many Requests"
    world.wrap(None, idempotency=store)
    answer = world.get(method="POST", HTTP_X_IDEMPOTENCY_KEY="key-1")
    assert ("Idempotent-Replayed", "true") not in answer.headers


def test_rules_have_limits_and_costs(world):
    world.wrap(
        RateLimits(default="10/hour"),
        rules=[Rule("/execute/*", limit="3/hour", cost=3), Rule("/big", cost=6, methods=["POST"])],
    )
    assert [world.get("/execute/a").status[:3] for _ in range(2)] == ["200", "429"]
    assert limit_header(world.get("/cheap")).startswith('"hour";r=6;')
    assert world.get("/big", "POST").status == "200 OK"
    assert world.get("/big", "POST").status == "429 Too Many Requests"
    assert world.get("/big").status == "429 Too Many Requests"


@pytest.mark.parametrize(
    "path",
    ["/execute/", "//execute/a", "/execute", "/x/../execute/a", "/%65xecute/a", "/execute/a;b"],
)
def test_threat_an_odd_path_does_not_escape_the_limit_of_a_rule(world, path):
    world.wrap(RateLimits(), rules=[Rule("/execute/*", limit="1/hour")])
    world.get("/execute/a")
    assert world.get(path).status == "429 Too Many Requests"


def test_an_odd_method_does_not_escape_the_limit_of_a_rule(world):
    world.wrap(RateLimits(), rules=[Rule("/jobs", methods=["POST"], limit="1/hour")])
    environ = {
        "REQUEST_METHOD": "post",
        "PATH_INFO": "/jobs",
        "HTTP_AUTHORIZATION": f"Bearer {world.token}",
    }
    said = []
    for _ in range(2):
        list(world.auth(dict(environ), lambda status, headers, e=None: said.append(status)))
    assert said == ["200 OK", "429 Too Many Requests"]


class Failing:
    """A limits that fails whenever it is told to."""

    failures = None

    def __init__(self, allow):
        self.allow_on_failure = allow
        self.limits = RateLimits(default="2/hour")
        self.away = True

    def check_cost(self, *arguments):
        self.limits.check_cost(*arguments)

    def check(self, *arguments):
        if self.away:
            raise StoreUnavailable("storage: away")
        return self.limits.check(*arguments)


def test_a_storage_that_fails_refuses_by_default(world):
    limits = Failing(allow=False)
    world.wrap(limits)
    answer = world.get()
    assert answer.status == "503 Service Unavailable"
    assert world.runs == 0
    limits.away = False
    assert world.get().status == "200 OK"
    (event,) = [e for e in world.sink.events if e.name == "store.failed"]
    assert event.data == {"detail": "storage: away"}


def test_a_storage_that_fails_may_let_in_and_says_so(world):
    limits = Failing(allow=True)
    world.wrap(limits)
    assert world.get().status == "200 OK"
    (event,) = [e for e in world.sink.events if e.name == "store.failed"]
    assert event.data == {"detail": "storage: away", "allowed": True}
    assert event.reason == "store"


def test_a_preset_header_list_is_not_believed(world):
    world.wrap(None)
    answer = world.get(HTTP_AUTHORIZATION="", **{"bearer_auth.limit_headers": [("X-Bad", "1")]})
    assert ("X-Bad", "1") not in answer.headers


def test_failures_are_limited_by_address(world):
    world.wrap(RateLimits(failures="2/hour"))
    other = Keyring(MemoryStore()).create(user_id="x").token
    bad = {"HTTP_AUTHORIZATION": f"Bearer {other}"}
    codes = [world.get(**bad).status[:3] for _ in range(3)]
    assert codes == ["401", "401", "429"]
    answer = world.get(**bad)
    assert answer.body == LIMITED
    assert int(dict(answer.headers)["Retry-After"]) > 0
    assert world.get(REMOTE_ADDR="192.0.2.8").status == "200 OK"


def test_who_waits_as_long_as_is_said_gets_in(world):
    """By the real clock, once: two seconds at most."""
    world.wrap(RateLimits(default="2/second"))
    while (answer := world.get()).status == "200 OK":
        pass
    time.sleep(int(dict(answer.headers)["Retry-After"]))
    assert world.get().status == "200 OK"


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda auth: auth(rules=[Rule("/x", limit="1/hour")]),
            ConfigurationError,
            "nothing counts",
        ),
        (lambda auth: auth(rules=[Rule("/x", cost=2)]), ConfigurationError, "nothing counts"),
        (
            lambda auth: auth(rules=[Rule("/x", limit="often")], rate_limits=RateLimits()),
            ConfigurationError,
            "the rule for '/x' can't be read",
        ),
        (
            lambda auth: auth(rules=[Rule("/x", limit="1/hour", cost=2)], rate_limits=RateLimits()),
            ConfigurationError,
            "the cost of the rule for '/x' is more than its limit",
        ),
        (
            lambda auth: auth(
                rules=[Rule("/x", cost=5)], rate_limits=RateLimits({"free": "4/hour"})
            ),
            ConfigurationError,
            "the cost of the rule for '/x' is more than the limit of the plan 'free'",
        ),
        (lambda auth: auth(rate_limits="60/minute"), TypeError, "must be a RateLimits"),
        (lambda auth: Rule("/x", cost=0), ConfigurationError, "cost of the rule"),
        (lambda auth: Rule("/x", cost=True), TypeError, "cost of the rule"),
        (lambda auth: Rule("/x", limit=3), TypeError, "limit of the rule"),
        (lambda auth: Rule("/x", limit="1/hour", public=True), ConfigurationError, "is public"),
    ],
)
def test_what_is_wrong_is_said_at_construction(world, make, error, message):
    def auth(**options):
        return BearerAuth(world.app, world.keys, **options)

    with pytest.raises(error, match=message):
        make(auth)
