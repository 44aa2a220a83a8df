"""Flask's door."""

import subprocess
import sys
from typing import Any

import pytest
from flask import Blueprint, Flask, g, request
from flask.views import MethodView, View
from werkzeug.exceptions import HTTPException, NotFound

from bearer_auth import (
    BearerAuth,
    ConfigurationError,
    Event,
    InsufficientScope,
    InvalidRequest,
    Keyring,
    MemoryStore,
    Rule,
    StoreUnavailable,
    get_principal,
    get_request_id,
)
from bearer_auth.flask import FlaskBearerAuth, current_principal, require_scopes
from bearer_auth.idempotency import MemoryIdempotencyStore
from bearer_auth.ratelimit import RateLimits
from bearer_auth.testing import acting_as

UNAUTHORIZED = {
    "success": False,
    "error": {"code": "UNAUTHORIZED", "message": "Invalid API key"},
}
FORBIDDEN = {
    "success": False,
    "error": {"code": "FORBIDDEN", "message": "Insufficient permissions for this resource"},
}


class Sink:
    def __init__(self) -> None:
        self.events: list[Event] = []

    def emit(self, event: Event) -> None:
        self.events.append(event)

    def wants(self, name: str) -> bool:
        return name != "request.authenticated"


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture
def key(store: MemoryStore) -> dict[str, str]:
    issued = Keyring(store, event_sink=Sink()).create(
        user_id="user_123", plan="pro", scopes=["ensembles:execute"]
    )
    return {"Authorization": f"Bearer {issued.token}"}


def make_app(**config: Any) -> Flask:
    app = Flask("shop")
    app.config.update(config)

    @app.get("/me")
    def me() -> dict[str, Any]:
        return {"user": current_principal.user_id, "header": request.headers.get("Authorization")}

    @app.route("/admin", methods=["GET", "POST"])
    @require_scopes("admin")
    def admin() -> str:
        return "secret"

    @app.get("/execute")
    @require_scopes("ensembles:execute")
    def execute() -> str:
        return "done"

    @app.get("/open")
    def open_to_all() -> dict[str, Any]:
        return {"somebody": bool(current_principal), "none": current_principal == None}  # noqa: E711

    return app


def test_a_request_with_a_key_reaches_its_view(store: MemoryStore, key: dict[str, str]) -> None:
    app = make_app()
    FlaskBearerAuth(app, store)
    answer = app.test_client().get("/me", headers=key)
    assert (answer.status_code, answer.json) == (200, {"user": "user_123", "header": None})


def test_a_request_without_a_key_gets_the_documented_401(store: MemoryStore) -> None:
    app = make_app()
    FlaskBearerAuth(app, store, realm="shop")
    answer = app.test_client().get("/me")
    assert (answer.status_code, answer.json) == (401, UNAUTHORIZED)
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="shop"'


def test_static_files_need_a_key_until_they_are_named_public(store: MemoryStore) -> None:
    closed, opened = make_app(), make_app()
    FlaskBearerAuth(closed, store)
    FlaskBearerAuth(opened, store, public=["/static/*"])
    assert closed.test_client().get("/static/a.css").status_code == 401
    assert opened.test_client().get("/static/a.css").status_code == 404


def test_the_extension_is_found_by_its_name(store: MemoryStore) -> None:
    app = make_app()
    FlaskBearerAuth(app, store)
    bearer_auth = app.extensions["bearer_auth"]
    assert isinstance(bearer_auth, BearerAuth)
    assert bearer_auth is app.wsgi_app
    assert bearer_auth.store is store


def test_one_extension_serves_several_apps_each_with_its_own_keys(
    store: MemoryStore, key: dict[str, str]
) -> None:
    auth = FlaskBearerAuth(realm="shared")
    first, second = make_app(BEARER_AUTH_STORE=store), make_app(BEARER_AUTH_STORE=MemoryStore())
    auth.init_app(first)
    auth.init_app(second)
    assert first.test_client().get("/me", headers=key).status_code == 200
    assert second.test_client().get("/me", headers=key).status_code == 401


