"""Nobody finds the key: not in logs, reprs, errors, tracebacks with their variables, or pickles.

The servers here are real, for what a transport does with headers is its own.
"""

import asyncio
import gc
import logging
import pickle
import socket
import struct
import threading
import traceback
import types
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from conductor_sdk import APIError, AsyncConductorClient, ConductorClient, ConfigurationError

ANSWERS: dict[str, bytes | None] = {
    "reset": None,
    "cut": b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{",
    "no HTTP": b"hello\r\n\r\n",
    "empty": b"",
    "HTML": b"HTTP/1.1 502 Bad\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\n<br>",
    "broken gzip": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nxxxx",
    "redirect": b"HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n",
    "401": b"HTTP/1.1 401 No\r\nContent-Length: 54\r\n\r\n"
    b'{"success":false,"error":{"code":"NO","message":"no"}}',
    "undocumented": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
}


@pytest.fixture(params=ANSWERS)
def address(request: pytest.FixtureRequest) -> Iterator[str]:
    """A server that gives one answer to everything."""
    answer = ANSWERS[request.param]
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)
                if answer is None:
                    linger = struct.pack("ii", 1, 0)
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                else:
                    connection.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


def call(key: str, address: str) -> None:
    with ConductorClient(key, base_url=address, max_retries=1) as client:
        client._timing.sleep = lambda seconds: None
        client.execute("e")


def call_async(key: str, address: str) -> None:
    async def main() -> None:
        async with AsyncConductorClient(key, base_url=address, max_retries=0) as client:
            await client.execute("e")

    asyncio.run(main())


@pytest.mark.parametrize("use", [call, call_async], ids=["client", "asynchronous"])
def test_a_call_that_fails(
    use: Callable[[str, str], None], key: str, address: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    try:
        use(key, address)
    except APIError as error:
        caught = error
    shown = "".join(traceback.TracebackException.from_exception(caught).format())
    texts = [shown, with_locals(caught), repr(caught), str(caught), repr(vars(caught)), caplog.text]
    assert [text for text in texts if key in text] == []
    assert key.encode() not in pickle.dumps(caught)
    assert not reachable(key, caught)
    assert "conductor_sdk" in caplog.text


def with_locals(error: BaseException) -> str:
    """The traceback with all variables, from the client on: its caller has a key."""
    frames = error.__traceback__
    while frames is not None and "conductor_sdk" not in frames.tb_frame.f_code.co_filename:
        frames = frames.tb_next
    assert frames is not None
    shown = traceback.TracebackException(type(error), error, frames, capture_locals=True)
    return "".join(shown.format())


def reachable(key: str, error: BaseException) -> bool:
    """Whether the key is in any object that the error refers to, its frames apart."""
    error = error.with_traceback(None)
    seen, todo = set[int](), [error]
    while todo:
        thing: Any = todo.pop()
        if id(thing) in seen or isinstance(
            thing, type | types.ModuleType | types.FunctionType | types.FrameType
        ):
            continue
        seen.add(id(thing))
        if isinstance(thing, str | bytes | bytearray):
            text = thing if isinstance(thing, str) else bytes(thing).decode("latin-1")
            if key in text:
                return True
        todo += gc.get_referents(thing)
    return False


def test_the_search_finds_one(key: str) -> None:
    error = APIError("no", response=httpx2.Response(200, headers={"x": f"a{key}"}))
    assert reachable(key, error)


def test_a_client_shows_where_it_goes_and_no_key(key: str) -> None:
    with ConductorClient(key) as client:
        assert repr(client) == "<ConductorClient: https://api.example.com>"
        texts = [repr(client), str(client), repr(vars(client)), repr(client._settings)]
        assert [text for text in texts if key in text] == []


def test_a_client_is_not_pickled_with_its_key(key: str) -> None:
    with ConductorClient(key) as client, pytest.raises((TypeError, AttributeError)):
        pickle.dumps(client)


WRONG: list[dict[str, Any]] = [
    {"bad": "\n"},
    {"bad": " "},
    {"bad": "ü"},
    {"base_url": "ftp://x"},
    {"base_url": "ftp://x", "bad": "\n"},
    {"timeout": 0},
    {"timeout": 0, "bad": "\n"},
]


@pytest.mark.parametrize("options", WRONG, ids=str)
def test_a_wrong_key_or_option_shows_no_key_either(key: str, options: dict[str, Any]) -> None:
    options = dict(options)
    bad_key = key + options.pop("bad", "")
    with ConductorClient("abc") as client:
        for make in (ConductorClient, client.with_options):
            with pytest.raises(ConfigurationError) as caught:
                make(api_key=bad_key, **options)
            assert key not in with_locals(caught.value)
            assert key not in repr(caught.value)


def test_the_variables_of_the_transport_are_left_behind(key: str) -> None:
    def transport(request: httpx2.Request) -> httpx2.Response:
        headers = dict(request.headers)  # as h11 has them, where a write fails
        try:
            raise OSError("broken pipe")
        except OSError as error:
            raise httpx2.WriteError("broken pipe") from error
        finally:
            assert headers["authorization"] == f"Bearer {key}"

    with httpx2.Client(transport=httpx2.MockTransport(transport)) as http:
        client = ConductorClient(key, http_client=http, max_retries=0)
        with pytest.raises(APIError) as caught:
            client.execute("e")
    assert key not in with_locals(caught.value)
    assert isinstance(caught.value.__cause__, httpx2.WriteError)
    assert isinstance(caught.value.__cause__.__cause__, OSError)


def test_a_server_that_sends_headers_back(key: str) -> None:
    def echo(request: httpx2.Request) -> httpx2.Response:
        token = request.headers["Authorization"].removeprefix("Bearer ")
        return httpx2.Response(
            400, headers={"X-Request-ID": token, "X-Was": token, "Location": f"/?key={token}"}
        )

    http = httpx2.Client(transport=httpx2.MockTransport(echo))
    with http, pytest.raises(APIError) as caught:
        ConductorClient(key, http_client=http).execute("e")
    assert key not in repr(caught.value.response.headers)
    assert caught.value.request_id is None


def test_a_function_that_takes_too_long_for_the_deadline(key: str) -> None:
    with ConductorClient(lambda: key, timeout=5, deadline=5) as client:
        clock = iter([0.0, 6.0, 6.0])
        client._timing.monotonic = lambda: next(clock)
        with pytest.raises(APIError, match=r"^no complete answer from .* within 5 s$") as caught:
            client.execute("e")
    assert key not in with_locals(caught.value)
