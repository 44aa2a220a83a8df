"""Keys beside a session login, in one Flask app: people log in, programs send a key.

``/reports`` can be read by both, so its rule is optional: without an Authorization header the app
decides by its own session; a wrong key is still a 401. Everything else needs a key. What a session
may change would need protection against cross-site requests; here only keys change things.

export BEARER_AUTH_STORE=sqlite:///keys.db
KEY=$(bearer-auth keys create --user ada)
python session_and_keys.py &
curl -H "Authorization: Bearer $KEY" http://127.0.0.1:8000/reports
"""

import secrets

from flask import Flask, g, redirect, request, session
from werkzeug.security import check_password_hash, generate_password_hash

from bearer_auth import Rule
from bearer_auth.flask import FlaskBearerAuth, current_principal
from bearer_auth.stores.sql import SQLStore

PASSWORDS = {"ada": generate_password_hash("correct horse")}  # your own table of users
REPORTS = {"ada": ["Q1"]}

app = Flask(__name__)
app.secret_key = secrets.token_bytes()
FlaskBearerAuth(
    app,
    SQLStore("sqlite:///keys.db"),
    public=["/login"],
    rules=[Rule("/reports", methods=["GET"], optional=True)],
)


@app.before_request
def who_is_it():
    g.user = current_principal.user_id if current_principal else session.get("user")
    if g.user is None and request.path != "/login":
        return redirect("/login")
    return None


@app.route("/login", methods=["GET", "POST"])
def login():
    if request.method == "GET":
        return "<form method=post><input name=user><input name=password type=password><button>"
    user, password = request.form["user"], request.form["password"]
    if user not in PASSWORDS or not check_password_hash(PASSWORDS[user], password):
        return "Wrong name or password", 403
    session["user"] = user
    return redirect("/reports")


@app.get("/reports")
def reports():
    return {"user": g.user, "reports": REPORTS.get(g.user, [])}


@app.post("/reports")
def create_report():
    REPORTS.setdefault(g.user, []).append(request.json["title"])
    return {"user": g.user, "reports": REPORTS[g.user]}


if __name__ == "__main__":
    app.run(port=8000)