def test_the_nearest_store_wins() -> None:
    argument, own, configured = MemoryStore(), MemoryStore(), MemoryStore()
    app = make_app(BEARER_AUTH_STORE=configured)
    FlaskBearerAuth(store=own).init_app(app, argument)
    assert app.extensions["bearer_auth"].store is argument
    app = make_app(BEARER_AUTH_STORE=configured)
    FlaskBearerAuth(app, own)
    assert app.extensions["bearer_auth"].store is own
    app = make_app(BEARER_AUTH_STORE=configured)
    FlaskBearerAuth(app)
    assert app.extensions["bearer_auth"].store is configured


# Configuration


def test_every_option_can_be_configured(store: MemoryStore, key: dict[str, str]) -> None:
    app = make_app(
        BEARER_AUTH_STORE=store,
        BEARER_AUTH_REALM="shop",
        BEARER_AUTH_PUBLIC=["/open"],
        BEARER_AUTH_RULES=[{"path": "/admin", "scopes": ["admin"]}, Rule("/me", optional=True)],
        BEARER_AUTH_ENVIRONMENTS=["production", "staging"],
        BEARER_AUTH_HEALTH_PATH="/up",
        BEARER_AUTH_CONTENT_TYPES=None,
        BEARER_AUTH_ALLOW_PREFLIGHT=True,
        BEARER_AUTH_KEEP_AUTHORIZATION_HEADER=True,
        BEARER_AUTH_SET_REMOTE_USER=True,
        BEARER_AUTH_PEPPERS=["a pepper of sixteen and more characters"],
    )

    @app.post("/echo")
    def echo() -> dict[str, Any]:
        return {"remote": request.remote_user, "kept": "Authorization" in request.headers}

    FlaskBearerAuth(app)
    client = app.test_client()
    assert client.get("/open").status_code == 200
    assert client.get("/up", headers=key).json == {
        "status": "healthy",
        "authenticated": True,
        "user": {"id": "user_123", "plan": "pro"},
    }
    assert client.post("/echo", data="text", content_type="text/plain", headers=key).json == {
        "remote": "user_123",
        "kept": True,
    }
    refused = client.get("/admin", headers=key)
    assert refused.headers["WWW-Authenticate"] == (
        'Bearer realm="shop", error="insufficient_scope", scope="admin"'
    )
    preflight = {"Origin": "https://shop.example", "Access-Control-Request-Method": "GET"}
    assert client.options("/me", headers=preflight).status_code == 200


def test_arguments_win_over_the_configuration(store: MemoryStore) -> None:
    app = make_app(BEARER_AUTH_REALM="from configuration")
    FlaskBearerAuth(app, store, realm="from code")
    assert app.test_client().get("/me").headers["WWW-Authenticate"] == 'Bearer realm="from code"'


def test_an_unknown_name_in_the_configuration_is_refused_with_the_nearest_right_one() -> None:
    app = make_app(BEARER_AUTH_ENVIROMENT=["staging"])
    with pytest.raises(ConfigurationError) as raised:
        FlaskBearerAuth(app, MemoryStore())
    assert str(raised.value) == (
        "no configuration BEARER_AUTH_ENVIROMENT; did you mean BEARER_AUTH_ENVIRONMENTS?"
    )


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("RATE_LIMITS", 'FlaskBearerAuth(app, rate_limits=RateLimits(default="100/minute"))'),
        (
            "IDEMPOTENCY",
            'FlaskBearerAuth(app, idempotency=SQLIdempotencyStore("sqlite:///keys.db"))',
        ),
        ("EVENT_SINK", "FlaskBearerAuth(app, event_sink=LoggingSink())"),
        ("CLOCK", "FlaskBearerAuth(app, clock=FakeClock())"),
    ],
)
def test_what_is_no_text_is_given_in_code_only(name: str, line: str) -> None:
    app = make_app(**{f"BEARER_AUTH_{name}": "redis://:own_password@127.0.0.1"})
    with pytest.raises(ConfigurationError) as raised:
        FlaskBearerAuth(app, MemoryStore())
    assert str(raised.value) == (
        f"BEARER_AUTH_{name} is no configuration: {name.lower()} is given in code, as in {line}"
    )


