"""The pages for everybody: screen readers, a keyboard alone, narrow screens, dark ones."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from .walk import walk

pytestmark = [pytest.mark.once, pytest.mark.xdist_group("browser")]

PAGES = 17


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_page(scheme, signed_in, shoot):
    page = signed_in("olga", color_scheme=scheme)
    seen = 0
    for name in walk(page, "user_ada"):
        shoot(page, f"{scheme}-{name}")
        found = Axe().run(page)
        assert found.violations_count == 0, f"{name}: {found.generate_report()}"
        seen += 1
    assert seen == PAGES


@pytest.mark.parametrize("width", [360, 900, 1100])  # below and above where the layout changes
def test_no_page_is_wider_than_the_window(width, signed_in, shoot):
    page = signed_in("olga", viewport={"width": width, "height": 740})
    widths = {}
    for name in walk(page, "user_" + "a" * 250):
        shoot(page, f"{width}-{name}")
        widths[name] = page.evaluate("document.documentElement.scrollWidth")
    assert {name: seen for name, seen in widths.items() if seen > width} == {}
    assert len(widths) == PAGES


def tab_to(page, role, name):
    """Press Tab until it has the focus, and see that the focus shows."""
    wanted = page.get_by_role(role, name=name, exact=True)
    for _ in range(30):
        page.keyboard.press("Tab")
        if wanted.evaluate("each => each === document.activeElement"):
            break
    expect(wanted).to_be_focused()
    expect(wanted).not_to_have_css("outline-style", "none")


def test_a_key_is_made_by_keyboard_alone(host, signed_in):
    page = signed_in("ada", permissions=["clipboard-read", "clipboard-write"])
    tab_to(page, "link", "Create key")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Create key")
    tab_to(page, "textbox", "Name")
    page.keyboard.type("nightly backup")
    tab_to(page, "checkbox", "reports:read")
    page.keyboard.press("Space")
    tab_to(page, "radio", "90 days")
    page.keyboard.press("ArrowUp")
    expect(page.get_by_label("30 days")).to_be_checked()
    tab_to(page, "button", "Create key")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Key created")
    tab_to(page, "link", "Skip to the content")
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_label("Your key")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(page.get_by_role("status").first).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()").startswith("ba_production_")
    (record,) = host.ring.list(user_id="user_ada")
    assert (record.name, record.scopes) == ("nightly backup", ("reports:read",))
    assert (record.expires_at - record.created_at).days == 30
