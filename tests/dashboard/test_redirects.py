"""Open redirect: nobody is sent off this site, and whoever signs in comes back.

THREATS.md, "Dashboard", first row.
"""

from urllib.parse import unquote

import pytest
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client

from bearer_auth import MemoryStore


@pytest.fixture
def store():
    return MemoryStore()


@pytest.mark.parametrize(
    ("path", "next_"),
    [
        ("/", "/"),
        ("/overview", "/overview"),
        ("/?q=CI&sort=name", "/%3Fq%3DCI%26sort%3Dname"),
        ("/keys/new?owner=a%26b", "/keys/new%3Fowner%3Da%2526b"),
        ("/nowhere", "/nowhere"),
    ],
)
def test_whoever_is_not_signed_in_goes_to_the_login_and_comes_back(nobody, path, next_):
    answer = nobody.get(path)
    assert (answer.status, answer.location) == (303, f"/login?next={next_}")


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "/%5Cevil.example",
    ],
)
def test_open_redirect_the_login_is_never_told_to_go_back_elsewhere(nobody, path):
    # As servers hand it on: decoded
    answer = nobody.ask("GET", "/", environ_overrides={"PATH_INFO": unquote(path)})
    assert answer.status == 303
    back = unquote(answer.location.removeprefix("/login?next="))
    assert back.startswith("/")
    assert not back.startswith(("//", "/\\", "/\t"))


def test_open_redirect_nor_by_the_name_of_the_mount(nobody):
    answer = nobody.ask("GET", "/", environ_overrides={"SCRIPT_NAME": "//evil.example"})
    assert answer.location == "/login?next=/evil.example/"


def test_the_way_back_has_the_mount_in_it(dashboard, alice):
    app = DispatcherMiddleware(lambda environ, start: [], {"/account/keys": dashboard})
    answer = Client(app).get("/account/keys/overview")
    assert answer.headers["Location"] == "/login?next=/account/keys/overview"


def test_a_form_of_whoever_is_signed_out_meanwhile_is_not_sent_again(nobody, keyring):
    answer = nobody.send("/keys", {"name": "CI"})
    assert (answer.status, answer.location) == (303, "/login?next=/")
    assert list(keyring.list()) == []


def test_a_login_url_with_a_parameter_gets_another_one(make_dashboard, browse):
    nobody = browse(make_dashboard(login_url="/login?from=keys"), None)
    assert nobody.get("/overview").location == "/login?from=keys&next=/overview"


def test_without_a_login_url_they_are_told(make_dashboard, browse):
    answer = browse(make_dashboard(login_url=None), None).get("/overview")
    assert (answer.status, answer.title) == (401, "You are not signed in")


@pytest.mark.parametrize("path", ["//keys//new", "/keys/new/", "/keys//new", "//evil.example"])
def test_open_redirect_an_odd_path_is_not_put_right(alice, path):
    answer = alice.ask("GET", "/", environ_overrides={"PATH_INFO": path})
    assert (answer.status, answer.location) == (404, None)


def test_open_redirect_redirects_of_ours_are_relative(alice, keyring):
    key_id = keyring.create(user_id="alice").record.key_id
    page = f"/keys/{key_id}"
    forms = [
        ("/keys/new", "/search", {"q": "//evil.example"}, "/?q=//evil.example"),
        ("/keys/new", "/search", {"q": key_id}, page),
        (f"{page}/rotate", f"{page}/finish-rotation", {}, f"{page}?done=grace"),
        (f"{page}/revoke", f"{page}/revoke", {}, f"{page}?done=revoked"),
    ]
    for form, path, fields, location in forms:
        token = alice.form_token(form)
        answer = alice.send(
            path,
            {"token": token} | fields,
            {"Sec-Fetch-Site": "same-origin", "X-Forwarded-Host": "evil.example"},
        )
        assert (answer.status, answer.location) == (303, location)


def test_static_files_need_nobody_to_be_signed_in_and_nothing_lies_beside_them(nobody):
    assert nobody.get("/static/style.css").status == 200
    for path in ("/static/../app.py", "/static/..%2fapp.py", "/static//etc/passwd", "/static/"):
        assert nobody.get(path).status in (303, 404)
