"""header_alias: keys in another header or under another scheme, as strictly as under Bearer."""

import io
import os
import sys
import threading
from wsgiref.validate import validator

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from bearer_auth import BearerAuth, ConfigurationError, KeyRecord, Keyring, MemoryStore, Rule
from bearer_auth.flask import FlaskBearerAuth
from bearer_auth.middleware import header_alias
from bearer_auth.testing import acting_as

TOKEN = "ba_production_AbCdEfGh012345670123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg17O6iX"
KEY_ID = "AbCdEfGh01234567"
STORE = MemoryStore([KeyRecord.from_token(TOKEN, user_id="user_123", tenant_id="acme")])
RING = Keyring(STORE)

UNAUTHORIZED = (
    b'{"success": false, "error": {"code": "UNAUTHORIZED", "message": "Invalid API key"}}'
)
ID = {"HTTP_X_REQUEST_ID": "request-1"}
MALFORMED = (
    "401 Unauthorized",
    [
        ("Content-Type", "application/json"),
        ("Content-Length", "83"),
        ("Cache-Control", "no-store"),
        ("WWW-Authenticate", 'Bearer realm="api", error="invalid_token"'),
        ("X-Request-ID", "request-1"),
    ],
    UNAUTHORIZED,
)


class App:
    """It keeps the environ that it was called with."""

    def __init__(self):
        self.environ = None

    def __call__(self, environ, start_response):
        self.environ = dict(environ)
        principal = environ.get("bearer_auth.principal")
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [(principal.user_id if principal else "nobody").encode()]

    def auth_headers(self):
        return {k: v for k, v in self.environ.items() if "KEY" in k or "AUTHORIZATION" in k}


class Nothing:
    def emit(self, event):
        pass


@pytest.fixture
def app():
    return App()


def protect(app, store=STORE, **options):
    return BearerAuth(app, store, event_sink=Nothing(), **options)


def alias(app, **options):
    options.setdefault("event_sink", Nothing())
    return header_alias(validator(protect(validator(app))), **options)


# What is accepted


@pytest.mark.parametrize(
    "sent",
    [
        {"HTTP_X_API_KEY": TOKEN},
        {"HTTP_X_API_KEY": f" {TOKEN}\t "},
        {"HTTP_AUTHORIZATION": f"Token {TOKEN}"},
        {"HTTP_AUTHORIZATION": f"tOKEN   {TOKEN} "},
        {"HTTP_AUTHORIZATION": f" \tApi-Key {TOKEN}"},
        {"HTTP_AUTHORIZATION": f"API-KEY {TOKEN}"},
        {"HTTP_AUTHORIZATION": f"Bearer {TOKEN}"},
    ],
    ids=str,
)
def test_a_key_is_accepted_and_no_header_of_it_is_left_to_the_app(call, app, sent):
    answer = call(alias(app), **sent, **ID)
    assert answer == (
        "200 OK",
        [("Content-Type", "text/plain"), ("X-Request-ID", "request-1")],
        b"user_123",
    )
    assert app.auth_headers() == {}


def test_other_names_can_be_given(call, app):
    aliased = alias(app, headers=["x-legacy-token", "X_Other"], schemes=["Key"])
    for sent in (
        {"HTTP_X_LEGACY_TOKEN": TOKEN},
        {"HTTP_X_OTHER": TOKEN},
        {"HTTP_AUTHORIZATION": f"key {TOKEN}"},
    ):
        assert call(aliased, **sent).body == b"user_123"
        assert TOKEN not in str(app.environ)
    for sent in ({"HTTP_X_API_KEY": TOKEN}, {"HTTP_AUTHORIZATION": f"Token {TOKEN}"}):
        assert call(aliased, **sent).status == "401 Unauthorized"


def test_headers_alone_or_schemes_alone(call, app):
    headers, schemes = alias(app, schemes=()), alias(app, headers=())
    header, scheme = {"HTTP_X_API_KEY": TOKEN}, {"HTTP_AUTHORIZATION": f"Token {TOKEN}"}
    assert [call(headers, **header).status, call(headers, **scheme).status] == [
        "200 OK",
        "401 Unauthorized",
    ]
    assert [call(schemes, **header).status, call(schemes, **scheme).status] == [
        "401 Unauthorized",
        "200 OK",
    ]


