"""Customers make their own keys: the dashboard in a Flask app that has a login of its own.

People log in (ada or bob, both with "correct horse") and make a key at /keys; programs send it to
the API. Nobody sees a key of somebody else.

python dashboard_flask.py &
python -m webbrowser http://127.0.0.1:8000/keys
curl -H "Authorization: Bearer $KEY" http://127.0.0.1:8000/me
"""

import secrets

from flask import Flask, redirect, request, session
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.security import check_password_hash, generate_password_hash

from bearer_auth import Keyring
from bearer_auth.audit import SQLEventSink
from bearer_auth.dashboard import DashboardUser, Grants, create_dashboard
from bearer_auth.flask import FlaskBearerAuth, current_principal, require_scopes
from bearer_auth.stores.sql import SQLStore

# Your own table of users.
PASSWORDS = {name: generate_password_hash("correct horse") for name in ("ada", "bob")}

app = Flask(__name__)
app.secret_key = secrets.token_bytes()
app.config["SESSION_COOKIE_SAMESITE"] = "Lax"

store = SQLStore("sqlite:///keys.db")
audit = SQLEventSink("sqlite:///keys.db")
FlaskBearerAuth(app, store, public=["/", "/login", "/logout"], event_sink=audit)


# The dashboard. It asks the app's own session who somebody is, at each request.
def identify(environ):
    with app.request_context(environ):
        user = session.get("user")  # with Flask-Login: current_user.get_id()
    return DashboardUser(user) if user in PASSWORDS else None


dashboard = create_dashboard(
    Keyring(store, event_sink=audit),
    identify,
    grants=Grants(scopes=["reports:write"]),
    events=audit,
    login_url="/login",
)
# Outside of the keys: these pages are for people who are logged in.
app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/keys": dashboard})


@app.get("/")
def home():
    return (
        '<a href="/keys">Keys</a><form method=post action="/logout"><button>Log out</button></form>'
    )


@app.route("/login", methods=["GET", "POST"])
def login():
    if request.method == "GET":
        return "<form method=post><input name=username><input name=password type=password><button>"
    user, password = request.form["username"], request.form["password"]
    if user not in PASSWORDS or not check_password_hash(PASSWORDS[user], password):
        return "Wrong name or password", 403
    session.clear()
    session["user"] = user
    # Back to the page that was asked for. Only below /keys/: a link could name any other site.
    page = request.args.get("next", "")
    return redirect(page if page.startswith("/keys/") else "/")


@app.post("/logout")
def logout():
    session.clear()
    return redirect("/")


@app.get("/me")
def me():
    return {"user": current_principal.user_id}


@app.post("/reports")
@require_scopes("reports:write")
def create_report():
    return {"title": request.json["title"], "author": current_principal.user_id}


if __name__ == "__main__":
    app.run(port=8000)
