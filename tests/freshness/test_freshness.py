"""Once a change has returned, no worker anywhere lets the old state in: run, not argued.

A worker's request counts if it *began* after the change had returned. Before, each worker must have
let the key in; afterwards a 503 is a failure too, where the database is in order.
"""

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

SOURCE = Path(__file__).parents[2] / "src"


def test_no_worker_admits_the_old_state_once_a_change_has_returned(world, rounds):
    readers, keyring = world.readers(), world.keyring
    changes = {
        "revoke": (keyring.revoke, 401),
        "suspend": (keyring.suspend, 401),
        "scopes": (lambda key_id: keyring.update(key_id, scopes=["other"]), 403),
        "rotate": (lambda key_id: keyring.rotate(key_id, timedelta(0)), 401),
    }
    asked = 0
    for number in range(rounds):
        name = list(changes)[number % 4]
        change, status = changes[name]
        issued = keyring.create(user_id="user_123", scopes=["jobs"])
        readers.watch(issued.token)
        returned = world.changed(lambda: change(issued.key_id))  # noqa: B023  # called at once
        answers = readers.answers_after(returned)
        assert set(answers) == {status}, (number, name, answers)
        asked += answers[status]
    assert asked >= rounds * 3 * 10


def test_a_worker_that_was_stopped_meanwhile_admits_it_no_more_when_it_goes_on(world, rounds):
    readers, keyring = world.readers(), world.keyring
    for number in range(rounds // 4):
        issued = keyring.create(user_id="user_123", scopes=["jobs"])
        readers.watch(issued.token)
        readers.signal(signal.SIGSTOP)  # in the middle of a request, most likely
        try:
            returned = world.changed(lambda: keyring.revoke(issued.key_id))  # noqa: B023
        finally:
            readers.signal(signal.SIGCONT)
        answers = readers.answers_after(returned)
        assert set(answers) == {401}, (number, answers)


REVOKE = """
import sys
from bearer_auth import Keyring
from bearer_auth.stores.sql import SQLStore

Keyring(SQLStore(sys.argv[1])).revoke(sys.argv[2])
"""


def test_who_revokes_again_after_a_revoker_was_killed_in_its_wait_waits_himself(make_world):
    world = make_world(1500)
    readers, keyring = world.readers(), world.keyring
    issued = keyring.create(user_id="user_123", scopes=["jobs"])
    readers.watch(issued.token)
    revoker = subprocess.Popen(
        [sys.executable, "-c", REVOKE, world.url, issued.key_id],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
    )
    give_up = time.monotonic() + 30
    while keyring.get(issued.key_id).status != "revoked":  # it has committed, and waits
        assert time.monotonic() < give_up
        time.sleep(0.001)
    revoker.kill()
    revoker.wait()
    assert keyring.get(issued.key_id).status == "revoked"
    returned = world.changed(lambda: keyring.revoke(issued.key_id))
    assert set(readers.answers_after(returned)) == {401}


def test_a_worker_that_can_not_reach_the_server_any_more_admits_nobody(make_world):
    world = make_world(200)
    if world.is_sqlite:
        return  # a file is always reached
    gate, through_it = world.gate()
    readers, keyring = world.readers(url=through_it, timeout=2.0), world.keyring
    issued = keyring.create(user_id="user_123", scopes=["jobs"])
    readers.watch(issued.token)
    gate.shut()
    returned = world.changed(lambda: keyring.revoke(issued.key_id))
    give_up = time.monotonic() + 30
    while time.monotonic() < returned + 3 and time.monotonic() < give_up:
        time.sleep(0.05)  # so that requests run into the time limit
    gate.open()
    answers = readers.answers_after(returned)
    assert set(answers) <= {401, 503}, answers


def test_after_a_backup_was_restored_workers_go_by_what_is_stored(world):
    if world.is_sqlite:
        return  # tests/stores/test_sqlite_reader.py: there another file is put in its place
    readers, keyring = world.readers(), world.keyring
    issued = keyring.create(user_id="user_123", scopes=["jobs"])
    tables = ("bearer_auth_keys", "bearer_auth_meta")
    for table in tables:
        world.run(f"CREATE TABLE old_{table} AS SELECT * FROM {table}")
    readers.watch(issued.token)
    assert set(readers.answers_after(world.changed(lambda: keyring.revoke(issued.key_id)))) == {401}
    world.run(
        *(f"DELETE FROM {table}" for table in tables),
        *(f"INSERT INTO {table} SELECT * FROM old_{table}" for table in tables),
    )
    readers.watch(issued.token)  # a backup brings back what was revoked since …
    assert keyring.get(issued.key_id).status == "active"
    returned = world.changed(lambda: keyring.revoke(issued.key_id))  # … and it can be revoked
    assert set(readers.answers_after(returned)) == {401}
