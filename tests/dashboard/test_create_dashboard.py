"""create_dashboard: what it takes, and the app that it returns."""

import pytest
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from bearer_auth import EnvStore, Keyring, MemoryStore
from bearer_auth.dashboard import DashboardUser, Grants, Texts, create_dashboard
from bearer_auth.errors import ConfigurationError, ReadOnlyStore, StoreUnavailable
from bearer_auth.stores.sql import SQLStore


@pytest.fixture
def store():
    return MemoryStore()


def nobody(environ):
    return None


@pytest.mark.parametrize(
    "login_url",
    [
        "https://evil.example/login",
        "http:/login",
        "//evil.example/login",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "\t//evil.example",
        " //evil.example",
        "/\n/evil.example",
        "/login\r\nSet-Cookie: a=b",
        "login",
        "",
        "?login",
        "javascript:alert(1)",
        "mailto:a@b",
    ],
)
def test_open_redirect_the_login_is_on_this_site(keyring, login_url):
    with pytest.raises(ConfigurationError, match="login_url must be a path of this site"):
        create_dashboard(keyring, nobody, login_url=login_url)


@pytest.mark.parametrize("login_url", ["/login", "/accounts/login/?from=keys", "/"])
def test_a_path_of_this_site_is_one(keyring, login_url):
    assert create_dashboard(keyring, nobody, login_url=login_url)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"keyring": MemoryStore()}, "keyring must be a Keyring"),
        ({"keyring": Keyring}, "keyring must be a Keyring"),
        ({"identify": None}, "identify must be a function"),
        ({"identify": DashboardUser("alice")}, "identify must be a function"),
        ({"grants": {"scopes": []}}, "grants must be"),
        ({"grants": Grants}, "grants must be"),
        ({"login_url": b"/login"}, "login_url must be text"),
        ({"api_url": b"https://api.example.com/"}, "api_url must be text"),
        ({"texts": Texts}, "texts must be"),
        ({"texts": {"site": "x"}}, "texts must be"),
        ({"events": "sqlite:///events.db"}, "events must"),
        ({"events": object()}, "events must"),
    ],
)
def test_what_is_of_the_wrong_type_is_refused_at_the_start(keyring, wrong, message):
    given = {"keyring": keyring, "identify": nobody} | wrong
    with pytest.raises(TypeError, match=message):
        create_dashboard(given.pop("keyring"), given.pop("identify"), **given)


@pytest.mark.parametrize("url", ["api.example.com", "javascript:alert(1)", "/health", ""])
def test_the_address_for_curl_is_one_that_curl_can_ask(keyring, url):
    with pytest.raises(ConfigurationError, match="api_url must begin with https:// or http://"):
        create_dashboard(keyring, nobody, api_url=url)


def test_a_store_that_can_not_be_written_to_is_refused_at_the_start():
    with pytest.raises(ReadOnlyStore, match="EnvStore is read-only"):
        create_dashboard(Keyring(EnvStore(environ={})), nobody)


def test_missing_tables_are_said_at_the_start(tmp_path):
    with pytest.raises(StoreUnavailable):
        create_dashboard(Keyring(SQLStore(f"sqlite:///{tmp_path / 'x.db'}", create=False)), nobody)


def test_everything_below_the_mount_is_linked_with_it(dashboard, browse, keyring):
    app = DispatcherMiddleware(lambda environ, start: [], {"/account/keys": dashboard})
    here = browse(app, DashboardUser("alice"))
    key_id = keyring.create(user_id="alice").record.key_id
    mount = "/account/keys"
    for path in ("/", "/overview", "/keys/new", f"/keys/{key_id}", f"/keys/{key_id}/rotate"):
        page = here.get(mount + path)
        assert page.status == 200
        links = [link for link in page.links if not link.startswith("#")]
        assert [link for link in links if not link.startswith(mount + "/")] == []
        for attribute in ('action="', 'src="', ' href="/'):
            after = [part.split('"')[0] for part in page.source.split(attribute)[1:]]
            if attribute == ' href="/':
                after = ["/" + address for address in after]
            assert [address for address in after if not address.startswith(mount)] == []
    token = here.form_token(f"{mount}/keys/{key_id}/revoke")
    answer = here.send(f"{mount}/keys/{key_id}/revoke", {"token": token})
    assert answer.location == f"{mount}/keys/{key_id}?done=revoked"


def test_two_dashboards_live_side_by_side(make_dashboard, browse, keyring):
    first = make_dashboard(identify=lambda _: DashboardUser("alice"))
    second = make_dashboard(identify=lambda _: DashboardUser("bob"))
    made = {"name": "CI", "environment": "production", "lifetime": "90"}
    assert browse(first, None).fill_in("/keys/new", "/keys", **made).status == 200
    assert browse(second, None).fill_in("/keys/new", "/keys", **made).status == 200
    assert sorted(record.user_id for record in keyring.list()) == ["alice", "bob"]


def test_the_text_can_be_in_another_language(make_dashboard, browse):
    class Deutsch(Texts):
        lang = "de"
        create_key = "Schlüssel erstellen"

    page = browse(make_dashboard(texts=Deutsch()), DashboardUser("alice")).get("/keys/new")
    assert page.title == "Schlüssel erstellen"
    assert '<html lang="de">' in page.source


def test_first_load_is_small(alice):
    paths = ("/", "/static/style.css", "/static/script.js", "/static/icon.svg")
    assert sum(len(alice.get(path).source.encode()) for path in paths) < 60 * 1024
