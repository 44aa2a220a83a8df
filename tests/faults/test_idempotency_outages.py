"""What remembers requests fails: those with an idempotency key get 503, nobody hangs, all others go
on, no work is done twice, and it is over as soon as the server is back."""

import json
import threading
from datetime import timedelta

import pytest

from bearer_auth import BearerAuth, Keyring, MemoryStore
from bearer_auth.idempotency import RedisIdempotencyStore, SQLIdempotencyStore

from .door import PATIENCE_S, in_time
from .own_servers import PASSWORD

pytestmark = pytest.mark.once


@pytest.fixture(
    params=[
        pytest.param(name, marks=pytest.mark.xdist_group(f"own-{name}"))
        for name in ("postgresql", "mariadb", "redis")
    ]
)
def server(request, running):
    return running(request.param)


class Site:
    """An app behind BearerAuth; its keys are in memory, so only what remembers can fail."""

    def __init__(self, call, sink, store):
        self.call, self.sink, self.store = call, sink, store
        self.runs, self.lock = [], threading.Lock()
        self.inside, self.go_on = threading.Event(), threading.Event()
        keys = MemoryStore()
        self.token = Keyring(keys).create(user_id="user_123").token
        self.auth = BearerAuth(
            self.app, keys, content_types=None, idempotency=store, event_sink=sink
        )

    def app(self, environ, start_response):
        with self.lock:
            self.runs.append(environ["PATH_INFO"])
        if environ["PATH_INFO"] == "/slow":
            self.inside.set()
            assert self.go_on.wait(PATIENCE_S)
        start_response("201 Created", [("Content-Type", "text/plain")])
        return [b"done"]

    def post(self, path, value):
        headers = {"HTTP_AUTHORIZATION": f"Bearer {self.token}"}
        if value is not None:
            headers["HTTP_X_IDEMPOTENCY_KEY"] = value
        answer = self.call(self.auth, "POST", path, b"{}", **headers)
        replayed = dict(answer.headers).get("Idempotent-Replayed")
        return int(answer.status[:3]), replayed

    def post_all(self, path, values):
        answers = []
        in_time(*[(lambda value: answers.append(self.post(path, value)), v) for v in values])
        return answers


@pytest.fixture
def site(server, call, sink):
    if server.scheme == "redis":
        store = RedisIdempotencyStore(f"redis://127.0.0.1:{server.port}", timeout=1.0)
    else:
        store = SQLIdempotencyStore(server.url, create=True, timeout=1.0)
    yield Site(call, sink, store)
    store.close()


FAULTS = {
    "stopped": ("stop", "start"),
    "frozen": ("freeze", "thaw"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_it_shuts_and_recovers_and_runs_nothing_twice(fault, server, site):
    breaks, mends = FAULTS[fault]
    before, during = f"before-{fault}", f"during-{fault}"
    assert site.post("/x", before) == (201, None)
    getattr(server, breaks)()
    try:
        answers = site.post_all("/x", [before, during] * 5 + [None] * 5)
        assert sorted(answers, key=str) == sorted([(503, None)] * 10 + [(201, None)] * 5, key=str)
        assert len(site.runs) == 1 + 5
    finally:
        getattr(server, mends)()
    if server.scheme == "redis" and fault == "stopped":
        before = None  # this one keeps nothing on a disk
    if before:
        assert site.post("/x", before) == (201, "true")
    # The claim that was on its way when the server froze may have arrived: never run twice.
    assert site.post("/x", f"after-{fault}") == (201, None)
    assert site.post("/x", f"after-{fault}") == (201, "true")
    failures = [event for event in site.sink.events if event.name == "store.failed"]
    assert len(failures) == 10
    for event in failures:
        text = json.dumps([event.reason, dict(event.data)])
        assert PASSWORD not in text
        assert "://" not in text


def test_a_server_that_restarts_while_a_request_runs_does_not_let_it_run_twice(server, site):
    with_disk = server.scheme != "redis"
    answers = []
    thread = threading.Thread(target=lambda: answers.append(site.post("/slow", "restart")))
    thread.start()
    assert site.inside.wait(PATIENCE_S)
    server.stop()
    site.go_on.set()
    thread.join(PATIENCE_S)
    assert answers == [(201, None)]  # the work is done, so the answer goes out
    assert site.post("/slow", "restart") == (503, None)
    server.start()
    if with_disk:  # what could not be kept is kept before the next request
        assert site.post("/slow", "restart") == (201, "true")
        assert site.runs == ["/slow"]


def test_a_frozen_claim_that_arrives_late_is_dead_after_its_lease(server, call, sink):
    """The statement that timed out may still be done by the server once it goes on."""
    lease = timedelta(seconds=1)
    if server.scheme == "redis":
        store = RedisIdempotencyStore(f"redis://127.0.0.1:{server.port}", timeout=0.5, lease=lease)
    else:
        store = SQLIdempotencyStore(server.url, create=True, timeout=0.5, lease=lease)
    site = Site(call, sink, store)
    assert site.post("/x", "warm")[0] in (201, 409)
    server.freeze()
    try:
        assert site.post("/x", "late") == (503, None)
    finally:
        server.thaw()
    while (answer := site.post("/x", "late"))[0] in (409, 503):
        pass
    assert answer == (201, None)
    assert site.runs.count("/x") <= 2
    store.close()
