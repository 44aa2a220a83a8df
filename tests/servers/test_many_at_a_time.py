"""THREATS.md, "Shared state" and revocation across processes, with real workers."""

import http.client
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

pytestmark = pytest.mark.xdist_group("server-many")


def get(server, path, key=None):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    try:
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.getheader("X-Request-ID")
    finally:
        connection.close()


def test_200_requests_at_a_time_each_see_their_own_user(start):
    server = start("gunicorn-gevent")
    keys = {f"user_{n}": server.keys.ring.create(user_id=f"user_{n}").token for n in range(20)}
    with ThreadPoolExecutor(50) as pool:
        answers = list(
            pool.map(lambda pair: (pair[0], *get(server, "/x", pair[1])), list(keys.items()) * 10)
        )
    assert len(answers) == 200
    for user, status, body, identifier in answers:
        assert (status, json.loads(body)["user"]) == (200, user)
        assert json.loads(body)["id"] == identifier
    assert len({identifier for *_, identifier in answers}) == 200


@pytest.fixture(scope="module")
def prefork(start):
    return start("gunicorn-sync", "--workers", "2", "--preload")


def ask_both(server, path, key):
    """Ask until each of the two workers has answered, and return the answers by worker."""
    seen = {}
    for _ in range(500):
        status, body, identifier = get(server, path, key)
        seen.setdefault(identifier.split("-")[0], []).append((status, body))
        if len(seen) == 2:
            return seen
    raise AssertionError("one worker answered all of 500 requests")


def test_a_key_revoked_by_another_process_is_refused_by_each_worker_at_once(prefork):
    ring = prefork.keys.ring
    for _ in range(3):
        issued = ring.create(user_id="user_123")
        before = ask_both(prefork, "/pid", issued.token)
        assert {status for answers in before.values() for status, _ in answers} == {200}
        assert len({pid for answers in before.values() for _, pid in answers}) == 2
        ring.revoke(issued.key_id)
        after = ask_both(prefork, "/pid", issued.token)
        assert {status for answers in after.values() for status, _ in answers} == {401}


def test_a_suspended_key_is_refused_and_a_resumed_one_taken_by_each_worker(prefork):
    ring = prefork.keys.ring
    issued = ring.create(user_id="user_123")
    for change, expected in ((None, 200), (ring.suspend, 401), (ring.resume, 200)):
        if change:
            change(issued.key_id)
        answers = ask_both(prefork, "/pid", issued.token)
        assert {status for each in answers.values() for status, _ in each} == {expected}


def test_request_ids_are_unique_across_preloaded_workers(prefork):
    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(lambda _: get(prefork, "/docs")[2], range(200)))
    assert len(set(ids)) == 200
