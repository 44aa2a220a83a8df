"""BearerAuth: every answer of its own, to the letter, and what is wrong at construction."""

from datetime import timedelta
from wsgiref.validate import validator

import pytest

from bearer_auth import (
    BearerAuth,
    ConfigurationError,
    InsufficientScope,
    InvalidRequest,
    InvalidToken,
    KeyRecord,
    Keyring,
    MemoryStore,
    Rule,
    StoreUnavailable,
    UnsupportedMediaType,
    get_principal,
)

NOW = 1_800_000_000.0
ID = ("X-Request-ID", "request-1")
JSON = ("Content-Type", "application/json")
NO_STORE = ("Cache-Control", "no-store")

UNAUTHORIZED = (
    b'{"success": false, "error": {"code": "UNAUTHORIZED", "message": "Invalid API key"}}'
)
FORBIDDEN = (
    b'{"success": false, "error": {"code": "FORBIDDEN", '
    b'"message": "Insufficient permissions for this resource"}}'
)
UNSUPPORTED = (
    b'{"success": false, "error": {"code": "UNSUPPORTED_MEDIA_TYPE", '
    b'"message": "Content-Type must be application/json"}}'
)
UNAVAILABLE = (
    b'{"success": false, "error": {"code": "SERVICE_UNAVAILABLE", '
    b'"message": "Service temporarily unavailable"}}'
)
INVALID = b'{"success": false, "error": {"code": "INVALID_REQUEST", "message": "Invalid request"}}'
HEALTHY = b'{"status": "healthy", "authenticated": true, "user": {"id": "user_123", "plan": "pro"}}'


class Quiet:
    """A sink that keeps what it is told, so that a test can ask for it and nothing is logged."""

    def __init__(self):
        self.events = []

    def emit(self, event):
        self.events.append(event)

    def reasons(self):
        return [(e.name, e.status, e.reason) for e in self.events]

    def refusals(self):
        return [event for event in self.events if event.name == "request.refused"]


class Keys:
    """A store with a key of each kind."""

    def __init__(self):
        self.store = MemoryStore()
        self.ring = ring = Keyring(self.store, event_sink=Quiet(), clock=lambda: NOW)
        who = {"user_id": "user_123", "plan": "pro", "tenant_id": "acme"}
        self.valid = ring.create(**who, scopes=["ensembles:execute"]).token
        self.expired = self.valid_until_now(who)
        self.staging = ring.create(**who, environment="staging").token
        self.home = ring.create(**who, allowed_ips=["198.51.100.0/24"]).token
        revoked, suspended = ring.create(**who), ring.create(**who)
        ring.revoke(revoked.key_id)
        ring.suspend(suspended.key_id)
        self.revoked, self.suspended = revoked.token, suspended.token
        self.unknown = Keyring(MemoryStore(), event_sink=Quiet()).create(user_id="x").token
        # Right in form, of a key that exists, with another secret.
        other = Keyring(MemoryStore(), event_sink=Quiet())
        self.wrong = other.create(user_id="x").token
        self.store.add([KeyRecord(key_id=other.list()[0].key_id, user_id="x", secrets=())])

    def valid_until_now(self, who):
        past = Keyring(self.store, event_sink=Quiet(), clock=lambda: NOW - 60)
        return past.create(**who, expires_in=timedelta(seconds=60)).token


@pytest.fixture(scope="module")
def keys():
    return Keys()


def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "4")])
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [b"done"]


RULES = [
    Rule("/admin/*", scopes=["admin"]),
    Rule("/execute/{ensemble}", scopes=["ensembles:execute"]),
    Rule("/upload", content_types=["image/png", "text/*"]),
    Rule("/session", optional=True),
]


def protect(keys, app=app, **options):
    options = {"rules": RULES, "public": ["/docs"], "clock": lambda: NOW} | options
    options.setdefault("event_sink", Quiet())
    return BearerAuth(validator(app), keys.store, **options)


def bearer(token):
    return {"HTTP_AUTHORIZATION": f"Bearer {token}", "HTTP_X_REQUEST_ID": "request-1"}


PLAIN = 'Bearer realm="api"'
TOKEN = 'Bearer realm="api", error="invalid_token"'

