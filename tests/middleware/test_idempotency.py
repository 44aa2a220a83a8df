"""Idempotency: what a client gets, how often the app runs, and what is remembered."""

import io
import json
from datetime import timedelta

import pytest

from bearer_auth import BearerAuth, ConfigurationError, Keyring, MemoryStore, RateLimited, Rule
from bearer_auth.errors import InsufficientScope, StoreUnavailable
from bearer_auth.idempotency import Idempotency, MemoryIdempotencyStore
from bearer_auth.testing import FakeClock

ID = ("X-Request-ID", "request-1")
JSON = ("Content-Type", "application/json")
NO_STORE = ("Cache-Control", "no-store")
PLAIN = ("Content-Type", "text/plain")


def envelope(code, message):
    return json.dumps({"success": False, "error": {"code": code, "message": message}}).encode()


RUNNING = envelope("IDEMPOTENCY_CONFLICT", "A request with this idempotency key is still running")
NOT_KEPT = envelope(
    "IDEMPOTENCY_CONFLICT",
    "A request with this idempotency key was completed, but its answer was not kept; "
    "repeating it doesn't help",
)
REUSED = envelope("IDEMPOTENCY_KEY_REUSED", "This idempotency key was used for another request")
INTERNAL = envelope("INTERNAL_ERROR", "Internal error")
TOO_LARGE = envelope("REQUEST_TOO_LARGE", "Request body too large")


def invalid(message):
    return envelope("INVALID_REQUEST", message)


class App:
    """Counts its runs, and answers with what it got; ``behave`` may do something else."""

    def __init__(self):
        self.runs = 0
        self.environ = None
        self.behave = None

    def __call__(self, environ, start_response):
        self.runs += 1
        self.environ = environ
        if self.behave is not None:
            return self.behave(environ, start_response)
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = b"run %d: %s" % (self.runs, environ["wsgi.input"].read(length))
        start_response("201 Created", [("Content-Type", "text/plain"), ("X-Run", str(self.runs))])
        return [body]


class World:
    def __init__(self, call, sink):
        self.call_app = call
        self.sink = sink
        self.app = App()
        self.keys = MemoryStore()
        self.keyring = Keyring(self.keys, event_sink=sink)
        self.clock = FakeClock()
        self.store = MemoryIdempotencyStore(clock=self.clock)
        self.issued = self.keyring.create(user_id="user_123", scopes=["write"])
        self.token = self.issued.token
        self.auth = self.wrapped()

    def wrapped(self, idempotency=None, **options):
        self.auth = BearerAuth(
            self.app,
            self.keys,
            public=["/open"],
            rules=[Rule("/scoped", scopes=["write"])],
            content_types=None,
            idempotency=idempotency or self.store,
            event_sink=self.sink,
            **options,
        )
        return self.auth

    def post(self, value="key-1", body=b"{}", *, path="/jobs", method="POST", **environ):
        headers = {"HTTP_AUTHORIZATION": f"Bearer {self.token}", "HTTP_X_REQUEST_ID": "request-1"}
        if value is not None:
            headers["HTTP_X_IDEMPOTENCY_KEY"] = value
        return self.call_app(self.auth, method, path, body, **(headers | environ))


@pytest.fixture
def world(call, sink):
    return World(call, sink)


def test_a_repeat_gets_the_same_answer_and_the_app_does_not_run_again(world):
    first = world.post()
    second = world.post(HTTP_X_REQUEST_ID="request-2")
    plain = [("Content-Type", "text/plain"), ("X-Run", "1")]
    assert first == ("201 Created", [*plain, ID], b"run 1: {}")
    replayed = ("Idempotent-Replayed", "true")
    assert second == (
        "201 Created",
        [*plain, replayed, ("X-Request-ID", "request-2")],
        b"run 1: {}",
    )
    assert world.app.runs == 1


def test_another_value_is_another_request(world):
    assert world.post("key-1").body == b"run 1: {}"
    assert world.post("KEY-1").body == b"run 2: {}"


@pytest.mark.parametrize(
    "changed",
    [
        {"body": b"[]"},
        {"path": "/other"},
        {"method": "PUT"},
        {"QUERY_STRING": "a=1"},
        {"CONTENT_TYPE": "text/plain"},
        {"SCRIPT_NAME": "/jobs", "path": ""},
    ],
)
def test_the_same_value_with_another_request_is_refused(world, changed):
    world.post()
    answer = world.post(**changed)
    assert answer.status == "422 Unprocessable Entity"
    assert answer.headers == [JSON, ("Content-Length", "127"), NO_STORE, ID]
    assert answer.body == REUSED
    assert world.app.runs == 1


