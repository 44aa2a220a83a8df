"""RateLimits: whose limit is which, what is said of it, and what is wrong at construction."""

from datetime import UTC, datetime

import pytest

from bearer_auth import ConfigurationError, KeyRecord, Principal, StoreUnavailable
from bearer_auth.ratelimit import Count, RateLimits, parse_limits
from bearer_auth.ratelimit.windows import Reading

NOW = datetime(2030, 1, 1, tzinfo=UTC)


class Counter:
    """Counts without a clock: half a minute of each window is left."""

    def __init__(self):
        self.counts = {}

    def take(self, key, limit, expiry, amount=1):
        allowed = self.counts.get(key, 0) + amount <= limit
        if allowed:
            self.counts[key] = self.counts.get(key, 0) + amount
        return self.read(key, expiry)._replace(allowed=allowed)

    def read(self, key, expiry):
        return Reading(False, 0, 0.0, self.counts.get(key, 0), expiry / 2)

    def clear_sliding_window(self, key, expiry):
        self.counts.pop(key, None)


@pytest.fixture
def made(monkeypatch):
    def made(*arguments, **options):
        counter = Counter()
        monkeypatch.setattr("bearer_auth.ratelimit.open_counter", lambda *a, **o: counter)
        limits = RateLimits(*arguments, **options)
        limits.counter = counter
        return limits

    return made


def principal(key_id="a" * 16, user_id="user_123", **fields):
    return Principal(key_id=key_id, user_id=user_id, **fields)


def test_each_plan_has_its_limit_and_the_others_the_default(made):
    limits = made({"free": "1/minute", "pro": "2/minute"}, default="3/minute")
    passed = {}
    for plan in ("free", "pro", "other"):
        who = principal(user_id=plan, plan=plan)
        passed[plan] = [limits.check(who).retry_after for _ in range(4)]
    assert passed == {
        "free": [None, 31, 31, 31],
        "pro": [None, None, 31, 31],
        "other": [None, None, None, 31],
    }


def test_without_a_default_other_plans_have_no_limit(made):
    limits = made({"free": "1/minute"})
    assert limits.check(principal(plan="pro")) == (None, ())


def test_the_headers_tell_what_is_left(made):
    limits = made(default="1000/minute;2/second")
    policy = ("RateLimit-Policy", '"second";q=2;w=1, "minute";q=1000;w=60')
    left = [limits.check(principal()) for _ in range(3)]
    assert left == [
        (None, (("RateLimit", '"second";r=1;t=1, "minute";r=999;t=30'), policy)),
        # who has nothing left is told how long that lasts
        (None, (("RateLimit", '"second";r=0;t=1, "minute";r=998;t=30'), policy)),
        # the minute is only read, and so not counted
        (1, (("RateLimit", '"second";r=0;t=1, "minute";r=998;t=30'), policy)),
    ]


def test_who_is_refused_by_one_limit_waits_for_the_others_too(made):
    limits = made(default="3/minute;2/second")
    assert [limits.check(principal()).retry_after for _ in range(2)] == [None, None]
    limits.counter.counts["LIMITER/user:-:user_123/3/1/minute"] = 3
    verdict = limits.check(principal())
    assert verdict.retry_after == 31  # in a second it would be refused again
    assert verdict.headers[0] == ("RateLimit", '"second";r=0;t=1, "minute";r=0;t=31')


def test_all_keys_of_a_user_share_a_limit_or_each_has_its_own(made):
    for per, second in (("user", 31), ("key", None)):
        limits = made(default="1/minute", per=per)
        assert limits.check(principal("a" * 16)).retry_after is None
        assert limits.check(principal("b" * 16)).retry_after == second


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"tenant_id": "a", "user_id": "b"}, {"tenant_id": None, "user_id": "b"}),
        ({"tenant_id": "a", "user_id": "b:c"}, {"tenant_id": "a:b", "user_id": "c"}),
        ({"tenant_id": "a", "user_id": "b/c"}, {"tenant_id": "a/b", "user_id": "c"}),
        ({"tenant_id": None, "user_id": "1:a:b"}, {"tenant_id": "a", "user_id": "b"}),
        ({"user_id": "b/1/1/minute"}, {"user_id": "b"}),
    ],
)
def test_two_owners_are_never_taken_for_one(made, one, other):
    limits = made(default="1/minute")
    assert limits.check(principal(**one)).retry_after is None
    assert limits.check(principal(**other)).retry_after is None


