import json
import pickle

import pytest
from werkzeug.exceptions import HTTPException
from werkzeug.test import Client

from bearer_auth.errors import (
    CHALLENGE,
    APIError,
    BearerAuthError,
    ConfigurationError,
    Conflict,
    InsufficientScope,
    InvalidRequest,
    InvalidToken,
    KeyExists,
    KeyInactive,
    KeyNotFound,
    ReadOnlyStore,
    RotationInProgress,
    StoreUnavailable,
    UnsupportedMediaType,
)

# The documented bodies, as in the documentation, "Error Responses".
UNAUTHORIZED = {
    "success": False,
    "error": {"code": "UNAUTHORIZED", "message": "Invalid API key"},
}
FORBIDDEN = {
    "success": False,
    "error": {"code": "FORBIDDEN", "message": "Insufficient permissions for this resource"},
}


def header(error, name, environ=None):
    return [value for key, value in error.get_headers(environ) if key == name]


@pytest.mark.parametrize(
    ("error", "status", "body", "challenge"),
    [
        (
            InvalidToken(),
            "401 Unauthorized",
            UNAUTHORIZED,
            'Bearer realm="api", error="invalid_token"',
        ),
        (
            InvalidToken("missing", presented=False),
            "401 Unauthorized",
            UNAUTHORIZED,
            'Bearer realm="api"',
        ),
        (
            InsufficientScope(["a:b", "c"]),
            "403 Forbidden",
            FORBIDDEN,
            'Bearer realm="api", error="insufficient_scope", scope="a:b c"',
        ),
        (
            InsufficientScope(reason="address"),
            "403 Forbidden",
            FORBIDDEN,
            'Bearer realm="api", error="insufficient_scope"',
        ),
        (
            InvalidRequest(),
            "400 Bad Request",
            {"success": False, "error": {"code": "INVALID_REQUEST", "message": "Invalid request"}},
            None,
        ),
        (
            UnsupportedMediaType(),
            "415 Unsupported Media Type",
            {
                "success": False,
                "error": {
                    "code": "UNSUPPORTED_MEDIA_TYPE",
                    "message": "Content-Type must be application/json",
                },
            },
            None,
        ),
        (
            UnsupportedMediaType(["application/json", "image/png"]),
            "415 Unsupported Media Type",
            {
                "success": False,
                "error": {
                    "code": "UNSUPPORTED_MEDIA_TYPE",
                    "message": "Content-Type must be application/json or image/png",
                },
            },
            None,
        ),
        (
            StoreUnavailable("disk on fire"),
            "503 Service Unavailable",
            {
                "success": False,
                "error": {
                    "code": "SERVICE_UNAVAILABLE",
                    "message": "Service temporarily unavailable",
                },
            },
            None,
        ),
        (
            APIError(),
            "500 Internal Server Error",
            {"success": False, "error": {"code": "INTERNAL_ERROR", "message": "Internal error"}},
            None,
        ),
    ],
)
def test_the_whole_answer_of_each_error(error, status, body, challenge):
    line, headers, data = error.wire({})
    assert line == status
    assert json.loads(data) == body == error.envelope()
    expected = [
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(data))),
        ("Cache-Control", "no-store"),
    ]
    if challenge is not None:
        expected.append(("WWW-Authenticate", challenge))
    assert list(headers) == expected
    assert str(error.code) == status[:3]


def test_the_challenge_has_the_realm_of_the_enclosing_bearer_auth():
    environ = {CHALLENGE: 'Bearer realm="the API"'}
    assert header(InvalidToken(), "WWW-Authenticate", environ) == [
        'Bearer realm="the API", error="invalid_token"'
    ]
    assert header(InvalidToken(presented=False), "WWW-Authenticate", environ) == [
        'Bearer realm="the API"'
    ]
    assert header(InvalidToken(), "WWW-Authenticate", None) == [
        'Bearer realm="api", error="invalid_token"'
    ]
    assert header(StoreUnavailable(), "WWW-Authenticate", environ) == []


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
def test_an_error_is_an_http_exception_that_werkzeug_answers_with(method):
    response = Client(InvalidToken()).open("/", method=method)
    assert response.status_code == 401
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Content-Length"] == "83"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers.getlist("WWW-Authenticate") == [
        'Bearer realm="api", error="invalid_token"'
    ]
    if method == "HEAD":
        assert response.data == b""
    else:
        assert response.json == UNAUTHORIZED
        assert len(response.data) == 83


