"""The servers that the other tests break: can they be broken, and are they whole again?"""

import os
import time
from pathlib import Path

import psycopg
import pymysql
import pytest

pytestmark = pytest.mark.once

FAILURES = (psycopg.Error, pymysql.Error)


def state(pid):
    """As in proc_pid_stat(5): T is stopped."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_a_restart_ends_the_connections_and_keeps_the_port_and_the_users(server):
    connection = server.log_in()
    port, pids = server.port, server.pids()
    server.restart()
    assert not set(pids) & set(server.pids())
    with pytest.raises(FAILURES):
        connection.cursor().execute("SELECT 1")
    connection.close()
    server.log_in().close()
    assert server.port == port


def test_one_that_is_stopped_refuses_connections(server):
    server.stop()
    with pytest.raises(FAILURES):
        server.log_in()
    assert server.process is None


def test_one_that_is_frozen_accepts_connections_and_says_nothing(server):
    connection = server.log_in()
    pids = server.pids()
    server.freeze()
    give_up = time.monotonic() + 10  # a signal takes a moment to arrive
    while {state(pid) for pid in pids} != {"T"}:
        assert time.monotonic() < give_up
    with pytest.raises(FAILURES):
        server.log_in(timeout=1)
    server.thaw()
    connection.cursor().execute("SELECT 1")
    connection.close()


def test_one_that_is_frozen_can_be_stopped(server):
    pids = server.pids()
    server.freeze()
    server.stop()
    assert [pid for pid in pids if Path(f"/proc/{pid}").exists()] == []


def test_the_connections_of_the_user_are_listed(server):
    assert server.connections() == set()
    connection = server.log_in()
    assert len(server.connections()) == 1
    connection.close()


def test_a_wrong_password_is_refused(server):
    with pytest.raises(FAILURES):
        server.log_in(password="wrong")


def test_it_can_be_read_only(server):
    server.read_only("on")
    connection = server.log_in()
    with pytest.raises(FAILURES, match="read-only"):
        connection.cursor().execute("CREATE TABLE u (a INT)")
    connection.close()
    server.read_only("off")
    connection = server.log_in()
    connection.cursor().execute("CREATE TABLE u (a INT)")
    connection.cursor().execute("DROP TABLE u")
    connection.close()


@pytest.mark.xdist_group("own-postgresql")
def test_a_replica_is_in_recovery_and_has_the_users(running, replica):
    assert replica.run("SELECT pg_is_in_recovery()") == [(True,)]
    assert running("postgresql").run("SELECT pg_is_in_recovery()") == [(False,)]
    replica.log_in().close()


@pytest.mark.xdist_group("own-postgresql")
def test_redis_answers(running):
    server = running("redis")
    assert server.run("PING") == b"+PONG\r\n"


def test_nothing_runs_as_root(server):
    owners = {os.stat(f"/proc/{pid}").st_uid for pid in server.pids()}
    assert 0 not in owners
