"""Each framework's example answers as documented, through a real server."""

from typing import Any

import pytest

FRAMEWORKS = ["flask_app", "wsgi_app", "django_app", "falcon_app", "bottle_app", "pyramid_app"]

pytestmark = pytest.mark.parametrize("example", FRAMEWORKS, indirect=True)


def test_without_a_key_it_is_the_documented_401(example: Any) -> None:
    answer = example.ask("GET", "/me")
    assert answer.status == 401
    assert answer.json == {
        "success": False,
        "error": {"code": "UNAUTHORIZED", "message": "Invalid API key"},
    }
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["www-authenticate"] == 'Bearer realm="api"'


def test_with_a_wrong_key_it_is_the_same_401(example: Any) -> None:
    token = example.writer[:-1] + ("A" if example.writer[-1] != "A" else "B")
    answer = example.ask("GET", "/me", token=token)
    assert (answer.status, answer.json["error"]["message"]) == (401, "Invalid API key")


def test_with_a_key_the_app_knows_who_it_is(example: Any) -> None:
    answer = example.ask("GET", "/me", token=example.writer)
    assert (answer.status, answer.json["user"]) == (200, "user_123")


def test_without_the_scope_it_is_the_documented_403(example: Any) -> None:
    answer = example.ask("POST", "/reports", token=example.reader, body='{"title": "Q3"}')
    assert answer.status == 403
    assert answer.json == {
        "success": False,
        "error": {"code": "FORBIDDEN", "message": "Insufficient permissions for this resource"},
    }
    assert answer.headers["www-authenticate"] == (
        'Bearer realm="api", error="insufficient_scope", scope="reports:write"'
    )


def test_with_the_scope_json_can_be_posted(example: Any) -> None:
    answer = example.ask("POST", "/reports", token=example.writer, body='{"title": "Q3"}')
    assert answer.status == 200
    assert answer.json == {"title": "Q3", "author": "user_123"}


def test_a_body_that_is_no_json_is_the_documented_415(example: Any) -> None:
    answer = example.ask(
        "POST",
        "/reports",
        token=example.writer,
        body="title=Q3",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert (answer.status, answer.json["error"]["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")


def test_the_public_path_needs_no_key(example: Any) -> None:
    answer = example.ask("GET", "/docs")
    assert (answer.status, answer.text) == (200, "Send your key as Authorization: Bearer KEY")


@pytest.mark.parametrize("path", ["/docs", "/me", "/nowhere"])
def test_the_request_id_comes_back(example: Any, path: str) -> None:
    answer = example.ask("GET", path, token=example.writer, headers={"X-Request-ID": "req-7"})
    assert answer.headers["x-request-id"] == "req-7"


def test_the_health_check_is_the_documented_one(example: Any) -> None:
    answer = example.ask("GET", "/health", token=example.writer)
    assert (answer.status, answer.json) == (
        200,
        {
            "status": "healthy",
            "authenticated": True,
            "user": {"id": "user_123", "plan": "pro"},
        },
    )
