"""THREATS.md, Dashboard: what people type is shown as text in every place."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.once, pytest.mark.xdist_group("browser")]

TAGS = """</title></script><script>alert(1)</script><img src=x onerror="alert(2)">'"{{7*7}}"""
HIDDEN = "pay\u202efdp.\u202c\u200bpal \u2066\u2069\ufeff"
SHOWN = "pay[U+202E]fdp.[U+202C][U+200B]pal [U+2066][U+2069][U+FEFF]"


@pytest.fixture(params=[(TAGS, TAGS), (HIDDEN, SHOWN)], ids=["tags", "bidi and zero width"])
def hostile(request):
    """What somebody types, and what a page shows of it."""
    return request.param


def test_a_hostile_name_is_text_on_every_page(host, hostile, signed_in, create, shoot):
    typed, shown = hostile
    page = signed_in("ada")
    alerts = []
    page.on("dialog", lambda dialog: (alerts.append(dialog.message), dialog.dismiss()))
    create(page, typed)
    page.get_by_role("link", name="Done").click()

    title = page.get_by_role("heading", level=1)
    expect(title).to_have_text(shown)
    expect(page).to_have_title(f"{shown} · API keys")
    page.get_by_role("link", name="Rotate").click()
    expect(page.get_by_role("link", name=shown)).to_be_visible()
    page.go_back()
    page.get_by_role("link", name="Revoke").click()
    expect(page.get_by_role("link", name=shown)).to_be_visible()
    page.get_by_label("Reason").fill(typed)
    page.get_by_role("button", name="Revoke key").click()
    expect(page.get_by_role("status")).to_contain_text("This key is revoked.")
    host.sink.flush()
    page.reload()
    expect(page.get_by_role("definition").filter(has_text=shown)).to_have_count(1)
    expect(page.get_by_role("region", name="History")).to_contain_text(f"Revoked: {shown}")
    shoot(page, f"hostile-{'tags' if typed is TAGS else 'hidden'}")

    page.get_by_role("link", name="Keys").click()
    expect(page.get_by_role("row", name=shown)).to_be_visible()
    shoot(page, f"hostile-list-{'tags' if typed is TAGS else 'hidden'}")
    page.get_by_label("Search").fill(typed)
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("row", name=shown)).to_be_visible()
    expect(page.get_by_label("Search")).to_have_value(typed.strip())
    assert alerts == []


def test_a_hostile_name_comes_back_with_the_form_as_it_was_typed(host, hostile, signed_in):
    typed, _ = hostile
    page = signed_in("ada")
    page.get_by_role("link", name="Create key").click()
    page.get_by_label("Name").fill(typed)
    page.get_by_label("Never", exact=True).check()
    page.get_by_role("button", name="Create key").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("I want a key that never expires").check()
    page.get_by_role("button", name="Create key").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Key created")
    (record,) = host.ring.list(user_id="user_ada")
    assert record.name == typed


def test_hostile_owners_metadata_and_authors_are_text(host, hostile, signed_in):
    typed, shown = hostile
    host.ring.create(
        user_id=typed,
        plan=typed[:60],
        created_by=typed,
        metadata={typed: typed},
        expires_in=timedelta(days=1),
    )
    host.sink.flush()
    page = signed_in("olga")
    alerts = []
    page.on("dialog", lambda dialog: (alerts.append(dialog.message), dialog.dismiss()))
    page.get_by_role("link", name=shown).click()
    page.get_by_role("link", name="Revoke all keys of this owner").click()
    expect(page.get_by_role("definition")).to_have_text(shown)
    page.get_by_label("Type the owner").fill(shown)
    page.get_by_role("button", name="Revoke all keys").click()
    expect(page.get_by_role("status")).to_have_text("1 key revoked.")
    page.get_by_role("link", name=shown).click()
    page.get_by_role("link", name="Unnamed key").click()
    facts = page.get_by_role("region", name="Details")
    expect(facts).to_contain_text(f"by {shown}")
    expect(facts.locator("pre")).to_contain_text(shown.replace('"', '\\"'))
    assert alerts == []
