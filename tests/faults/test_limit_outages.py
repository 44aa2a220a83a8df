"""What counts requests fails: each gets 503, or passes uncounted where that was chosen, nobody
hangs, and it is over at the first request once the server is back."""

import json
import logging
import threading
import uuid
from collections import Counter

import pytest

from bearer_auth import BearerAuth, Keyring, MemoryStore
from bearer_auth.ratelimit import RateLimits

from .door import PATIENCE_S, in_time
from .own_servers import PASSWORD

pytestmark = pytest.mark.once

TIMEOUT_S = 2.0
"""The default, far below ``PATIENCE_S``."""


@pytest.fixture(
    params=[
        pytest.param(name, marks=pytest.mark.xdist_group(f"own-{name}"))
        for name in ("postgresql", "mariadb", "redis")
    ]
)
def server(request, running):
    return running(request.param)


class Site:
    """An app behind BearerAuth; its keys are in memory, so only what counts can fail."""

    def __init__(self, call, sink, limits):
        self._call, self.sink, self.limits = call, sink, limits
        keys = MemoryStore()
        # Nobody else has counted for this user.
        self.token = Keyring(keys).create(user_id=f"user_{uuid.uuid4().hex}").token
        self.runs = []
        self.auth = BearerAuth(
            self.app, keys, public=["/docs"], rate_limits=limits, event_sink=sink
        )

    def app(self, environ, start_response):
        self.runs.append(environ["PATH_INFO"])
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"done"]

    def get(self, path="/x"):
        """The status, and what the headers say is left."""
        answer = self._call(self.auth, "GET", path, HTTP_AUTHORIZATION=f"Bearer {self.token}")
        told = dict(answer.headers).get("RateLimit", "")
        return int(answer.status[:3]), told.partition(";t=")[0]

    def get_all(self, number, path="/x"):
        answers = []
        in_time(*[(lambda: answers.append(self.get(path)),) for _ in range(number)])
        return Counter(answers)

    def failures(self):
        return [event for event in self.sink.events if event.name == "store.failed"]


@pytest.fixture
def open_site(server, call, sink):
    """``open_site(most, **options)``: a site that allows so many requests a month."""
    url = server.url if server.scheme != "redis" else f"redis://127.0.0.1:{server.port}"
    opened = []

    def open_site(most, **options):
        limits = RateLimits(
            default=f"{most}/month",
            storage=url,
            create=True if server.scheme != "redis" else None,
            timeout=TIMEOUT_S,
            **options,
        )
        opened.append(limits)
        return Site(call, sink, limits)

    yield open_site
    for limits in opened:
        limits.close()


FAULTS = {"stopped": ("stop", "start"), "frozen": ("freeze", "thaw")}


@pytest.mark.parametrize("fault", FAULTS)
def test_it_shuts_in_time_and_recovers_at_the_first_request(fault, server, open_site, caplog):
    caplog.set_level(logging.DEBUG)
    breaks, mends = FAULTS[fault]
    site = open_site(1000)
    assert site.get() == (200, '"month";r=999')
    getattr(server, breaks)()
    try:
        assert site.get_all(30) == {(503, ""): 30}
        assert site.get_all(5, "/docs") == {(200, ""): 5}
    finally:
        getattr(server, mends)()
    assert site.runs == ["/x"] + ["/docs"] * 5
    status, told = site.get()
    assert status == 200
    left = int(told.rpartition("=")[2])
    if fault == "stopped":
        # Redis keeps nothing on a disk here; a quota in a database is what it was.
        assert left == (999 if server.scheme == "redis" else 998)
    else:
        assert 968 <= left <= 998  # what was sent while it was frozen may be counted, once
    failures = site.failures()
    assert len(failures) == 30
    for event in failures:
        text = json.dumps([event.reason, dict(event.data)])
        assert "allowed" not in event.data
        assert PASSWORD not in text
        assert "://" not in text
    assert PASSWORD not in caplog.text


@pytest.mark.parametrize("fault", FAULTS)
def test_it_lets_in_uncounted_where_that_was_chosen(fault, server, open_site):
    breaks, mends = FAULTS[fault]
    site = open_site(1, on_storage_failure="allow")
    getattr(server, breaks)()
    try:
        assert site.get_all(20) == {(200, ""): 20}
    finally:
        getattr(server, mends)()
    assert [event.data["allowed"] for event in site.failures()] == [True] * 20
    # And the limit holds again at once: one request is left, unless one of those arrived late.
    answer = site.get()
    assert [event.data["detail"] for event in site.failures()[20:]] == []
    late = [] if fault == "stopped" else [(429, '"month";r=0')]
    assert answer in [(200, '"month";r=0'), *late]
    assert site.get() == (429, '"month";r=0')


def test_a_restart_under_load_loosens_nothing_in_a_database(server, open_site):
    """Six clients ask all the time; their limit runs out, before or after the restart."""
    site = open_site(300)
    answers, lock, stopping = Counter(), threading.Lock(), threading.Event()
    often = threading.Event()

    def ask():
        while not stopping.is_set():
            status, _ = site.get()
            with lock:
                answers[status] += 1
                if answers[200] >= 50:
                    often.set()

    threads = [threading.Thread(target=ask, daemon=True) for _ in range(6)]
    for thread in threads:
        thread.start()
    assert often.wait(PATIENCE_S)
    server.stop()
    with lock:
        before = answers[503]
    while True:  # until somebody has found out
        with lock:
            if answers[503] > before:
                break
    server.start()
    if server.scheme == "redis":
        assert site.get()[0] in (200, 429)
    while site.get()[0] != 429:
        pass
    stopping.set()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert not any(thread.is_alive() for thread in threads)
    assert set(answers) <= {200, 429, 503}
    if server.scheme == "redis":  # which forgot what it had counted
        assert len(site.runs) <= 600
    else:
        assert len(site.runs) <= 300


@pytest.mark.parametrize("server", ["redis"], indirect=True)
def test_a_redis_that_forgot_its_scripts_is_told_them_anew(server, open_site):
    site = open_site(3)
    assert site.get() == (200, '"month";r=2')
    assert server.run("SCRIPT FLUSH") == b"+OK\r\n"
    assert site.get() == (200, '"month";r=1')
    assert site.failures() == []
