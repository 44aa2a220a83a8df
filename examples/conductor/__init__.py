"""The execution API of docs/authentication.md, as a Flask app that knows nothing of keys."""

from pathlib import Path

from flask import Flask, Response, request, send_file
from werkzeug.exceptions import HTTPException

from bearer_auth import APIError, BearerAuth, InvalidRequest, KeyStore, Rule, get_principal
from bearer_auth.idempotency import IdempotencyStore, MemoryIdempotencyStore
from bearer_auth.ratelimit import RateLimits

from .errors import MethodNotAllowed, NotFound
from .openapi import document

DOCS = Path(__file__).parents[2] / "docs" / "authentication.md"
PLANS = {"free": "60/minute", "pro": "1000/minute"}


def create_app(
    store: KeyStore,
    *,
    idempotency: IdempotencyStore | None = None,
    rate_limits: RateLimits | None = None,
) -> Flask:
    """The API; what is not given is kept in memory, which is enough for one process."""
    app = Flask("conductor")

    @app.route("/execute/<ensemble>", methods=["GET", "POST"])
    def execute(ensemble: str) -> dict[str, object]:
        given = None
        if request.method == "POST":
            body = request.get_json(silent=True)
            if not isinstance(body, dict) or "input" not in body:
                raise InvalidRequest('the body must be {"input": …}')
            given = body["input"]
        return {"success": True, "output": {"ensemble": ensemble, "input": given}}

    @app.get("/admin")
    def admin() -> str:
        principal = get_principal(request.environ)
        return f"<!doctype html><title>Admin</title><p>Signed in as {principal.user_id}.</p>"

    @app.get("/docs")
    def docs() -> Response:
        return send_file(DOCS, mimetype="text/markdown")

    @app.get("/openapi.json")
    def openapi() -> dict[str, object]:
        return document()

    @app.get("/health")
    def health() -> dict[str, object]:
        # BearerAuth answers in its place; with this, other methods are a 405.
        raise NotFound

    # Whatever goes wrong has the form of all other errors.
    @app.errorhandler(404)
    def not_found(error: HTTPException) -> APIError:
        return NotFound()

    @app.errorhandler(405)
    def method_not_allowed(error: HTTPException) -> APIError:
        return MethodNotAllowed(error.valid_methods)

    app.wsgi_app = BearerAuth(
        app.wsgi_app,
        store,
        rules=[
            Rule("/execute/{ensemble}", scopes=["ensembles:execute"]),
            Rule("/admin/*", scopes=["admin"]),
        ],
        public=["/docs", "/openapi.json"],
        idempotency=idempotency or MemoryIdempotencyStore(),
        rate_limits=rate_limits or RateLimits(PLANS, default="100/minute"),
    )
    return app
