"""Cross-site requests, framing, injected markup: forms are our own, answers are guarded.

THREATS.md, "Dashboard", first row.
"""

import time

import pytest
from itsdangerous import TimestampSigner

from bearer_auth import Keyring, MemoryStore
from bearer_auth.dashboard import DashboardUser
from bearer_auth.stores.sql import SQLStore

MADE = {"name": "CI", "environment": "production", "lifetime": "90"}


@pytest.fixture
def store():
    return MemoryStore()


def made(keyring):
    return [record.name for record in keyring.list()]


def test_cross_site_requests_a_form_from_our_page_is_taken(alice, keyring):
    assert alice.fill_in("/keys/new", "/keys", **MADE).status == 200
    assert made(keyring) == ["CI"]


@pytest.mark.parametrize(
    "site", ["cross-site", "same-site", "none", "", "Same-Origin", "same-origin, cross-site"]
)
def test_cross_site_requests_a_form_that_the_browser_says_is_not_ours_is_refused(
    alice, keyring, site
):
    form = {"token": alice.form_token(), **MADE}
    answer = alice.send("/keys", form, {"Sec-Fetch-Site": site, "Origin": "http://localhost"})
    assert (answer.status, answer.title) == (403, "That came from another site")
    assert made(keyring) == []


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "null",
        "",
        "https://localhost",
        "http://localhost:8080",
        "http://evil.example",
        "http://localhost.evil.example",
        "http://localhost/",
        "http://localhost, http://evil.example",
    ],
)
def test_cross_site_requests_without_fetch_metadata_only_our_very_origin_counts(
    alice, keyring, origin
):
    headers = {} if origin is None else {"Origin": origin}
    form = {"token": alice.form_token(), **MADE}
    assert alice.send("/keys", form, headers).status == 403
    assert made(keyring) == []
    assert alice.send("/keys", form, {"Origin": "http://localhost"}).status == 200


def test_cross_site_requests_a_referer_from_us_is_no_origin(alice, keyring):
    form = {"token": alice.form_token(), **MADE}
    assert alice.send("/keys", form, {"Referer": "http://localhost/keys/new"}).status == 403
    assert made(keyring) == []


def test_the_origin_of_another_host_and_port_is_compared_with_the_hosts(browser, keyring):
    here = browser(
        DashboardUser("alice"), HTTP_HOST="keys.example:8443", **{"wsgi.url_scheme": "https"}
    )
    form = {"token": here.form_token(), **MADE}
    assert here.send("/keys", form, {"Origin": "https://keys.example"}).status == 403
    assert here.send("/keys", form, {"Origin": "https://keys.example:8443"}).status == 200


@pytest.mark.parametrize("token", [None, "", "x", "a.b.c", "WyJhbGljZSJd.aaaaaa.bbbbbb", "\0"])
def test_cross_site_requests_a_form_without_our_token_is_refused(alice, keyring, token):
    form = MADE if token is None else {"token": token, **MADE}
    answer = alice.send("/keys", form)
    assert (answer.status, answer.title) == (400, "That form can't be used")
    assert made(keyring) == []


def test_cross_site_requests_the_token_is_read_from_the_form_only(alice, keyring):
    token = alice.form_token()
    headers = {"Sec-Fetch-Site": "same-origin", "X-CSRF-Token": token, "Cookie": f"token={token}"}
    assert alice.send(f"/keys?token={token}", MADE, headers).status == 400
    assert made(keyring) == []


def test_cross_site_requests_an_altered_token_is_refused(alice, keyring):
    token = alice.form_token()
    for place in (0, len(token) // 2, len(token) - 2):
        other = "A" if token[place] != "A" else "B"
        altered = token[:place] + other + token[place + 1 :]
        assert alice.send("/keys", {"token": altered, **MADE}).status == 400
    assert made(keyring) == []


@pytest.mark.parametrize(
    "other",
    [
        DashboardUser("bob"),
        DashboardUser("alice", tenant_id="acme"),
        DashboardUser("alice", may_manage_all=True),
        DashboardUser("Alice"),
    ],
    ids=["another user", "another tenant", "an operator of this name", "other letter case"],
)
def test_cross_site_requests_the_token_of_somebody_else_is_refused(alice, browser, keyring, other):
    token = browser(other).form_token()
    assert alice.send("/keys", {"token": token, **MADE}).status == 400
    assert made(keyring) == []


def test_cross_site_requests_a_token_is_good_for_twelve_hours(alice, keyring, monkeypatch):
    token = alice.form_token()
    in_twelve_hours = int(time.time()) + 12 * 3600
    later = in_twelve_hours + 60
    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda _: later)
    assert alice.send("/keys", {"token": token, **MADE}).status == 400
    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda _: in_twelve_hours - 60)
    assert alice.send("/keys", {"token": token, **MADE}).status == 200
    assert made(keyring) == ["CI"]


