"""THREATS.md, "WSGI conduct (PEP 3333)", each row of it."""

import gc
import io
import os
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from wsgiref.util import FileWrapper
from wsgiref.validate import validator

import gevent
import pytest

from bearer_auth import (
    BearerAuth,
    InsufficientScope,
    InvalidRequest,
    KeyRecord,
    Keyring,
    MemoryStore,
    StoreUnavailable,
    get_principal,
    get_request_id,
)

ID = ("X-Request-ID", "request-1")
PLAIN = ("Content-Type", "text/plain")
INVALID = [
    ("Content-Type", "application/json"),
    ("Content-Length", "86"),
    ("Cache-Control", "no-store"),
    ID,
]
INVALID_BODY = (
    b'{"success": false, "error": {"code": "INVALID_REQUEST", "message": "Invalid request"}}'
)


STORE = MemoryStore()
TOKEN = Keyring(STORE).create(user_id="user_123").token
KEY = {"HTTP_AUTHORIZATION": f"Bearer {TOKEN}", "HTTP_X_REQUEST_ID": "request-1"}


def protect(app):
    return BearerAuth(app, STORE)


def environ(**more):
    return {"REQUEST_METHOD": "GET", "PATH_INFO": "/", **KEY, **more}


class Server:
    """Keeps the calls of start_response as they came."""

    def __init__(self):
        self.calls = []
        self.written = []

    def start_response(self, *args):
        self.calls.append(args)
        return self.written.append


@pytest.fixture
def server():
    return Server()


# "Late or repeated start_response, exc_info, write"


def test_row_late_start_response_a_generator_app_that_starts_on_its_first_value(call):
    def app(environ, start_response):
        start_response("200 OK", [PLAIN])
        yield b"a"
        yield b"b"

    assert call(protect(validator(app)), **KEY) == ("200 OK", [PLAIN, ID], b"ab")
    assert call(protect(app), **KEY) == ("200 OK", [PLAIN, ID], b"ab")


def test_row_late_start_response_is_not_called_before_the_app_calls_it(server):
    def app(environ, start_response):
        yield b""
        start_response("200 OK", [PLAIN])
        yield b"a"

    answer = protect(app)(environ(), server.start_response)
    assert server.calls == []
    values = iter(answer)
    assert next(values) == b""
    assert server.calls == []
    assert next(values) == b"a"
    assert server.calls == [("200 OK", [PLAIN, ID])]
    assert list(values) == []


def test_row_late_start_response_a_class_that_is_an_app_with_iter(call):
    class AppClass:
        """The class of PEP 3333's first example."""

        def __init__(self, environ, start_response):
            self.start = start_response

        def __iter__(self):
            self.start("200 OK", [PLAIN])
            yield b"hello"

    assert call(protect(AppClass), **KEY) == ("200 OK", [PLAIN, ID], b"hello")
    assert call(protect(validator(AppClass)), **KEY) == ("200 OK", [PLAIN, ID], b"hello")


def test_row_late_start_response_an_iter_that_refuses(call):
    class AppClass:
        def __init__(self, environ, start_response):
            pass

        def __iter__(self):
            raise InvalidRequest

    assert call(protect(AppClass), **KEY) == ("400 Bad Request", INVALID, INVALID_BODY)


def test_row_repeated_start_response_is_passed_on_positionally_with_the_header_each_time(server):
    def app(environ, start_response):
        start_response("200 OK", [PLAIN, ("x-request-id", "own")])
        try:
            raise ValueError
        except ValueError as error:
            exc_info = (type(error), error, error.__traceback__)
            self_seen.append(exc_info)
            start_response("500 Internal Server Error", [PLAIN], exc_info)
        return [b"oops"]

    self_seen = []
    assert protect(app)(environ(), server.start_response) == [b"oops"]
    assert server.calls == [
        ("200 OK", [PLAIN, ID]),
        ("500 Internal Server Error", [PLAIN, ID], self_seen[0]),
    ]


