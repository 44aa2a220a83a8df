"""The parts of an OpenAPI document; that answers follow them is seen by schemathesis in
tests/examples, and in tests/test_answers_table.py."""

import json
import re
from typing import Any

import pytest

from bearer_auth import APIError, ConfigurationError, InsufficientScope, InvalidRequest, openapi
from bearer_auth.idempotency.request import client_value
from bearer_auth.middleware.request_id import _SENT_ID

ERROR = {
    "type": "object",
    "required": ["success", "error"],
    "properties": {
        "success": {"const": False},
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {
                "code": {
                    "type": "string",
                    "enum": [
                        "FORBIDDEN",
                        "IDEMPOTENCY_CONFLICT",
                        "IDEMPOTENCY_KEY_REUSED",
                        "INTERNAL_ERROR",
                        "INVALID_REQUEST",
                        "RATE_LIMITED",
                        "REQUEST_TOO_LARGE",
                        "SERVICE_UNAVAILABLE",
                        "UNAUTHORIZED",
                        "UNSUPPORTED_MEDIA_TYPE",
                    ],
                },
                "message": {"type": "string"},
            },
            "additionalProperties": False,
        },
    },
    "additionalProperties": False,
}


class QuotaExceeded(APIError):
    code = 402
    error_code = "QUOTA_EXCEEDED"
    message = "Buy more"
    headers = (("X-Quota", "0"),)


def ref(kind: str, name: str) -> dict[str, str]:
    return {"$ref": f"#/components/{kind}/{name}"}


def test_the_components_are_json_and_refer_to_each_other_only() -> None:
    parts = openapi.components()
    assert json.loads(json.dumps(parts)) == parts
    assert parts["securitySchemes"] == {"bearerAuth": {"type": "http", "scheme": "bearer"}}
    assert parts["schemas"] == {"Error": ERROR}
    assert list(parts["parameters"]) == ["X-Request-ID", "X-Idempotency-Key", "Idempotency-Key"]
    assert all(not each["required"] for each in parts["parameters"].values())
    for path in re.findall(r'"\$ref": "#/components/(.*?)"', json.dumps(parts)):
        kind, name = path.split("/")
        assert name in parts[kind], path


def test_a_response_says_what_the_error_does() -> None:
    assert openapi.components()["responses"]["IdempotencyConflict"] == {
        "description": "A request with this idempotency key is still running",
        "headers": {
            "X-Request-ID": ref("headers", "X-Request-ID"),
            # not where repeating doesn't help
            "Retry-After": ref("headers", "Retry-After.optional"),
            "RateLimit": ref("headers", "RateLimit"),
            "RateLimit-Policy": ref("headers", "RateLimit-Policy"),
            "Idempotent-Replayed": ref("headers", "Idempotent-Replayed"),
        },
        "content": {
            "application/json": {
                "schema": {
                    "$ref": "#/components/schemas/Error",
                    "properties": {
                        "error": {"properties": {"code": {"const": "IDEMPOTENCY_CONFLICT"}}}
                    },
                },
                "examples": {
                    "running": {
                        "value": {
                            "success": False,
                            "error": {
                                "code": "IDEMPOTENCY_CONFLICT",
                                "message": "A request with this idempotency key is still running",
                            },
                        }
                    },
                    "not_kept": {
                        "value": {
                            "success": False,
                            "error": {
                                "code": "IDEMPOTENCY_CONFLICT",
                                "message": "A request with this idempotency key was completed, "
                                "but its answer was not kept; repeating it doesn't help",
                            },
                        }
                    },
                },
            }
        },
    }


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("InvalidToken", "WWW-Authenticate"),
        ("InsufficientScope", "WWW-Authenticate"),
        ("RateLimited", "Retry-After"),
    ],
)
def test_headers_that_are_always_there_are_required(name: str, header: str) -> None:
    parts = openapi.components()
    assert parts["responses"][name]["headers"][header] == ref("headers", header)
    assert parts["headers"][header]["required"] is True


def test_what_is_not_in_use_is_not_described() -> None:
    parts = openapi.components(rate_limits=False, idempotency=False)
    assert list(parts["parameters"]) == ["X-Request-ID"]
    assert list(parts["headers"]) == ["X-Request-ID", "WWW-Authenticate", "Retry-After"]
    assert sorted(parts["responses"]) == [
        "InsufficientScope",
        "InvalidRequest",
        "InvalidToken",
        "StoreUnavailable",
        "UnsupportedMediaType",
    ]
    assert "RATE_LIMITED" not in json.dumps(parts)


def test_errors_of_the_apps_own_come_along() -> None:
    parts = openapi.components(errors=[QuotaExceeded()])
    response = parts["responses"]["QuotaExceeded"]
    assert response["description"] == "Buy more"
    assert response["headers"]["X-Quota"] == {"schema": {"type": "string"}}
    codes = parts["schemas"]["Error"]["properties"]["error"]["properties"]["code"]["enum"]
    assert "QUOTA_EXCEEDED" in codes
    assert openapi.responses(raises=[QuotaExceeded])["402"] == ref("responses", "QuotaExceeded")