def test_a_request_without_any_is_left_alone(call, app):
    assert call(alias(app)).status == "401 Unauthorized"
    assert 'error="' not in dict(call(alias(app)).headers)["WWW-Authenticate"]


def test_other_schemes_are_left_alone(call, app):
    aliased = header_alias(app)
    for value in (
        "Basic dXNlcjpwdw==",
        "Tokens x",
        "Token-x y",
        "Api Key",
        "",
        "\x0bToken x",
        "\xa0Token x",
        "To\u212aen x",
    ):
        call(aliased, HTTP_AUTHORIZATION=value)
        assert app.environ["HTTP_AUTHORIZATION"] == value


# What is refused


@pytest.mark.parametrize(
    "sent",
    [
        {"HTTP_X_API_KEY": ""},
        {"HTTP_X_API_KEY": " "},
        {"HTTP_X_API_KEY": "a, b"},
        {"HTTP_X_API_KEY": f"{TOKEN}, {TOKEN}"},
        {"HTTP_X_API_KEY": f"{TOKEN},"},
        {"HTTP_X_API_KEY": f"{TOKEN} {TOKEN}"},
        {"HTTP_X_API_KEY": f"Bearer {TOKEN}"},
        {"HTTP_X_API_KEY": f"{TOKEN}\n"},
        {"HTTP_X_API_KEY": f"{TOKEN}\x00"},
        {"HTTP_X_API_KEY": f"\xa0{TOKEN}"},
        {"HTTP_X_API_KEY": f"{TOKEN}\x85"},
        {"HTTP_X_API_KEY": f"\x0b{TOKEN}"},
        {"HTTP_X_API_KEY": f'"{TOKEN}"'},
        {"HTTP_X_API_KEY": "a" * 4090},
        {"HTTP_AUTHORIZATION": "Token"},
        {"HTTP_AUTHORIZATION": f'Token token="{TOKEN}"'},
        {"HTTP_AUTHORIZATION": f"Token\t{TOKEN}"},
        {"HTTP_AUTHORIZATION": f"Token,{TOKEN}"},
        {"HTTP_AUTHORIZATION": f"Token Token {TOKEN}"},
        {"HTTP_AUTHORIZATION": f"Token {TOKEN}, Token {TOKEN}"},
        {"HTTP_AUTHORIZATION": f"Token Bearer {TOKEN}"},
        {"HTTP_AUTHORIZATION": f"Token {TOKEN}\r\n"},
    ],
    ids=ascii,
)
def test_what_bearer_would_not_take_is_refused_in_the_same_words(call, app, sent):
    assert call(alias(app), **sent, **ID) == MALFORMED
    assert app.environ is None


@pytest.mark.parametrize("other", ["", "Basic dXNlcjpwdw==", f"Bearer {TOKEN}", f"Token {TOKEN}"])
@pytest.mark.parametrize("key", ["", TOKEN, "wrong"])
def test_two_answers_to_one_question_are_refused(call, app, other, key):
    sent = {"HTTP_AUTHORIZATION": other, "HTTP_X_API_KEY": key}
    assert call(alias(app), **sent, **ID) == MALFORMED
    assert app.environ is None


def test_two_alias_headers_are_refused_though_they_agree(call, app):
    aliased = alias(app, headers=["X-API-Key", "X-Token"])
    assert call(aliased, HTTP_X_API_KEY=TOKEN, HTTP_X_TOKEN=TOKEN, **ID) == MALFORMED
    assert call(aliased, HTTP_X_TOKEN=TOKEN).status == "200 OK"
    environ = {"REQUEST_METHOD": "GET", "HTTP_X_API_KEY": TOKEN, "HTTP_X_TOKEN": TOKEN}
    bare = header_alias(protect(app), headers=["X-API-Key", "X-Token"])
    assert b"".join(bare(environ, lambda *answer: None)) == UNAUTHORIZED
    assert TOKEN not in str(environ)


