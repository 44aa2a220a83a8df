"""The host's session ends while a page is open."""

import pytest
from playwright.sync_api import expect

from . import curl

pytestmark = [pytest.mark.once, pytest.mark.xdist_group("browser")]


@pytest.fixture
def page(signed_in, create):
    """The page of a key of ada's, whose token it has."""
    page = signed_in("ada")
    page.token = create(page)
    page.get_by_role("link", name="Done").click()
    return page


def test_the_next_click_goes_to_the_login_and_from_there_where_it_was_to_go(host, page):
    host.login.end_all()
    page.get_by_role("link", name="Rotate").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    page.get_by_role("button", name="ada").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Rotate this key")


def test_a_form_that_is_sent_after_the_end_is_not_carried_out(host, page):
    page.get_by_role("link", name="Revoke").click()
    host.login.end_all()
    page.get_by_role("button", name="Revoke key").click()
    expect(page).to_have_url(f"{host.url}/login?next=/keys/")
    assert curl.call(host.api, page.token).status == 200
    page.get_by_role("button", name="ada").click()
    expect(page.get_by_role("row", name="nightly backup")).to_contain_text("Active")


def test_a_form_of_one_person_is_not_carried_out_for_the_next(host, page):
    page.get_by_role("link", name="Revoke").click()
    other = page.context.new_page()
    other.goto("/login")
    other.get_by_role("button", name="olga").click()
    expect(other.get_by_text("Signed in as Olga")).to_be_visible()
    page.get_by_role("button", name="Revoke key").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("That form can't be used")
    assert curl.call(host.api, page.token).status == 200
