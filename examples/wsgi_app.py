"""Keys for a plain WSGI app, with no framework at all.

export BEARER_AUTH_STORE=sqlite:///keys.db
KEY=$(bearer-auth keys create --user user_123 --scope reports:write)
python wsgi_app.py &
curl -H "Authorization: Bearer $KEY" http://127.0.0.1:8000/me
"""

import json
from wsgiref.simple_server import make_server

from bearer_auth import BearerAuth, get_principal, require_scopes
from bearer_auth.stores.sql import SQLStore

USERS = {"user_123": "Ada"}  # your own users, by the user_id of their keys


def docs(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"Send your key as Authorization: Bearer KEY"]


def me(environ, start_response):
    principal = get_principal(environ)
    return answer(start_response, {"user": principal.user_id, "name": USERS.get(principal.user_id)})


@require_scopes("reports:write")
def create_report(environ, start_response):
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    author = get_principal(environ).user_id
    return answer(start_response, {"title": json.loads(body)["title"], "author": author})


def answer(start_response, value, status="200 OK"):
    start_response(status, [("Content-Type", "application/json")])
    return [json.dumps(value).encode()]


ROUTES = {("GET", "/docs"): docs, ("GET", "/me"): me, ("POST", "/reports"): create_report}


def router(environ, start_response):
    view = ROUTES.get((environ["REQUEST_METHOD"], environ["PATH_INFO"]))
    if view is None:
        return answer(start_response, {"error": "no such page"}, "404 Not Found")
    return view(environ, start_response)


app = BearerAuth(router, SQLStore("sqlite:///keys.db"), public=["/docs"])

if __name__ == "__main__":
    make_server("127.0.0.1", 8000, app).serve_forever()
