"""Each outcome of a request, as Prometheus sees it."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Histogram, generate_latest
from werkzeug.test import Client

from bearer_auth import (
    APIError,
    BearerAuth,
    Event,
    InvalidRequest,
    Keyring,
    MemoryStore,
    Rule,
    Sinks,
    StoreUnavailable,
)
from bearer_auth.metrics import REASONS, Metrics

EVENTS = (Path(__file__).parents[1] / "docs" / "events.md").read_text()


@pytest.fixture
def registry():
    return CollectorRegistry()


@pytest.fixture
def metrics(registry, sink):
    return Metrics(sink, registry=registry)


@pytest.fixture
def store():
    return MemoryStore()


@pytest.fixture
def token(store):
    return Keyring(store).create(user_id="user_123").token


@pytest.fixture
def counted(registry):
    """The counters that have counted anything, by their name and labels; without times."""

    def counted():
        lines = generate_latest(registry).decode().splitlines()
        pairs = [line.rsplit(" ", 1) for line in lines if not line.startswith("#")]
        return {
            name.removeprefix("bearer_auth_"): float(value)
            for name, value in pairs
            if float(value) and not re.search("_created|_bucket|_sum", name)
        }

    return counted


def fine(environ, start_response):
    start_response("200 OK", [])
    return []


def ask(app, token=None, path="/"):
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return Client(app).get(path, headers=headers).status_code


def test_a_key_is_looked_up_once_and_remembered_then(metrics, store, token, counted):
    app = BearerAuth(fine, store, event_sink=metrics)
    assert [ask(app, token) for _ in range(3)] == [200, 200, 200]
    assert counted() == {
        'requests_total{outcome="accepted",reason="",status=""}': 3,
        "authentication_seconds_count": 3,
        "cache_hits_total": 2,
        "cache_misses_total": 1,
    }


def test_each_refusal_is_counted_by_its_reason_and_what_was_never_looked_up_is_no_miss(
    metrics, store, token, counted
):
    rules = [Rule("/admin", scopes=["admin"])]
    app = BearerAuth(fine, store, rules=rules, event_sink=metrics)
    assert [ask(app), ask(app, "no-such-key"), ask(app, "<>")] == [401, 401, 401]
    assert ask(app, token, "/admin") == 403
    assert counted() == {
        'requests_total{outcome="refused",reason="missing",status="401"}': 1,
        'requests_total{outcome="refused",reason="unknown",status="401"}': 1,
        'requests_total{outcome="refused",reason="malformed",status="401"}': 1,
        'requests_total{outcome="refused",reason="scope",status="403"}': 1,
        # a wrong scope is no failure of the check, so no time is told of it
        "authentication_seconds_count": 3,
        "cache_misses_total": 1,
    }


def test_a_store_that_is_away_is_a_failed_request_and_an_error_of_the_store(
    metrics, counted, token
):
    class Away:
        def get(self, key_id):
            raise StoreUnavailable(reason="locked")

    app = BearerAuth(fine, Away(), event_sink=metrics)
    assert ask(app, token) == 503
    assert counted() == {
        'requests_total{outcome="failed",reason="locked",status="503"}': 1,
        'store_errors_total{outcome="failed",reason="locked"}': 1,
        "authentication_seconds_count": 1,
        "cache_misses_total": 1,
    }


def event(name, **fields):
    return Event(name=name, at=datetime.now(UTC), **fields)


def test_replays_refusals_for_a_limit_and_requests_let_through_beside_a_failing_store(
    metrics, counted
):
    metrics.emit(event("request.replayed", status=201))
    metrics.emit(event("request.refused", status=409, reason="running"))
    metrics.emit(event("request.refused", status=429, reason="limit"))
    metrics.emit(event("request.refused", status=429, reason="failures"))
    metrics.emit(event("store.failed", status=503, reason="store", data={"allowed": True}))
    metrics.emit(event("store.failed", status=503, reason="busy"))
    metrics.emit(event("key.revoked", reason="a long story"))
    assert counted() == {
        'requests_total{outcome="replayed",reason="",status=""}': 1,
        "replays_total": 1,
        'requests_total{outcome="refused",reason="running",status="409"}': 1,
        'requests_total{outcome="refused",reason="limit",status="429"}': 1,
        'limit_refusals_total{reason="limit"}': 1,
        'requests_total{outcome="refused",reason="failures",status="429"}': 1,
        'limit_refusals_total{reason="failures"}': 1,
        'store_errors_total{outcome="allowed",reason="store"}': 1,
        'requests_total{outcome="failed",reason="busy",status="503"}': 1,
    }


def test_an_error_of_an_app_is_other_whatever_it_says(metrics, store, token, counted):
    """Labels are bounded: neither text nor a number of somebody's own makes a series."""

    class Teapot(APIError):
        code = 418

    errors = iter([InvalidRequest(reason="text of a client"), Teapot(reason="user_123"), Teapot()])

    def app(environ, start_response):
        raise next(errors)

    app = BearerAuth(app, store, event_sink=metrics)
    assert [ask(app, token) for _ in range(3)] == [400, 418, 418]
    refused = {name: n for name, n in counted().items() if "refused" in name}
    assert refused == {
        'requests_total{outcome="refused",reason="other",status="400"}': 1,
        'requests_total{outcome="refused",reason="other",status="other"}': 2,
    }


def test_the_reasons_are_those_of_the_documentation():
    table = EVENTS.partition("| reason | status | meaning |")[2].partition("\n\n")[0]
    cells = [line.split("|")[1] for line in table.splitlines()[2:]]
    assert set(re.findall(r"`(\w+)`", " ".join(cells))) == REASONS


def test_events_go_on_to_the_next_sink_which_sees_what_it_would_without(
    registry, store, token, caplog
):
    app = BearerAuth(fine, store, event_sink=Metrics(registry=registry))
    with caplog.at_level("INFO", "bearer_auth"):
        assert [ask(app, token), ask(app)] == [200, 401]
    (line,) = caplog.messages
    assert re.fullmatch(r"request.refused status=401 reason=missing request_id=\S+", line)


def test_a_next_sink_that_fails_keeps_nothing_from_being_counted(registry, store, counted):
    class Broken:
        def emit(self, event):
            raise RuntimeError

    app = BearerAuth(fine, store, event_sink=Sinks(Broken(), Metrics(Broken(), registry=registry)))
    assert ask(app) == 401
    assert counted()['requests_total{outcome="refused",reason="missing",status="401"}'] == 1


def test_nothing_is_measured_for_who_has_no_metrics(store, token, sink):
    app = BearerAuth(fine, store, event_sink=sink)
    assert [ask(app, token), ask(app)] == [200, 401]
    assert [(e.took_s, e.cached) for e in sink.events] == [(None, None), (None, None)]


def test_two_on_one_registry_count_in_one_place(registry, sink, store, counted):
    for _ in range(2):
        assert ask(BearerAuth(fine, store, event_sink=Metrics(sink, registry=registry))) == 401
    assert counted()['requests_total{outcome="refused",reason="missing",status="401"}'] == 2


def test_what_is_no_registry_is_refused_at_once(sink):
    with pytest.raises(TypeError, match="registry must be a CollectorRegistry"):
        Metrics(sink, registry=Histogram)