def test_the_store_can_be_a_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEARER_AUTH_KEY_CI", "a-token-of-twenty-four-xx")
    app = make_app(BEARER_AUTH_STORE="env:")
    FlaskBearerAuth(app)
    header = {"Authorization": "Bearer a-token-of-twenty-four-xx"}
    answer = app.test_client().get("/me", headers=header)
    assert (answer.status_code, answer.json) == (200, {"user": "ci", "header": None})


def test_without_flask_the_error_names_the_extra() -> None:
    code = (
        "import sys; sys.modules['flask'] = None\n"
        "try: import bearer_auth.flask\n"
        "except ImportError as error: print(error)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == 'bearer_auth.flask needs Flask: pip install "bearer_auth[flask]"\n'


def test_a_store_or_a_wsgi_app_in_place_of_the_flask_app_is_refused() -> None:
    with pytest.raises(TypeError, match="the first argument is the Flask app, not MemoryStore"):
        FlaskBearerAuth(MemoryStore())  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="the first argument is the Flask app, not method"):
        FlaskBearerAuth(Flask("shop").wsgi_app, MemoryStore())  # type: ignore[arg-type]


def test_an_unknown_option_is_refused_before_there_is_an_app() -> None:
    with pytest.raises(TypeError, match="no option 'publik'; did you mean 'public'"):
        FlaskBearerAuth(publik=["/docs"])  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("BEARER_AUTH_ALLOW_PREFLIGHT", "false", "allow_preflight must be True or False"),
        ("BEARER_AUTH_HEALTH_PATH", "health", "health_path must start with"),
        ("BEARER_AUTH_HEALTH_PATH", False, "health_path must be text or None, not False"),
        ("BEARER_AUTH_ENVIRONMENTS", "production", "environments must be a list"),
        ("BEARER_AUTH_REALM", "a\nb", "realm must be"),
        ("BEARER_AUTH_RULES", [{"pth": "/admin"}], "pth"),
        ("BEARER_AUTH_RULES", ["/admin"], "must be a Rule"),
        ("BEARER_AUTH_STORE", "keys.db", "the store must be the URL of a database"),
        ("BEARER_AUTH_STORE", object(), "store must be an object with a method get"),
    ],
)
def test_a_wrong_value_in_the_configuration_fails_at_once(
    name: str, value: object, message: str
) -> None:
    app = make_app(**{"BEARER_AUTH_STORE": MemoryStore(), name: value})
    with pytest.raises((TypeError, ConfigurationError), match=message):
        FlaskBearerAuth(app)
    assert "bearer_auth" not in app.extensions


def test_an_app_without_a_store_fails_at_once() -> None:
    with pytest.raises(ConfigurationError, match="BEARER_AUTH_STORE"):
        FlaskBearerAuth(make_app())


def test_an_app_is_initialised_once(store: MemoryStore) -> None:
    app = make_app()
    auth = FlaskBearerAuth(app, store)
    with pytest.raises(ConfigurationError, match="initialised before"):
        auth.init_app(app)


# Errors that views raise


def views(app: Flask) -> None:
    """Each way in which Flask can hold a view that is not for everyone."""
    blueprint = Blueprint("inner", __name__, url_prefix="/blueprint")

    @blueprint.errorhandler(HTTPException)
    def blueprint_error(error: HTTPException) -> tuple[str, int]:
        return "the blueprint's page", 418

    @blueprint.get("/admin")
    @require_scopes("admin")
    def admin() -> str:
        return "secret"

    class Decorated(View):
        decorators = [require_scopes("admin")]  # noqa: RUF012

        def dispatch_request(self) -> str:
            return "secret"

    class Method(MethodView):
        @require_scopes("admin")
        def get(self, name: str) -> str:
            return "secret"

    app.register_blueprint(blueprint)
    app.add_url_rule("/decorated", view_func=Decorated.as_view("decorated"))
    app.add_url_rule("/method/<name>", view_func=Method.as_view("method"))

    @app.get("/async")
    @require_scopes("admin")
    async def later() -> str:
        return "secret"

    @app.get("/inline")
    def inline() -> str:
        current_principal.require_scopes("admin")
        return "secret"

    @app.before_request
    def first() -> None:
        if request.path == "/before":
            current_principal.require_scopes("admin")


