"""Keys for a Bottle app.

Scopes stand in ``rules``: an error that is raised in a route would be Bottle's to answer.

export BEARER_AUTH_STORE=sqlite:///keys.db
KEY=$(bearer-auth keys create --user user_123 --scope reports:write)
python bottle_app.py &
curl -H "Authorization: Bearer $KEY" http://127.0.0.1:8000/me
"""

from bottle import Bottle, request, run

from bearer_auth import BearerAuth, Rule, get_principal
from bearer_auth.stores.sql import SQLStore

USERS = {"user_123": "Ada"}  # your own users, by the user_id of their keys

bottle_app = Bottle()


@bottle_app.get("/docs")
def docs():
    return "Send your key as Authorization: Bearer KEY"


@bottle_app.get("/me")
def me():
    principal = get_principal(request.environ)
    return {"user": principal.user_id, "name": USERS.get(principal.user_id)}


@bottle_app.post("/reports")
def create_report():
    return {"title": request.json["title"], "author": get_principal(request.environ).user_id}


app = BearerAuth(
    bottle_app,
    SQLStore("sqlite:///keys.db"),
    public=["/docs"],
    rules=[Rule("/reports", methods=["POST"], scopes=["reports:write"])],
)

if __name__ == "__main__":
    run(app, port=8000)
