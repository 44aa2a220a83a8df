"""The layer that lets in: what it takes, what it leaves in the environ, in which order it asks."""

import pytest

from bearer_auth import BearerAuth, Keyring, MemoryStore, Principal, Rule, get_principal


@pytest.fixture
def store():
    return MemoryStore()


@pytest.fixture
def ring(store):
    return Keyring(store)


@pytest.fixture
def token(ring):
    return ring.create(user_id="Zoë", plan="pro", scopes=["a", "b:*"], metadata={"n": 1}).token


class App:
    """Keeps the environ it was called with."""

    def __call__(self, environ, start_response):
        self.environ = environ
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "0")])
        return [b""]


@pytest.fixture
def app():
    return App()


@pytest.fixture
def protect(app, store):
    return lambda **options: BearerAuth(app, store, **options)


def test_the_app_finds_who_it_is_and_no_key(call, app, protect, token):
    assert call(protect(), HTTP_AUTHORIZATION=f"Bearer {token}").status == "200 OK"
    principal = get_principal(app.environ)
    assert isinstance(principal, Principal)
    assert (principal.user_id, principal.plan, principal.scopes, principal.metadata) == (
        "Zoë",
        "pro",
        ("a", "b:*"),
        {"n": 1},
    )
    assert token not in repr(app.environ)
    assert "REMOTE_USER" not in app.environ
    assert "AUTH_TYPE" not in app.environ


def test_the_header_stays_on_request(call, app, protect, token):
    call(protect(keep_authorization_header=True), HTTP_AUTHORIZATION=f"Bearer {token}")
    assert app.environ["HTTP_AUTHORIZATION"] == f"Bearer {token}"


def test_a_header_on_a_public_path_is_the_apps_own(call, app, protect, token):
    for value in (f"Bearer {token}", "Basic dXNlcjpwdw==", "nonsense, nonsense"):
        call(protect(public=["/"]), HTTP_AUTHORIZATION=value)
        assert app.environ["HTTP_AUTHORIZATION"] == value
        assert "bearer_auth.principal" not in app.environ


def test_an_optional_path_takes_a_key_or_none_but_no_bad_one(call, app, protect, token):
    optional = protect(rules=[Rule("/", optional=True)])
    assert call(optional).status == "200 OK"
    assert "bearer_auth.principal" not in app.environ
    assert call(optional, HTTP_AUTHORIZATION=f"Bearer {token}").status == "200 OK"
    assert get_principal(app.environ).user_id == "Zoë"
    assert "HTTP_AUTHORIZATION" not in app.environ
    for bad in ("", "Basic dXNlcjpwdw==", f"Bearer {token}x"):
        assert call(optional, HTTP_AUTHORIZATION=bad).status == "401 Unauthorized"


def test_remote_user_is_set_on_request_as_wsgi_text(call, app, protect, token):
    call(protect(set_remote_user=True), HTTP_AUTHORIZATION=f"Bearer {token}")
    assert app.environ["REMOTE_USER"] == "Zo\xc3\xab"  # UTF-8 read as latin-1 (PEP 3333)
    assert app.environ["AUTH_TYPE"] == "Bearer"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({}, "200 OK"),
        ({"CONTENT_LENGTH": ""}, "200 OK"),
        ({"CONTENT_LENGTH": "0"}, "200 OK"),
        ({"CONTENT_LENGTH": "00"}, "200 OK"),
        ({"CONTENT_TYPE": "text/plain"}, "200 OK"),
        ({"CONTENT_LENGTH": "", "CONTENT_TYPE": "text/plain"}, "200 OK"),
        ({"CONTENT_LENGTH": "2", "CONTENT_TYPE": "application/json"}, "200 OK"),
        ({"CONTENT_LENGTH": "2", "CONTENT_TYPE": "Application/JSON; charset=utf-8"}, "200 OK"),
        ({"CONTENT_LENGTH": "2", "CONTENT_TYPE": "application/problem+json"}, "200 OK"),
        (
            {"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_TYPE": "application/json"},
            "200 OK",
        ),
        ({"CONTENT_LENGTH": "2"}, "415 Unsupported Media Type"),
        ({"CONTENT_LENGTH": "2", "CONTENT_TYPE": ""}, "415 Unsupported Media Type"),
        ({"CONTENT_LENGTH": "2", "CONTENT_TYPE": "text/plain"}, "415 Unsupported Media Type"),
        (
            {"CONTENT_LENGTH": "2", "CONTENT_TYPE": "application/json, text/plain"},
            "415 Unsupported Media Type",
        ),
        ({"HTTP_TRANSFER_ENCODING": "chunked"}, "415 Unsupported Media Type"),
        (
            {"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""},
            "415 Unsupported Media Type",
        ),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_body_needs_a_content_type_whatever_the_method(
    call, protect, token, method, sent, status
):
    answer = call(protect(), method, HTTP_AUTHORIZATION=f"Bearer {token}", **sent)
    assert answer.status == status


def test_a_content_length_that_is_no_number_counts_as_a_body(protect, token):
    started = []
    environ = {
        "REQUEST_METHOD": "POST",
        "HTTP_AUTHORIZATION": f"Bearer {token}",
        "CONTENT_LENGTH": "zwei",
    }
    protect()(environ, lambda status, headers: started.append(status))
    assert started == ["415 Unsupported Media Type"]


def test_401_comes_before_403_and_403_before_415(call, protect, token):
    app = protect(rules=[Rule("/", scopes=["admin"])])
    body = {"CONTENT_LENGTH": "2", "CONTENT_TYPE": "text/plain"}
    assert call(app, "POST", **body).status == "401 Unauthorized"
    answer = call(app, "POST", HTTP_AUTHORIZATION=f"Bearer {token}", **body)
    assert answer.status == "403 Forbidden"


def test_scopes_of_a_rule_are_all_needed(call, protect, token):
    app = protect(rules=[Rule("/both", scopes=["a", "b:c"]), Rule("/more", scopes=["a", "b"])])
    key = {"HTTP_AUTHORIZATION": f"Bearer {token}"}
    assert call(app, path="/both", **key).status == "200 OK"
    assert call(app, path="/more", **key).status == "403 Forbidden"


PREFLIGHT = {
    "HTTP_ORIGIN": "https://app.example.com",
    "HTTP_ACCESS_CONTROL_REQUEST_METHOD": "POST",
}


def test_a_preflight_needs_a_key_until_it_is_let_through(call, app, protect):
    assert call(protect(), "OPTIONS", **PREFLIGHT).status == "401 Unauthorized"
    lenient = protect(allow_preflight=True)
    assert call(lenient, "OPTIONS", **PREFLIGHT).status == "200 OK"
    assert "bearer_auth.principal" not in app.environ


def test_what_is_no_preflight_is_not_let_through(call, protect):
    lenient = protect(allow_preflight=True)
    for method in ("GET", "HEAD", "POST"):
        assert call(lenient, method, **PREFLIGHT).status == "401 Unauthorized"
    for missing in PREFLIGHT:
        rest = {name: value for name, value in PREFLIGHT.items() if name != missing}
        assert call(lenient, "OPTIONS", **rest).status == "401 Unauthorized"


def test_a_request_without_path_info_is_decided_too(store, token, app):
    started = []
    wrapped = BearerAuth(app, store, public=["/docs"])
    wrapped({"REQUEST_METHOD": "GET"}, lambda status, headers: started.append(status))
    assert started == ["401 Unauthorized"]
