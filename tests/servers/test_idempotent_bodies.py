"""THREATS.md, "Body hangs" and "Half answers": idempotent requests on each server.

Whatever a server hands on, the app gets the whole body through each way of reading it, and runs
once.
"""

import json
import os
from contextlib import suppress

BODY = b"one\ntwo\nthree\nfour\nfive"
PARTS = ["one", "\n", "two\n", "three\n", "four\n", "five"]
CLOSE_EARLY = ("cheroot", "wsgiref", "gunicorn-sync", "gunicorn-gthread")
"""Servers that may close before a client has sent all, and reset what it has not read yet."""

JSON = "Content-Type: application/json"


def post(server, value, *lines, body=BODY, path="/each-way"):
    lines = (JSON, f"X-Idempotency-Key: {value}", *lines)
    return server.send(path, *lines, method="POST", key=server.keys.user, body=body)


def length(body):
    return f"Content-Length: {len(body)}"


def test_a_body_with_a_length_is_read_whole_and_the_app_runs_once(server):
    first = post(server, "length", length(BODY))
    assert first.status == 200
    assert json.loads(first.body)[1] == PARTS
    second = post(server, "length", length(BODY))
    assert (second.status, second.body) == (200, first.body)
    assert second.values("Idempotent-Replayed") == [b"true"]
    assert len(second.values("X-Request-ID")) == 1
    assert second.values("X-Request-ID") != first.values("X-Request-ID")
    assert post(server, "length", length(b"x"), body=b"x").status == 422


def test_a_chunked_body_is_read_whole_or_refused(server):
    chunked = b"4\r\none\n\r\n" + b"13\r\ntwo\nthree\nfour\nfive\r\n0\r\n\r\n"
    first = post(server, "chunked", "Transfer-Encoding: chunked", body=chunked)
    if server.name == "wsgiref":  # hands on the chunks as they came, and no end
        assert first.status == 400
        assert json.loads(first.body)["error"] == {
            "code": "INVALID_REQUEST",
            "message": "Invalid request: this server can't tell where the body ends; "
            "send a Content-Length",
        }
        return
    assert first.status == 200
    assert json.loads(first.body)[1] == PARTS
    # The same bytes are the same request, however they were sent.
    second = post(server, "chunked", length(BODY))
    assert (second.status, second.body) == (200, first.body)
    assert second.values("Idempotent-Replayed") == [b"true"]


def test_a_body_over_the_cap_is_refused(server):
    long = b" " * (1024 * 1024 + 1)
    head = ["POST /x HTTP/1.1", "Host: localhost", JSON, "X-Idempotency-Key: long", length(long)]
    head.append(f"Authorization: Bearer {server.keys.user}")
    received = b""
    # Some servers close before they have read all of it, one reads on until the client closes.
    with server.connect() as connection, suppress(BrokenPipeError, ConnectionResetError):
        connection.sendall("\r\n".join(head).encode() + b"\r\n\r\n" + long)
        while b"}}" not in received and (more := connection.recv(65_536)):
            received += more
    if received or server.name not in CLOSE_EARLY:
        assert received.split(b" ")[1] == b"413"
        assert b'"code": "REQUEST_TOO_LARGE"' in received
    whole = long[1:]
    answer = post(server, "long", length(whole), body=whole, path="/x")
    assert (answer.status, answer.values("Idempotent-Replayed")) == (200, [])


def test_a_chunked_body_over_the_cap_is_refused(server):
    if server.name == "wsgiref":
        return
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    body = chunk * 16 + b"1\r\nx\r\n0\r\n\r\n"
    answer = post(server, "long-chunks", "Transfer-Encoding: chunked", body=body)
    assert answer.status == 413
    assert json.loads(answer.body)["error"]["code"] == "REQUEST_TOO_LARGE"


def test_a_client_that_disconnects_half_way_leaves_nothing_behind(server):
    with server.connect() as connection:
        head = [
            "POST /each-way HTTP/1.1",
            "Host: localhost",
            JSON,
            "X-Idempotency-Key: half",
            f"Authorization: Bearer {server.keys.user}",
            length(BODY),
        ]
        connection.sendall("\r\n".join(head).encode() + b"\r\n\r\n" + BODY[:10])
    answer = post(server, "half", length(BODY))
    assert answer.status == 200
    assert json.loads(answer.body)[1] == PARTS
    assert answer.values("Idempotent-Replayed") == []


ONE_AT_A_TIME = ("gunicorn-sync", "gunicorn-gevent", "gevent", "wsgiref")
"""Servers that do nothing else while the app waits in a FIFO."""


def test_a_stream_arrives_block_by_block_and_is_repeated_whole(server):
    request = {"method": "POST", "key": server.keys.user}
    lines = ("X-Idempotency-Key: stream", "Content-Length: 0")
    with server.connect() as connection:
        head = ["POST /stream HTTP/1.1", "Host: localhost", "Connection: close", *lines]
        head.append(f"Authorization: Bearer {server.keys.user}")
        connection.sendall("\r\n".join(head).encode() + b"\r\n\r\n")
        received = b""
        while b"first\n" not in received:
            received += connection.recv(65_536)
        assert b"second" not in received
        if server.name not in ONE_AT_A_TIME:
            running = server.send("/stream", *lines, **request)
            assert (running.status, running.values("Retry-After")) == (409, [b"1"])
        os.close(os.open(server.folder / "first-arrived", os.O_WRONLY))
        while more := connection.recv(65_536):
            received += more
    assert b"second\n" in received
    again = server.send("/stream", *lines, **request)
    assert (again.status, again.values("Idempotent-Replayed")) == (200, [b"true"])
    assert b"first\nsecond\n" in again.body  # between the ends of a chunk, on some servers