PATHS = ["/admin", "/blueprint/admin", "/decorated", "/method/x", "/async", "/inline", "/before"]
SETTINGS: list[dict[str, Any]] = [
    {},
    {"TESTING": True},
    {"PROPAGATE_EXCEPTIONS": True},
    {"DEBUG": True},
    {"TRAP_HTTP_EXCEPTIONS": True},
]


@pytest.mark.parametrize("generic", [None, HTTPException, Exception])
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("path", PATHS)
def test_a_refusal_in_a_view_is_the_envelope_whatever_handlers_the_app_has(
    store: MemoryStore,
    sink: Sink,
    key: dict[str, str],
    path: str,
    settings: dict[str, Any],
    generic: type[Exception] | None,
) -> None:
    app = make_app(**settings)
    views(app)
    FlaskBearerAuth(app, store, realm="shop", event_sink=sink)
    if generic is not None:

        @app.errorhandler(generic)
        def page(error: Exception) -> tuple[str, int]:
            return "a page", 500

    answer = app.test_client().get(path, headers={**key, "X-Request-ID": "request-7"})
    assert (answer.status_code, answer.json) == (403, FORBIDDEN)
    assert answer.headers["WWW-Authenticate"] == (
        'Bearer realm="shop", error="insufficient_scope", scope="admin"'
    )
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers.getlist("X-Request-ID") == ["request-7"]
    assert [(e.name, e.status, e.reason, e.request_id) for e in sink.events] == [
        ("request.refused", 403, "scope", "request-7")
    ]


def test_each_kind_of_view_runs_with_the_scope(store: MemoryStore) -> None:
    app = make_app()
    views(app)
    FlaskBearerAuth(app, store)
    with acting_as(app, scopes=["admin"]):
        answers = [app.test_client().get(path) for path in PATHS]
    assert [(answer.status_code, answer.text) for answer in answers[:-1]] == [(200, "secret")] * 6
    assert answers[-1].status_code == 404  # /before is no view


def test_a_refusal_outside_of_the_app_is_one_event(store: MemoryStore, sink: Sink) -> None:
    app = make_app()
    FlaskBearerAuth(app, store, event_sink=sink)
    app.test_client().get("/admin")
    assert [(e.name, e.status, e.reason) for e in sink.events] == [
        ("request.refused", 401, "missing")
    ]


def test_a_view_on_a_public_path_that_asks_for_a_principal_gets_the_documented_401(
    store: MemoryStore, sink: Sink
) -> None:
    app = make_app()

    @app.get("/ask")
    def ask() -> str:
        return get_principal(request.environ).user_id

    FlaskBearerAuth(app, store, public=["/ask", "/admin"], event_sink=sink)
    client = app.test_client()
    assert (client.get("/ask").status_code, client.get("/ask").json) == (401, UNAUTHORIZED)
    assert client.get("/admin").status_code == 401
    assert [e.reason for e in sink.events] == ["missing", "missing", "missing"]


class Locked(InvalidRequest):
    """An error of the app's own, with a status of its own."""

    code = 423
    error_code = "LOCKED"
    message = "This shop is closed"


def test_an_error_of_the_apps_own_in_our_tree_is_an_envelope_too(
    store: MemoryStore, sink: Sink, key: dict[str, str]
) -> None:
    app = make_app()

    @app.get("/locked")
    def locked() -> str:
        raise Locked

    @app.errorhandler(HTTPException)
    def page(error: HTTPException) -> tuple[str, int]:
        return "a page", 500

    FlaskBearerAuth(app, store, event_sink=sink)
    answer = app.test_client().get("/locked", headers=key)
    assert (answer.status_code, answer.json) == (
        423,
        {"success": False, "error": {"code": "LOCKED", "message": "This shop is closed"}},
    )
    assert [(e.status, e.reason) for e in sink.events] == [(423, "locked")]


def test_the_answer_to_head_has_no_body(store: MemoryStore, key: dict[str, str]) -> None:
    app = make_app()
    FlaskBearerAuth(app, store)
    answer = app.test_client().head("/admin", headers=key)
    assert (answer.status_code, answer.data) == (403, b"")
    assert answer.headers["Content-Length"] == "107"