def test_row_exc_info_by_its_name_is_passed_on_positionally(server):
    def app(environ, start_response):
        start_response("200 OK", [PLAIN], exc_info=(ValueError, ValueError(), None))
        return [b""]

    protect(app)(environ(), server.start_response)
    assert len(server.calls[0]) == 3


def test_row_exc_info_what_the_server_raises_reaches_the_app():
    def app(environ, start_response):
        start_response("200 OK", [PLAIN])
        try:
            raise ValueError("the first")
        except ValueError as error:
            start_response("500 Oops", [PLAIN], (ValueError, error, error.__traceback__))
        return [b"never"]

    def strict(status, headers, exc_info=None):
        if exc_info:
            raise exc_info[1]
        return print

    with pytest.raises(ValueError, match="the first"):
        protect(app)(environ(), strict)


def test_row_exc_info_no_reference_is_kept():
    class Marker(InvalidRequest):
        pass

    seen = []

    def app(environ, start_response):
        start_response("200 OK", [PLAIN])
        error = Marker()
        seen.append(weakref.ref(error))
        raise error

    def generator(environ, start_response):
        start_response("200 OK", [PLAIN])
        yield b""
        app(environ, start_response)

    def start_response(status, headers, exc_info=None):
        pass

    for one in (app, generator):
        wrapped = protect(one)
        answer = wrapped(environ(), start_response)
        body = list(answer)
        assert body[-1] == INVALID_BODY
        del answer, body
        gc.collect()
    assert [ref() for ref in seen] == [None, None]


def test_row_write_is_the_servers_own(server):
    def app(environ, start_response):
        write = start_response("200 OK", [PLAIN])
        write(b"written")
        return [b"returned"]

    assert protect(app)(environ(), server.start_response) == [b"returned"]
    assert server.written == [b"written"]


def test_row_write_through_a_whole_gateway(call):
    def app(environ, start_response):
        write = start_response("200 OK", [PLAIN])
        write(b"written, ")
        return [b"returned"]

    assert call(protect(validator(app)), **KEY) == ("200 OK", [PLAIN, ID], b"written, returned")


# What raises late


def raises_at_once(environ, start_response):
    raise InvalidRequest


def raises_after_start(environ, start_response):
    start_response("200 OK", [PLAIN])
    raise InvalidRequest


def raises_on_first_next(environ, start_response):
    raise InvalidRequest
    yield b""


def raises_on_first_next_after_start(environ, start_response):
    start_response("200 OK", [PLAIN])
    raise InvalidRequest
    yield b""


def returns_a_generator_that_raises(environ, start_response):
    start_response("200 OK", [PLAIN, ("Content-Length", "5")])

    def body():
        raise InvalidRequest
        yield b""

    return body()


RAISES = [
    raises_at_once,
    raises_after_start,
    raises_on_first_next,
    raises_on_first_next_after_start,
    returns_a_generator_that_raises,
]


@pytest.mark.parametrize("app", RAISES, ids=lambda app: app.__name__)
def test_row_late_errors_become_the_envelope_while_no_header_has_gone_out(call, app):
    assert call(protect(app), **KEY) == ("400 Bad Request", INVALID, INVALID_BODY)
    assert call(protect(app), "HEAD", **KEY) == ("400 Bad Request", INVALID, b"")


def test_row_late_errors_after_an_empty_chunk_no_header_has_gone_out_either(server):
    def app(environ, start_response):
        start_response("200 OK", [PLAIN])
        yield b""
        raise InvalidRequest

    assert list(protect(app)(environ(), server.start_response)) == [b"", INVALID_BODY]
    assert [call[:2] for call in server.calls] == [
        ("200 OK", [PLAIN, ID]),
        ("400 Bad Request", INVALID),
    ]
    assert [len(call) for call in server.calls] == [2, 3]


def test_row_late_errors_after_a_chunk_are_raised_again_by_the_server():
    def app(environ, start_response):
        start_response("200 OK", [PLAIN])
        yield b"a"
        raise InvalidRequest("too late")

    sent = []

    def start_response(status, headers, exc_info=None):
        if exc_info and sent:
            raise exc_info[1].with_traceback(exc_info[2])

    answer = iter(protect(app)(environ(), start_response))
    sent.append(next(answer))
    with pytest.raises(InvalidRequest, match="too late"):
        next(answer)