def test_an_operation_gets_what_bearer_auth_adds_and_keeps_its_own() -> None:
    own: dict[str, Any] = {
        "summary": "Write a report",
        "parameters": [ref("parameters", "Mine")],
        "requestBody": {},
        "responses": {
            "201": {"description": "Written", "headers": {"Location": {}}},
            "422": {"description": "Mine"},
            "404": ref("responses", "Mine"),
        },
    }
    before = json.dumps(own)
    done = openapi.operation(
        own, scopes=["reports:write"], idempotent=True, raises=[InvalidRequest, QuotaExceeded]
    )
    assert json.dumps(own) == before
    assert done["summary"] == "Write a report"
    assert done["security"] == [{"bearerAuth": ["reports:write"]}]
    assert done["parameters"] == [
        ref("parameters", "Mine"),
        ref("parameters", "X-Request-ID"),
        ref("parameters", "X-Idempotency-Key"),
        ref("parameters", "Idempotency-Key"),
    ]
    statuses = "201 400 401 402 403 404 409 413 415 422 429 500 503"
    assert list(done["responses"]) == statuses.split()
    assert done["responses"]["404"] == ref("responses", "Mine")
    assert done["responses"]["422"]["description"] == "Mine"
    assert list(done["responses"]["201"]["headers"]) == [
        "X-Request-ID",
        "RateLimit",
        "RateLimit-Policy",
        "Idempotent-Replayed",
        "Location",
    ]


def test_a_parameter_that_the_operation_has_itself_is_not_there_twice() -> None:
    mine = {"name": "x-request-id", "in": "header", "schema": {"type": "string", "maxLength": 9}}
    query = {"name": "Idempotency-Key", "in": "query", "schema": {"type": "string"}}
    done = openapi.operation({"parameters": [mine, query]}, idempotent=True)
    assert done["parameters"] == [
        mine,
        query,
        ref("parameters", "X-Idempotency-Key"),
        ref("parameters", "Idempotency-Key"),
    ]
    again = openapi.operation(done, idempotent=True)
    assert again["parameters"] == done["parameters"]


def test_each_header_of_ours_is_written_once_and_referred_to() -> None:
    parts = openapi.components()
    for response in parts["responses"].values():
        assert all(list(header) == ["$ref"] for header in response["headers"].values())
    assert parts["headers"]["Retry-After"]["required"] is True
    assert parts["headers"]["Retry-After.optional"] == {
        "description": "Seconds after which to try again (RFC 9110 §10.2.3).",
        "required": False,
        "schema": {"type": "integer", "minimum": 0},
    }
    assert "WWW-Authenticate.optional" not in parts["headers"]
    assert all(re.fullmatch(r"[a-zA-Z0-9._-]+", name) for each in parts.values() for name in each)


@pytest.mark.parametrize(
    ("options", "statuses"),
    [
        ({}, "200 401 403 429 503"),
        ({"rate_limits": False}, "200 401 403 503"),
        ({"public": True}, "200"),
        ({"public": True, "raises": [InvalidRequest]}, "200 400"),
    ],
)
def test_the_errors_follow_from_what_the_operation_is(
    options: dict[str, Any], statuses: str
) -> None:
    done = openapi.operation({"responses": {"200": {"description": "Fine"}}}, **options)
    assert list(done["responses"]) == statuses.split()
    assert done["security"] == ([] if options.get("public") else [{"bearerAuth": []}])


def test_nothing_is_counted_or_repeated_where_no_key_is_needed() -> None:
    done = openapi.operation({"responses": {"200": {}}}, public=True, idempotent=True)
    assert done["parameters"] == [ref("parameters", "X-Request-ID")]
    assert list(done["responses"]["200"]["headers"]) == ["X-Request-ID"]


def test_the_health_check() -> None:
    get = openapi.health_path()["get"]
    assert list(get["responses"]) == ["200", "401", "403", "429", "503"]
    assert list(get["responses"]["200"]["headers"]) == ["X-Request-ID"]
    assert "429" not in openapi.health_path(rate_limits=False)["get"]["responses"]


def test_two_errors_of_one_status_are_refused() -> None:
    class Elsewhere(InsufficientScope):
        pass

    with pytest.raises(ConfigurationError, match="InsufficientScope and Elsewhere are both a 403"):
        openapi.operation({}, raises=[Elsewhere])


def test_each_part_is_made_anew() -> None:
    openapi.components()["headers"]["Retry-After"]["schema"]["minimum"] = 7
    assert openapi.components()["headers"]["Retry-After"]["schema"]["minimum"] == 0
    openapi.health_path()["get"]["responses"]["200"]["content"].clear()
    assert openapi.health_path()["get"]["responses"]["200"]["content"]


@pytest.mark.parametrize(
    ("header", "good", "bad"),
    [
        ("X-Idempotency-Key", ["!", "~" * 255, "a-b_c+"], ["", "a,b", "a b", "\x7f", "~" * 256]),
        (
            "Idempotency-Key",
            ['"!"', '"' + "~" * 255 + '"'],
            ["k", '""', '"a,b"', '"a"b"', "''", '"' + "~" * 256 + '"'],
        ),
    ],
)
def test_the_patterns_of_idempotency_keys_are_what_is_read(
    header: str, good: list[str], bad: list[str]
) -> None:
    schema = openapi.components()["parameters"][header]["schema"]
    environ = "HTTP_" + header.upper().replace("-", "_")
    for value in good:
        assert re.search(schema["pattern"], value)
        assert client_value({environ: value}) == value.strip('"')
    for value in bad:
        assert not re.search(schema["pattern"], value)
        with pytest.raises(InvalidRequest):
            client_value({environ: value})


def test_the_pattern_of_request_ids_is_that_of_the_middleware() -> None:
    pattern = openapi.components()["headers"]["X-Request-ID"]["schema"]["pattern"]
    assert pattern == f"^{_SENT_ID.pattern}$"
