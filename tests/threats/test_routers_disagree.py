"""Deciding the route, row "Server, middleware and router disagree on a path": whatever view a real
router runs for a hostile path, the policy asked for its scope. Routers undo some oddities of a path
and leave others; Flask, for one, takes ``//execute/..`` for the ensemble ``..``."""

import io
import logging
import warnings

import bottle
import falcon
import pytest
from flask import Flask
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bearer_auth import Policy, Rule

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Pyramid's webob imports cgi
    from pyramid.config import Configurator
    from pyramid.response import Response

POLICY = Policy(
    [
        Rule("/admin", scopes=["admin"]),
        Rule("/execute/{ensemble}", scopes=["execute"]),
        Rule("/files/*", scopes=["files"]),
        Rule("/users/{id}/keys", scopes=["users"]),
    ],
    public=["/docs", "/static/*"],
)
ran = []


def note(scope):
    def view(*args, **kwargs):
        ran.append(scope)
        return "ran"

    return view


def flask_app():
    app = Flask("router", static_folder=None)
    app.add_url_rule("/admin", "admin", note("admin"))
    app.add_url_rule("/execute/<ensemble>", "execute", note("execute"))
    app.add_url_rule("/files/<path:name>", "files", note("files"))
    app.add_url_rule("/users/<id>/keys", "users", note("users"))
    return app


def bottle_app():
    app = bottle.Bottle()
    app.route("/admin")(note("admin"))
    app.route("/execute/<ensemble>")(note("execute"))
    app.route("/files/<name:path>")(note("files"))
    app.route("/users/<id>/keys")(note("users"))
    return app


def falcon_app():
    class Resource:
        def __init__(self, scope):
            self.on_get = note(scope)

    app = falcon.App()
    app.add_route("/admin", Resource("admin"))
    app.add_route("/execute/{ensemble}", Resource("execute"))
    app.add_route("/files/{name:path}", Resource("files"))
    app.add_route("/users/{id}/keys", Resource("users"))
    return app


def pyramid_app():
    with Configurator() as config:
        for path, scope in [
            ("/admin", "admin"),
            ("/execute/{ensemble}", "execute"),
            ("/files/*name", "files"),
            ("/users/{id}/keys", "users"),
        ]:
            view = note(scope)
            config.add_route(scope, path)
            config.add_view(lambda request, view=view: Response(view()), route_name=scope)
        return config.make_wsgi_app()


ROUTERS = {
    "Flask": flask_app(),
    "Bottle": bottle_app(),
    "Falcon": falcon_app(),
    "Pyramid": pyramid_app(),
}


def views_run_by(app, path):
    """The scopes of the views that a request for this PATH_INFO runs."""
    ran.clear()
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": path,
        "SCRIPT_NAME": "",
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    try:
        answer = app(environ, lambda status, headers, exc_info=None: None)
        b"".join(answer)
        getattr(answer, "close", lambda: None)()
    except (UnicodeError, ValueError):
        pass  # a router that refuses to read the path runs no view
    return list(ran)


@pytest.fixture(autouse=True)
def quiet():
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


MIXED = [
    ("Flask", "//execute/..", "execute"),
    ("Flask", "//execute/;x", "execute"),
    ("Flask", "execute/..", "execute"),
    ("Flask", "//execute/a%2fb", "execute"),
    ("Flask", "//files/x/../..", "files"),
    ("Falcon", "//execute/..", "execute"),
    ("Falcon", "/execute/", "execute"),
    ("Falcon", "/users//keys", "users"),
    ("Bottle", "/ex\xffecute/..", "execute"),
    ("Bottle", "/ex\xffecute/a%2fb", "execute"),
    ("Bottle", "/users/../keys\n", "users"),
    ("Pyramid", "/users/../keys\n", "users"),
    ("Pyramid", "/users/a%2fb/keys\n", "users"),
]


@pytest.mark.parametrize(("router", "path", "scope"), MIXED, ids=repr)
def test_row_router_disagrees_two_oddities_at_once_skip_no_scope(router, path, scope):
    assert views_run_by(ROUTERS[router], path) == [scope]  # else this row shows nothing
    assert scope in POLICY.decide("GET", path).scopes


WORDS = """
    / / // admin execute files users keys a .. . ... ; \\ ? # * {e} docs static : http://h h:
    %2e %2f %5c %3b %25 %252e %ff
"""
BYTES = ["\x00", "\n", "\r", " ", "\x7f", "\xff", "\xc3", "\xe2\x80", "\xc2\x85", "\xef\xbc\x8f"]
pieces = st.sampled_from([*WORDS.split(), *BYTES])
bases = st.sampled_from(["/admin", "/execute/a", "/files/a", "/users/1/keys", ""])


@st.composite
def hostile_paths(draw):
    path = draw(bases)
    for piece in draw(st.lists(pieces, min_size=1, max_size=5)):
        place = draw(st.integers(0, len(path)))
        path = path[:place] + piece + path[place:]
    return path


@settings(max_examples=500)
@given(hostile_paths())
@example("//execute/..")
@example("/execute/")
def test_row_router_disagrees_no_view_runs_without_its_scope(path):
    scopes = POLICY.decide("GET", path).scopes
    for name, app in ROUTERS.items():
        for scope in views_run_by(app, path):
            assert scope in scopes, name
