"""Signing in and out on the pages, as a browser sees it."""

import re
from datetime import timedelta
from http.cookies import SimpleCookie

import pytest
from werkzeug.middleware.proxy_fix import ProxyFix

from bearer_auth import EnvStore, MemoryStore
from bearer_auth.dashboard.operator import OperatorTexts, create_operator_dashboard
from bearer_auth.dashboard.site import EXTENSION
from bearer_auth.errors import ConfigurationError, StoreUnavailable

WRONG = "The account or the password is wrong."
MINUTE = timedelta(minutes=1)


def path_of(operators, account="alice"):
    return f"/sign-in/link?token={operators.make_link(account)}"


def cookie_in(answer):
    (header,) = answer.headers.getlist("Set-Cookie")
    return SimpleCookie(header)["bearer_auth_session"]


def test_nobody_sees_a_page_before_signing_in(browse):
    browser = browse()
    answer = browser.get("/keys/new?name=x")
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/sign-in?next=/keys/new?name%3Dx"
    assert not browser.is_in


def test_with_a_password_and_out_again(browse):
    browser = browse()
    answer = browser.sign_in()
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert browser.is_in
    assert "alice" in browser.get("/keys/new").text
    answer = browser.sign_out()
    assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in")
    assert browser.cookie() is None
    assert not browser.is_in


def test_one_goes_on_to_the_page_that_was_asked_for(browse):
    browser = browse()
    page = browser.get("/keys/new?name=x").headers["Location"]
    answer = browser.submit(page, account="alice", password="correct horse battery")
    assert answer.headers["Location"] == "/keys/new?name=x"


@pytest.mark.parametrize("to", ["https://evil.example/", "//evil.example", "/\\evil.example"])
def test_threat_open_redirect_nobody_is_sent_elsewhere(browse, to):
    assert browse().sign_in(next=to).headers["Location"] == "/"


@pytest.mark.parametrize(
    ("account", "password"),
    [("alice", "wrong horse battery"), ("bob", "correct horse battery"), ("", ""), ("\0", "x")],
)
def test_threat_password_guessing_one_answer_for_all_that_is_wrong(browse, account, password):
    browser = browse()
    answer = browser.sign_in(account, password)
    assert answer.status_code == 403
    assert WRONG in answer.text
    assert "Set-Cookie" not in answer.headers
    assert not browser.is_in


def test_the_answers_for_a_known_and_an_unknown_account_differ_in_the_name_only(browse):
    pages = {
        name: re.sub(r'name="token" value="[^"]*"', "", browse().sign_in(name, "wrong").text)
        for name in ("alice", "bobby")
    }
    assert pages["alice"].replace("alice", "bobby") == pages["bobby"]


def test_what_was_typed_comes_back_as_text_and_the_password_never(browse):
    page = browse().sign_in('"><script>alert(1)</script>', "wrong-and-secret").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page
    assert "wrong-and-secret" not in page


def test_threat_stolen_cookie_no_script_no_other_site_and_over_https_only_https_gets_it(browse):
    plain, safe = browse(), browse(scheme="https")
    cookie = cookie_in(plain.sign_in())
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Strict")
    assert (cookie["path"], cookie["domain"], cookie["secure"]) == ("/", "", "")
    assert (cookie["max-age"], cookie["expires"]) == ("", "")  # until the browser is closed
    assert cookie_in(safe.sign_in())["secure"] is True
    assert cookie_in(safe.sign_out())["secure"] is True


def test_behind_a_proxy_with_https(site, browse):
    site[0].wsgi_app = ProxyFix(site[0].wsgi_app)
    browser = browse(address="127.0.0.1")
    browser.options["headers"] = {"X-Forwarded-Proto": "https"}
    answer = browser.client.get("/sign-in", **browser.options)
    token = re.search(r'name="token" value="([^"]+)"', answer.text)[1]
    browser.options["headers"] |= {"Sec-Fetch-Site": "same-origin"}
    data = {"token": token, "account": "alice", "password": "correct horse battery"}
    assert cookie_in(browser.client.post("/sign-in", data=data, **browser.options))["secure"]


def test_threat_session_fixation_a_cookie_that_came_with_the_request_is_never_kept(browse):
    browser = browse()
    browser.client.set_cookie("bearer_auth_session", "a" * 43)
    browser.sign_in()
    assert browser.cookie() != "a" * 43
    assert browser.is_in