def test_parts_of_a_request_do_not_run_into_each_other(world):
    world.post(path="/a", QUERY_STRING="bc")
    assert world.post(path="/ab", QUERY_STRING="c").status == "422 Unprocessable Entity"


def test_another_owners_value_is_as_if_it_had_never_been_used(world):
    world.post()
    world.token = world.keyring.create(user_id="user_456").token
    assert world.post().body == b"run 2: {}"


def test_a_rotated_key_finds_what_its_old_secret_did(world):
    world.post()
    world.token = world.keyring.rotate(world.issued.key_id).token
    assert world.post().body == b"run 1: {}"


def test_threat_replay_after_revocation_or_lost_scope(world):
    world.post(path="/scoped")
    world.keyring.update(world.issued.key_id, scopes=[])
    assert world.post(path="/scoped").status == "403 Forbidden"
    world.keyring.revoke(world.issued.key_id)
    assert world.post(path="/scoped").status == "401 Unauthorized"
    assert world.app.runs == 1


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_other_methods_ignore_the_header(world, method):
    world.post("not, a value", method=method, body=b"")
    world.post("not, a value", method=method, body=b"")
    assert world.app.runs == 2


def test_threat_a_method_in_lower_case_does_not_run_twice(world):
    # Without wsgiref.validate, which takes no such method; werkzeug and wsgiref do.
    def patch():
        environ = {
            "REQUEST_METHOD": "patch",
            "PATH_INFO": "/jobs",
            "HTTP_AUTHORIZATION": f"Bearer {world.token}",
            "HTTP_X_IDEMPOTENCY_KEY": "key-1",
            "wsgi.input": io.BytesIO(b""),
        }
        return list(world.auth(environ, lambda *_: None))

    assert [patch(), patch()] == [[b"run 1: "], [b"run 1: "]]
    assert world.app.runs == 1


def test_a_public_path_ignores_the_header(world):
    for _ in range(2):
        world.post("not, a value", path="/open")
    assert world.app.runs == 2
    assert "bearer_auth.idempotency" not in world.app.environ


def test_the_methods_can_be_chosen(world):
    world.wrapped(Idempotency(world.store, methods=["DELETE"]))
    world.post(method="DELETE")
    assert world.post(method="DELETE").body == b"run 1: {}"
    world.post()
    assert world.post().body == b"run 3: {}"


@pytest.mark.parametrize(
    "value",
    ["", " ", "a,b", "a, b", "a b", "caf\xe9", "\x7f", "a\tb", "x" * 256, "a\x00", "a\n", "\x85"],
)
def test_a_malformed_value_is_refused_and_the_app_not_called(world, value):
    answer = world.post(value)
    assert answer.status == "400 Bad Request"
    assert answer.body == invalid(
        "X-Idempotency-Key must be 1 to 255 visible ASCII characters, without a comma"
    )
    assert world.app.runs == 0
    (refused,) = (e for e in world.sink.events if e.name == "request.refused")
    assert (refused.status, refused.reason) == (400, "idempotency_key")
    assert (refused.key_id, refused.user_id) == (world.issued.key_id, "user_123")


@pytest.mark.parametrize("value", ["x" * 255, "!\"#$%&'()*+-./:;<=>?@[]^_`{|}~", " padded\t"])
def test_a_value_may_be_any_visible_ascii(world, value):
    world.post(value)
    assert world.post(value).body == b"run 1: {}"
    assert world.app.environ["bearer_auth.idempotency_key"] == value.strip(" \t")


def test_the_drafts_header_is_an_equal(world):
    world.post('a"b\\c')
    answer = world.post(None, HTTP_IDEMPOTENCY_KEY=' "a\\"b\\\\c" ')
    assert answer.body == b"run 1: {}"
    both = world.post("same", HTTP_IDEMPOTENCY_KEY='"same"')
    assert both.body == b"run 2: {}"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("bare", 'Idempotency-Key must be a string in double quotes, such as "8e03978e"'),
        ("", 'Idempotency-Key must be a string in double quotes, such as "8e03978e"'),
        ('"a" "b"', 'Idempotency-Key must be a string in double quotes, such as "8e03978e"'),
        ('"a\\b"', 'Idempotency-Key must be a string in double quotes, such as "8e03978e"'),
        ('""', "Idempotency-Key must be 1 to 255 visible ASCII characters, without a comma"),
        ('"a b"', "Idempotency-Key must be 1 to 255 visible ASCII characters, without a comma"),
        ('"a","b"', 'Idempotency-Key must be a string in double quotes, such as "8e03978e"'),
    ],
)
def test_the_drafts_header_is_a_string_of_rfc_8941(world, value, message):
    answer = world.post(None, HTTP_IDEMPOTENCY_KEY=value)
    assert (answer.status, answer.body) == ("400 Bad Request", invalid(message))


