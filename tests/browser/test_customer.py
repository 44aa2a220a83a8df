"""What a customer does with a key, from its first day to its last."""

import json
import re

import pytest
from playwright.sync_api import expect

from . import curl

pytestmark = [pytest.mark.once, pytest.mark.xdist_group("browser")]

KEY = re.compile(r"ba_production_[0-9A-Za-z]{30,}")
CLIPBOARD = {"permissions": ["clipboard-read", "clipboard-write"]}


REFUSED = (
    401,
    'Bearer realm="api", error="invalid_token"',
    '{"success": false, "error": {"code": "UNAUTHORIZED", "message": "Invalid API key"}}',
)


def test_a_customer_makes_copies_uses_rotates_and_revokes_a_key(host, signed_in, shoot):
    page = signed_in("ada", **CLIPBOARD)
    title = page.get_by_role("heading", level=1)
    shoot(page, "list-empty")
    page.get_by_role("link", name="Create key").click()
    page.get_by_label("Name").fill("nightly backup")
    page.get_by_label("reports:read").check()
    shoot(page, "create")
    page.get_by_role("button", name="Create key").click()
    expect(title).to_have_text("Key created")
    shoot(page, "created")

    page.get_by_role("button", name="Copy").first.click()
    expect(page.get_by_role("status").first).to_have_text("Copied")
    first = page.evaluate("navigator.clipboard.readText()")
    assert KEY.fullmatch(first)
    page.get_by_role("button", name="Copy").last.click()
    line = page.evaluate("navigator.clipboard.readText()")
    assert line.startswith(f"curl {host.url}/health ")
    assert json.loads(curl.run(f"{line} --silent"))["status"] == "healthy"
    host.settle()

    page.get_by_role("link", name="Done").click()
    expect(title).to_have_text("nightly backup")
    page.get_by_role("link", name="Rotate").click()
    page.get_by_label("Grace period").select_option("24 hours")
    shoot(page, "rotate")
    page.get_by_role("button", name="Rotate key").click()
    expect(title).to_have_text("Key rotated")
    second = page.locator("#key").input_value()
    assert second != first
    assert curl.call(host.api, first).status == 200
    assert curl.call(host.api, second).status == 200
    host.settle()

    page.get_by_role("link", name="Done").click()
    secrets = page.get_by_role("region", name="Secrets").get_by_role("listitem")
    expect(secrets).to_have_count(2)
    expect(secrets.first).to_contain_text("Current secret: last used just now")
    expect(secrets.last).to_contain_text(
        "Earlier secret: last used just now, still valid for 1 day"
    )
    shoot(page, "key-in-grace")
    page.get_by_role("button", name="End grace now").click()
    expect(page.get_by_role("status")).to_contain_text("The grace is over.")
    expect(secrets).to_have_count(1)
    assert curl.call(host.api, first) == REFUSED
    assert curl.call(host.api, second).status == 200

    page.get_by_role("link", name="Revoke").click()
    page.get_by_label("to confirm").fill("yes")
    page.get_by_role("button", name="Revoke key").click()
    expect(page.get_by_role("alert")).to_have_text("Type the word “revoke” to confirm.")
    page.get_by_label("Reason").fill("the laptop was stolen")
    page.get_by_label("to confirm").fill("revoke")
    shoot(page, "revoke")
    page.get_by_role("button", name="Revoke key").click()
    expect(page.get_by_role("status")).to_contain_text("This key is revoked.")
    assert curl.call(host.api, second) == REFUSED
    shoot(page, "key-revoked")


def test_the_key_is_downloaded_as_a_line_of_env(signed_in, create):
    page = signed_in()
    token = create(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download .env").click()
    assert download.value.suggested_filename == "api_key.env"
    assert download.value.path().read_text() == f"API_KEY={token}\n"
    expect(page.locator("#key")).to_have_value(token)