def test_row_late_errors_a_principal_that_is_missing_in_a_generator(call):
    def app(environ, start_response):
        start_response("200 OK", [PLAIN])
        yield get_principal(environ).user_id.encode()

    open_app = BearerAuth(app, STORE, public=["/"])
    answer = call(open_app, HTTP_X_REQUEST_ID="request-1")
    assert answer.status == "401 Unauthorized"


def test_row_late_errors_of_another_kind_are_the_servers():
    def app(environ, start_response):
        raise ZeroDivisionError
        yield b""

    answer = protect(app)(environ(), Server().start_response)
    with pytest.raises(ZeroDivisionError):
        next(iter(answer))


# "Leaks on disconnect: close() exactly once, also without iteration"


class Closing:
    def __init__(self, environ, start_response, *, late=False):
        self.start = start_response
        self.closed = 0
        self.late = late
        if not late:
            start_response("200 OK", [PLAIN])

    def __iter__(self):
        if self.late:
            self.start("200 OK", [PLAIN])
        yield b"a"
        yield b"b"

    def close(self):
        self.closed += 1


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("values", [0, 1, 2, 3])
def test_row_leaks_close_is_called_once_however_much_was_read(server, late, values):
    made = []

    def app(environ, start_response):
        made.append(Closing(environ, start_response, late=late))
        return made[0]

    answer = protect(app)(environ(), server.start_response)
    if values:
        iterator = iter(answer)
        for _ in range(values):
            next(iterator, None)
    assert made[0].closed == 0
    answer.close()
    assert made[0].closed == 1


@pytest.mark.parametrize("raising", [True, False])
def test_row_leaks_a_generator_is_closed_after_its_refusal(server, raising):
    ended = []

    def app(environ, start_response):
        try:
            start_response("200 OK", [PLAIN])
            yield b"a"
            if raising:
                raise InvalidRequest
            yield b"b"
        finally:
            ended.append(True)

    answer = protect(app)(environ(), server.start_response)
    next(iter(answer))
    next(iter(answer))
    answer.close()
    assert ended == [True]


def test_row_leaks_the_answer_behind_an_iter_that_refused_is_closed(server):
    class Refusing(Closing):
        def __iter__(self):
            raise InvalidRequest

    made = []

    def app(environ, start_response):
        made.append(Refusing(environ, start_response, late=True))
        return made[0]

    answer = protect(app)(environ(), server.start_response)
    assert list(answer) == [INVALID_BODY]
    answer.close()
    assert made[0].closed == 1


def test_row_leaks_an_answer_without_close_can_be_closed(server):
    class AppClass:
        def __init__(self, environ, start_response):
            pass

        def __iter__(self):
            return iter([])

    protect(AppClass)(environ(), server.start_response).close()


# "Broken streaming: one value out per value in, no buffering, wsgi.file_wrapper untouched"


@pytest.mark.parametrize("late", [False, True])
def test_row_streaming_one_value_out_for_each_value_in(server, late):
    produced = []

    def values():
        for value in (b"", b"a", b"", b"b" * 100_000, b""):
            produced.append(value)
            yield value

    def at_once(environ, start_response):
        start_response("200 OK", [PLAIN])
        return values()

    def later(environ, start_response):
        start_response("200 OK", [PLAIN])
        yield from values()

    taken = []
    for value in protect(later if late else at_once)(environ(), server.start_response):
        taken.append(value)
        assert produced == taken  # nothing is read ahead
    assert taken == [b"", b"a", b"", b"b" * 100_000, b""]


@pytest.mark.parametrize("make", [list, tuple, iter, lambda values: FileWrapper(io.BytesIO(b"a"))])
def test_row_streaming_what_was_started_is_passed_on_as_the_very_object(server, make):
    answer = make([b"a"])

    def app(environ, start_response):
        start_response("200 OK", [PLAIN])
        return answer

    assert protect(app)(environ(), server.start_response) is answer


