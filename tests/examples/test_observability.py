"""The example with metrics under gunicorn with two workers, and what the dashboard asks for."""

import http.client
import json
import os
import re
import select
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from bearer_auth import Keyring
from bearer_auth.audit.table import EventTable, Filters
from bearer_auth.metrics import Metrics
from bearer_auth.stores.sql import SQLStore

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "observability"
DASHBOARD = json.loads((EXAMPLE / "dashboard.json").read_text())

CONF = """
exec(open({conf!r}).read())
graceful_timeout = 10
control_socket_disable = True
bind = "127.0.0.1:0"

def when_ready(server):
    print(server.LISTENERS[0].sock.getsockname()[1], flush=True)
"""


class Served:
    def __init__(self, port, keyring):
        self.port = port
        self.user = keyring.create(user_id="user_123").token
        self.prometheus = keyring.create(user_id="prometheus", scopes=["metrics:read"]).token
        self.workers = set()

    def get(self, path, key=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()
        # the part of a request's id that each worker has for itself
        self.workers.add(answer.getheader("X-Request-ID").split("-")[0])
        return answer.status, body

    def samples(self):
        status, text = self.get("/metrics", self.prometheus)
        assert status == 200
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    store = SQLStore(f"sqlite:///{tmp_path_factory.mktemp('observability') / 'keys.db'}")
    yield store
    store.close()


@pytest.fixture(scope="module")
def served(store, tmp_path_factory):
    folder = tmp_path_factory.mktemp("gunicorn")
    (folder / "metrics").mkdir()
    (folder / "conf.py").write_text(CONF.format(conf=str(EXAMPLE / "gunicorn_conf.py")))
    words = ["-m", "gunicorn", "--config", str(folder / "conf.py"), "--chdir", str(EXAMPLE)]
    with (
        open(folder / "stderr", "wb") as stderr,
        subprocess.Popen(
            [sys.executable, *words, "app:application"],
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT / "src"),
                "PYTHONDONTWRITEBYTECODE": "1",
                "BEARER_AUTH_STORE": f"sqlite:///{store._database._path}",
                "PROMETHEUS_MULTIPROC_DIR": str(folder / "metrics"),
            },
        ) as process,
    ):
        try:
            ready, _, _ = select.select([process.stdout], [], [], 20)
            port = process.stdout.readline() if ready else ""
            assert port, (folder / "stderr").read_text()
            yield Served(int(port), Keyring(store))
        finally:
            process.terminate()


def count(samples, name, **labels):
    return samples.get((f"bearer_auth_{name}", tuple(sorted(labels.items()))), 0)


@pytest.mark.once
def test_the_requests_of_both_workers_are_counted_together(served, store):
    for asked in range(1, 1001):
        assert served.get("/", served.user)[0] == 200
        if asked >= 20 and len(served.workers) == 2:
            break
    assert len(served.workers) == 2, "one worker answered all requests"
    for _ in range(10):
        assert served.get("/")[0] == 401
    assert served.get("/metrics", served.user)[0] == 403
    samples = served.samples()
    requests = "requests_total"
    # The request that asks is accepted before it is answered.
    assert count(samples, requests, outcome="accepted", reason="", status="") == asked + 1
    assert count(samples, requests, outcome="refused", reason="missing", status="401") == 10
    assert count(samples, requests, outcome="refused", reason="scope", status="403") == 1
    hits, misses = count(samples, "cache_hits_total"), count(samples, "cache_misses_total")
    assert hits + misses == asked + 1
    assert misses >= 3  # both workers looked the user's key up, one of them Prometheus's
    # with the refusals for want of a key; the time of a refusal for a scope isn't told
    assert count(samples, "authentication_seconds_count") == asked + 11
    table = EventTable(store._database, store._tables)
    while len(kept := list(table.all(Filters(names=["request.*"])))) < 11:
        pass
    assert sorted({event.reason for event in kept}) == ["missing", "scope"]


def test_the_dashboard_asks_for_metrics_and_labels_that_are_there():
    registry = CollectorRegistry()
    Metrics(registry=registry)
    text = generate_latest(registry).decode()
    declared = set(re.findall(r"# TYPE (bearer_auth_\w+)(?<!_created) ", text))
    declared |= {f"{name}_{part}" for name in declared for part in ("bucket", "count", "sum")}
    expressions = [t["expr"] for panel in DASHBOARD["panels"] for t in panel["targets"]]
    assert len(expressions) >= 11
    asked = set(re.findall(r"bearer_auth_\w+", " ".join(expressions)))
    assert asked - declared == set()
    # and each metric is shown
    shown = {re.sub("_(bucket|count|sum)$", "", name) for name in asked}
    assert {name for name in declared if not re.search("_(bucket|count|sum)$", name)} == shown
    labels = set(re.findall(r"(\w+)=", " ".join(expressions)))
    labels |= {
        w for by in re.findall(r"by \((.*?)\)", " ".join(expressions)) for w in by.split(", ")
    }
    assert labels == {"job", "le", "outcome", "reason", "status"}
    positions = [(p["gridPos"]["x"], p["gridPos"]["y"]) for p in DASHBOARD["panels"]]
    assert len(set(positions)) == len(positions)