def test_threat_session_fixation_signing_in_again_ends_the_session_before(browse):
    browser, thief = browse(), browse()
    browser.sign_in()
    thief.client.set_cookie("bearer_auth_session", browser.cookie())
    assert thief.is_in
    browser.sign_in()
    assert browser.is_in
    assert not thief.is_in


def test_threat_stolen_cookie_signing_out_ends_it_for_the_thief_too(browse):
    browser, thief = browse(), browse()
    browser.sign_in()
    thief.client.set_cookie("bearer_auth_session", browser.cookie())
    browser.sign_out()
    assert not thief.is_in


def test_threat_stolen_cookie_idle_for_half_an_hour_or_twelve_hours_old(browse, clock):
    browser = browse()
    browser.sign_in()
    clock.advance(29 * MINUTE)
    assert browser.is_in
    clock.advance(30 * MINUTE)
    assert not browser.is_in
    browser.sign_in()
    for _ in range(12 * 3 - 1):
        clock.advance(20 * MINUTE)
        assert browser.is_in
    clock.advance(20 * MINUTE)
    assert not browser.is_in


def test_a_new_password_signs_everybody_out(browse, site):
    browser = browse()
    browser.sign_in()
    site[1].set_password("alice", "another horse battery")
    assert not browser.is_in
    assert browser.sign_in().status_code == 403
    assert browser.sign_in(password="another horse battery").status_code == 303


def test_by_a_link_once(browse, site):
    first, second = browse(), browse()
    path = path_of(site[1])
    answer = first.submit(path)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert first.is_in
    assert second.get(path).status_code == 403
    link = path.partition("=")[2]  # from a page that was open before
    assert second.submit("/sign-in", "/sign-in/link", link=link).status_code == 403
    assert not second.is_in
    assert "operator" not in second.get("/keys/new").text


def test_a_preview_of_a_link_does_not_use_it_up(browse, site):
    path = path_of(site[1])
    assert browse().get(path).status_code == 200
    assert browse().client.head(path).status_code == 200
    browser = browse()
    browser.submit(path)
    assert browser.is_in


def test_a_link_ends_after_ten_minutes_and_the_page_says_how_to_make_another(browse, site, clock):
    path = path_of(site[1])
    clock.advance(10 * MINUTE)
    answer = browse().get(path)
    assert answer.status_code == 403
    assert "<form" not in answer.text
    assert "bearer-auth dashboard link" in answer.text


def test_a_link_is_void_once_the_password_was_changed(browse, site):
    path = path_of(site[1])
    site[1].set_password("alice", "another horse battery")
    browser = browse()
    assert browser.submit(path).status_code == 403
    assert not browser.is_in


def test_a_link_needs_no_password(browse, site):
    browser = browse()
    browser.submit(path_of(site[1], "operator"))
    assert "operator" in browser.get("/keys/new").text


@pytest.mark.parametrize("token", ["", "x", "a" * 5000, '"><script>'])
def test_what_is_no_link_is_refused_and_not_shown(browse, token):
    answer = browse().get("/sign-in/link", query_string={"token": token})
    assert answer.status_code == 403
    assert 'name="link"' not in answer.text
    answer = browse().submit("/sign-in", "/sign-in/link", link=token)
    assert answer.status_code == 403


def test_threat_password_guessing_many_attempts_are_refused_before_they_cost_anything(
    browse, site, monkeypatch
):
    hashed = []
    is_right = site[1]._passwords.is_right
    monkeypatch.setattr(
        site[1]._passwords, "is_right", lambda *given: hashed.append(1) or is_right(*given)
    )
    for n in range(10):
        assert browse(address=f"192.0.2.{n}").sign_in(password="wrong").status_code == 403
    answer = browse(address="192.0.2.99").sign_in()  # with the right one
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "901"
    assert "Wait 16 minutes" in answer.text
    assert len(hashed) == 10


def test_threat_password_guessing_shuts_no_operator_out_who_has_a_link(browse, site):
    for _ in range(11):
        answer = browse().sign_in(password="wrong")
    assert answer.status_code == 429
    browser = browse()
    browser.submit(path_of(site[1]))
    assert browser.is_in


def test_threat_password_guessing_whoever_waits_may_try_again(browse, clock):
    for _ in range(11):
        browse().sign_in(password="wrong")
    clock.advance(901)
    assert browse().sign_in().status_code == 303