# What the client sends, the challenge, and the reason that only the events learn.
REFUSED = {
    "no header": (lambda k: None, PLAIN, "missing"),
    "an empty header": (lambda k: "", PLAIN, "malformed"),
    "another scheme": (lambda k: "Basic dXNlcjpwdw==", PLAIN, "malformed"),
    "the key without a scheme": (lambda k: k.valid, PLAIN, "malformed"),
    "the scheme alone": (lambda k: "Bearer", TOKEN, "malformed"),
    "two keys": (lambda k: f"Bearer {k.valid}, Bearer {k.valid}", TOKEN, "malformed"),
    "not ASCII": (lambda k: f"Bearer {k.valid}\xe9", TOKEN, "malformed"),
    "a wrong checksum": (lambda k: f"Bearer {k.valid[:-1]}", TOKEN, "unknown"),
    "text of another form": (lambda k: "Bearer nonsense", TOKEN, "unknown"),
    "an unknown key": (lambda k: f"Bearer {k.unknown}", TOKEN, "unknown"),
    "a wrong secret": (lambda k: f"Bearer {k.wrong}", TOKEN, "wrong_secret"),
    "an expired key": (lambda k: f"Bearer {k.expired}", TOKEN, "expired"),
    "a revoked key": (lambda k: f"Bearer {k.revoked}", TOKEN, "revoked"),
    "a suspended key": (lambda k: f"Bearer {k.suspended}", TOKEN, "suspended"),
    "another environment": (lambda k: f"Bearer {k.staging}", TOKEN, "environment"),
    "4,097 characters": (lambda k: "Bearer " + "a" * 4090, TOKEN, "malformed"),
}


@pytest.mark.parametrize(("value", "challenge", "reason"), REFUSED.values(), ids=list(REFUSED))
def test_401(call, keys, value, challenge, reason):
    sink = Quiet()
    header = value(keys)
    environ = {} if header is None else {"HTTP_AUTHORIZATION": header}
    answer = call(protect(keys, event_sink=sink), HTTP_X_REQUEST_ID="request-1", **environ)
    assert answer == (
        "401 Unauthorized",
        [JSON, ("Content-Length", "83"), NO_STORE, ("WWW-Authenticate", challenge), ID],
        UNAUTHORIZED,
    )
    assert sink.reasons() == [("request.refused", 401, reason)]
    assert sink.events[0].request_id == "request-1"
    assert sink.events[0].address == "192.0.2.7"


