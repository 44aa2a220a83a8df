"""THREATS.md, Dashboard: another site gets nothing, although the browser is signed in.

The site's cookie is one that browsers send along from anywhere (SameSite=None), which is the worst
that a host can do.
"""

import pytest
from playwright.sync_api import expect
from werkzeug.wrappers import Response

from . import curl
from .host import Server

pytestmark = [pytest.mark.once, pytest.mark.xdist_group("browser")]

# Of the same site on another port, and of another site.
ORIGINS = ["127.0.0.1", "localhost"]


@pytest.fixture
def host(make_host):
    return make_host(cookie="SameSite=None; Secure")


@pytest.fixture(params=ORIGINS)
def evil(request):
    """Another server, whose only page is empty."""
    page = Response("<!doctype html><title>Evil</title><body>", mimetype="text/html")
    server = Server(page, request.param)
    yield server.url
    server.close()


@pytest.fixture
def victim(host, signed_in, create):
    """A browser in which ada is signed in and has a key."""
    page = signed_in("ada")
    page.token = create(page)
    page.get_by_role("link", name="Done").click()
    return page


POST = """([action, fields]) => {
    const form = document.createElement("form");
    form.method = "post";
    form.action = action;
    for (const [name, value] of Object.entries(fields)) {
        const field = document.createElement("input");
        [field.name, field.value] = [name, value];
        form.append(field);
    }
    document.body.append(form);
    form.submit();
}"""


def test_a_form_on_another_origin_revokes_nothing(host, evil, victim, signed_in):
    own = signed_in("bob")  # the attacker has a form of their own, with its token
    own.goto("/keys/keys/new")
    token = own.locator("form.sheet input[name=token]").input_value()
    action = f"{victim.url}/revoke"
    victim.goto(evil)
    victim.evaluate(POST, [action, {"token": token, "confirm": "revoke"}])
    title = victim.get_by_role("heading", level=1)
    expect(title).to_have_text("That came from another site")
    expect(victim.get_by_text("Signed in as Ada")).to_be_visible()  # the cookie was sent
    assert curl.call(host.api, victim.token).status == 200


def test_a_form_on_another_origin_makes_no_key(host, evil, victim):
    victim.goto(evil)
    fields = {"name": "evil", "environment": "production", "lifetime": "90"}
    victim.evaluate(POST, [f"{host.url}/keys/keys", fields])
    title = victim.get_by_role("heading", level=1)
    expect(title).to_have_text("That came from another site")
    assert [record.name for record in host.ring.list(user_id="user_ada")] == ["nightly backup"]


def test_a_script_on_another_origin_reads_nothing_and_changes_nothing(host, evil, victim):
    key = victim.url
    victim.goto(evil)
    read = """url => fetch(url, {credentials: "include"}).then(r => r.text(), e => e.name)"""
    assert victim.evaluate(read, f"{host.url}/keys/") == "TypeError"
    assert victim.evaluate(read, key) == "TypeError"
    write = """url => fetch(url, {method: "POST", mode: "no-cors", credentials: "include",
        body: new URLSearchParams({confirm: "revoke"})}).then(r => r.type, e => e.name)"""
    assert victim.evaluate(write, f"{key}/revoke") in ("opaque", "TypeError")
    assert curl.call(host.api, victim.token).status == 200


def test_a_page_on_another_origin_cant_frame_the_dashboard(host, evil, victim):
    victim.goto(evil)
    victim.evaluate(
        """url => new Promise(done => {
            const frame = document.createElement("iframe");
            frame.onload = done;
            frame.src = url;
            document.body.append(frame);
        })""",
        f"{host.url}/keys/",
    )
    (frame,) = victim.main_frame.child_frames
    # To a frame of another site Chromium sends no cookie: there it is the login that is framed.
    refused, login = "chrome-error://chromewebdata/", f"{host.url}/login?next=/keys/"
    assert frame.url == (refused if "127.0.0.1" in evil else login)
    assert "API keys" not in frame.content()


def test_a_page_on_another_origin_has_no_hold_on_a_window_with_the_dashboard(host, evil, victim):
    victim.goto(evil)
    with victim.context.expect_page() as opened:
        victim.evaluate("url => { window.theirs = window.open(url) }", f"{host.url}/keys/")
    expect(opened.value.get_by_role("heading", level=1)).to_have_text("API keys")
    victim.wait_for_function("theirs.closed")  # which is all that it sees
    assert opened.value.evaluate("window.opener") is None