def test_a_store_that_fails_in_a_view_is_a_503_and_its_own_event(
    store: MemoryStore, sink: Sink, key: dict[str, str]
) -> None:
    app = make_app()

    @app.get("/keys")
    def keys() -> str:
        raise StoreUnavailable("the disk is full")

    FlaskBearerAuth(app, store, event_sink=sink)
    answer = app.test_client().get("/keys", headers=key)
    assert answer.status_code == 503
    assert b"disk" not in answer.data
    assert [(e.name, e.data) for e in sink.events] == [
        ("store.failed", {"detail": "the disk is full"})
    ]


def test_what_the_app_does_after_a_request_is_done_to_refusals_too(
    store: MemoryStore, key: dict[str, str]
) -> None:
    app = make_app()

    @app.after_request
    def after(response: Any) -> Any:
        response.headers["Access-Control-Allow-Origin"] = "*"
        return response

    FlaskBearerAuth(app, store)
    answer = app.test_client().get("/admin", headers=key)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_an_app_may_answer_a_refusal_in_its_own_way(
    store: MemoryStore, key: dict[str, str]
) -> None:
    app = make_app()
    FlaskBearerAuth(app, store)

    @app.errorhandler(InsufficientScope)
    def refused(error: InsufficientScope) -> tuple[str, int]:
        return "ask your admin for: " + ", ".join(error.scopes), 403

    answer = app.test_client().get("/admin", headers=key)
    assert (answer.status_code, answer.text) == (403, "ask your admin for: admin")


def test_the_apps_own_errors_stay_its_own(store: MemoryStore, key: dict[str, str]) -> None:
    app = make_app()
    FlaskBearerAuth(app, store)

    @app.errorhandler(NotFound)
    def missing(error: NotFound) -> tuple[str, int]:
        return "no such page", 404

    answer = app.test_client().get("/nowhere", headers=key)
    assert (answer.status_code, answer.text) == (404, "no such page")


# current_principal


def test_current_principal_is_falsy_where_nobody_authenticated(
    store: MemoryStore, key: dict[str, str]
) -> None:
    app = make_app()
    FlaskBearerAuth(app, store, rules=[Rule("/open", optional=True)])
    client = app.test_client()
    assert client.get("/open").json == {"somebody": False, "none": True}
    assert client.get("/open", headers=key).json == {"somebody": True, "none": False}


def test_current_principal_outside_of_a_request_is_flasks_own_error() -> None:
    with pytest.raises(RuntimeError, match="outside of request context"):
        _ = current_principal.user_id


def test_current_principal_says_when_the_app_has_no_keys_at_all() -> None:
    app = make_app()
    with app.test_request_context("/me"), pytest.raises(ConfigurationError, match="BearerAuth"):
        _ = current_principal.user_id


def test_a_view_can_read_the_request_id(store: MemoryStore, key: dict[str, str]) -> None:
    app = make_app()

    @app.get("/id")
    def identifier() -> str:
        g.id = get_request_id(request.environ)
        return str(g.id)

    FlaskBearerAuth(app, store)
    answer = app.test_client().get("/id", headers={**key, "X-Request-ID": "request-7"})
    assert answer.text == "request-7"


def test_repeats_and_limits_are_those_of_bearer_auth() -> None:
    app, store, runs = Flask("repeated"), MemoryStore(), []
    FlaskBearerAuth(
        app,
        store,
        idempotency=MemoryIdempotencyStore(),
        rate_limits=RateLimits(default="3/hour"),
    )

    @app.post("/jobs")
    def jobs() -> tuple[dict[str, int], int]:
        runs.append(1)
        return {"run": len(runs)}, 201

    headers = {"Authorization": f"Bearer {Keyring(store).create(user_id='user_123').token}"}
    client = app.test_client()
    first, second, third = (
        client.post("/jobs", json={}, headers=headers | {"X-Idempotency-Key": value})
        for value in ("a", "a", "b")
    )
    assert [answer.json for answer in (first, second, third)] == [
        {"run": 1},
        {"run": 1},
        {"run": 2},
    ]
    assert second.headers["Idempotent-Replayed"] == "true"
    assert client.post("/jobs", json={}, headers=headers).status_code == 429