ANSWERS = {
    "200": (
        lambda k: {"path": "/execute/a", **bearer(k.valid)},
        "200 OK",
        [("Content-Type", "text/plain"), ("Content-Length", "4"), ID],
        b"done",
    ),
    "200 on a public path without a key": (
        lambda k: {"path": "/docs", "HTTP_X_REQUEST_ID": "request-1"},
        "200 OK",
        [("Content-Type", "text/plain"), ("Content-Length", "4"), ID],
        b"done",
    ),
    "200 on an optional path without a key": (
        lambda k: {"path": "/session", "HTTP_X_REQUEST_ID": "request-1"},
        "200 OK",
        [("Content-Type", "text/plain"), ("Content-Length", "4"), ID],
        b"done",
    ),
    "401 on an optional path with a bad key": (
        lambda k: {"path": "/session", **bearer(k.revoked)},
        "401 Unauthorized",
        [JSON, ("Content-Length", "83"), NO_STORE, ("WWW-Authenticate", TOKEN), ID],
        UNAUTHORIZED,
    ),
    "401 to HEAD": (
        lambda k: {"method": "HEAD", "HTTP_X_REQUEST_ID": "request-1"},
        "401 Unauthorized",
        [JSON, ("Content-Length", "83"), NO_STORE, ("WWW-Authenticate", PLAIN), ID],
        b"",
    ),
    "403 for a scope": (
        lambda k: {"path": "/admin/users", **bearer(k.valid)},
        "403 Forbidden",
        [
            JSON,
            ("Content-Length", "107"),
            NO_STORE,
            (
                "WWW-Authenticate",
                'Bearer realm="api", error="insufficient_scope", scope="admin"',
            ),
            ID,
        ],
        FORBIDDEN,
    ),
    "403 for an address": (
        lambda k: bearer(k.home),
        "403 Forbidden",
        [
            JSON,
            ("Content-Length", "107"),
            NO_STORE,
            ("WWW-Authenticate", 'Bearer realm="api", error="insufficient_scope"'),
            ID,
        ],
        FORBIDDEN,
    ),
    "403 to HEAD": (
        lambda k: {"method": "HEAD", **bearer(k.home)},
        "403 Forbidden",
        [
            JSON,
            ("Content-Length", "107"),
            NO_STORE,
            ("WWW-Authenticate", 'Bearer realm="api", error="insufficient_scope"'),
            ID,
        ],
        b"",
    ),
    "415": (
        lambda k: {
            "method": "POST",
            "CONTENT_LENGTH": "3",
            "CONTENT_TYPE": "text/plain",
            **bearer(k.valid),
        },
        "415 Unsupported Media Type",
        [JSON, ("Content-Length", "115"), NO_STORE, ID],
        UNSUPPORTED,
    ),
    "415 by a rule": (
        lambda k: {
            "method": "POST",
            "path": "/upload",
            "CONTENT_LENGTH": "3",
            "CONTENT_TYPE": "application/json",
            **bearer(k.valid),
        },
        "415 Unsupported Media Type",
        [JSON, ("Content-Length", "118"), NO_STORE, ID],
        UNSUPPORTED.replace(b"application/json", b"image/png or text/*"),
    ),
    "401 before 415": (
        lambda k: {
            "method": "POST",
            "CONTENT_LENGTH": "3",
            "CONTENT_TYPE": "text/plain",
            "HTTP_X_REQUEST_ID": "request-1",
        },
        "401 Unauthorized",
        [JSON, ("Content-Length", "83"), NO_STORE, ("WWW-Authenticate", PLAIN), ID],
        UNAUTHORIZED,
    ),
    "health": (
        lambda k: {"path": "/health", **bearer(k.valid)},
        "200 OK",
        [JSON, ("Content-Length", "87"), NO_STORE, ID],
        HEALTHY,
    ),
    "health to HEAD": (
        lambda k: {"path": "/health", "method": "HEAD", **bearer(k.valid)},
        "200 OK",
        [JSON, ("Content-Length", "87"), NO_STORE, ID],
        b"",
    ),
    "health without a key": (
        lambda k: {"path": "/health", "HTTP_X_REQUEST_ID": "request-1"},
        "401 Unauthorized",
        [JSON, ("Content-Length", "83"), NO_STORE, ("WWW-Authenticate", PLAIN), ID],
        UNAUTHORIZED,
    ),
}


@pytest.mark.parametrize(
    ("request_", "status", "headers", "body"), ANSWERS.values(), ids=list(ANSWERS)
)
def test_answer(call, keys, request_, status, headers, body):
    assert call(protect(keys), **request_(keys)) == (status, headers, body)


class Down:
    def get(self, key_id):
        raise StoreUnavailable("disk on fire")


class Broken:
    def get(self, key_id):
        raise ZeroDivisionError("password=hunter2")


@pytest.mark.parametrize("store", [Down(), Broken()])
@pytest.mark.parametrize(("method", "body"), [("GET", UNAVAILABLE), ("HEAD", b"")])
@pytest.mark.parametrize("path", ["/", "/health", "/execute/a", "/session"])
def test_503(call, keys, store, method, body, path):
    sink = Quiet()
    wrapped = BearerAuth(validator(app), store, rules=RULES, event_sink=sink)
    assert call(wrapped, method, path, **bearer(keys.valid)) == (
        "503 Service Unavailable",
        [JSON, ("Content-Length", "106"), NO_STORE, ID],
        body,
    )
    assert sink.reasons() == [("store.failed", 503, "store")]
    assert "hunter2" not in repr(sink.events)


RAISED = {
    "400": (
        InvalidRequest("for the log"),
        "400 Bad Request",
        [JSON, ("Content-Length", "86"), NO_STORE, ID],
        INVALID,
    ),
    "403": (
        InsufficientScope(["b", "a"]),
        "403 Forbidden",
        [
            JSON,
            ("Content-Length", "107"),
            NO_STORE,
            (
                "WWW-Authenticate",
                'Bearer realm="the \\"shop\\"", error="insufficient_scope", scope="b a"',
            ),
            ID,
        ],
        FORBIDDEN,
    ),
    "415": (
        UnsupportedMediaType(),
        "415 Unsupported Media Type",
        [JSON, ("Content-Length", "115"), NO_STORE, ID],
        UNSUPPORTED,
    ),
    "503": (
        StoreUnavailable("for the log"),
        "503 Service Unavailable",
        [JSON, ("Content-Length", "106"), NO_STORE, ID],
        UNAVAILABLE,
    ),
}