def test_two_values_that_differ_are_refused(world):
    answer = world.post("a", HTTP_IDEMPOTENCY_KEY='"b"')
    assert (answer.status, answer.body) == (
        "400 Bad Request",
        invalid("X-Idempotency-Key and Idempotency-Key differ; send one of them"),
    )


def test_while_it_runs_others_are_told_to_come_back(world):
    answers = []

    def behave(environ, start_response):
        if not answers:
            answers.append(world.post())
        start_response("200 OK", [PLAIN])
        return [b"done"]

    world.app.behave = behave
    world.post()
    (answer,) = answers
    assert answer.status == "409 Conflict"
    assert answer.headers == [
        JSON,
        ("Content-Length", "128"),
        NO_STORE,
        ("Retry-After", "1"),
        ID,
    ]
    assert answer.body == RUNNING
    assert world.post().body == b"done"
    assert world.app.runs == 1


def test_a_500_of_the_app_is_remembered(world):
    def behave(environ, start_response):
        start_response("500 Internal Server Error", [PLAIN])
        return [b"half"]

    world.app.behave = behave
    assert world.post().body == b"half"
    assert world.post().status == "500 Internal Server Error"
    assert world.app.runs == 1


def raising(error, *, after=()):
    """An app that raises at once, or after it has sent some blocks."""

    def behave(environ, start_response):
        if not after:
            raise error

        def blocks():
            start_response("200 OK", [PLAIN])
            yield from after
            raise error

        return blocks()

    return behave


def run(world, value="key-1"):
    """A request whose app's exception arrives at the server."""
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/jobs",
        "HTTP_AUTHORIZATION": f"Bearer {world.token}",
        "HTTP_X_IDEMPOTENCY_KEY": value,
        "CONTENT_LENGTH": "2",
        "wsgi.input": io.BytesIO(b"{}"),
    }
    said = []
    answer = world.auth(environ, lambda status, headers, exc_info=None: said.append(status))
    try:
        return said, list(answer)
    finally:
        close = getattr(answer, "close", None)
        if close:
            close()


@pytest.mark.parametrize("after", [(), (b"",)])
@pytest.mark.parametrize("error", [ValueError("mine"), SystemExit(1)])
def test_an_exception_is_remembered_as_a_500(world, error, after):
    world.app.behave = raising(error, after=after)
    with pytest.raises(type(error)):
        run(world)
    answer = world.post()
    assert answer.status == "500 Internal Server Error"
    assert answer.body == INTERNAL
    assert ("Idempotent-Replayed", "true") in answer.headers
    assert world.app.runs == 1


def test_an_exception_in_the_middle_leaves_a_record_without_a_body(world):
    world.app.behave = raising(ValueError("mine"), after=[b"half"])
    with pytest.raises(ValueError, match="mine"):
        run(world)
    answer = world.post()
    assert answer.status == "409 Conflict"
    assert answer.headers == [JSON, ("Content-Length", "181"), NO_STORE, ID]
    assert answer.body == NOT_KEPT
    assert world.app.runs == 1


def test_an_error_of_ours_that_the_app_raises_is_its_answer(world):
    world.app.behave = raising(InsufficientScope(["admin"]))
    first, second = world.post(), world.post()
    assert first.status == second.status == "403 Forbidden"
    assert first.body == second.body
    assert world.app.runs == 1


@pytest.mark.parametrize("error", [StoreUnavailable("away"), RateLimited(7)])
def test_a_raised_429_or_503_frees_the_value(world, error):
    world.app.behave = raising(error)
    world.post()
    world.app.behave = None
    assert world.post().body == b"run 2: {}"


@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Service Unavailable"])
def test_the_apps_own_429_and_503_free_the_value(world, status):
    def behave(environ, start_response):
        start_response(status, [PLAIN, ("Retry-After", "3")])
        return [b"later"]

    world.app.behave = behave
    assert world.post().body == b"later"
    world.app.behave = None
    assert world.post().body == b"run 2: {}"