@pytest.mark.parametrize("where", ["cross-site", "same-site", "none"])
def test_threat_cross_site_nobody_is_signed_in_or_out_from_elsewhere(browse, site, where):
    browser = browse()
    assert browser.sign_in(site=where).status_code == 403
    assert browser.submit(path_of(site[1]), site=where).status_code == 403
    browser.sign_in()
    assert browser.submit("/keys/new", "/sign-out", site=where).status_code == 403
    assert browser.is_in


@pytest.mark.parametrize("path", ["/sign-in", "/sign-in/link", "/sign-out"])
def test_threat_cross_site_a_form_without_its_token_is_refused(browse, path):
    browser = browse()
    browser.sign_in()
    answer = browser.client.post(
        path,
        data={"account": "alice", "password": "correct horse battery"},
        headers={"Sec-Fetch-Site": "same-origin"},
    )
    assert answer.status_code == 400
    assert browser.is_in


def test_signing_out_is_no_link(browse):
    browser = browse()
    browser.sign_in()
    assert browser.get("/sign-out").status_code == 405
    assert browser.is_in


def test_threat_framing_and_caches_the_sign_in_has_the_headers_of_safety(browse):
    for path in ("/sign-in", "/sign-in/link?token=x"):
        headers = browse().get(path).headers
        assert headers["Cache-Control"] == "no-store"
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert "default-src 'none'" in headers["Content-Security-Policy"]


def test_where_it_is_mounted_cookies_and_links_are_of_that_path(browse):
    browser = browse(root="/admin")
    page = browser.get("/keys/new").headers["Location"]
    assert page == "/admin/sign-in?next=/admin/keys/new"
    answer = browser.submit(
        page.removeprefix("/admin"), account="alice", password="correct horse battery"
    )
    assert answer.headers["Location"] == "/admin/keys/new"
    assert cookie_in(answer)["path"] == "/admin"
    assert browser.is_in
    assert browser.sign_out().headers["Location"] == "/admin/sign-in"
    assert browser.sign_in(next="/elsewhere").headers["Location"] == "/admin/"


def test_a_database_that_is_away_lets_nobody_in(browse, site, monkeypatch):
    browser = browse()
    browser.sign_in()

    def away(*_):
        raise StoreUnavailable("the database is away")

    monkeypatch.setattr(site[1]._sessions, "account_of", away)
    assert browser.get("/keys/new").status_code == 503
    monkeypatch.undo()
    monkeypatch.setattr(site[1]._throttle, "wait_s", away)
    assert browse().sign_in().status_code == 503


def test_a_database_that_goes_away_in_the_middle_gets_a_page_that_needs_none(
    browse, file, make_app, site, monkeypatch
):
    """Not even the secret that its button to sign out is signed with."""
    before = browse()
    before.sign_in()
    after = browse(make_app(file)[0])  # a worker that has just started
    after.client.set_cookie("bearer_auth_session", before.cookie())

    def away(*_):
        raise StoreUnavailable("the database is away")

    monkeypatch.setattr(type(file), "find", away)
    monkeypatch.setattr(after.client.application.extensions[EXTENSION].forms, "_secret", away)
    answer = after.get("/")
    assert (answer.status_code, answer.mimetype) == (503, "text/plain")
    assert answer.text.startswith("The keys can't be reached")
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/", "/sign-in", "/sign-in/link", "/static/style.css", "/nope"])
def test_a_host_that_is_none_is_refused_whether_signed_in_or_not(browse, caplog, path):
    signed_in = browse()
    signed_in.sign_in()
    caplog.clear()
    for browser in (signed_in, browse()):
        answer = browser.get(path, headers={"Host": "x" * 64})
        assert (answer.status_code, answer.mimetype) == (400, "text/plain")
        assert answer.headers["X-Frame-Options"] == "DENY"
    assert caplog.records == []


@pytest.mark.parametrize("store", [MemoryStore(), EnvStore(environ={})])
def test_a_store_in_no_database_has_no_operators(store):
    with pytest.raises(ConfigurationError, match="in a database, such as SQLStore"):
        create_operator_dashboard(store)


def test_the_text_can_be_translated(file, clock, browse):
    class German(OperatorTexts):
        title = "Anmelden"

    app = create_operator_dashboard(file, sign_in_texts=German())
    assert "<h1>Anmelden</h1>" in browse(app).get("/sign-in").text