@pytest.mark.parametrize(("error", "status", "headers", "body"), RAISED.values(), ids=list(RAISED))
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_the_app_raises_is_answered_with_the_realm_of_its_bearer_auth(
    call, keys, error, status, headers, body, method
):
    def raising(environ, start_response):
        raise error

    wrapped = protect(keys, raising, realm='the "shop"')
    body = b"" if method == "HEAD" else body
    assert call(wrapped, method, **bearer(keys.valid)) == (status, headers, body)


def test_what_the_app_needs_and_nobody_sent_is_the_401(call, keys):
    def asking(environ, start_response):
        return [get_principal(environ).user_id.encode()]

    answer = call(protect(keys, asking), path="/docs", HTTP_X_REQUEST_ID="request-1")
    assert answer == (
        "401 Unauthorized",
        [JSON, ("Content-Length", "83"), NO_STORE, ("WWW-Authenticate", PLAIN), ID],
        UNAUTHORIZED,
    )


def test_an_error_that_is_not_ours_stays_the_servers(keys):
    def broken(environ, start_response):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        protect_bare(keys, broken)({"REQUEST_METHOD": "GET", **bearer(keys.valid)}, None)


def protect_bare(keys, app, **options):
    return BearerAuth(app, keys.store, event_sink=Quiet(), clock=lambda: NOW, **options)


def test_the_health_check_can_be_elsewhere_or_nowhere_or_the_apps_own(call, keys):
    health = {"method": "GET", **bearer(keys.valid)}
    assert call(protect(keys, health_path="/ping"), path="/ping", **health).body == HEALTHY
    assert call(protect(keys, health_path="/ping"), path="/health", **health).body == b"done"
    assert call(protect(keys, health_path=None), path="/health", **health).body == b"done"
    public = protect(keys, public=["/health"])
    assert call(public, path="/health").body == b"done"
    assert call(public, path="/health", **health).body == b"done"


def test_a_scoped_rule_holds_for_the_health_check_too(call, keys):
    scoped = protect(keys, rules=[Rule("/health", scopes=["admin"])])
    assert call(scoped, path="/health", **bearer(keys.valid)).status == "403 Forbidden"


def test_content_types_none_takes_any_body(call, keys):
    wrapped = protect(keys, content_types=None)
    sent = {"CONTENT_LENGTH": "3", "CONTENT_TYPE": "text/plain", **bearer(keys.valid)}
    assert call(wrapped, "POST", **sent).status == "200 OK"


def test_another_environment_can_be_accepted(call, keys):
    wrapped = protect(keys, environments=["staging"])
    assert call(wrapped, **bearer(keys.staging)).status == "200 OK"
    assert call(wrapped, **bearer(keys.valid)).status == "401 Unauthorized"


def test_an_imported_token_needs_the_keyrings_pepper(call):
    store = MemoryStore()
    Keyring(store, peppers=["pepper"], event_sink=Quiet()).import_token(
        "someones-legacy-token", user_id="user_123"
    )
    seasoned = BearerAuth(validator(app), store, peppers=["pepper"], event_sink=Quiet())
    plain = BearerAuth(validator(app), store, event_sink=Quiet())
    assert call(seasoned, **bearer("someones-legacy-token")).status == "200 OK"
    assert call(plain, **bearer("someones-legacy-token")).status == "401 Unauthorized"


def test_refusals_are_logged_without_a_sink(call, keys, caplog):
    caplog.set_level("INFO", logger="bearer_auth")
    wrapped = BearerAuth(validator(app), keys.store, clock=lambda: NOW)
    call(wrapped, **bearer(keys.revoked))
    key_id = keys.ring.list(status="revoked")[0].key_id
    (message,) = caplog.messages
    assert message == (
        f"request.refused status=401 reason=revoked key_id={key_id} user_id=user_123 "
        "tenant_id=acme request_id=request-1 address=192.0.2.7"
    )


