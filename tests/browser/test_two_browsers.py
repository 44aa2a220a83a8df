"""Two people at work on the same key."""

import pytest
from playwright.sync_api import expect

from . import curl

pytestmark = [pytest.mark.once, pytest.mark.xdist_group("browser")]


def test_a_key_that_another_browser_has_revoked_cant_be_rotated(host, signed_in, create, shoot):
    here, there = signed_in("ada"), signed_in("olga")
    token = create(here)
    here.get_by_role("link", name="Done").click()
    here.get_by_role("link", name="Rotate").click()

    there.reload()
    there.get_by_role("link", name="nightly backup").click()
    there.get_by_role("link", name="Revoke").click()
    there.get_by_role("button", name="Revoke key").click()
    expect(there.get_by_role("status")).to_contain_text("This key is revoked.")
    assert curl.call(host.api, token).status == 401

    here.get_by_role("button", name="Rotate key").click()
    expect(here.get_by_role("heading", level=1)).to_have_text("That key has ended")
    shoot(here, "key-has-ended")
    here.get_by_role("main").get_by_role("link", name="Keys").click()
    expect(here.get_by_role("row", name="nightly backup")).to_contain_text("Revoked")


def test_a_key_that_two_browsers_rotate_with_grace_is_rotated_once(signed_in, create):
    here = signed_in("ada")
    create(here)
    here.get_by_role("link", name="Done").click()
    here.get_by_role("link", name="Rotate").click()
    there = signed_in("ada")
    there.goto(here.url)
    here.get_by_role("button", name="Rotate key").click()
    expect(here.get_by_role("heading", level=1)).to_have_text("Key rotated")
    there.get_by_role("button", name="Rotate key").click()
    title = there.get_by_role("heading", level=1)
    expect(title).to_have_text("An earlier rotation is still running")


def test_a_customer_sees_nothing_of_anothers_key(host, signed_in, create):
    ada, bob = signed_in("ada"), signed_in("bob")
    create(ada)
    ada.get_by_role("link", name="Done").click()
    bob.reload()
    expect(bob.get_by_text("No keys yet")).to_be_visible()
    bob.goto(ada.url)
    expect(bob.get_by_role("heading", level=1)).to_have_text("Not found")
    assert bob.locator("main").inner_html() == no_such_key(bob)


def no_such_key(page):
    page.goto("/keys/keys/AAAAAAAAAAAAAAAA")
    return page.locator("main").inner_html()
