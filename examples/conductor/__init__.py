"""The execution API of docs/authentication.md, as a Flask app that knows nothing of keys."""

from pathlib import Path

from flask import Flask, request, send_file

from bearer_auth import BearerAuth, InvalidRequest, KeyStore, Rule, get_principal

DOCS = Path(__file__).parents[2] / "docs" / "authentication.md"


def create_app(store: KeyStore) -> Flask:
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
    def docs():
        return send_file(DOCS, mimetype="text/markdown")

    app.wsgi_app = BearerAuth(
        app.wsgi_app,
        store,
        rules=[
            Rule("/execute/{ensemble}", scopes=["ensembles:execute"]),
            Rule("/admin/*", scopes=["admin"]),
        ],
        public=["/docs"],
    )
    return app