PROVEN = {
    "expired": lambda k: {"HTTP_AUTHORIZATION": f"Bearer {k.expired}"},
    "revoked": lambda k: {"HTTP_AUTHORIZATION": f"Bearer {k.revoked}"},
    "suspended": lambda k: {"HTTP_AUTHORIZATION": f"Bearer {k.suspended}"},
    "environment": lambda k: {"HTTP_AUTHORIZATION": f"Bearer {k.staging}"},
    "address": lambda k: {"HTTP_AUTHORIZATION": f"Bearer {k.home}"},
    "scope": lambda k: {"HTTP_AUTHORIZATION": f"Bearer {k.valid}", "PATH_INFO": "/admin/x"},
    "media_type": lambda k: {
        "HTTP_AUTHORIZATION": f"Bearer {k.valid}",
        "CONTENT_LENGTH": "1",
        "CONTENT_TYPE": "text/plain",
    },
}


@pytest.mark.parametrize("reason", PROVEN)
def test_a_refusal_of_a_proven_key_says_whose_it_is(call, keys, reason):
    sink = Quiet()
    environ = PROVEN[reason](keys)
    call(protect(keys, event_sink=sink), "POST", **environ)
    (event,) = sink.events
    key_id = environ["HTTP_AUTHORIZATION"].split("_")[2][:16]
    assert (event.reason, event.key_id) == (reason, key_id)
    assert (event.user_id, event.tenant_id) == ("user_123", "acme")


@pytest.mark.parametrize("kind", ["unknown", "wrong"])
def test_a_refusal_without_proof_names_nobody(call, keys, kind):
    sink = Quiet()
    call(protect(keys, event_sink=sink), **bearer(getattr(keys, kind)))
    (event,) = sink.events
    assert (event.key_id, event.user_id, event.tenant_id) == (None, None, None)


def raises(error):
    def app(environ, start_response):
        raise error

    return app


def test_what_the_app_refuses_is_about_the_key_of_this_request(call, keys):
    """Also if the app raises one and the same error for each of its requests."""
    sink, error = Quiet(), InvalidToken()
    other = keys.ring.create(user_id="user_456")
    wrapped = protect(keys, app=raises(error), event_sink=sink)
    call(wrapped, **bearer(keys.valid))
    call(wrapped, **bearer(other.token))
    call(wrapped, path="/docs")
    assert [(e.key_id, e.user_id) for e in sink.refusals()] == [
        (keys.valid.split("_")[2][:16], "user_123"),
        (other.key_id, "user_456"),
        (None, None),
    ]


def test_an_app_that_refuses_another_key_is_not_taken_for_its_owner(call, keys):
    sink, error = Quiet(), InsufficientScope(["a"], key_id="AbCdEfGh01234567")
    call(protect(keys, app=raises(error), event_sink=sink), **bearer(keys.valid))
    (event,) = sink.refusals()
    assert (event.key_id, event.user_id) == ("AbCdEfGh01234567", None)


def test_a_sink_of_ones_own_hears_of_each_acceptance(call, keys):
    sink = Quiet()
    call(protect(keys, event_sink=sink), **bearer(keys.valid))
    (event,) = sink.events
    assert (event.name, event.user_id, event.request_id, event.address, event.status) == (
        "request.authenticated",
        "user_123",
        "request-1",
        "192.0.2.7",
        None,
    )


def test_a_sink_that_raises_changes_no_answer(call, keys, caplog):
    class Falling:
        def emit(self, event):
            raise ZeroDivisionError

    wrapped = protect(keys, event_sink=Falling())
    assert call(wrapped, **bearer(keys.valid)).status == "200 OK"
    assert call(wrapped).status == "401 Unauthorized"
    assert len(caplog.records) == 1


def test_it_shows_what_it_wraps_and_no_secret(keys):
    text = repr(protect(keys, peppers=["hunter2"]))
    assert text.startswith("BearerAuth(<function")
    assert "MemoryStore(" in text
    assert "hunter2" not in text


def test_close_writes_the_last_usage_times(call):
    store = MemoryStore()
    issued = Keyring(store, event_sink=Quiet()).create(user_id="user_123")
    wrapped = BearerAuth(validator(app), store, event_sink=Quiet())
    call(wrapped, **bearer(issued.token))
    assert store.usage_of([issued.key_id]) == {}
    wrapped.close()
    assert store.usage_of([issued.key_id])[issued.key_id].last_used_at is not None


