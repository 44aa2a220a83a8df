"""How heavy a page is, and the times on it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.once, pytest.mark.xdist_group("browser")]


def test_the_first_load_of_a_full_list_is_below_60_kib(host, new_page, signed_in):
    for number in range(60):
        name, end = f"key number {number}", timedelta(days=90)
        host.ring.create(user_id="user_ada", name=name, scopes=["reports:read"], expires_in=end)
    state = signed_in("ada").context.storage_state()
    page = new_page(storage_state=state)
    loaded = []
    page.on("requestfinished", lambda request: loaded.append(request))
    page.goto("/keys/")
    expect(page.get_by_role("row")).to_have_count(51)
    page.wait_for_load_state("networkidle")
    sizes = [request.sizes() for request in loaded]
    assert len(sizes) == 4  # the page, its style, its script, its icon
    total = sum(size["responseHeadersSize"] + size["responseBodySize"] for size in sizes)
    assert total < 60 * 1024


def test_times_are_in_the_readers_zone_and_exactly_in_utc_in_the_title(host, signed_in):
    record = host.ring.create(user_id="user_ada").record
    at = datetime(2026, 1, 31, 20, 5, 6, tzinfo=UTC)
    host.store.replace([(record, replace(record, created_at=at))])
    page = signed_in("ada", timezone_id="Asia/Tokyo", locale="en-GB")
    time = page.get_by_role("row", name="Unnamed key").get_by_role("time")
    expect(time).to_have_text("Feb 1, 2026")
    expect(time).to_have_attribute("title", "2026-01-31 20:05:06 UTC")
    page.get_by_role("link", name="Unnamed key").click()
    time = page.get_by_role("region", name="Details").get_by_role("time")
    expect(time).to_have_text("Feb 1, 2026, 5:05 AM")
    expect(time).to_have_attribute("title", "2026-01-31 20:05:06 UTC")


def test_without_javascript_times_are_days_in_utc(host, signed_in):
    record = host.ring.create(user_id="user_ada").record
    at = datetime(2026, 1, 31, 20, 5, 6, tzinfo=UTC)
    host.store.replace([(record, replace(record, created_at=at))])
    page = signed_in("ada", timezone_id="Asia/Tokyo", java_script_enabled=False)
    time = page.get_by_role("row", name="Unnamed key").get_by_role("time")
    expect(time).to_have_text("31 Jan 2026")
    expect(time).to_have_attribute("title", "2026-01-31 20:05:06 UTC")