def test_row_streaming_the_servers_file_wrapper_is_recognised_by_it(call):
    # wsgiref, gunicorn and waitress ask isinstance(answer, environ["wsgi.file_wrapper"]).
    seen = []

    class Wrapper(FileWrapper):
        pass

    def app(environ, start_response):
        start_response("200 OK", [PLAIN])
        seen.append(environ["wsgi.file_wrapper"](io.BytesIO(b"file")))
        return seen[0]

    answer = protect(app)(environ(**{"wsgi.file_wrapper": Wrapper}), Server().start_response)
    assert answer is seen[0]


# "Body hangs: authentication never touches wsgi.input"


class Untouchable:
    def __getattribute__(self, name):
        raise AssertionError(f"wsgi.input was touched: {name}")

    def __iter__(self):
        raise AssertionError("wsgi.input was read")


@pytest.mark.parametrize("length", [None, "", "0", "5", "99999999999", "-1", "x"])
@pytest.mark.parametrize("chunked", [True, False])
@pytest.mark.parametrize(
    "authorization",
    [KEY["HTTP_AUTHORIZATION"], "Bearer wrong", None],
    ids=["a key", "a wrong key", "no key"],  # a key differs from one xdist worker to the other
)
@pytest.mark.parametrize("path", ["/", "/health", "/public"])
def test_row_body_is_never_touched(server, length, chunked, authorization, path):
    def app(environ, start_response):
        start_response("200 OK", [PLAIN])
        return [b""]

    sent = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": path,
        "CONTENT_LENGTH": length,
        "HTTP_TRANSFER_ENCODING": "chunked" if chunked else None,
        "HTTP_AUTHORIZATION": authorization,
    }
    request = {name: value for name, value in sent.items() if value is not None}
    request["wsgi.input"] = untouched = Untouchable()
    wrapped = BearerAuth(app, STORE, public=["/public"])
    list(wrapped(request, server.start_response))
    assert len(server.calls) == 1
    assert request["wsgi.input"] is untouched


# "HEAD: our own answers yield nothing and keep their Content-Length"


@pytest.mark.parametrize(
    ("path", "more", "status", "length"),
    [
        ("/", {"HTTP_AUTHORIZATION": "Bearer wrong"}, "401 Unauthorized", "83"),
        ("/health", {}, "200 OK", "91"),
        ("/", {"CONTENT_LENGTH": "1"}, "415 Unsupported Media Type", "115"),
        ("/refused", {}, "403 Forbidden", "107"),
    ],
)
def test_row_head_nothing_is_yielded(server, path, more, status, length):
    def app(environ, start_response):
        raise InsufficientScope

    request = environ(REQUEST_METHOD="HEAD", PATH_INFO=path, **more)
    assert list(protect(app)(request, server.start_response)) == []
    ((answered, headers),) = server.calls
    assert answered == status
    assert ("Content-Length", length) in headers


# "Store failure: 503; only an explicit match lets in"


class Store:
    def __init__(self, answer):
        self.answer = answer

    def get(self, key_id):
        if isinstance(self.answer, type):
            raise self.answer
        return self.answer


OTHER = KeyRecord(key_id="A" * 16, user_id="other", secrets=())


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (StoreUnavailable, "503 Service Unavailable"),
        (RuntimeError, "503 Service Unavailable"),
        (KeyError, "503 Service Unavailable"),
        (TimeoutError, "503 Service Unavailable"),
        (True, "503 Service Unavailable"),
        (1, "503 Service Unavailable"),
        ({}, "503 Service Unavailable"),
        ("", "503 Service Unavailable"),
        (OTHER, "503 Service Unavailable"),
        (None, "401 Unauthorized"),
    ],
)
def test_row_store_failure_only_an_explicit_match_lets_in(call, answer, status):
    def app(environ, start_response):
        raise AssertionError("the app was reached")

    assert call(BearerAuth(app, Store(answer)), **KEY).status == status


