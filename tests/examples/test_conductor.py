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
