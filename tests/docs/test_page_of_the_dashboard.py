"""The Python of docs/dashboard.md, and what people see then."""

import re
from collections.abc import Callable
from contextlib import closing
from html import unescape
from pathlib import Path
from typing import Any

from flask import Flask, session
from werkzeug.test import Client, TestResponse

from bearer_auth import BearerAuth, Keyring
from bearer_auth.dashboard.operator import Operators
from bearer_auth.stores.sql import SQLStore

Names = dict[str, Any]

SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}
NEW_KEY = {"environment": "production", "lifetime": "90"}


def test_the_page_of_the_dashboard(run_page: Callable[..., None]) -> None:
    app = Flask("documented")
    app.secret_key = "only here"
    app.add_url_rule("/login", "login", log_in, methods=["POST"])
    with closing(SQLStore("sqlite:///keys.db")) as store:
        names = {
            "app": app,
            "application": echo,
            "wsgi_app": echo,
            "store": store,
            "keyring": Keyring(store),
        }
        run_page("docs/dashboard.md", names, BEFORE, AFTER)


def echo(environ: Any, start_response: Any) -> list[bytes]:
    """An app that says who asks."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [environ["bearer_auth.principal"].user_id.encode()]


def log_in() -> str:
    session["user"] = "ada"
    return "welcome"


def send(client: Client, page: str, path: str, **fields: Any) -> TestResponse:
    """Send a form to a path, with the token of a page."""
    (token,) = re.findall(r'name="token" value="([^"]+)"', client.get(page).text)[-1:]
    return client.post(path, data={"token": unescape(token), **fields}, headers=SAME_ORIGIN)


def make_key(client: Client, at: str = "", **fields: Any) -> TestResponse:
    return send(client, f"{at}/keys/new", f"{at}/keys", **{**NEW_KEY, **fields})


def key_of(response: TestResponse) -> str:
    assert response.status_code == 200
    (token,) = re.findall(r'id="key"[^>]* value="(\w+)"', response.text)
    return token


def who(names: Names, token: str) -> str:
    headers = {"Authorization": f"Bearer {token}"}
    return Client(BearerAuth(echo, names["store"])).get("/", headers=headers).text


def in_flask_it_is_the_apps_own_session(names: Names) -> None:
    client = Client(names["app"])
    answer = client.get("/keys/")
    assert (answer.status_code, answer.location) == (303, "/login?next=/keys/")
    client.post("/login")
    assert "No keys yet" in client.get("/keys/").text
    assert who(names, key_of(make_key(client, "/keys"))) == "ada"


def a_django_project(names: Names) -> None:
    import django
    from django.conf import settings
    from django.core.management import call_command

    settings.configure(  # once in a process; no other test does
        SECRET_KEY="only here",
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
        ],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": Path("app.db")}},
    )
    django.setup()
    call_command("migrate", verbosity=0)


def in_django_it_is_djangos_session(names: Names) -> None:
    from django.contrib.auth import get_user_model
    from django.db import connections
    from django.test import Client as DjangoClient

    assert Client(names["application"]).get("/keys/").status_code == 303
    user = get_user_model().objects.create_user("ada")
    browser = DjangoClient()
    browser.force_login(user)
    names["sessionid"] = browser.cookies["sessionid"].value
    connections.close_all()

    client = ada(names, names["application"])
    assert "Signed in as</span> ada" in client.get("/keys/").text
    assert who(names, key_of(make_key(client, "/keys"))) == str(user.pk)


def ada(names: Names, app: Any = None) -> Client:
    """Ada's browser, with Django's session in it; that is what ``identify`` reads from there on."""
    client = Client(app or names["dashboard"])
    client.set_cookie("sessionid", names["sessionid"])
    return client


def more_than_that_nobody_can_hand_out(names: Names) -> None:
    client = ada(names)
    assert "staging" in client.get("/keys/new").text
    assert "Never" not in client.get("/keys/new").text
    refused = [{"scopes": "admin"}, {"environment": "test"}, {"lifetime": "365"}]
    assert [make_key(client, **fields).status_code for fields in refused] == [400] * 3
    key_of(make_key(client, scopes="reports:write"))


def it_depends_on_the_plan(names: Names) -> None:
    page = ada(names).get("/keys/new").text
    assert ("reports:read" in page, "reports:write" in page) == (True, False)


def what_was_done_is_in_the_history(names: Names) -> None:
    client = ada(names)
    key_id = key_of(make_key(client)).split("_")[2][:16]
    page = client.get(f"/keys/{key_id}").text
    assert '<td>Created <span class="quiet">by</span> 1</td>' in page


def operators_have_a_sign_in_of_their_own(names: Names) -> None:
    Operators(names["store"]).set_password("alice", "correct horse battery")
    client = Client(names["application"])
    assert client.get("/").location == "/sign-in?next=/"
    fields = {"account": "alice", "password": "correct horse battery"}
    (token,) = re.findall(r'name="token" value="([^"]+)"', client.get("/sign-in").text)
    answer = client.post(
        "/sign-in",
        data={"token": token, **fields},
        headers={**SAME_ORIGIN, "X-Forwarded-Proto": "https"},
    )
    assert (answer.status_code, answer.location) == (303, "/")
    assert "Secure; HttpOnly" in answer.headers["Set-Cookie"]
    assert "Signed in as</span> alice" in client.get("/", base_url="https://localhost").text
    names["audit"].close()


def it_speaks_german(names: Names) -> None:
    page = ada(names).get("/keys/new").text
    assert ('<html lang="de">' in page, "90 Tage" in page) == (True, True)


BEFORE = {"from django.contrib.auth import get_user": a_django_project}

AFTER = {
    "app.wsgi_app = DispatcherMiddleware(": in_flask_it_is_the_apps_own_session,
    "request = WSGIRequest(environ)": in_django_it_is_djangos_session,
    "never=False": more_than_that_nobody_can_hand_out,
    "def grants_for": it_depends_on_the_plan,
    "create_dashboard(keyring, identify, events=audit)": what_was_done_is_in_the_history,
    "create_operator_dashboard(": operators_have_a_sign_in_of_their_own,
    "class German": it_speaks_german,
}
