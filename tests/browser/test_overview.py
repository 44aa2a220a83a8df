"""What an operator sees at a glance: keys that are unused, without an end, ending, refused."""

import pytest
from playwright.sync_api import expect

from . import in_use

pytestmark = [pytest.mark.once, pytest.mark.xdist_group("browser")]


@pytest.mark.parametrize("who", ["ada", "olga"])
def test_the_overview_names_what_needs_attention(who, host, signed_in, shoot):
    in_use.fill(host)
    page = signed_in(who)
    page.get_by_role("link", name="Overview").click()
    shoot(page, f"overview-{who}")

    def named(heading):
        return page.get_by_role("region", name=heading).get_by_role("listitem").get_by_role("link")

    expect(named("Ending within 7 days")).to_have_text("mobile app")
    expect(named("Not used for 90 days").first).to_have_text("old partner feed")
    expect(named("Not used for 90 days").last).to_have_text("data team's notebook")
    expect(named("Without an end")).to_have_text("old partner feed")
    expect(named("Often refused in the last 7 days")).to_have_text("warehouse sync")
    chart = page.get_by_role("img")
    expect(chart.locator(".bar-used")).to_have_count(30)
    expect(chart.locator(".bar-refused")).to_have_count(5)
    page.get_by_role("link", name="mobile app").click()
    expect(page.get_by_text("expires in 3 days")).to_be_visible()


def test_another_customer_sees_nothing_of_it(host, signed_in):
    in_use.fill(host)
    page = signed_in("bob")
    page.get_by_role("link", name="Overview").click()
    expect(page.get_by_text("Nothing needs attention")).to_be_visible()
    expect(page.get_by_role("img")).to_have_count(0)


def test_an_operator_sees_whose_the_keys_are_and_how_they_are(host, signed_in, shoot):
    in_use.fill(host)
    in_use.fill(host, "user_globex", in_use.OTHERS)
    (left, *_) = host.ring.list(user_id="user_ada")
    host.ring.revoke(left.key_id, "left the company")
    page = signed_in("olga", viewport={"width": 1280, "height": 800})
    row = page.get_by_role("row")
    expect(row).to_have_count(12)
    expect(row.filter(has_text="returns desk")).to_contain_text("user_globex")
    expect(row.filter(has_text="import of 2025")).to_contain_text("Expired")
    expect(row.filter(has_text=left.name)).to_contain_text("Revoked")
    shoot(page, "in-use-operator", full_page=False)
    page.set_viewport_size({"width": 1280, "height": 1200})
    page.get_by_role("link", name="billing worker").click()
    history = page.get_by_role("region", name="History").get_by_role("row")
    expect(history.first).to_contain_text("Refused (403, insufficient_scope) from 203.0.113.9")
    expect(history.nth(5)).to_contain_text("Rotated by user_ada from 203.0.113.4")
    expect(history.last).to_contain_text("Created by user_ada from 203.0.113.4")
    shoot(page, "in-use-operator-key", full_page=False)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_list_and_a_key_of_a_site_in_use(scheme, host, signed_in, shoot):
    in_use.fill(host)
    page = signed_in("ada", color_scheme=scheme, viewport={"width": 1280, "height": 800})
    expect(page.get_by_role("row")).to_have_count(8)
    shoot(page, f"in-use-list-{scheme}")
    page.get_by_role("row", name="old partner feed").get_by_role("link").click()
    expect(page.get_by_text("never used").first).to_be_visible()
    page.get_by_role("link", name="Keys").click()
    page.get_by_role("link", name="warehouse sync").click()
    history = page.get_by_role("region", name="History")
    expect(history).to_contain_text("Refused (403, insufficient_scope)")
    shoot(page, f"in-use-key-{scheme}", full_page=False)
    history.get_by_role("link", name="Older").click()
    history.get_by_role("link", name="Older").click()
    expect(history.get_by_role("row")).to_have_count(6)  # of 45 refusals and the creation
    expect(history).to_contain_text("Created")