# Bad input at construction


WRONG = {
    "an app that isn't callable": (TypeError, {"app": object()}, "app must be a WSGI app"),
    "no app": (TypeError, {"app": None}, "app must be a WSGI app"),
    "a store without get": (TypeError, {"store": object()}, "a method get"),
    "a store's class": (TypeError, {"store": MemoryStore}, "write MemoryStore()"),
    "a URL as store": (TypeError, {"store": "sqlite:///keys.db"}, "write SQLStore("),
    "an unknown option": (TypeError, {"relm": "api"}, "relm"),
    "an empty realm": (ConfigurationError, {"realm": ""}, "realm must be"),
    "a realm with a line end": (ConfigurationError, {"realm": "a\r\nb"}, "realm must be"),
    "a realm beyond ASCII": (ConfigurationError, {"realm": "caf\xe9"}, "realm must be"),
    "a realm that isn't text": (TypeError, {"realm": 5}, ""),
    "one public path": (TypeError, {"public": "/docs"}, "public must be a list"),
    "a public path without /": (ConfigurationError, {"public": ["docs"]}, "not a path: 'docs'"),
    "a malformed pattern": (ConfigurationError, {"public": ["/a*"]}, "not a path"),
    "a public path that is hidden": (
        ConfigurationError,
        {"rules": [Rule("/a/*", scopes=["a"])], "public": ["/a/b"]},
        "never reached",
    ),
    "a rule that is hidden": (
        ConfigurationError,
        {"rules": [Rule("/a"), Rule("/a", scopes=["a"])]},
        "never reached",
    ),
    "a rule that is a path": (TypeError, {"rules": ["/a"]}, "must be a Rule"),
    "one rule": (TypeError, {"rules": Rule("/a")}, "rules must be a list"),
    "one environment": (TypeError, {"environments": "production"}, "write environments=[…]"),
    "no environment": (ConfigurationError, {"environments": []}, "environments is empty"),
    "a malformed environment": (
        ConfigurationError,
        {"environments": ["Prod!"]},
        "not an environment",
    ),
    "a health path without /": (
        ConfigurationError,
        {"health_path": "health"},
        "health_path must start with '/'",
    ),
    "an empty health path": (
        ConfigurationError,
        {"health_path": ""},
        "health_path must start with '/'",
    ),
    "a health path with a query": (
        ConfigurationError,
        {"health_path": "/health?x"},
        "could never be asked for",
    ),
    "a health path that is no text": (TypeError, {"health_path": True}, "health_path must be text"),
    "one content type": (
        TypeError,
        {"content_types": "application/json"},
        "write content_types=[…]",
    ),
    "no content type": (ConfigurationError, {"content_types": []}, "content_types is empty"),
    "a malformed content type": (
        ConfigurationError,
        {"content_types": ["json"]},
        "not a content type",
    ),
    "a switch that is text": (TypeError, {"allow_preflight": "false"}, "must be True or False"),
    "a switch that is a number": (TypeError, {"set_remote_user": 1}, "must be True or False"),
    "a switch that is None": (
        TypeError,
        {"keep_authorization_header": None},
        "must be True or False",
    ),
    "one pepper": (TypeError, {"peppers": "pepper"}, "write peppers=[…]"),
    "an empty pepper": (ConfigurationError, {"peppers": [""]}, "a pepper is empty"),
    "a pepper that is no text": (TypeError, {"peppers": [5]}, "must be text or bytes"),
    "a sink without emit": (TypeError, {"event_sink": print}, "a method emit"),
    "a clock that is a number": (TypeError, {"clock": 5.0}, "clock must be a function"),
}


@pytest.mark.parametrize(("kind", "options", "message"), WRONG.values(), ids=list(WRONG))
def test_a_mistake_is_reported_at_construction_with_its_fix(kind, options, message):
    arguments = {"app": app, "store": MemoryStore()} | options
    with pytest.raises(kind) as caught:
        BearerAuth(arguments.pop("app"), arguments.pop("store"), **arguments)
    assert message in str(caught.value)
    assert "hunter2" not in str(caught.value)