def test_a_refusal_leaves_no_key_behind(app):
    sent = {"HTTP_AUTHORIZATION": f"Bearer {TOKEN}", "HTTP_X_API_KEY": TOKEN}
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", **sent}
    for _ in range(2):  # also when the same environ comes again
        assert b"".join(alias_of(protect(app))(environ, lambda *answer: None)) == UNAUTHORIZED
        assert environ["HTTP_AUTHORIZATION"] == "Bearer ,"
        assert "HTTP_X_API_KEY" not in environ
        assert TOKEN not in str(environ)


def test_the_events_say_what_they_say_of_a_malformed_header(call, app, sink):
    aliased = header_alias(BearerAuth(app, STORE, event_sink=sink))
    call(aliased, HTTP_X_API_KEY=TOKEN, HTTP_AUTHORIZATION=f"Bearer {TOKEN}")
    call(aliased, HTTP_X_API_KEY="a, b")
    assert [(event.name, event.reason) for event in sink.events] == [
        ("request.refused", "malformed"),
        ("request.refused", "malformed"),
    ]


# Never more than Bearer: the same app, asked in both ways

PIECES = st.sampled_from(
    [
        *(TOKEN, "Bearer", "Token", "bearer", " ", "\t", ",", ", ", "=", "\r\n", "\n", "\x00"),
        *("\xa0", "\x0b", "\x85", "\x1c", "é", ";", '"', "a", TOKEN[:-1], "X-API-Key:", "\u212a"),
    ]
)
VALUES = st.lists(PIECES, max_size=6).map("".join) | st.text(max_size=30) | st.just(TOKEN)


def outcome(app, **headers):
    answers = []
    body = b"".join(
        app(
            {"REQUEST_METHOD": "GET", "PATH_INFO": "/", **ID, **headers},
            lambda *answer: answers.append(answer),
        )
    )
    return answers, body


@given(VALUES)
def test_an_alias_header_is_what_bearer_and_its_value_would_be(value):
    bare = protect(App())
    assert outcome(alias_of(bare), HTTP_X_API_KEY=value) == outcome(
        bare, HTTP_AUTHORIZATION="Bearer " + value
    )


@given(VALUES, st.sampled_from([" ", "\t", "", ",", "  ", "\xa0", "="]))
def test_an_alias_scheme_is_what_bearer_in_its_place_would_be(value, after):
    bare = protect(App())
    asked = outcome(alias_of(bare), HTTP_AUTHORIZATION="Token" + after + value)
    as_bearer = outcome(bare, HTTP_AUTHORIZATION="Bearer" + after + value)
    assert asked[1] == as_bearer[1]


@given(VALUES, VALUES)
def test_both_are_never_accepted(value, other):
    sent = {"HTTP_X_API_KEY": value, "HTTP_AUTHORIZATION": other}
    assert outcome(alias_of(protect(App())), **sent)[1] == UNAUTHORIZED


def alias_of(bare):
    return header_alias(bare, event_sink=Nothing())


# Where no key is needed


def test_on_a_public_path_the_app_gets_the_header_as_if_it_had_been_bearer(call, app):
    aliased = alias_of(protect(app, public=["/docs"]))
    for sent in ({"HTTP_X_API_KEY": "a, b"}, {"HTTP_AUTHORIZATION": "Token a, b"}):
        assert call(aliased, path="/docs", **sent).body == b"nobody"
        assert app.auth_headers() == {"HTTP_AUTHORIZATION": "Bearer a, b"}
    call(aliased, path="/docs", HTTP_X_API_KEY="a", HTTP_AUTHORIZATION="Basic dXNlcjpwdw==")
    assert app.auth_headers() == {"HTTP_AUTHORIZATION": "Bearer ,"}
    assert aliased.uses == {}


def test_on_an_optional_path_a_wrong_alias_is_a_401(call, app):
    aliased = alias_of(protect(app, rules=[Rule("/me", optional=True)]))
    assert call(aliased, path="/me").body == b"nobody"
    assert call(aliased, path="/me", HTTP_X_API_KEY="").status == "401 Unauthorized"
    assert call(aliased, path="/me", HTTP_X_API_KEY="wrong").status == "401 Unauthorized"
    assert call(aliased, path="/me", HTTP_X_API_KEY=TOKEN).body == b"user_123"


