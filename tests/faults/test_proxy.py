"""The proxy that breaks connections for the other tests."""

import socket

import pytest

from .proxy import Proxy

pytestmark = pytest.mark.once

SECONDS = 20


@pytest.fixture
def echo():
    """What is sent to it comes back, by a proxy."""
    listener = socket.create_server(("127.0.0.1", 0))
    proxy = Proxy(listener.getsockname())
    client = socket.create_connection(("127.0.0.1", proxy.port), SECONDS)
    server, _ = listener.accept()
    server.settimeout(SECONDS)
    yield proxy, client, server
    for each in (client, server, listener):
        each.close()
    proxy.close()


def test_it_passes_on_what_it_is_sent_both_ways(echo):
    proxy, client, server = echo
    client.sendall(b"question")
    assert server.recv(100) == b"question"
    server.sendall(b"answer")
    assert client.recv(100) == b"answer"
    client.close()
    assert server.recv(100) == b""
    assert proxy.connections == 1


def test_a_black_hole_takes_all_and_gives_it_back_in_the_end(echo):
    proxy, client, server = echo
    proxy.mode = "hold"
    client.sendall(b"question")
    server.settimeout(0.2)
    with pytest.raises(TimeoutError):
        server.recv(100)
    proxy.mode = "pass"
    server.settimeout(SECONDS)
    assert server.recv(100) == b"question"


def test_an_answer_is_reset_in_the_middle(echo):
    proxy, client, server = echo
    proxy.mode = "reset"
    client.sendall(b"question")
    assert server.recv(100) == b"question"
    server.sendall(b"answer")
    with pytest.raises(ConnectionResetError):
        b"".join(iter(lambda: client.recv(100), b""))


def test_answers_drip(echo):
    proxy, client, server = echo
    proxy.mode, proxy.delay = "drip", 0.02
    server.sendall(b"answer")
    assert [client.recv(100) for _ in range(6)] == [b"a", b"n", b"s", b"w", b"e", b"r"]


def test_it_refuses_and_then_accepts_again(echo):
    proxy, client, _ = echo
    proxy.refuse()
    with pytest.raises(ConnectionResetError):
        client.recv(100)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", proxy.port))
    proxy.accept()
    socket.create_connection(("127.0.0.1", proxy.port)).close()