@pytest.mark.parametrize("raises", [False, True])
def test_an_app_can_forget(world, raises):
    def behave(environ, start_response):
        environ["bearer_auth.idempotency"].forget()
        if raises:
            raise ValueError("nothing done")
        start_response("500 Internal Server Error", [PLAIN])
        return [b"nothing done"]

    world.app.behave = behave
    if raises:
        with pytest.raises(ValueError, match="nothing"):
            run(world)
    else:
        world.post()
    world.app.behave = None
    assert world.post().body == b"run 2: {}"


def test_headers_of_the_one_request_are_not_kept(world):
    def behave(environ, start_response):
        start_response(
            "200 OK",
            [
                PLAIN,
                ("Set-Cookie", "session=1"),
                ("Date", "Thu, 26 Nov 2026 10:00:00 GMT"),
                ("X-Request-ID", "the app's"),
                ("ETag", '"1"'),
                ("Vary", "Accept"),
                ("Vary", "Origin"),
            ],
        )
        return [b"ok"]

    world.app.behave = behave
    world.post()
    assert world.post(HTTP_X_REQUEST_ID="request-2").headers == [
        PLAIN,
        ("ETag", '"1"'),
        ("Vary", "Accept"),
        ("Vary", "Origin"),
        ("Idempotent-Replayed", "true"),
        ("X-Request-ID", "request-2"),
    ]


def test_hop_by_hop_headers_are_not_kept(world):
    def behave(environ, start_response):
        start_response("200 OK", [PLAIN, ("Connection", "close, X-Hop"), ("X-Hop", "1")])
        return [b"ok"]

    world.app.behave = behave
    assert run(world)[1] == [b"ok"]  # the validator takes no hop-by-hop header
    assert [name for name, _ in world.post().headers] == [
        "Content-Type",
        "Idempotent-Replayed",
        "X-Request-ID",
    ]


def answering(*blocks, headers=(PLAIN,), status="200 OK", before=None):
    """An app whose answer is a generator."""

    def behave(environ, start_response):
        start_response(status, list(headers))

        def made():
            for number, block in enumerate(blocks):
                if before:
                    before(number)
                yield block

        return made()

    return behave


def test_an_answer_in_blocks_passes_block_by_block_and_is_kept(world):
    world.app.behave = answering(b"a", b"", b"bc")
    assert run(world) == (["200 OK"], [b"a", b"", b"bc"])
    assert world.post().body == b"abc"
    assert world.app.runs == 1


def test_what_an_app_writes_is_kept(world):
    def behave(environ, start_response):
        write = start_response("200 OK", [PLAIN])
        write(b"one ")
        return [b"two"]

    world.app.behave = behave
    assert world.post().body == b"one two"
    assert world.post().body == b"one two"


def test_an_answer_above_the_cap_passes_and_is_not_kept(world):
    world.wrapped(Idempotency(world.store, max_answer=3))
    world.app.behave = answering(b"ab", b"cd", b"e")
    assert run(world) == (["200 OK"], [b"ab", b"cd", b"e"])
    assert world.post().body == NOT_KEPT
    world.app.behave = answering(b"abc")
    run(world, "key-2")
    assert world.post("key-2").body == b"abc"
    assert world.app.runs == 2


def test_an_answer_that_is_shorter_than_it_said_is_not_kept(world):
    world.app.behave = answering(b"ab", headers=[PLAIN, ("Content-Length", "5")])
    run(world)
    assert world.post().body == NOT_KEPT


def test_who_has_the_whole_answer_can_rely_on_it(world):
    """Its last block goes out once it is remembered."""
    world.app.behave = answering(b"ab", b"c", headers=[PLAIN, ("Content-Length", "3")])
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/jobs",
        "HTTP_AUTHORIZATION": f"Bearer {world.token}",
        "HTTP_X_IDEMPOTENCY_KEY": "key-1",
        "CONTENT_LENGTH": "2",
        "wsgi.input": io.BytesIO(b"{}"),
    }
    answer = iter(world.auth(environ, lambda *said: None))
    assert next(answer) == b"ab"
    assert world.post().body == RUNNING
    assert next(answer) == b"c"
    assert world.post().body == b"abc"
    answer.close()
    assert world.post().body == b"abc"


