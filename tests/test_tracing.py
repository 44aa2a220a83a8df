"""What a span says of a request, with the real SDK."""

import subprocess
import sys

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from werkzeug.test import Client

from bearer_auth import BearerAuth, Keyring, MemoryStore, StoreUnavailable
from bearer_auth.tracing import TracingSink


@pytest.fixture
def attributes():
    """Runs a call in a span; what the span then says."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))

    def attributes(call):
        with provider.get_tracer("tests").start_as_current_span("request"):
            call()
        (span,) = exporter.get_finished_spans()
        exporter.clear()
        return dict(span.attributes)

    return attributes


def fine(environ, start_response):
    start_response("200 OK", [])
    return []


def ask(app, token=None):
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return Client(app).get("/", headers=headers).status_code


def test_a_span_says_who_was_accepted_and_why_another_was_refused(attributes, sink):
    store = MemoryStore()
    keyring = Keyring(store)
    issued = keyring.create(user_id="user_123")
    app = BearerAuth(fine, store, event_sink=TracingSink(sink))
    assert attributes(lambda: ask(app, issued.token)) == {
        "enduser.id": "user_123",
        "bearer_auth.key_id": issued.key_id,
        "bearer_auth.outcome": "accepted",
    }
    keyring.revoke(issued.key_id)
    assert attributes(lambda: ask(app, issued.token)) == {
        "bearer_auth.key_id": issued.key_id,
        "bearer_auth.outcome": "refused",
        "bearer_auth.reason": "revoked",
    }
    names = [event.name for event in sink.events]
    assert names == ["request.authenticated", "request.refused"]


def test_a_span_says_that_the_store_failed(attributes, sink):
    class Away:
        def get(self, key_id):
            raise StoreUnavailable(reason="locked")

    app = BearerAuth(fine, Away(), event_sink=TracingSink(sink))
    token = Keyring(MemoryStore()).create(user_id="u").token
    assert attributes(lambda: ask(app, token)) == {
        "bearer_auth.outcome": "failed",
        "bearer_auth.reason": "locked",
    }


def test_a_change_of_keys_says_nothing_of_the_request_in_which_it_was_made(attributes, sink):
    keyring = Keyring(MemoryStore(), event_sink=TracingSink(sink))
    assert attributes(lambda: keyring.create(user_id="somebody else")) == {}
    assert [event.name for event in sink.events] == ["key.created"]


def test_without_a_span_events_only_go_on(sink):
    assert ask(BearerAuth(fine, MemoryStore(), event_sink=TracingSink(sink))) == 401
    assert [event.name for event in sink.events] == ["request.refused"]


def test_where_opentelemetry_is_not_installed_events_only_go_on():
    code = """
import sys
sys.modules["opentelemetry"] = None
from werkzeug.test import Client
from bearer_auth import BearerAuth, LoggingSink, MemoryStore
from bearer_auth.tracing import TracingSink
sink = TracingSink()
assert not sink.wants("request.authenticated")
app = BearerAuth(print, MemoryStore(), event_sink=sink)
assert Client(app).get("/").status_code == 401
"""
    subprocess.run([sys.executable, "-c", code], check=True)
