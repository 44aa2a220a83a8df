"""THREATS.md, "Double execution": four gunicorn workers share what is remembered and counted, over
each kind of store."""

import http.client
import os
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import redis

from bearer_auth import Keyring
from bearer_auth.idempotency import SQLIdempotencyStore
from bearer_auth.stores.sql import SQLStore

pytestmark = [pytest.mark.once, pytest.mark.xdist_group("shared-state")]

SOURCES = Path(__file__).parents[2] / "src"
SECONDS = 60

APP = """
import os
from datetime import timedelta
from bearer_auth import BearerAuth, Rule
from bearer_auth.idempotency import RedisIdempotencyStore, SQLIdempotencyStore
from bearer_auth.ratelimit import RateLimits
from bearer_auth.stores.sql import SQLStore

url = os.environ["REMEMBERED"]
lease = timedelta(seconds=2)
if url.startswith("redis"):
    store = RedisIdempotencyStore(url, prefix=os.environ["PREFIX"], lease=lease)
else:
    store = SQLIdempotencyStore(url, lease=lease)

def app(environ, start_response):
    with open("runs", "ab", buffering=0) as runs:  # one write: never mixed with another's
        runs.write(b"%s %d\\n" % (environ["PATH_INFO"].encode(), os.getpid()))
    if environ["PATH_INFO"] == "/killed" and os.path.exists("trap"):
        with open("trap") as trap:  # a FIFO: waits, until the worker is killed
            trap.read()
    start_response("201 Created", [("Content-Type", "text/plain")])
    return [b"done by %d" % os.getpid()]

application = BearerAuth(
    app,
    SQLStore("sqlite:///keys.db"),
    idempotency=store,
    rate_limits=RateLimits(storage=url),
    rules=[Rule("/limited", limit="50/month")],
)
"""

CONF = """
control_socket_disable = True
graceful_timeout = 10
workers = 4

def when_ready(server):
    print(server.LISTENERS[0].sock.getsockname()[1], flush=True)
"""


class Site:
    """A site with four workers."""

    def __init__(self, folder, url, prefix):
        self.folder = folder
        (folder / "app.py").write_text(APP)
        (folder / "conf.py").write_text(CONF)
        store = SQLStore(f"sqlite:///{folder / 'keys.db'}")
        self.keyring = Keyring(store)
        issued = self.keyring.create(user_id=f"user_{uuid.uuid4().hex}")
        self.token, self.user_id = issued.token, issued.record.user_id
        store.close()
        command = ["-m", "gunicorn", "--config", "conf.py", "--bind", "127.0.0.1:0"]
        with (folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, *command, "app:application"],
                cwd=folder,
                env={
                    **os.environ,
                    "REMEMBERED": url,
                    "PREFIX": prefix,
                    "PYTHONPATH": str(SOURCES),
                    "PYTHONUNBUFFERED": "1",
                },
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.port = int(self.process.stdout.readline())

    def get(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {self.token}"})
            answer = connection.getresponse()
            return answer.status, answer.read(), dict(answer.getheaders())
        finally:
            connection.close()

    def post(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        try:
            headers = {"Authorization": f"Bearer {self.token}", "X-Idempotency-Key": path}
            connection.request("POST", path, body=b"", headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read(), answer.getheader("Idempotent-Replayed")
        finally:
            connection.close()

    def post_until_done(self, path):
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            answer = self.post(path)
            if answer[0] != 409:
                return answer
        raise AssertionError("it stays in conflict")

    def runs(self, path):
        lines = (self.folder / "runs").read_text().splitlines()
        return [int(line.split()[1]) for line in lines if line.startswith(f"{path} ")]

    def stop(self):
        self.process.terminate()
        self.process.wait(SECONDS)
        self.process.stdout.close()


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "mariadb", "redis"])
def site(request, servers, tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    prefix = f"bearer_auth_test_{uuid.uuid4().hex}:"
    if request.param == "sqlite":
        url = f"sqlite:///{folder / 'remembered.db'}"  # made by four workers at once
    elif request.param == "redis":
        url = "redis://127.0.0.1:6379"
    else:
        url = servers.database(request.param)
        SQLIdempotencyStore(url, create=True).close()
    site = Site(folder, url, prefix)
    yield site
    site.stop()
    if request.param == "redis":
        client = redis.Redis.from_url(url)
        for key in client.keys(f"{prefix}*") + client.keys(f"*{site.user_id}*"):
            client.delete(key)
        client.close()


def test_200_identical_requests_run_the_app_once(site):
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: site.post("/once"), range(200)))
    (worker,) = site.runs("/once")
    done = b"done by %d" % worker
    counted = Counter((status, body if status == 201 else b"") for status, body, _ in answers)
    assert counted.keys() <= {(201, done), (409, b"")}
    assert sum(replayed is None for status, _, replayed in answers if status == 201) == 1
    assert site.post("/once") == (201, done, "true")


def test_a_worker_that_is_killed_half_way_is_replaced_after_its_lease(site):
    trap = site.folder / "trap"
    os.mkfifo(trap)
    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(site.post, "/killed")
        end = os.open(trap, os.O_WRONLY)  # opens once the app waits in it
        (worker,) = site.runs("/killed")
        assert site.post("/killed")[0] == 409
        trap.unlink()
        os.kill(worker, signal.SIGKILL)
        os.close(end)
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            pending.result(SECONDS)
    status, body, replayed = site.post_until_done("/killed")
    first, second = site.runs("/killed")
    assert first == worker
    assert (status, body, replayed) == (201, b"done by %d" % second, None)
    assert site.post("/killed") == (201, body, "true")
    assert len(site.runs("/killed")) == 2


def test_120_requests_at_once_share_one_limit_of_50(site):
    with ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(lambda _: site.get("/limited"), range(120)))
    assert Counter(status for status, _, _ in answers) == {201: 50, 429: 70}
    assert len(site.runs("/limited")) == 50
    assert len(set(site.runs("/limited"))) > 1
    left = [headers["RateLimit"] for status, _, headers in answers if status == 201]
    assert sorted(int(line.split("r=")[1].split(";")[0]) for line in left) == list(range(50))
    for status, _, headers in answers:
        assert headers["RateLimit-Policy"] == '"rule-month";q=50;w=2592000'
        assert ("Retry-After" in headers) == (status == 429)