@pytest.mark.parametrize("read", [0, 1])
def test_a_client_that_goes_away_leaves_a_record_without_a_body(world, read):
    closed = []

    class Blocks:
        def __init__(self):
            self.rest = [b"c", b"b", b"a"]

        def __iter__(self):
            return self

        def __next__(self):
            return self.rest.pop()

        def close(self):
            closed.append(len(self.rest))

    def behave(environ, start_response):
        start_response("200 OK", [PLAIN])
        return Blocks()

    world.app.behave = behave
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/jobs",
        "HTTP_AUTHORIZATION": f"Bearer {world.token}",
        "HTTP_X_IDEMPOTENCY_KEY": "key-1",
        "CONTENT_LENGTH": "2",
        "wsgi.input": io.BytesIO(b"{}"),
    }
    answer = world.auth(environ, lambda *said: None)
    for _ in range(read):
        next(iter(answer))
    answer.close()
    assert closed == [3 - read]
    assert world.post().body == NOT_KEPT
    assert world.app.runs == 1


def test_a_claim_that_is_streaming_is_renewed(world, monkeypatch):
    seconds = iter(range(0, 10_000, 30))
    monkeypatch.setattr("bearer_auth.middleware.recorded.monotonic", lambda: next(seconds))
    seen = []

    def before(number):
        world.clock.advance(30)
        if number == 3:  # 120 s after the claim, whose lease is 60 s
            seen.append(world.post().body)

    world.app.behave = answering(b"a", b"b", b"c", b"d", before=before)
    run(world)
    assert seen == [RUNNING]
    assert world.post().body == b"abcd"


def test_a_dead_claim_is_taken_over_and_the_late_owner_told(world):
    """Double execution: the one case in which an app runs twice."""
    bodies = []

    def behave(environ, start_response):
        if not bodies:
            bodies.append(None)
            world.clock.advance(61)
            bodies.append(world.post().body)
        start_response("200 OK", [PLAIN])
        return [b"run %d" % world.app.runs, b" by %d" % len(bodies)]

    world.app.behave = behave
    world.post()
    assert bodies == [None, b"run 2 by 1"]
    assert world.post().body == b"run 2 by 1"  # not what came late
    told = [e.name for e in world.sink.events if e.name != "request.authenticated"]
    assert told == ["key.created", "request.overtaken", "request.replayed"]


class Failing:
    """A store that is away whenever it is told to."""

    def __init__(self, store):
        self.store = store
        self.lease = store.lease
        self.away = set()

    def __getattr__(self, name):
        def run(*arguments):
            if name in self.away:
                raise StoreUnavailable(f"Failing: {name} is away")
            return getattr(self.store, name)(*arguments)

        return run


def test_a_store_that_is_away_is_a_503_for_requests_with_the_header_only(world):
    store = Failing(world.store)
    world.wrapped(store)
    store.away = {"claim"}
    answer = world.post()
    assert answer.status == "503 Service Unavailable"
    assert answer.body == envelope("SERVICE_UNAVAILABLE", "Service temporarily unavailable")
    assert world.app.runs == 0
    assert world.post(None).body == b"run 1: {}"
    store.away = set()
    assert world.post().body == b"run 2: {}"


def test_an_answer_that_could_not_be_kept_goes_out_and_is_kept_later(world):
    store = Failing(world.store)
    world.wrapped(store)
    store.away = {"finish"}
    assert world.post().body == b"run 1: {}"
    assert world.post().status == "503 Service Unavailable"  # it is tried again first
    store.away = set()
    assert world.post().body == b"run 1: {}"
    assert world.app.runs == 1
    failures = [e.reason for e in world.sink.events if e.name == "store.failed"]
    assert failures == ["store", "store"]


def test_a_broken_store_does_not_take_the_answer_away(world):
    class Broken(Failing):
        def finish(self, *arguments):
            raise ZeroDivisionError

    world.wrapped(Broken(world.store))
    assert world.post().body == b"run 1: {}"


def test_a_body_above_the_cap_is_refused_before_it_is_read(world):
    world.wrapped(Idempotency(world.store, max_request=10))
    answer = world.post(body=b"x" * 11)
    assert answer.status == "413 Content Too Large" or answer.status.startswith("413 ")
    assert answer.body == TOO_LARGE
    assert world.post(body=b"x" * 10).body == b"run 1: " + b"x" * 10
    assert world.app.runs == 1


