"""The documented health check, over a bare app."""

import pytest

from bearer_auth import BearerAuth, Keyring, MemoryStore, Rule


@pytest.fixture
def key():
    store = MemoryStore()
    return store, Keyring(store).create(user_id="Zoë", plan="pro").token


def app(environ, start_response):
    start_response("404 Not Found", [("Content-Type", "text/plain"), ("Content-Length", "3")])
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [b"app"]


def ask(call, key, method="GET", path="/health", **options):
    store, token = key
    protected = BearerAuth(app, store, **options)
    return call(protected, method, path, HTTP_AUTHORIZATION=f"Bearer {token}")


def test_it_answers_get_with_the_documented_object(call, key):
    answer = ask(call, key)
    assert answer.status == "200 OK"
    assert answer.headers[:3] == [
        ("Content-Type", "application/json"),
        ("Content-Length", "87"),
        ("Cache-Control", "no-store"),
    ]
    user = r'"user": {"id": "Zo\u00eb", "plan": "pro"}'
    assert answer.body.decode() == f'{{"status": "healthy", "authenticated": true, {user}}}'


def test_it_answers_head_with_the_same_headers_and_nothing_else(call, key):
    answer = ask(call, key, "HEAD")
    assert (answer.status, answer.body) == ("200 OK", b"")
    assert ("Content-Length", "87") in answer.headers


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_other_methods_are_the_apps(call, key, method):
    assert ask(call, key, method).body == b"app"


@pytest.mark.parametrize("path", ["/", "/health/", "/Health", "/healthz", "//health", "/a/health"])
def test_other_paths_are_the_apps(call, key, path):
    assert ask(call, key, path=path).body == b"app"


def test_where_nobody_authenticated_the_apps_own_answers(call, key):
    store, _ = key
    public = BearerAuth(app, store, public=["/health"])
    assert call(public, path="/health").body == b"app"
    optional = BearerAuth(app, store, rules=[Rule("/health", optional=True)])
    assert call(optional, path="/health").body == b"app"
    assert ask(call, key, rules=[Rule("/health", optional=True)]).status == "200 OK"


def test_no_health_path_leaves_every_path_to_the_app(call, key):
    assert ask(call, key, health_path=None).body == b"app"


def test_a_path_beyond_ascii_is_found(call, key):
    answer = ask(call, key, path="/sant\xc3\xa9", health_path="/santé")
    assert answer.status == "200 OK"