# How often


def test_uses_are_counted_by_key_and_the_first_one_is_told(call, app, sink):
    other = RING.create(user_id="user_456")
    aliased = alias(app, event_sink=sink)
    assert aliased.uses == {}
    for _ in range(3):
        call(aliased, HTTP_X_API_KEY=TOKEN, **ID)
    call(aliased, HTTP_AUTHORIZATION=f"api-key {other.token}")
    call(aliased, HTTP_AUTHORIZATION=f"Bearer {other.token}")
    call(aliased, HTTP_X_API_KEY="wrong")
    assert aliased.uses == {KEY_ID: 3, other.key_id: 1}
    first, second = sink.events
    assert (first.name, first.key_id, first.user_id, first.tenant_id, first.request_id) == (
        *("key.alias_used", KEY_ID, "user_123", "acme", "request-1"),
    )
    assert (first.address, first.data) == ("192.0.2.7", {"alias": "X-API-Key"})
    assert (second.key_id, second.data) == (other.key_id, {"alias": "Api-Key"})


def test_what_is_given_out_is_a_copy(call, app):
    aliased = alias(app)
    call(aliased, HTTP_X_API_KEY=TOKEN)
    aliased.uses.clear()
    assert aliased.uses == {KEY_ID: 1}


def test_a_use_counts_also_when_the_app_raises():
    def broken(environ, start_response):
        raise ValueError

    aliased = alias_of(protect(broken))
    with pytest.raises(ValueError):
        outcome(aliased, HTTP_X_API_KEY=TOKEN)
    assert aliased.uses == {KEY_ID: 1}


def test_what_is_no_principal_of_ours_is_not_counted():
    def other(environ, start_response):
        environ["bearer_auth.principal"] = "user_123"
        return []

    aliased = alias_of(other)
    outcome(aliased, HTTP_X_API_KEY=TOKEN)
    assert aliased.uses == {}


def test_a_key_that_is_refused_for_its_scopes_is_not_counted(call, app):
    aliased = alias_of(protect(app, rules=[Rule("/admin", scopes=["admin"])]))
    assert call(aliased, path="/admin", HTTP_X_API_KEY=TOKEN).status == "403 Forbidden"
    assert aliased.uses == {}


def test_only_so_many_keys_are_counted(monkeypatch, app, sink):
    monkeypatch.setattr(sys.modules["bearer_auth.middleware.header_alias"], "MAX_KEYS", 2)
    aliased = header_alias(protect(app), event_sink=sink)
    tokens = [RING.create(user_id="user_123") for _ in range(3)]
    for issued in (*tokens, *tokens):
        outcome(aliased, HTTP_X_API_KEY=issued.token)
    assert aliased.uses == {tokens[0].key_id: 2, tokens[1].key_id: 2}
    assert [event.key_id for event in sink.events] == [tokens[0].key_id, tokens[1].key_id]


def test_no_use_is_lost_between_threads(app, sink):
    aliased = header_alias(protect(app), event_sink=sink)

    class Uses(dict):
        def get(self, *key):
            assert aliased._lock().locked()
            return super().get(*key)

    aliased._uses = Uses()

    def ask():
        for _ in range(200):
            outcome(aliased, HTTP_X_API_KEY=TOKEN)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert aliased.uses == {KEY_ID: 800}
    assert len(sink.events) == 1


def test_a_fork_in_the_middle_of_a_count_blocks_no_child(monkeypatch, app):
    aliased = alias_of(protect(app))
    with aliased._lock():
        monkeypatch.setattr(os, "getpid", lambda: -1)
        outcome(aliased, HTTP_X_API_KEY=TOKEN)
        assert aliased.uses == {KEY_ID: 1}


# Its place among others


def test_one_within_another_changes_nothing(call, app):
    inner = alias_of(protect(app))
    outer = alias_of(validator(inner))
    assert call(outer, HTTP_X_API_KEY=TOKEN).body == b"user_123"
    assert (outer.uses, inner.uses) == ({KEY_ID: 1}, {})
    sent = {"HTTP_X_API_KEY": TOKEN, "HTTP_AUTHORIZATION": f"Bearer {TOKEN}"}
    assert call(outer, **sent, **ID) == MALFORMED


