"""Keys for a Falcon app.

Scopes stand in ``rules``: an error that is raised in a resource would be Falcon's to answer.

export BEARER_AUTH_STORE=sqlite:///keys.db
KEY=$(bearer-auth keys create --user user_123 --scope reports:write)
python falcon_app.py &
curl -H "Authorization: Bearer $KEY" http://127.0.0.1:8000/me
"""

from wsgiref.simple_server import make_server

import falcon

from bearer_auth import BearerAuth, Rule, get_principal
from bearer_auth.stores.sql import SQLStore

USERS = {"user_123": "Ada"}  # your own users, by the user_id of their keys


class Docs:
    def on_get(self, request, response):
        response.text = "Send your key as Authorization: Bearer KEY"


class Me:
    def on_get(self, request, response):
        principal = get_principal(request.env)
        response.media = {"user": principal.user_id, "name": USERS.get(principal.user_id)}


class Reports:
    def on_post(self, request, response):
        author = get_principal(request.env).user_id
        response.media = {"title": request.media["title"], "author": author}


falcon_app = falcon.App()
falcon_app.add_route("/docs", Docs())
falcon_app.add_route("/me", Me())
falcon_app.add_route("/reports", Reports())

app = BearerAuth(
    falcon_app,
    SQLStore("sqlite:///keys.db"),
    public=["/docs"],
    rules=[Rule("/reports", methods=["POST"], scopes=["reports:write"])],
)

if __name__ == "__main__":
    make_server("127.0.0.1", 8000, app).serve_forever()
