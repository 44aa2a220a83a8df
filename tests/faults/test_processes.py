"""A store that is used before a fork, by greenlets, by threads: nobody shares a connection, nobody
waits for ever."""

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from bearer_auth.stores.sql import SQLStore

pytestmark = pytest.mark.once

SOURCES = Path(__file__).parents[2] / "src"
SECONDS = 60

APP = """
import os
from bearer_auth import BearerAuth
from bearer_auth.stores.sql import SQLStore

store = SQLStore(os.environ["STORE"], lease_ms=0)
assert store.get("a" * 16) is None
print("used", os.getpid(), flush=True)

def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(os.getpid()).encode()]

application = BearerAuth(app, store)
"""

CONF = """
preload_app = True
workers = 2
graceful_timeout = 10
control_socket_disable = True

def when_ready(server):
    print("port", server.LISTENERS[0].sock.getsockname()[1], flush=True)

def on_exit(server):
    import app
    assert app.store.get("a" * 16) is None
    print("parent can still ask", flush=True)
"""


def environ(url):
    return {**os.environ, "STORE": url, "PYTHONPATH": str(SOURCES), "PYTHONUNBUFFERED": "1"}


def test_workers_that_are_forked_after_use_share_no_connection(server, keys, tmp_path):
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "conf.py").write_text(CONF)
    command = ["-m", "gunicorn", "--config", "conf.py", "--bind", "127.0.0.1:0", "app:application"]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=tmp_path,
            env=environ(server.url),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    try:
        assert process.stdout.readline().startswith("used")
        (of_master,) = server.connections()
        port = int(process.stdout.readline().split()[1])
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/", headers={"Authorization": f"Bearer {keys.good}"}
        )
        workers = set()
        for _ in range(200):
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:
                assert answer.status == 200
                workers.add(int(answer.read()))
        assert process.pid not in workers
        assert len(server.connections()) == 1 + len(workers)
        assert of_master in server.connections()
    finally:
        process.terminate()
        rest, _ = process.communicate(timeout=SECONDS)
    assert "parent can still ask" in rest, (tmp_path / "log").read_text()


GREENLETS = """
from gevent.monkey import patch_all
patch_all()
import gevent, json, os, sys, time
from bearer_auth import Authenticator
from bearer_auth.stores.sql import SQLStore

good, unknown = sys.argv[1:]
authenticator = Authenticator(SQLStore(os.environ["STORE"], timeout=10.0))
ticks = 0

def tick():
    global ticks
    while True:
        ticks += 1
        gevent.sleep(0.001)

def ask(number):
    token = good if number % 2 else unknown
    try:
        return authenticator.authenticate(token).user_id
    except Exception as error:
        return type(error).__name__

ticking = gevent.spawn(tick)
waiting = [gevent.spawn(ask, number) for number in range(50)]
gevent.joinall(waiting, timeout=30)
print(json.dumps([[greenlet.value for greenlet in waiting], ticks]))
"""


def test_greenlets_wait_beside_each_other(server, proxy, keys):
    proxy.delay = 0.05
    done = subprocess.run(
        [sys.executable, "-c", GREENLETS, keys.good, keys.unknown],
        env=environ(server.url_by(proxy.port)),
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stderr
    answers, ticks = json.loads(done.stdout)
    assert answers == ["InvalidToken", "user_123"] * 25
    assert ticks > 20  # so nothing blocked the whole process while the database was waited for


SMALL = """
import json, resource, signal, sys
from bearer_auth import Keyring, StoreUnavailable
from bearer_auth.stores.sql import SQLStore

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = SQLStore("sqlite:///" + sys.argv[1])
ring = Keyring(store)
key = ring.create(user_id="user_123").record
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
failure = None
for number in range(1000):
    try:
        ring.create(user_id="user_123", metadata={"a": "x" * 2000})
    except StoreUnavailable as error:
        failure = str(error)
        break
found = store.get(key.key_id) == key
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
ring.create(user_id="user_123")
print(json.dumps([failure, found]))
store.close()
"""


def test_a_file_that_may_not_grow_fails_changes_and_no_look_up(tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SMALL, tmp_path / "keys.db"],
        env=environ(""),
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stderr
    failure, found = json.loads(done.stdout)
    assert "disk full" in failure
    assert found
    SQLStore(f"sqlite:///{tmp_path / 'keys.db'}").close()
