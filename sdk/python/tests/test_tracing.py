"""A trace goes on at the API, where opentelemetry is installed."""

import pytest
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags


@pytest.fixture
def span():
    context = SpanContext(
        trace_id=0x0AF7651916CD43DD8448EB211C80319C,
        span_id=0xB7AD6B7169203331,
        is_remote=False,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )
    with trace.use_span(NonRecordingSpan(context)):
        yield


def test_the_context_is_sent_along(client, api, span):
    client().execute("e")
    assert api.requests[0].headers["traceparent"] == (
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    )


def test_there_is_none_to_send_outside_a_span(client, api):
    client().execute("e")
    assert "traceparent" not in api.requests[0].headers


def test_what_is_propagated_never_replaces_our_headers(client, api, monkeypatch):
    from conductor_sdk import _call

    monkeypatch.setattr(_call, "inject", lambda headers: headers.update({"accept": "text/html"}))
    client().execute("e")
    assert api.requests[0].headers["Accept"] == "application/json"
