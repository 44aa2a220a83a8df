"""Keys for a Flask app.

export BEARER_AUTH_STORE=sqlite:///keys.db
KEY=$(bearer-auth keys create --user user_123 --scope reports:write)
python flask_app.py &
curl -H "Authorization: Bearer $KEY" http://127.0.0.1:8000/me
"""

from flask import Flask, request

from bearer_auth.flask import FlaskBearerAuth, current_principal, require_scopes
from bearer_auth.stores.sql import SQLStore

USERS = {"user_123": "Ada"}  # your own users, by the user_id of their keys

app = Flask(__name__)
FlaskBearerAuth(app, SQLStore("sqlite:///keys.db"), public=["/docs", "/static/*"])


@app.get("/docs")
def docs():
    return "Send your key as Authorization: Bearer KEY"


@app.get("/me")
def me():
    return {"user": current_principal.user_id, "name": USERS.get(current_principal.user_id)}


@app.post("/reports")
@require_scopes("reports:write")
def create_report():
    return {"title": request.json["title"], "author": current_principal.user_id}


if __name__ == "__main__":
    app.run(port=8000)
