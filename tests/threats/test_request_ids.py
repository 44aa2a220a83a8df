"""THREATS.md, "Request ids and idempotency": the rows about ids."""

import os
import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from bearer_auth import BearerAuth, MemoryStore, get_request_id

FRESH = re.compile(r"[0-9a-f]{16}-[1-9][0-9]*")


def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [get_request_id(environ).encode()]


def protect(app=app, **options):
    return BearerAuth(app, MemoryStore(), **({"public": ["/"]} | options))


def answered_id(answer):
    (value,) = [value for name, value in answer.headers if name.lower() == "x-request-id"]
    return value


@pytest.mark.parametrize(
    "sent",
    [
        "a\r\nSet-Cookie: session=1",
        "a\n",
        "\na",
        "a\r",
        "a\x00",
        "a\x0b",
        "a\x85",
        "a\u2028b",
        "a b",
        "a\tb",
        "a request.refused status=200",
        "\x1b[31ma",
        "a" * 129,
        "a" * 5000,
    ],
)
def test_row_response_splitting_and_log_forging_nothing_of_a_bad_id_is_kept(call, caplog, sent):
    caplog.set_level("DEBUG")
    for path in ("/", "/needs-a-key"):
        answer = call(protect(), path=path, HTTP_X_REQUEST_ID=sent)
        assert FRESH.fullmatch(answered_id(answer))
    assert f"request_id={answered_id(answer)} " in caplog.text
    assert sent[:20] not in caplog.text


def test_the_id_of_the_event_is_the_one_of_the_answer(call, sink):
    for sent in ("kept", "not kept"):
        answer = call(protect(event_sink=sink), path="/needs-a-key", HTTP_X_REQUEST_ID=sent)
        assert sink.events[-1].request_id == answered_id(answer)


def test_nested_in_another_bearer_auth_there_is_one_id(call, sink):
    inner = protect(public=[], event_sink=sink)
    answer = call(protect(inner))
    assert answer.status == "401 Unauthorized"
    assert [event.request_id for event in sink.events] == [answered_id(answer)]
    both = call(protect(protect()))
    assert both.body.decode() == answered_id(both)


def test_ids_are_unique_under_threads():
    gate = threading.Barrier(8)
    wrapped = protect()

    def run(_):
        gate.wait()
        return [
            b"".join(wrapped({"REQUEST_METHOD": "GET", "PATH_INFO": "/"}, print_nothing))
            for _ in range(500)
        ]

    with ThreadPoolExecutor(8) as pool:
        ids = [one for many in pool.map(run, range(8)) for one in many]
    assert len(set(ids)) == 4000


def print_nothing(status, headers):
    return lambda data: None


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_ids_are_unique_after_a_fork():
    wrapped = protect()

    def ten():
        return [
            b"".join(wrapped({"REQUEST_METHOD": "GET", "PATH_INFO": "/"}, print_nothing))
            for _ in range(10)
        ]

    ids = ten()
    for _ in range(2):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.write(writing, b" ".join(ten()))
            finally:
                os._exit(0)
        os.close(writing)
        with open(reading, "rb") as pipe:
            ids += pipe.read().split()
        assert os.waitpid(child, 0)[1] == 0
    ids += ten()
    assert len(ids) == 40
    assert len(set(ids)) == 40


def test_the_id_is_not_in_the_envelope(call):
    answer = call(protect(), path="/needs-a-key", HTTP_X_REQUEST_ID="needle")
    assert b"needle" not in answer.body
