"""Without JavaScript all works but copying."""

import pytest
from playwright.sync_api import expect

from . import curl

pytestmark = [pytest.mark.once, pytest.mark.xdist_group("browser")]


def test_a_key_is_made_downloaded_rotated_found_and_revoked(host, signed_in, create, shoot):
    page = signed_in("ada", java_script_enabled=False)
    title = page.get_by_role("heading", level=1)
    host.ring.create(user_id="user_ada", name="another one")
    first = create(page)
    expect(page.get_by_role("button", name="Copy")).to_have_count(0)
    shoot(page, "no-script-created")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download .env").click()
    assert download.value.path().read_text() == f"API_KEY={first}\n"
    assert curl.call(host.api, first).status == 200

    page.get_by_role("link", name="Done").click()
    page.get_by_role("link", name="Rotate").click()
    page.get_by_label("Grace period").select_option("None: the present secret ends at once")
    page.get_by_role("button", name="Rotate key").click()
    expect(title).to_have_text("Key rotated")
    second = page.locator("#key").input_value()
    assert curl.call(host.api, first).status == 401
    assert curl.call(host.api, second).status == 200
    host.settle()

    page.get_by_role("link", name="Keys").click()
    expect(page.get_by_role("row")).to_have_count(3)
    page.get_by_label("Search").fill("NIGHTLY")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("row")).to_have_count(2)
    page.get_by_role("group").locator("summary").click()
    page.get_by_label("Status").select_option("Revoked")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("No key matches")).to_be_visible()
    page.get_by_role("link", name="Clear").click()
    page.get_by_label("Search").fill(second)
    page.get_by_role("button", name="Show").click()
    expect(title).to_have_text("nightly backup")

    page.get_by_role("link", name="Revoke").click()
    page.get_by_label("to confirm").fill("revoke")
    page.get_by_role("button", name="Revoke key").click()
    expect(page.get_by_role("status")).to_contain_text("This key is revoked.")
    assert curl.call(host.api, second).status == 401


def test_a_key_without_an_end_needs_one_more_click(host, signed_in):
    page = signed_in("ada", java_script_enabled=False)
    page.get_by_role("link", name="Create key").click()
    sure = page.get_by_label("I want a key that never expires")
    expect(sure).to_be_hidden()
    page.get_by_label("Never", exact=True).check()
    page.get_by_role("button", name="Create key").click()
    expect(page.get_by_role("alert")).to_be_visible()
    sure.check()
    page.get_by_role("button", name="Create key").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Key created")
    (record,) = host.ring.list(user_id="user_ada")
    assert record.expires_at is None
