"""What an app reads: the principal, the request id, and require_scopes."""

import sys

import pytest
from flask import Flask

from bearer_auth import (
    BearerAuth,
    ConfigurationError,
    InsufficientScope,
    InvalidToken,
    Keyring,
    MemoryStore,
    Principal,
    get_principal,
    get_request_id,
    require_scopes,
)

ADMIN = Principal(key_id="a" * 16, user_id="user_1", scopes=("admin", "b:*"))
NOBODY = {"bearer_auth.request_id": "request-1"}
SOMEBODY = {**NOBODY, "bearer_auth.principal": ADMIN}


def test_the_principal_is_read_from_the_environ():
    assert get_principal(SOMEBODY) is ADMIN


def test_nobody_is_the_401_without_an_error_code():
    with pytest.raises(InvalidToken) as caught:
        get_principal(NOBODY)
    assert (caught.value.reason, caught.value.challenge) == ("missing", "")


def test_the_request_id_is_read_from_the_environ():
    assert get_request_id(NOBODY) == "request-1"


@pytest.mark.parametrize("read", [get_principal, get_request_id])
def test_without_bearer_auth_the_message_has_the_fix(read):
    with pytest.raises(ConfigurationError, match=r"app = BearerAuth\(app, store\)"):
        read({})


# require_scopes


@require_scopes("admin", "b:c")
def app(environ, start_response):
    """The app's own words."""
    return [b"in"]


def test_a_key_with_the_scopes_gets_in():
    assert app(SOMEBODY, print) == [b"in"]


def test_a_key_without_them_does_not():
    reader = Principal(key_id="a" * 16, user_id="user_2", scopes=("b:c",))
    with pytest.raises(InsufficientScope) as caught:
        app({**NOBODY, "bearer_auth.principal": reader}, print)
    assert caught.value.scopes == ("admin", "b:c")
    assert caught.value.key_id == "a" * 16


def test_nobody_does_not_either():
    with pytest.raises(InvalidToken):
        app(NOBODY, print)


def test_a_generator_is_not_even_started():
    @require_scopes("other")
    def generator(environ, start_response):
        yield b"in"

    with pytest.raises(InsufficientScope):
        generator(SOMEBODY, print)


def test_a_method_that_is_an_app_can_be_decorated():
    class Site:
        @require_scopes("admin")
        def __call__(self, environ, start_response):
            return [b"in"]

    assert Site()(SOMEBODY, print) == [b"in"]
    with pytest.raises(InvalidToken):
        Site()(NOBODY, print)


def test_the_function_keeps_its_name_and_docstring():
    assert (app.__name__, app.__doc__) == ("app", "The app's own words.")


def test_a_flask_view_reads_flasks_request():
    store = MemoryStore()
    token = Keyring(store).create(user_id="u", scopes=["a"]).token
    flask = Flask("shop")

    @flask.get("/<name>")
    @require_scopes("a")
    def view(name):
        return name

    flask.wsgi_app = BearerAuth(flask.wsgi_app, store)
    client = flask.test_client()
    assert client.get("/x", headers={"Authorization": f"Bearer {token}"}).text == "x"
    assert client.get("/x").status_code == 401


@pytest.mark.parametrize("loaded", [True, False])
def test_without_a_request_the_message_has_the_fix(monkeypatch, loaded):
    if not loaded:
        monkeypatch.delitem(sys.modules, "flask")
    with pytest.raises(ConfigurationError, match=r"get_principal\(environ\)\.require_scopes"):
        require_scopes("admin")(lambda: "in")()


def test_without_scopes_or_with_the_function_itself_it_is_a_type_error():
    for mistake in ((), (lambda: "in",), ("admin", 5), (["admin"],)):
        with pytest.raises(TypeError, match="@require_scopes"):
            require_scopes(*mistake)


def test_a_malformed_scope_is_found_at_once():
    with pytest.raises(ConfigurationError, match="not a scope: 'a b'"):
        require_scopes("a b")