def test_the_description_is_the_message():
    assert InvalidToken().description == "Invalid API key"


def test_the_body_is_text_for_werkzeug():
    assert json.loads(InsufficientScope(["a"]).get_body()) == FORBIDDEN


def test_a_detail_is_for_the_log_and_never_for_the_client():
    error = StoreUnavailable("no route to db.internal")
    assert str(error) == "no route to db.internal"
    assert "db.internal" not in repr(error.wire({})) + json.dumps(error.envelope())
    assert "db.internal" not in Client(error).get("/").text
    assert str(StoreUnavailable()) == "Service temporarily unavailable"


def test_reasons_are_fixed_words_for_the_events():
    assert InvalidToken().reason == "invalid"
    assert InvalidToken("expired", key_id="AbCdEfGh01234567").reason == "expired"
    assert InsufficientScope().reason == "scope"
    assert StoreUnavailable().reason == "store"
    assert StoreUnavailable(reason="busy").reason == "busy"
    assert UnsupportedMediaType().reason == "media_type"
    assert InvalidRequest().reason == "invalid_request"
    assert InvalidRequest(reason="idempotency_key").reason == "idempotency_key"


def test_errors_know_the_key_that_was_proven():
    assert InvalidToken().key_id is None
    assert InvalidToken("expired", key_id="AbCdEfGh01234567").key_id == "AbCdEfGh01234567"
    assert InsufficientScope(["a"], key_id="AbCdEfGh01234567").key_id == "AbCdEfGh01234567"


def test_a_lone_scope_is_not_read_letter_by_letter():
    with pytest.raises(TypeError, match="scopes must be a list; write"):
        InsufficientScope("admin")


@pytest.mark.parametrize(
    "scope", ["", "a b", 'a"', "a\\", "a\r\nSet-Cookie: b=c", "a\n", "\x7f", "caf\xe9", "\x00"]
)
def test_only_scope_tokens_get_into_the_challenge(scope):
    error = InsufficientScope(["!", scope, "#[]~"])
    assert error.challenge == 'error="insufficient_scope", scope="! #[]~"'
    assert error.scopes == ("!", scope, "#[]~")
    assert InsufficientScope([scope]).challenge == 'error="insufficient_scope"'


def test_one_answer_does_not_change_another():
    InsufficientScope(["a"])
    InvalidToken()
    assert InsufficientScope().challenge == 'error="insufficient_scope"'
    assert InvalidToken(presented=False).challenge == ""
    headers = InvalidToken().get_headers({})
    headers.clear()
    assert len(InvalidToken().get_headers({})) == 4


def test_an_error_of_the_users_own_becomes_the_envelope():
    class QuotaExceeded(APIError):
        code = 402
        error_code = "QUOTA_EXCEEDED"
        message = "Buy more"

    line, _, body = QuotaExceeded().wire({})
    assert line == "402 Payment Required"
    assert json.loads(body) == {
        "success": False,
        "error": {"code": "QUOTA_EXCEEDED", "message": "Buy more"},
    }


@pytest.mark.parametrize(
    ("error", "also"),
    [
        (ConfigurationError, ValueError),
        (KeyNotFound, LookupError),
        (KeyExists, BearerAuthError),
        (KeyInactive, BearerAuthError),
        (RotationInProgress, BearerAuthError),
        (Conflict, BearerAuthError),
        (ReadOnlyStore, TypeError),
        (APIError, HTTPException),
        (InvalidRequest, APIError),
        (InvalidToken, APIError),
        (InsufficientScope, APIError),
        (UnsupportedMediaType, APIError),
        (StoreUnavailable, APIError),
    ],
)
def test_there_is_one_tree_of_errors(error, also):
    assert issubclass(error, BearerAuthError)
    assert issubclass(error, also)


@pytest.mark.parametrize("error", [InvalidToken("expired"), InsufficientScope(["a"], key_id="x")])
def test_errors_cross_processes(error):
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert vars(copy) == vars(error)


def test_an_error_of_an_apps_own_may_have_any_status():
    class Teapot(APIError):
        code = 460
        error_code = "TEAPOT"
        message = "No coffee"

    status, headers, body = Teapot().wire(None)
    assert status == "460 Unknown"
    assert ("Content-Length", str(len(body))) in headers
