"""A walk over all pages, for what must hold on each of them."""

from playwright.sync_api import expect

LONG = "W" * 255
"""A name without a place to break it."""


def walk(page, owner):
    """Click through the pages that an operator sees; yields the name of each once it is there.

    Args:
        page: A page of an operator, with the list on it.
        owner: Somebody whose keys may end.
    """
    title = page.get_by_role("heading", level=1)
    yield "list-empty"
    page.get_by_role("link", name="Create key").click()
    expect(title).to_have_text("Create key")
    page.get_by_label("Never", exact=True).check()
    yield "create"
    page.get_by_label("Owner").fill(owner)
    page.get_by_label("Name").fill(LONG)
    page.get_by_label("Scopes").fill("s" * 128)
    page.get_by_role("button", name="Create key").click()
    expect(page.get_by_role("alert")).to_be_visible()
    yield "create-unsure"
    page.get_by_label("I want a key that never expires").check()
    page.get_by_role("button", name="Create key").click()
    expect(title).to_have_text("Key created")
    yield "created"
    page.get_by_role("link", name="Done").click()
    expect(title).to_have_text(LONG)
    yield "key"
    page.get_by_role("link", name="Rotate").click()
    yield "rotate"
    page.get_by_role("button", name="Rotate key").click()
    expect(title).to_have_text("Key rotated")
    yield "rotated"
    page.reload()
    expect(title).to_have_text("That was sent already")
    yield "sent-already"
    page.get_by_role("navigation").get_by_role("link", name="Keys").click()
    expect(title).to_have_text("API keys")
    yield "list"
    page.get_by_role("group").locator("summary").click()
    page.get_by_label("Owner").fill(owner)
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("row")).to_have_count(2)
    yield "list-filtered"
    page.get_by_label("Search").fill("nothing has this name")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("No key matches")).to_be_visible()
    yield "list-nothing-found"
    page.get_by_role("link", name="Overview").click()
    expect(title).to_have_text("Overview")
    yield "overview"
    page.get_by_role("link", name=LONG).first.click()
    page.get_by_role("link", name="Revoke").click()
    yield "revoke"
    page.goto(f"/keys/?owner={owner}")
    page.get_by_role("link", name="Revoke all keys of this owner").click()
    page.get_by_label("Type the owner").fill("somebody else")
    page.get_by_role("button", name="Revoke all keys").click()
    expect(page.get_by_role("alert")).to_be_visible()
    yield "revoke-all"
    page.get_by_label("Type the owner").fill(owner)
    page.get_by_role("button", name="Revoke all keys").click()
    expect(page.get_by_role("status")).to_have_text("1 key revoked.")
    yield "all-revoked"
    page.get_by_role("link", name=owner).click()
    page.get_by_role("link", name=LONG).click()
    expect(page.get_by_text("Revoked", exact=True).first).to_be_visible()
    yield "key-revoked"
    page.goto("/keys/no-such-page")
    expect(title).to_have_text("Not found")
    yield "no-such-page"