def test_a_request_without_the_header_is_not_touched(world):
    stream, store = object(), Failing(world.store)
    store.away = {"claim", "finish", "forget", "renew"}
    world.wrapped(store)
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/jobs",
        "HTTP_AUTHORIZATION": f"Bearer {world.token}",
        "CONTENT_LENGTH": "2000000",
        "wsgi.input": stream,
        "bearer_auth.idempotency_key": "preset",
        "bearer_auth.idempotency": "preset",
    }
    seen = []

    def behave(environ, start_response):
        seen.append(environ)
        return answer

    answer = [b"as it is"]
    world.app.behave = behave
    world.auth(environ, lambda *said: None)
    assert seen[0]["wsgi.input"] is stream
    assert "bearer_auth.idempotency_key" not in seen[0]
    assert "bearer_auth.idempotency" not in seen[0]


def test_health_is_answered_before(world):
    world.post(path="/health", method="GET", body=b"")
    assert world.app.runs == 0


def test_too_many_values_of_one_key_are_refused(world):
    world.store = MemoryIdempotencyStore(clock=world.clock, records_per_key=1)
    world.wrapped(world.store)
    world.post("a")
    answer = world.post("b")
    assert answer.status == "429 Too Many Requests"
    assert ("Retry-After", "86400") in answer.headers
    assert world.post("a").body == b"run 1: {}"
    world.clock.advance(timedelta(days=1))
    assert world.post("b").body == b"run 2: {}"


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Idempotency(object()), TypeError, "not object"),
        (lambda: Idempotency(MemoryIdempotencyStore), TypeError, "not MemoryIdempotencyStore"),
        (
            lambda: Idempotency(MemoryIdempotencyStore(), methods=["post"]),
            ConfigurationError,
            "names such as 'POST'",
        ),
        (lambda: Idempotency(MemoryIdempotencyStore(), methods=[]), ConfigurationError, "methods"),
        (
            lambda: Idempotency(MemoryIdempotencyStore(), max_request=-1),
            ConfigurationError,
            "max_request",
        ),
        (lambda: MemoryIdempotencyStore(lease=60), TypeError, "lease must be a timedelta"),
        (
            lambda: MemoryIdempotencyStore(lease=timedelta(0)),
            ConfigurationError,
            "lease must be a second to a day",
        ),
        (
            lambda: MemoryIdempotencyStore(keep=timedelta(seconds=59)),
            ConfigurationError,
            "keep must be as long as the lease",
        ),
        (
            lambda: MemoryIdempotencyStore(records_per_key=0),
            ConfigurationError,
            "records_per_key must be 1 or more",
        ),
    ],
)
def test_what_is_wrong_is_said_at_construction(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_bearer_auth_takes_no_url_for_a_store(world):
    with pytest.raises(TypeError, match="not str"):
        BearerAuth(world.app, world.keys, idempotency="redis://127.0.0.1")


@pytest.mark.parametrize("status", ["200 " + "x" * 300, "200 a\x00b", "200 \ud800", "odd"])
def test_a_status_that_no_store_takes_is_remembered_without_a_body(world, status):
    def behave(environ, start_response):
        start_response(status, [PLAIN])
        return [b"odd"]

    world.app.behave = behave
    assert run(world) == ([status], [b"odd"])
    assert world.post().body == NOT_KEPT


def test_threat_an_answer_that_can_never_be_kept_shuts_nobody_out(world):
    class Picky(Failing):
        def finish(self, key_id, value, fence, answer):
            if answer is not None and b"odd" in answer.body:
                raise StoreUnavailable("Picky: never")
            return self.store.finish(key_id, value, fence, answer)

    world.wrapped(Picky(world.store))
    assert world.post("a", b"odd").body == b"run 1: odd"
    assert world.post("b").body == b"run 2: {}"
    assert world.post("a", b"odd").body == NOT_KEPT
    assert world.app.runs == 2


@pytest.mark.parametrize("length", [None, "4"])
@pytest.mark.parametrize("kind", [list, iter])
def test_an_answer_that_is_not_bytes_is_not_done_again(world, kind, length):
    def behave(environ, start_response):
        headers = [PLAIN] if length is None else [PLAIN, ("Content-Length", length)]
        start_response("200 OK", headers)
        return kind(["text"])

    world.app.behave = behave
    with pytest.raises(TypeError):
        run(world)
    world.clock.advance(61)
    assert world.post().body == NOT_KEPT
    assert world.app.runs == 1
