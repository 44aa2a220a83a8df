"""THREATS.md, "Reading the credential": the rows that need the middleware around an app."""

import base64
import logging

import pytest

from bearer_auth import (
    BearerAuth,
    KeyRecord,
    Keyring,
    MemoryStore,
    Principal,
    Rule,
    StoreUnavailable,
)

FORGED = Principal(key_id="f" * 16, user_id="forged", scopes=("admin",))


class App:
    """Keeps the environ it was called with; None if it was not."""

    environ = None

    def __call__(self, environ, start_response):
        self.environ = environ
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "2")])
        return [b"in"]


@pytest.fixture
def store():
    return MemoryStore()


@pytest.fixture
def token(store):
    return Keyring(store).create(user_id="user_123", scopes=["read"]).token


@pytest.fixture
def app():
    return App()


@pytest.fixture
def protect(app, store):
    return lambda app=app, **options: BearerAuth(app, store, **({"public": ["/docs"]} | options))


# "A bad credential rescued by another place"

OTHER_PLACES = {
    "cookie": lambda t: {"HTTP_COOKIE": f"token={t}; api_key={t}; Authorization=Bearer {t}"},
    "query": lambda t: {"QUERY_STRING": f"api_key={t}&access_token={t}&token={t}&key={t}"},
    "X-API-Key": lambda t: {"HTTP_X_API_KEY": t},
    "Api-Key": lambda t: {"HTTP_API_KEY": t},
    "X-Authorization": lambda t: {"HTTP_X_AUTHORIZATION": f"Bearer {t}"},
    "X-Forwarded-Authorization": lambda t: {"HTTP_X_FORWARDED_AUTHORIZATION": f"Bearer {t}"},
    "Proxy-Authorization": lambda t: {"HTTP_PROXY_AUTHORIZATION": f"Bearer {t}"},
    "REDIRECT_HTTP_AUTHORIZATION": lambda t: {"REDIRECT_HTTP_AUTHORIZATION": f"Bearer {t}"},
    "AUTHORIZATION": lambda t: {"AUTHORIZATION": f"Bearer {t}"},
    "X-HTTP-Authorization": lambda t: {"X-HTTP_AUTHORIZATION": f"Bearer {t}"},
    "X-HTTP-Method-Override": lambda t: {"HTTP_X_HTTP_METHOD_OVERRIDE": "OPTIONS"},
    "X-Original-URL": lambda t: {"HTTP_X_ORIGINAL_URL": "/docs", "RAW_URI": "/docs"},
    "Basic": lambda t: {
        "HTTP_AUTHORIZATION": "Basic " + base64.b64encode(f"{t}:{t}".encode()).decode()
    },
    "Token": lambda t: {"HTTP_AUTHORIZATION": f"Token {t}"},
}


@pytest.mark.parametrize("place", OTHER_PLACES.values(), ids=list(OTHER_PLACES))
def test_row_other_places_only_http_authorization_counts(call, app, protect, token, place):
    assert call(protect(), **place(token)).status == "401 Unauthorized"
    bad = {"HTTP_AUTHORIZATION": "Bearer bad"} | place(token)
    assert call(protect(), **bad).status == "401 Unauthorized"
    assert call(protect(), "POST", path="/a", **place(token)).status == "401 Unauthorized"
    assert app.environ is None


# "Identity headers forged by the client", "Variables of the operating system in the environ"

PRESET = {
    "bearer_auth.principal": FORGED,
    "bearer_auth.request_id": "preset\r\nSet-Cookie: x=1",
    "bearer_auth.challenge": 'Basic realm="evil"',
    "bearer_auth.authenticated": "1",
    "REMOTE_USER": "forged",
    "AUTH_TYPE": "Bearer",
    "HTTP_REMOTE_USER": "forged",
    "HTTP_X_REMOTE_USER": "forged",
    "HTTP_X_USER_ID": "forged",
    "HTTP_X_FORWARDED_USER": "forged",
    "HTTP_BEARER_AUTH_PRINCIPAL": "forged",
    "HTTP_BEARER_AUTH.PRINCIPAL": "forged",
}


