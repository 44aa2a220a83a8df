"""The operator, with the dashboard that ``bearer-auth dashboard`` serves."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from .operator import Operator

pytestmark = [pytest.mark.once, pytest.mark.xdist_group("browser")]

PASSWORD = "correct horse battery"


@pytest.fixture
def host(tmp_path):
    """The command's dashboard; its database has a key of user_7."""
    operator = Operator(tmp_path)
    operator.issued = operator.ring.create(user_id="user_7", name="weekly report")
    try:
        operator.start()
        yield operator
    finally:
        operator.close()


def by_link(page, link):
    page.goto(link)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("API keys")


def test_an_operator_signs_in_by_password_and_out(host, new_page, shoot):
    host.set_password("alice", PASSWORD)
    page = new_page()
    page.goto(f"/keys/{host.issued.key_id}")
    title = page.get_by_role("heading", level=1)
    expect(title).to_have_text("Sign in")
    page.get_by_label("Account").fill("alice")
    page.get_by_label("Password").fill("a wrong one, that is")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text("The account or the password is wrong.")
    shoot(page, "sign-in-wrong")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(title).to_have_text("weekly report")  # where the way to the sign-in began
    expect(page.get_by_text("Signed in as alice")).to_be_visible()
    (cookie,) = page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")

    page.get_by_role("button", name="Sign out").click()
    expect(title).to_have_text("Sign in")
    page.goto("/")
    expect(title).to_have_text("Sign in")
    page.context.add_cookies([cookie])  # a session that has ended is not brought back
    page.goto("/")
    expect(title).to_have_text("Sign in")


def test_an_operator_signs_in_by_the_link_in_the_terminal_once(host, new_page, shoot):
    page, other = new_page(), new_page()
    page.goto(host.link)
    shoot(page, "sign-in-link")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("API keys")
    expect(page.get_by_text("Signed in as operator")).to_be_visible()

    other.goto(host.link)
    expect(other.get_by_role("button", name="Sign in")).to_have_count(0)
    title = other.get_by_role("heading", level=1)
    expect(title).to_have_text("This link can't be used")
    shoot(other, "sign-in-link-used")
    other.goto("/")
    expect(title).to_have_text("Sign in")
    by_link(other, host.new_link())


def test_an_operator_finds_one_key_among_100000_and_ends_all_of_its_owner(host, new_page, shoot):
    like = host.issued.record
    host.store.add(
        replace(
            like,
            key_id=f"{number:016d}",
            name=f"job {number:06d}",
            user_id=f"user_{number // 4}x",
            created_at=like.created_at - timedelta(seconds=number),
        )
        for number in range(100_000)
    )
    page = new_page(viewport={"width": 1280, "height": 900})
    by_link(page, host.link)
    title, rows = page.get_by_role("heading", level=1), page.get_by_role("row")
    expect(rows).to_have_count(51)
    shoot(page, "operator-list")
    page.get_by_role("link", name="Next page").click()
    expect(page.get_by_role("link", name="job 000049")).to_be_visible()
    page.get_by_label("Search").fill("JOB 054321")
    page.get_by_role("button", name="Show").click()
    expect(rows).to_have_count(2)
    shoot(page, "operator-found")
    page.get_by_role("link", name="job 054321").click()
    expect(title).to_have_text("job 054321")

    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_role("link", name="Keys").click()
    page.get_by_label("Search").fill(f"  {host.issued.token}\n")
    page.get_by_role("button", name="Show").click()
    expect(title).to_have_text("weekly report")
    assert host.issued.token[-20:] not in "".join(asked)
    assert len(asked) > 2

    page.get_by_role("link", name="Keys").click()
    page.get_by_label("Search").fill("user_13580x")
    page.get_by_role("button", name="Show").click()
    expect(rows).to_have_count(5)
    page.get_by_role("link", name="user_13580x").first.click()
    page.get_by_role("link", name="Revoke all keys of this owner").click()
    expect(page.get_by_text("4 keys that are not revoked yet")).to_be_visible()
    page.get_by_label("Type the owner").fill("user_13581x")
    page.get_by_role("button", name="Revoke all keys").click()
    expect(page.get_by_role("alert")).to_have_text("That is not the owner.")
    page.get_by_label("Type the owner").fill("user_13580x")
    shoot(page, "operator-revoke-all")
    page.get_by_role("button", name="Revoke all keys").click()
    expect(page.get_by_role("status")).to_have_text("4 keys revoked.")
    states = {record.name: record.status for record in host.ring.list(user_id="user_13580x")}
    assert states == dict.fromkeys(
        ["job 054320", "job 054321", "job 054322", "job 054323"], "revoked"
    )
    (neighbour,) = host.ring.list(user_id="user_13581x", limit=1)
    assert neighbour.status == "active"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_pages_to_sign_in_on(scheme, host, new_page, shoot):
    page = new_page(color_scheme=scheme, viewport={"width": 360, "height": 740})
    pages = ["/sign-in", host.link, re.sub("token=.*", "token=none", host.link)]
    for number, address in enumerate(pages):
        page.goto(address)
        shoot(page, f"{scheme}-sign-in-{number}")
        found = Axe().run(page)
        assert found.violations_count == 0, f"{address}: {found.generate_report()}"
        assert page.evaluate("document.documentElement.scrollWidth") == 360
