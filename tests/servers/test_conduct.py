"""THREATS.md, "WSGI conduct": streaming, files, disconnects and connections that are used again."""

import hashlib
import http.client
import os
import select

import pytest

SECONDS = 20


def ask(connection, server, method, path, key=None, body=None, **headers):
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    connection.request(method, path, body=body, headers=headers)
    return connection.getresponse()


@pytest.fixture
def connection(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=SECONDS)
    yield connection
    connection.close()


def test_row_streaming_the_first_chunk_arrives_before_the_second_is_made(server, connection):
    answer = ask(connection, server, "GET", "/stream", server.keys.user)
    assert answer.readline() == b"first\n"
    # The app waits for this before it makes the second one.
    os.close(os.open(server.folder / "first-arrived", os.O_WRONLY))
    assert answer.readline() == b"second\n"
    assert answer.read() == b""


def test_row_streaming_a_large_file_through_wsgi_file_wrapper(server, connection):
    content = b"".join(hashlib.sha256(b"%d" % n).digest() for n in range(100_000))  # 3.2 MB
    (server.folder / "file").write_bytes(content)
    answer = ask(connection, server, "GET", "/file", server.keys.user)
    assert answer.getheader("X-Request-ID")
    assert answer.read() == content


def test_row_leaks_close_is_called_when_the_client_has_gone(server, connection):
    fifo = os.open(server.folder / "closed", os.O_RDONLY | os.O_NONBLOCK)
    try:
        answer = ask(connection, server, "GET", "/endless", server.keys.user)
        assert answer.read(200_000) == b"x" * 200_000
        answer.close()
        connection.close()
        ready, _, _ = select.select([fifo], [], [], SECONDS)
        assert ready
        assert os.read(fifo, 10) == b"c"  # once
    finally:
        os.close(fifo)
    assert server.send("/x", key=server.keys.user).status == 200


# We answer 401 without reading the body. What comes next on the connection is the server's doing:
# these drop the body and go on, the others close. None takes the body for a request.
GOES_ON = {"gunicorn-gthread", "gunicorn-gevent", "waitress", "cheroot", "gevent"}
CLOSES_AFTER_A_LONG_ONE = {"gunicorn-gthread"}  # it reads 64 KiB, no more


@pytest.mark.parametrize("body", [b"GET /admin HTTP/1.1\r\nHost: a\r\n\r\n", b"x" * 100_000])
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_row_body_a_401_to_a_body_leaves_the_connection_in_order(server, body, method):
    first = (
        f"{method} /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body
    second = b"GET /docs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    # werkzeug answers, but then waits for a client that has sent much to end its sending.
    received = server.raw(first + second, end=server.name == "werkzeug")
    statuses = [
        line.split()[1]
        for line in received.replace(b"}HTTP/", b"}\r\nHTTP/").split(b"\r\n")
        if line.startswith(b"HTTP/1.")
    ]
    goes_on = GOES_ON - CLOSES_AFTER_A_LONG_ONE if len(body) == 100_000 else GOES_ON
    assert statuses == ([b"401", b"200"] if server.name in goes_on else [b"401"])


def test_row_body_a_401_needs_no_body_at_all(server):
    # The client has announced a body and waits; only waitress reads it before the app is called.
    request = b"POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n"
    with server.connect() as connection:
        connection.sendall(request + b"Connection: close\r\n\r\n")
        if server.name == "waitress":
            connection.sendall(b"hello")
        received = b""
        while b"\r\n\r\n" not in received:
            received += connection.recv(65_536)
    assert received.split()[1] == b"401"


def test_row_head_nothing_follows_the_headers_of_a_kept_connection(server, connection):
    for path, key, status in (
        ("/x", None, 401),
        ("/admin", server.keys.user, 403),
        ("/health", server.keys.user, 200),
    ):
        for method in ("HEAD", "GET"):
            answer = ask(connection, server, method, path, key)
            assert answer.status == status
            assert bool(answer.read()) == (method == "GET")


def test_row_late_errors_replace_an_answer_of_which_nothing_has_gone_out(server):
    reply = server.send("/late", "X-Request-ID: sent-by-me", key=server.keys.user)
    assert reply.status == 400
    assert b"INVALID_REQUEST" in reply.body
    # PEP 3333 has the new headers replace the old ones; gunicorn and cheroot add them instead, so
    # there the answer has two of each. An app does well to raise before it calls start_response.
    adding = server.name == "cheroot" or server.name.startswith("gunicorn")
    assert reply.values("X-Request-ID") == [b"sent-by-me"] * (2 if adding else 1)


def test_row_late_errors_end_an_answer_that_has_begun(server):
    reply = server.send("/later", key=server.keys.user)
    assert reply.status == 200
    assert reply.body == b"abc"  # three bytes short, so the client knows
    assert server.send("/x", key=server.keys.user).status == 200