def test_two_bearer_auths_within_it(call, app):
    inner = protect(app)
    aliased = alias_of(protect(inner, keep_authorization_header=True))
    assert call(aliased, HTTP_X_API_KEY=TOKEN).body == b"user_123"
    assert app.auth_headers() == {}


def test_in_flask_it_is_put_around_wsgi_app():
    site = Flask("site")
    site.add_url_rule("/", "index", lambda: "hello")
    FlaskBearerAuth(site, STORE, event_sink=Nothing())
    site.wsgi_app = header_alias(site.wsgi_app, event_sink=Nothing())
    client = site.test_client()
    assert client.get("/", headers={"X-API-Key": TOKEN}).text == "hello"
    assert client.get("/", headers={"X-API-Key": "wrong"}).status_code == 401
    with acting_as(site):
        assert client.get("/").text == "hello"


class Answer:
    """One that knows when it was closed."""

    def __init__(self, values):
        self.values = iter(values)
        self.closed = 0

    def __iter__(self):
        return self

    def __next__(self):
        return next(self.values)

    def close(self):
        self.closed += 1


def test_the_answer_is_the_apps_own_object_closed_once(call):
    answer = Answer([b"a", b"", b"b"])

    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return answer

    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "HTTP_X_API_KEY": TOKEN}
    assert alias_of(protect(app))(environ, lambda *args: None) is answer
    assert answer.closed == 0
    assert call(alias(app), HTTP_X_API_KEY=TOKEN).body == b"ab"
    assert answer.closed == 1


def test_a_generator_streams_and_the_body_is_left_to_the_app(call):
    read = []

    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        read.append(environ["wsgi.input"].read(4))
        yield b"one"
        yield b"two"

    answer = call(
        alias(app),
        "POST",
        HTTP_X_API_KEY=TOKEN,
        CONTENT_TYPE="application/json",
        CONTENT_LENGTH="4",
        **{"wsgi.input": io.BytesIO(b"1234")},
    )
    assert answer.body == b"onetwo"
    assert len(read) == 1


# What it is given


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"headers": "X-API-Key"}, TypeError, "headers must be a list"),
        ({"schemes": "Token"}, TypeError, "schemes must be a list"),
        ({"headers": [b"X-API-Key"]}, TypeError, "headers must hold text, not bytes"),
        ({"headers": ["X API Key"]}, ConfigurationError, "headers must hold names such as"),
        ({"headers": ["X-API-Key:"]}, ConfigurationError, "not 'X-API-Key:'"),
        ({"headers": [""]}, ConfigurationError, "not ''"),
        ({"schemes": ["Token "]}, ConfigurationError, "schemes must hold names such as"),
        ({"schemes": ["To\u212aen"]}, ConfigurationError, "schemes must hold names such as"),
        ({"schemes": ["bearer"]}, ConfigurationError, "schemes can't hold Bearer"),
        ({"headers": ["authorization"]}, ConfigurationError, "headers can't hold authorization"),
        ({"headers": ["Content-Type"]}, ConfigurationError, "headers can't hold Content-Type"),
        ({"headers": ["CONTENT_LENGTH"]}, ConfigurationError, "headers can't hold CONTENT_LENGTH"),
        ({"headers": (), "schemes": ()}, ConfigurationError, "there is no alias"),
        ({"event_sink": Nothing}, TypeError, "event_sink must be an object"),
    ],
    ids=str,
)
def test_a_wrong_argument_is_refused_with_the_fix(app, options, error, message):
    with pytest.raises(error, match=message):
        header_alias(app, **options)


def test_what_is_no_app_is_refused():
    with pytest.raises(TypeError, match="app must be a WSGI app, which is callable, not NoneType"):
        header_alias(None)


def test_its_repr_names_the_aliases(app):
    text = repr(header_alias(protect(app)))
    assert text.startswith("header_alias(BearerAuth(")
    assert text.endswith(", X-API-Key, Token, Api-Key)")