def test_cross_site_requests_the_token_of_another_installation_is_refused(
    alice, keyring, make_dashboard, browse, tmp_path
):
    store = SQLStore(f"sqlite:///{tmp_path / 'other.db'}", create=True)
    token = browse(make_dashboard(keyring=Keyring(store)), alice.user).form_token()
    store.close()
    assert alice.send("/keys", {"token": token, **MADE}).status == 400
    assert made(keyring) == []


def test_every_page_has_another_token(alice):
    assert alice.form_token() != alice.form_token()


# Which requests are asked for a token: all that may change something, known address or not


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW", "post"])
@pytest.mark.parametrize("path", ["/", "/keys", "/keys/new", "/search", "/nowhere"])
def test_cross_site_requests_no_method_goes_round_the_check(alice, method, path):
    assert alice.ask(method, path).status == 403


def test_cross_site_requests_a_form_in_the_address_changes_nothing(alice, keyring):
    token = alice.form_token()
    key_id = keyring.create(user_id="alice").record.key_id
    for path in ("/keys", f"/keys/{key_id}/finish-rotation"):
        alice.get(f"{path}?token={token}&name=CI&environment=production&lifetime=90")
    alice.get(f"/keys/{key_id}/revoke?token={token}&confirm=revoke")
    alice.get(f"/keys/{key_id}/rotate?token={token}&grace=0")
    assert [(r.status, len(r.secrets)) for r in keyring.list()] == [("active", 1)]


def test_a_form_that_is_too_long_is_not_read(alice, keyring):
    form = {"token": alice.form_token(), **MADE, "name": "x" * 70_000}
    answer = alice.send("/keys", form)
    assert (answer.status, answer.title) == (413, "That is too long")
    assert made(keyring) == []


# Headers

SAFE = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def guarded(answer):
    """That an answer has each of these headers once, and tells the browser to keep nothing."""
    for name, value in SAFE.items():
        assert answer.headers.getlist(name) == [value], name
    assert "unsafe-inline" not in answer.headers["Content-Security-Policy"]
    assert answer.headers.getlist("Set-Cookie") == []
    assert answer.headers.getlist("Access-Control-Allow-Origin") == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/keys/new", 200),
        ("HEAD", "/keys/new", 200),
        ("OPTIONS", "/keys/new", 200),
        ("GET", "/static/style.css", 200),
        ("GET", "/static/script.js", 200),
        ("GET", "/static/icon.svg", 200),
        ("GET", "/static/nothing.css", 404),
        ("GET", "/keys/0000000000000000", 404),
        ("GET", "/nowhere", 404),
        ("GET", "/keys", 405),
        ("POST", "/keys", 403),
    ],
)
def test_framing_every_answer_has_the_headers_of_safety(alice, method, path, status):
    answer = alice.ask(method, path)
    assert answer.status == status
    guarded(answer)


def test_framing_redirects_and_refusals_have_the_headers_too(alice, nobody, make_dashboard, browse):
    guarded(alice.fill_in("/keys/new", "/search", q="CI"))
    guarded(alice.send("/keys"))
    guarded(nobody.get("/"))
    guarded(browse(make_dashboard(login_url=None), None).get("/"))


def test_framing_a_failure_of_ours_has_the_headers_too(make_dashboard, browse):
    def broken(environ):
        raise RuntimeError

    answer = browse(make_dashboard(identify=broken), None).get("/")
    assert answer.status == 500
    guarded(answer)


def test_injected_markup_no_page_has_code_or_style_in_it(alice, operator, keyring):
    key_id = keyring.create(user_id="alice").record.key_id
    paths = ["/keys/new", f"/keys/{key_id}", f"/keys/{key_id}/rotate", f"/keys/{key_id}/revoke"]
    for path in [*paths, "/nowhere"]:
        for tag, attributes in alice.get(path).tags:
            assert tag != "style"
            assert not [name for name in attributes if name == "style" or name.startswith("on")]
            if tag == "script":
                assert attributes == ("src", "defer")


def test_nothing_is_loaded_from_elsewhere(alice):
    source = alice.get("/keys/new").source
    assert "http:" not in source
    assert "https:" not in source


@pytest.mark.parametrize("user", [DashboardUser("alice"), None])
def test_cross_site_requests_a_name_that_was_pointed_at_us_gets_nothing(
    make_dashboard, browse, user, caplog
):
    """DNS rebinding: for the browser the attacker's page is of the same origin as ours."""
    dashboard = make_dashboard()
    dashboard.config["TRUSTED_HOSTS"] = ["keys.example.com"]
    here = browse(dashboard, user)
    for path in ("/", "/keys/new", "/static/style.css"):
        answer = here.get(path, headers={"Host": "rebound.example"})
        assert (answer.status, answer.location) == (400, None)
        assert answer.headers["X-Frame-Options"] == "DENY"
    assert here.get("/", headers={"Host": "keys.example.com"}).status == (200 if user else 303)
    assert caplog.records == []
