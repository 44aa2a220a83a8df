"""An app with metrics, served by several processes; gunicorn_conf.py says how to run it."""

import os
from datetime import timedelta

from prometheus_client import REGISTRY, CollectorRegistry, make_wsgi_app
from prometheus_client.multiprocess import MultiProcessCollector

from bearer_auth import BearerAuth, LoggingSink, Rule, Sinks, get_principal
from bearer_auth.audit import SQLEventSink
from bearer_auth.metrics import Metrics
from bearer_auth.stores.sql import SQLStore
from bearer_auth.tracing import TracingSink

URL = os.environ.get("BEARER_AUTH_STORE", "sqlite:///keys.db")


def collected():
    """What /metrics shows: of all processes, or of this one if there is only one."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    return registry


metrics_page = make_wsgi_app(collected())


def app(environ, start_response):
    if environ["PATH_INFO"] == "/metrics":
        return metrics_page(environ, start_response)
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
    return [f"hello {get_principal(environ).user_id}\n".encode()]


application = BearerAuth(
    app,
    SQLStore(URL),
    # Prometheus has a key of its own, with this scope.
    rules=[Rule("/metrics", scopes=["metrics:read"])],
    event_sink=Metrics(
        TracingSink(Sinks(LoggingSink(), SQLEventSink(URL, keep=timedelta(days=90))))
    ),
)
