"""acting_as: a user's tests of their own app."""

import json
from collections.abc import Iterable
from typing import Any

import pytest
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.test import Client

from bearer_auth import (
    BearerAuth,
    ConfigurationError,
    Event,
    Keyring,
    MemoryStore,
    Principal,
    Rule,
    StoreUnavailable,
)
from bearer_auth.flask import FlaskBearerAuth, current_principal
from bearer_auth.testing import acting_as


class Sink:
    def __init__(self) -> None:
        self.events: list[Event] = []

    def emit(self, event: Event) -> None:
        self.events.append(event)


class BrokenStore:
    def get(self, key_id: str) -> None:
        raise StoreUnavailable("down")


def whoami(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    principal = environ.get("bearer_auth.principal")
    body = json.dumps(
        {
            "user": principal and principal.user_id,
            "header": environ.get("HTTP_AUTHORIZATION"),
        }
    ).encode()
    start_response("200 OK", [("Content-Type", "application/json")])
    return [body]


def user_of(app: Any, path: str = "/", **options: Any) -> object:
    """The user that the app sees, or the status of a refusal."""
    answer = Client(app).get(path, **options)
    return answer.get_json()["user"] if answer.status_code == 200 else answer.status_code


def make_flask(**options: Any) -> Flask:
    app = Flask("shop")
    FlaskBearerAuth(app, MemoryStore(), **options)

    @app.get("/")
    def me() -> dict[str, Any]:
        return {"user": current_principal.user_id if current_principal else None}

    return app


# A block


def test_within_a_block_requests_are_the_users() -> None:
    app = BearerAuth(whoami, MemoryStore())
    with acting_as(app, user_id="user_123"):
        assert Client(app).get("/").get_json() == {"user": "user_123", "header": None}
    assert user_of(app) == 401


def test_a_flask_app_is_tested_with_its_own_client() -> None:
    app = make_flask()
    with acting_as(app, user_id="user_123"):
        assert app.test_client().get("/").json == {"user": "user_123"}
    assert app.test_client().get("/").status_code == 401


def test_a_bearer_auth_is_found_behind_other_middleware() -> None:
    app = make_flask()
    app.wsgi_app = ProxyFix(app.wsgi_app)  # type: ignore[method-assign]
    with acting_as(app, user_id="user_123"):
        assert app.test_client().get("/").json == {"user": "user_123"}
    outer = ProxyFix(BearerAuth(whoami, MemoryStore()))
    with acting_as(outer, user_id="user_123"):
        assert user_of(outer) == "user_123"
    assert user_of(outer) == 401


def test_a_block_yields_the_principal() -> None:
    app = BearerAuth(whoami, MemoryStore())
    with acting_as(
        app,
        user_id="user_123",
        scopes=["b", "a"],
        plan="pro",
        tenant_id="acme",
        metadata={"team": "search"},
    ) as principal:
        assert isinstance(principal, Principal)
    assert principal.user_id == "user_123"
    assert principal.has_scopes("a", "b")
    assert (principal.plan, principal.tenant_id) == ("pro", "acme")
    assert principal.environment == "production"
    assert principal.metadata == {"team": "search"}


def test_of_blocks_in_one_another_the_innermost_counts() -> None:
    app = BearerAuth(whoami, MemoryStore())
    with acting_as(app, user_id="outer"):
        with acting_as(app, user_id="inner"):
            assert user_of(app) == "inner"
        assert user_of(app) == "outer"
    assert user_of(app) == 401


def test_one_object_can_be_entered_again_and_within_itself() -> None:
    app = BearerAuth(whoami, MemoryStore())
    acting = acting_as(app, user_id="user_123")
    with acting:
        with acting:
            assert user_of(app) == "user_123"
            assert user_of(app, headers={"Authorization": "Bearer nonsense"}) == 401
        assert user_of(app) == "user_123"
    assert user_of(app) == 401
    with acting:
        assert user_of(app) == "user_123"


def test_an_exception_in_a_block_ends_it() -> None:
    app = BearerAuth(whoami, MemoryStore())
    with pytest.raises(ZeroDivisionError), acting_as(app):
        raise ZeroDivisionError
    assert user_of(app) == 401


def test_other_apps_are_not_touched() -> None:
    store = MemoryStore()
    mine, other = BearerAuth(whoami, store), BearerAuth(whoami, store)
    with acting_as(mine):
        assert user_of(mine) == "user_test"
        assert user_of(other) == 401


def test_a_bare_app_cant_be_changed_for_a_block() -> None:
    with pytest.raises(TypeError, match="wrap it in BearerAuth"), acting_as(whoami):
        pass


# A WSGI app


def test_as_a_wsgi_app_it_leaves_the_app_alone() -> None:
    app = BearerAuth(whoami, MemoryStore())
    acting = acting_as(app, user_id="user_123")
    assert user_of(acting) == "user_123"
    assert user_of(app) == 401


def test_as_a_wsgi_app_it_takes_a_flask_app() -> None:
    app = make_flask()
    assert user_of(acting_as(app, user_id="user_123")) == "user_123"


def test_a_bare_app_is_wrapped_with_the_defaults() -> None:
    acting = acting_as(whoami, user_id="user_123", plan="pro")
    assert user_of(acting) == "user_123"
    assert user_of(acting, headers={"Authorization": "Bearer nonsense"}) == 401
    assert Client(acting).get("/health").get_json()["user"] == {"id": "user_123", "plan": "pro"}


def test_a_flask_app_without_keys_is_a_bare_app() -> None:
    app = Flask("shop")

    @app.get("/")
    def me() -> dict[str, str]:
        return {"user": current_principal.user_id}

    assert user_of(acting_as(app, user_id="user_123")) == "user_123"


def test_an_app_that_leads_to_itself_is_a_bare_app() -> None:
    class Loop:
        def __init__(self) -> None:
            self.app = self

        def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            return whoami(environ, start_response)

    assert user_of(acting_as(Loop(), user_id="user_123")) == "user_123"


def test_what_is_no_app_is_refused() -> None:
    with pytest.raises(TypeError, match="app must be a WSGI app"):
        acting_as(None)  # type: ignore[arg-type]


# What stays real


def test_a_request_with_a_header_of_its_own_is_the_real_stores() -> None:
    store = MemoryStore()
    app = BearerAuth(whoami, store)
    token = Keyring(store, event_sink=Sink()).create(user_id="real").token
    with acting_as(app, user_id="user_123"):
        assert user_of(app, headers={"Authorization": f"Bearer {token}"}) == "real"
        assert user_of(app, headers={"Authorization": "Bearer nonsense"}) == 401
        assert user_of(app, headers={"Authorization": ""}) == 401


def test_the_real_store_is_never_asked() -> None:
    app = BearerAuth(whoami, BrokenStore())
    with acting_as(app, user_id="user_123"):
        assert user_of(app) == "user_123"


def test_rules_and_scopes_are_real() -> None:
    app = BearerAuth(whoami, MemoryStore(), rules=[Rule("/admin", scopes=["admin"])])
    with acting_as(app):
        refused = Client(app).get("/admin")
    assert refused.status_code == 403
    assert refused.headers["WWW-Authenticate"] == (
        'Bearer realm="api", error="insufficient_scope", scope="admin"'
    )
    with acting_as(app, scopes=["admin"]):
        assert user_of(app, "/admin") == "user_test"


def test_a_public_path_has_no_principal() -> None:
    app = BearerAuth(whoami, MemoryStore(), public=["/docs"])
    with acting_as(app):
        assert user_of(app, "/docs") is None


def test_content_types_are_real() -> None:
    app = BearerAuth(whoami, MemoryStore())
    with acting_as(app):
        assert Client(app).post("/", data="a", content_type="text/plain").status_code == 415
        assert Client(app).post("/", json={}).status_code == 200


def test_the_health_check_and_request_ids_are_real() -> None:
    app = BearerAuth(whoami, MemoryStore(), health_path="/up")
    with acting_as(app, user_id="user_123", plan="pro"):
        answer = Client(app).get("/up", headers={"X-Request-ID": "request-7"})
    assert answer.get_json() == {
        "status": "healthy",
        "authenticated": True,
        "user": {"id": "user_123", "plan": "pro"},
    }
    assert answer.headers.getlist("X-Request-ID") == ["request-7"]


def test_events_go_to_the_apps_sink() -> None:
    sink = Sink()
    app = BearerAuth(
        whoami, MemoryStore(), rules=[Rule("/admin", scopes=["admin"])], event_sink=sink
    )
    with acting_as(app):
        Client(app).get("/admin")
    assert [(event.name, event.status) for event in sink.events] == [("request.refused", 403)]


def test_the_key_is_of_production_where_that_is_accepted() -> None:
    app = BearerAuth(whoami, MemoryStore(), environments=["development", "production"])
    with acting_as(app) as principal:
        assert user_of(app) == "user_test"
    assert principal.environment == "production"


def test_else_the_key_is_of_an_environment_that_is_accepted() -> None:
    app = BearerAuth(whoami, MemoryStore(), environments=["staging", "development"])
    with acting_as(app) as principal:
        assert user_of(app) == "user_test"
    assert principal.environment == "development"


def test_a_key_of_another_environment_is_refused_as_in_real_life() -> None:
    app = BearerAuth(whoami, MemoryStore())
    with acting_as(app, environment="staging"):
        assert user_of(app) == 401


@pytest.mark.parametrize("fields", [{"user_id": ""}, {"scopes": ["a b"]}, {"environment": "A"}])
def test_a_value_that_is_out_of_bounds_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        acting_as(BearerAuth(whoami, MemoryStore()), **fields)


def test_a_lone_string_of_scopes_is_refused() -> None:
    with pytest.raises(TypeError, match="scopes"):
        acting_as(BearerAuth(whoami, MemoryStore()), scopes="admin")
