"""The example API itself; the documented answers are in test_demo.py."""

import pytest
from werkzeug.test import Client

from bearer_auth import Keyring, MemoryStore
from conductor import create_app


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def client(store: MemoryStore) -> Client:
    return Client(create_app(store))


def key(store: MemoryStore, *scopes: str) -> dict[str, str]:
    issued = Keyring(store).create(user_id="user_123", plan="pro", scopes=scopes)
    return {"Authorization": f"Bearer {issued.token}"}


def test_post_executes_an_ensemble(client: Client, store: MemoryStore) -> None:
    answer = client.post(
        "/execute/summarise", json={"input": "a text"}, headers=key(store, "ensembles:execute")
    )
    assert answer.status_code == 200
    assert answer.json == {
        "success": True,
        "output": {"ensemble": "summarise", "input": "a text"},
    }


@pytest.mark.parametrize("body", ["{", "[]", "{}", '"input"'])
def test_a_body_without_input_is_a_400(client: Client, store: MemoryStore, body: str) -> None:
    answer = client.post(
        "/execute/summarise",
        data=body,
        content_type="application/json",
        headers=key(store, "ensembles:execute"),
    )
    assert answer.status_code == 400
    assert answer.json == {
        "success": False,
        "error": {"code": "INVALID_REQUEST", "message": "Invalid request"},
    }


def test_the_admin_page_needs_its_scope(client: Client, store: MemoryStore) -> None:
    assert client.get("/admin").status_code == 401
    assert client.get("/admin", headers=key(store, "ensembles:execute")).status_code == 403
    answer = client.get("/admin", headers=key(store, "admin"))
    assert answer.status_code == 200
    assert "Signed in as user_123" in answer.text


def test_the_documentation_needs_no_key(client: Client) -> None:
    answer = client.get("/docs")
    assert answer.status_code == 200
    assert "# Authentication" in answer.text
    answer.close()


def test_a_repeat_is_answered_without_doing_it_again(client: Client, store: MemoryStore) -> None:
    headers = key(store, "ensembles:execute") | {"X-Idempotency-Key": "unique-key"}
    first, again = (
        client.post("/execute/summarise", json={"input": 1}, headers=headers) for _ in range(2)
    )
    assert (first.status_code, again.status_code) == (200, 200)
    assert (again.json, again.headers["Idempotent-Replayed"]) == (first.json, "true")


def test_a_plan_has_its_limit(client: Client, store: MemoryStore) -> None:
    answer = client.get("/execute/summarise", headers=key(store, "ensembles:execute"))
    assert answer.headers["RateLimit-Policy"] == '"minute";q=1000;w=60'


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "NOT_FOUND"),
        ("DELETE", "/execute/summarise", 405, "METHOD_NOT_ALLOWED"),
        ("POST", "/health", 405, "METHOD_NOT_ALLOWED"),
    ],
)
def test_what_is_not_there_has_the_form_of_all_errors(
    client: Client, store: MemoryStore, method: str, path: str, status: int, code: str
) -> None:
    answer = client.open(path, method=method, headers=key(store, "ensembles:execute"))
    assert (answer.status_code, answer.content_type) == (status, "application/json")
    assert answer.json["success"] is False
    assert answer.json["error"]["code"] == code
    assert ("Allow" in answer.headers) is (status == 405)


def test_the_openapi_document_needs_no_key(client: Client) -> None:
    answer = client.get("/openapi.json")
    assert answer.json["openapi"] == "3.1.0"
    paths = ["/admin", "/docs", "/execute/{ensemble}", "/health"]
    assert sorted(answer.json["paths"]) == paths