def test_row_forged_identity_opens_nothing(call, app, protect):
    for path in ("/", "/health", "/admin"):
        answer = call(protect(), path=path, **PRESET)
        assert answer.status == "401 Unauthorized"
        assert ("WWW-Authenticate", 'Bearer realm="api"') in answer.headers
        assert "Set-Cookie" not in repr(answer.headers)
    assert app.environ is None


def test_row_forged_identity_is_gone_where_nobody_needed_to_authenticate(call, app, protect):
    wrapped = protect(rules=[Rule("/session", optional=True)], allow_preflight=True)
    preflight = {"HTTP_ORIGIN": "https://a", "HTTP_ACCESS_CONTROL_REQUEST_METHOD": "POST"}
    for method, path in (("GET", "/docs"), ("GET", "/session"), ("OPTIONS", "/admin")):
        assert call(wrapped, method, path, **PRESET, **preflight).status == "200 OK"
        assert "bearer_auth.principal" not in app.environ
        assert app.environ["bearer_auth.request_id"].isprintable()
        assert app.environ["bearer_auth.challenge"] == 'Bearer realm="api"'


def test_row_forged_identity_a_public_health_check_believes_no_preset(call, protect):
    assert call(protect(public=["/health"]), path="/health", **PRESET).body == b"in"


def test_row_forged_identity_is_replaced_by_the_real_one(call, app, protect, token):
    wrapped = protect(set_remote_user=True)
    assert call(wrapped, **PRESET, HTTP_AUTHORIZATION=f"Bearer {token}").status == "200 OK"
    assert app.environ["bearer_auth.principal"].user_id == "user_123"
    assert app.environ["REMOTE_USER"] == "user_123"


def test_row_forged_identity_scopes_are_the_keys_own(call, app, protect, token):
    wrapped = protect(rules=[Rule("/admin", scopes=["admin"])])
    answer = call(wrapped, path="/admin", **PRESET, HTTP_AUTHORIZATION=f"Bearer {token}")
    assert answer.status == "403 Forbidden"
    assert app.environ is None


def test_row_forged_identity_remote_user_is_ours_alone_once_asked_for(call, app, protect):
    call(protect(set_remote_user=True), path="/docs", **PRESET)
    assert "REMOTE_USER" not in app.environ
    assert "AUTH_TYPE" not in app.environ
    call(protect(), path="/docs", REMOTE_USER="the front server's")
    assert app.environ["REMOTE_USER"] == "the front server's"


def test_row_forged_identity_a_refusal_leaves_none_behind(protect, token):
    # What stands outside may call another app with the same environ.
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/"} | PRESET
    started = []
    protect()(environ, lambda status, headers: started.append(status))
    assert started == ["401 Unauthorized"]
    assert "bearer_auth.principal" not in environ


def test_row_used_twice_the_same_environ_is_decided_anew(store, app, protect, token):
    started = []

    def send(environ):
        protect()(environ, lambda status, headers: started.append(status))

    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "HTTP_AUTHORIZATION": f"Bearer {token}"}
    send(environ)
    send(environ)  # the header is gone, and what the first pass found counts for nothing
    assert started == ["200 OK", "401 Unauthorized"]
    assert "bearer_auth.principal" not in environ


# "The header removed after authentication", "nested twice"


def test_row_nested_the_outer_keeps_the_header_for_the_inner(call, app, protect, token):
    outer = protect(protect(), keep_authorization_header=True)
    assert call(outer, HTTP_AUTHORIZATION=f"Bearer {token}").status == "200 OK"
    assert app.environ["bearer_auth.principal"].user_id == "user_123"
    assert token not in repr(app.environ)


def test_row_nested_the_inner_does_not_believe_the_outer(call, app, protect, token):
    assert call(protect(protect()), HTTP_AUTHORIZATION=f"Bearer {token}").status == (
        "401 Unauthorized"
    )
    assert app.environ is None