def test_row_store_failure_is_over_when_the_store_answers_again(call):
    def app(environ, start_response):
        start_response("200 OK", [PLAIN])
        return [b"in"]

    class Flaky(MemoryStore):
        down = True

        def get(self, key_id):
            if self.down:
                raise StoreUnavailable("down")
            return super().get(key_id)

    store = Flaky()
    token = Keyring(MemoryStore()).create(user_id="u")
    store.add([token.record])
    wrapped = BearerAuth(app, store)
    key = {"HTTP_AUTHORIZATION": f"Bearer {token.token}"}
    assert call(wrapped, **key).status == "503 Service Unavailable"
    store.down = False
    assert call(wrapped, **key).status == "200 OK"


# "Shared state: nothing of a request in the instance; forks, threads, greenlets"


def many():
    store = MemoryStore()
    ring = Keyring(store)
    return store, {f"user_{n}": ring.create(user_id=f"user_{n}").token for n in range(20)}


def who_am_i(environ, start_response):
    start_response("200 OK", [PLAIN])
    user = get_principal(environ).user_id
    yield b""  # others run in between
    yield f"{user} {get_principal(environ).user_id} {get_request_id(environ)}".encode()


def ask(wrapped, user, token, between=lambda: None):
    """Send a request, answer whether all of the answer is this user's."""
    heads = []
    request = environ(HTTP_AUTHORIZATION=f"Bearer {token}", HTTP_X_REQUEST_ID=user)
    answer = wrapped(request, lambda status, headers: heads.append((status, headers)))
    body = []
    for value in answer:
        body.append(value)
        between()
    answer.close()
    return (heads, b"".join(body)) == (
        [("200 OK", [PLAIN, ("X-Request-ID", user)])],
        f"{user} {user} {user}".encode(),
    )


def test_row_shared_state_nothing_of_a_request_is_in_the_instance(server):
    class Secret:
        pass

    marker = Secret()
    wrapped = protect(who_am_i)
    request = environ(marker=marker)
    list(wrapped(request, server.start_response))
    kept = weakref.ref(marker)
    del marker, request
    server.calls.clear()
    gc.collect()
    assert kept() is None
    with pytest.raises(AttributeError):
        wrapped.environ  # noqa: B018


def test_row_shared_state_threads_see_their_own_request():
    store, tokens = many()
    wrapped = BearerAuth(who_am_i, store)
    gate = threading.Barrier(10)

    def run(n):
        gate.wait()
        return all(ask(wrapped, *pair) for _ in range(20) for pair in list(tokens.items())[n:])

    with ThreadPoolExecutor(10) as pool:
        assert list(pool.map(run, range(10))) == [True] * 10
    wrapped.close()


def test_row_shared_state_greenlets_see_their_own_request():
    store, tokens = many()
    wrapped = BearerAuth(who_am_i, store)
    jobs = [
        gevent.spawn(ask, wrapped, user, token, gevent.sleep)
        for _ in range(10)
        for user, token in tokens.items()
    ]
    gevent.joinall(jobs, raise_error=True)
    assert [job.value for job in jobs] == [True] * 200
    wrapped.close()


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_row_shared_state_a_fork_goes_on_by_itself():
    store, tokens = many()
    wrapped = BearerAuth(who_am_i, store)
    assert all(ask(wrapped, *pair) for pair in tokens.items())  # a cache and a usage thread exist
    child = os.fork()
    if child == 0:
        try:
            right = all(ask(wrapped, *pair) for pair in tokens.items())
        except BaseException:
            right = False
        os._exit(0 if right else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert all(ask(wrapped, *pair) for pair in tokens.items())
    wrapped.close()


def test_bearer_auth_keeps_pep_3333_on_both_sides(call):
    def app(environ, start_response):
        start_response("200 OK", [PLAIN])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [b"in"]

    wrapped = protect(validator(protect_open(validator(app))))
    for method in ("GET", "HEAD", "POST", "OPTIONS", "DELETE", "PATCH"):
        assert call(wrapped, method, **KEY).status == "200 OK"
        assert call(wrapped, method).status == "401 Unauthorized"


def protect_open(app):
    return BearerAuth(app, STORE, public=["/"])
