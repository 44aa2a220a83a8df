"""The documented health check, over a bare app."""

import pytest

from bearer_auth.middleware.health import health
from bearer_auth.records import Principal

PRINCIPAL = {"bearer_auth.principal": Principal(key_id="a" * 16, user_id="Zoë", plan="pro")}


def app(environ, start_response):
    start_response("404 Not Found", [("Content-Type", "text/plain"), ("Content-Length", "3")])
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [b"app"]


def test_it_answers_get_with_the_documented_object(call):
    assert call(health(app, path="/health"), path="/health", **PRINCIPAL) == (
        "200 OK",
        [
            ("Content-Type", "application/json"),
            ("Content-Length", "87"),
            ("Cache-Control", "no-store"),
        ],
        b'{"status": "healthy", "authenticated": true, "user": {"id": "Zo\\u00eb", "plan": "pro"}}',
    )


def test_it_answers_head_with_the_same_headers_and_nothing_else(call):
    assert call(health(app, path="/health"), "HEAD", "/health", **PRINCIPAL) == (
        "200 OK",
        [
            ("Content-Type", "application/json"),
            ("Content-Length", "87"),
            ("Cache-Control", "no-store"),
        ],
        b"",
    )


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_other_methods_are_the_apps(call, method):
    assert call(health(app, path="/health"), method, "/health", **PRINCIPAL).body == b"app"


@pytest.mark.parametrize("path", ["/", "/health/", "/Health", "/healthz", "//health", "/a/health"])
def test_other_paths_are_the_apps(call, path):
    assert call(health(app, path="/health"), path=path, **PRINCIPAL).body == b"app"


def test_where_nobody_authenticated_the_apps_own_answers(call):
    assert call(health(app, path="/health"), path="/health").body == b"app"


def test_a_path_beyond_ascii_is_found(call):
    answer = call(health(app, path="/santé"), path="/sant\xc3\xa9", **PRINCIPAL)
    assert answer.status == "200 OK"