def test_row_nested_over_another_store_the_inner_decides_for_itself(call, app, protect, token):
    inner = BearerAuth(app, MemoryStore(), realm="inner")
    answer = call(
        protect(inner, keep_authorization_header=True), HTTP_AUTHORIZATION=f"Bearer {token}"
    )
    assert answer.status == "401 Unauthorized"
    assert ("WWW-Authenticate", 'Bearer realm="inner", error="invalid_token"') in answer.headers


# "Key material in logs or answers"


def parts(token):
    """Each piece of a key's secret part that is long enough to mean something."""
    secret = token[-49:-6]
    return [secret[i : i + 8] for i in range(len(secret) - 7)] + [token]


def test_row_key_material_in_no_log_answer_event_or_environ(call, app, store, caplog, sink):
    caplog.set_level(logging.DEBUG)
    ring = Keyring(store, event_sink=sink, peppers=["a-very-secret-pepper"])
    tokens = [ring.create(user_id="u").token for _ in range(3)]
    ring.revoke(tokens[1].split("_")[2][:16])
    unknown = Keyring(MemoryStore(), event_sink=sink).create(user_id="u").token
    legacy = "someones-legacy-token-zqxj"
    ring.import_token(legacy, user_id="u")

    class Down:
        def get(self, key_id):
            raise StoreUnavailable("down")

    class Broken:
        def get(self, key_id):
            raise ValueError(f"Bearer {tokens[0]}")

    def raising(environ, start_response):
        raise StoreUnavailable("mine")

    peppers = ["a-very-secret-pepper"]
    shown = []
    for listening in (sink, None):
        options = {"event_sink": listening, "peppers": peppers}
        doors = [
            BearerAuth(app, store, rules=[Rule("/admin", scopes=["admin"])], **options),
            BearerAuth(raising, store, **options),
            BearerAuth(app, Down(), **options),
            BearerAuth(app, Broken(), **options),
        ]
        for door in doors:
            for text in (*tokens, unknown, legacy):
                for value in (
                    f"Bearer {text}",
                    f"Bearer {text}x",
                    f"Bearer {text}, Bearer {text}",
                    f"Basic {text}",
                    text,
                    f"Bearer {text}\xe9",
                ):
                    for path in ("/", "/admin"):
                        answer = call(door, path=path, HTTP_AUTHORIZATION=value)
                        shown.append(repr(answer))
            shown.append(repr(door))
    logged = [record.getMessage() + repr(vars(record)) for record in caplog.records]
    assert len(shown) > 400
    assert len(logged) > 150  # the same failure of a store is logged once
    assert len(sink.events) > 200
    everything = "\n".join([*shown, *logged, repr(sink.events), repr(app.environ), repr(store)])
    for text in (*tokens, unknown):
        for part in parts(text):
            assert part not in everything
    for text in ("zqxj", "very-secret"):
        assert text not in everything


def test_row_enumeration_wrong_unknown_revoked_and_expired_are_the_same_bytes(call, app, store):
    ring = Keyring(store)
    valid, revoked = ring.create(user_id="u"), ring.create(user_id="u")
    ring.revoke(revoked.key_id)
    elsewhere = Keyring(MemoryStore()).create(user_id="u")
    store.add([KeyRecord(key_id=elsewhere.key_id, user_id="u", secrets=valid.record.secrets)])
    unknown = Keyring(MemoryStore()).create(user_id="u")
    staging = ring.create(user_id="u", environment="staging")
    door = BearerAuth(app, store)
    answers = {
        repr(call(door, HTTP_AUTHORIZATION=f"Bearer {t}", HTTP_X_REQUEST_ID="r"))
        for t in (revoked.token, elsewhere.token, unknown.token, staging.token, "nonsense", "=")
    }
    assert len(answers) == 1
    assert call(door, HTTP_AUTHORIZATION=f"Bearer {valid.token}").status == "200 OK"