def test_a_key_may_have_a_limit_of_its_own_in_place_of_its_plans(made):
    limits = made(default="1/minute")
    record = KeyRecord(key_id="a" * 16, user_id="user_123", created_at=NOW, limit="2/minute")
    own = Principal.of(record)
    assert [limits.check(own).retry_after for _ in range(3)] == [None, None, 31]
    # beside that of the user's other keys
    assert limits.check(principal("b" * 16)).retry_after is None


def test_a_limit_of_a_key_that_can_not_be_read_lets_nobody_in(made):
    limits = made(default="1/minute", on_storage_failure="allow")
    with pytest.raises(StoreUnavailable) as raised:
        limits.check(principal(limit="as much as you like"))
    assert raised.value.reason == "limit"
    assert "can't be read" in raised.value.detail


def test_rules_count_beside_the_plan(made):
    limits = made(default="10/minute")
    rule = [("POST /execute/*", parse_limits("2/hour", "x"))]
    verdicts = [limits.check(principal(), rule) for _ in range(3)]
    assert [verdict.retry_after for verdict in verdicts] == [None, None, 1801]
    assert verdicts[0].headers == (
        ("RateLimit", '"minute";r=9;t=30, "rule-hour";r=1;t=1800'),
        ("RateLimit-Policy", '"minute";q=10;w=60, "rule-hour";q=2;w=3600'),
    )
    assert limits.check(principal()).retry_after is None


def test_the_limit_of_a_rule_is_the_owners_whatever_limit_a_key_has(made):
    limits = made()
    rule = [("/execute/*", parse_limits("1/hour", "x"))]
    one, other = (principal(key * 16, limit="9/hour") for key in "ab")
    assert limits.check(one, rule).retry_after is None
    assert limits.check(other, rule).retry_after == 1801


def test_a_cost_counts_under_each_limit(made):
    limits = made(default="10/minute")
    assert [limits.check(principal(), cost=4).retry_after for _ in range(3)] == [None, None, 38]
    assert limits.check(principal(), cost=2).retry_after is None


def test_what_is_counted_can_be_shown_and_reset(made):
    limits = made(default="2/minute")
    limits.check(principal())
    limits.check(principal(), cost=1)
    assert limits.count("2/minute", user_id="user_123") == [Count("2 per 1 minute", 0, 31)]
    limits.reset("2/minute", user_id="user_123")
    assert limits.count("2/minute", user_id="user_123") == [Count("2 per 1 minute", 2, 0)]


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: RateLimits("60/minute"), TypeError, "plans must be a mapping"),
        (lambda: RateLimits({"free": "60"}), ConfigurationError, "the plan 'free' can't be read"),
        (lambda: RateLimits({"free": 60}), TypeError, "the plan 'free' must be text"),
        (
            lambda: RateLimits(default="0/minute"),
            ConfigurationError,
            "the default limit can't be read",
        ),
        (lambda: RateLimits(per="plan"), ConfigurationError, "per must be 'user' or 'key'"),
        (
            lambda: RateLimits(on_storage_failure="open"),
            ConfigurationError,
            "on_storage_failure must be 'refuse' or 'allow'",
        ),
        (
            lambda: RateLimits(failures="1/minute;2/hour"),
            ConfigurationError,
            "failures must be one limit",
        ),
    ],
)
def test_what_is_wrong_is_said_at_construction(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda: RateLimits({"free": "often"}), "the limit of the plan 'free'"),
        (lambda: RateLimits(default="often"), "the default limit"),
        (lambda: RateLimits(failures="often"), "the limit of failures"),
        (lambda: RateLimits().count("often", user_id="user_123"), "the limit"),
        (lambda: RateLimits().reset("often", user_id="user_123"), "the limit"),
    ],
)
def test_a_limit_that_can_not_be_read_is_named_once(make, what):
    with pytest.raises(ConfigurationError) as raised:
        make()
    assert str(raised.value) == (
        f"{what} can't be read: 'often'; write one such as '60/minute' or '1000/minute;20/second'"
    )


def test_a_cost_above_the_default_limit_is_refused_in_words_that_name_it():
    with pytest.raises(ConfigurationError) as raised:
        RateLimits(default="5/minute").check_cost(6, "the rule for '/x'")
    assert str(raised.value) == (
        "the cost of the rule for '/x' is more than the default limit, so no request would ever "
        "pass; to keep a plan out, use scopes"
    )
