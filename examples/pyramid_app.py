"""Keys for a Pyramid app.

export BEARER_AUTH_STORE=sqlite:///keys.db
KEY=$(bearer-auth keys create --user user_123 --scope reports:write)
python pyramid_app.py &
curl -H "Authorization: Bearer $KEY" http://127.0.0.1:8000/me
"""

from wsgiref.simple_server import make_server

from pyramid.config import Configurator
from pyramid.response import Response

from bearer_auth import BearerAuth, get_principal
from bearer_auth.stores.sql import SQLStore

USERS = {"user_123": "Ada"}  # your own users, by the user_id of their keys


def principal_of(request):
    return get_principal(request.environ)


def docs(request):
    return Response("Send your key as Authorization: Bearer KEY")


def me(request):
    return {"user": request.principal.user_id, "name": USERS.get(request.principal.user_id)}


def create_report(request):
    request.principal.require_scopes("reports:write")
    return {"title": request.json_body["title"], "author": request.principal.user_id}


with Configurator() as config:
    config.add_request_method(principal_of, "principal", reify=True)
    config.add_route("docs", "/docs")
    config.add_view(docs, route_name="docs")
    config.add_route("me", "/me")
    config.add_view(me, route_name="me", renderer="json")
    config.add_route("reports", "/reports", request_method="POST")
    config.add_view(create_report, route_name="reports", renderer="json")

app = BearerAuth(config.make_wsgi_app(), SQLStore("sqlite:///keys.db"), public=["/docs"])

if __name__ == "__main__":
    make_server("127.0.0.1", 8000, app).serve_forever()
