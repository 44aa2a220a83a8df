"""SQLStore in prefork servers: real processes, real forks."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from bearer_auth.stores.sqlite_fork import Gate

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")

CREATE = """
import sys
from bearer_auth.stores.sql import SQLStore

print("ready", flush=True)
sys.stdin.readline()
store = SQLStore("sqlite:///" + sys.argv[1])
print(store.revision()[0])
store.close()
"""

START = """
import os, sys, threading
from bearer_auth.records import KeyRecord
from bearer_auth.stores import Query
from bearer_auth.stores.sql import SQLStore
from dataclasses import replace
from datetime import UTC, datetime

NOW = datetime(2030, 1, 1, tzinfo=UTC)
key = KeyRecord(key_id="a" * 16, user_id="user_123", created_at=NOW)
store = SQLStore("sqlite:///" + sys.argv[1])
store.add([key])
store.revision()
assert store.get("a" * 16) == key

def child(work):
    pid = os.fork()
    if not pid:
        try:
            work()
        except BaseException as error:
            print(repr(error), flush=True)
            os._exit(1)
        os._exit(0)
    return pid

def wait(pid):
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
"""


def script(path, text):
    """Run it in a process of its own, as forks must not happen in pytest's; returns its output."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", START + text, path],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.stderr, done.returncode) == ("", 0), done.stdout
    return done.stdout


def test_parent_and_child_go_on_after_a_fork(path):
    script(
        path,
        """
before = store.revision()
new = replace(key, name="new")

def work():
    assert store.get("a" * 16) == key
    store.revision()
    store.replace([(key, new)])
    assert list(store.find(Query(now=NOW))) == [new]

wait(child(work))
assert store.revision() != before
assert store.get("a" * 16) == new
store.replace([(new, key)])
store.close()
""",
    )


def test_a_child_of_a_child_goes_on_too(path):
    script(
        path,
        """
def work():
    wait(child(lambda: store.replace([(key, replace(key, name="new"))])))
    assert store.get("a" * 16).name == "new"

wait(child(work))
assert store.get("a" * 16).name == "new"
store.close()
""",
    )


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="no list of locks to look into")
def test_a_child_takes_the_locks_that_its_connection_needs(path):
    """THREATS.md, POSIX locks: a child that inherits SQLite's idea of its locks takes none, and
    another process may then delete the write-ahead log under it."""
    output = script(
        path,
        """
def work():
    store.revision()
    assert store.get("a" * 16) == key
    with open("/proc/locks") as locks:
        print(sum(line.split()[4] == str(os.getpid()) for line in locks))

wait(child(work))
store.close()
""",
    )
    assert int(output) >= 2  # one on the file, one on the index of its log


def test_a_fork_in_the_middle_of_other_threads_work_is_safe(path):
    script(
        path,
        """
done = threading.Event()
names = (str(number) for number in range(10**9))

def write():
    while not done.is_set():
        old = store.get("a" * 16)
        store.replace([(old, replace(old, name=next(names)))])

def read():
    while not done.is_set():
        store.revision()
        assert store.get("a" * 16).user_id == "user_123"

threads = [threading.Thread(target=target) for target in (write, read, read)]
for thread in threads:
    thread.start()

def work():
    store.revision()
    old = store.get("a" * 16)
    store.add([replace(key, key_id=f"{os.getpid():016}")])
    assert store.get(f"{os.getpid():016}").user_id == "user_123"

pids = [child(work) for _ in range(10)]
for pid in pids:
    wait(pid)
done.set()
for thread in threads:
    thread.join()
assert len(store.find(Query(now=NOW))) == 11
store.close()
""",
    )


def test_threads_may_fork_at_once(path):
    script(
        path,
        """
start = threading.Barrier(4)

def fork():
    start.wait()
    for _ in range(5):
        wait(child(lambda: store.revision()))
        assert store.get("a" * 16) == key

threads = [threading.Thread(target=fork) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
store.close()
""",
    )


def test_a_fork_that_python_knows_nothing_of_is_noticed(path):
    """uWSGI forks in C: nothing is called before it, so the child finds an open connection."""
    script(
        path,
        """
from bearer_auth.stores import sqlite

reader = store._database._reader
def forked_in_c():
    store._database._reader = reader
    reader.pid = os.getppid()
    assert store.get("a" * 16) == key
    assert store._database._reader is not reader
    assert reader in sqlite._inherited

wait(child(forked_in_c))
store.close()
""",
    )


def test_many_workers_may_create_the_tables_at_once(path):
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", CREATE, path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for worker in workers:
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        worker.stdin.write("go\n")
        worker.stdin.flush()
    answers = [worker.communicate(timeout=60) for worker in workers]
    assert [errors for _, errors in answers] == ["", "", "", ""]
    assert len({revision for revision, _ in answers}) == 1


def test_a_gate_shuts_when_nobody_is_inside():
    gate = Gate()
    entered, leave, steps = threading.Event(), threading.Event(), []

    def stay():
        with gate.inside():
            entered.set()
            leave.wait(10)
            steps.append("left")

    inside = threading.Thread(target=stay)
    inside.start()
    entered.wait(10)
    shutter = threading.Thread(target=lambda: (gate.shut(), steps.append("shut")))
    shutter.start()
    leave.set()
    shutter.join()
    inside.join()
    assert steps == ["left", "shut"]


def test_a_gate_that_is_shut_opens_again():
    gate = Gate()
    gate.shut()
    steps = []

    def enter():
        with gate.inside():
            steps.append("in")

    waiting = threading.Thread(target=enter)
    waiting.start()
    assert steps == []
    gate.open()
    waiting.join()
    assert steps == ["in"]


def test_a_fork_does_not_wait_for_ever(monkeypatch):
    monkeypatch.setattr("bearer_auth.stores.sqlite_fork.WAIT_S", 0.01)
    gate = Gate()
    with gate.inside():
        gate.shut()
