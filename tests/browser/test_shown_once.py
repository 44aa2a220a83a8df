"""THREATS.md, Dashboard: a key is seen once, and made once."""

import re
from contextlib import nullcontext

import pytest
from playwright.sync_api import Error, expect

pytestmark = [pytest.mark.once, pytest.mark.xdist_group("browser")]


def fill_in(page):
    page.get_by_role("link", name="Create key").click()
    page.get_by_label("Name").fill("nightly backup")
    return page.get_by_role("button", name="Create key")


def names(host):
    return [record.name for record in host.ring.list(user_id="user_ada")]


def shown_after(move, page):
    """What is on the page after Back, Forward or Reload."""
    try:
        move()
    except Error as error:  # Chromium asks first whether a form is to be sent again
        assert "ERR_CACHE_MISS" in error.message  # noqa: PT017
        page.wait_for_url("chrome-error://chromewebdata/")
    return page.evaluate(
        "document.documentElement.outerHTML + Array.from(document.querySelectorAll('input'),"
        " each => each.value)"
    )


def test_back_forward_and_reload_dont_show_the_key_again_nor_make_another(
    host, signed_in, create, keeps_pages
):
    page = signed_in(browser=keeps_pages)
    token = create(page)
    page.get_by_role("link", name="Done").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("nightly backup")
    back, forward = page.go_back, page.go_forward
    for move in (back, back, forward, page.reload, forward, back, page.reload, back, back):
        assert token[-20:] not in shown_after(move, page)
    assert names(host) == ["nightly backup"]


def test_a_browser_that_keeps_the_page_with_the_key_keeps_it_without_the_key(signed_in, create):
    page = signed_in()
    token = create(page)
    # Chromium keeps no answer to a POST; this is what happens in one that does.
    page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', {persisted: true}))")
    assert token[-20:] not in page.content()
    expect(page.get_by_text("The key was shown here once.")).to_be_visible()
    expect(page.get_by_label("Your key")).to_have_count(0)


def test_reload_of_the_page_with_the_key_doesnt_show_it_again(host, signed_in, create, shoot):
    page = signed_in()
    token = create(page)
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("That was sent already")
    shoot(page, "sent-already")
    assert token not in page.content()
    assert names(host) == ["nightly backup"]


def test_a_double_click_makes_one_key_and_shows_it(host, signed_in):
    page = signed_in()
    fill_in(page).dblclick()
    expect(page.get_by_role("heading", level=1)).to_have_text("Key created")
    assert names(host) == ["nightly backup"]


def click_twice_at_a_slow_server(host, page, *, sends_twice):
    box = fill_in(page).bounding_box()
    with host.server.slow():
        for sends in (True, sends_twice):
            with page.expect_request("**/keys/keys") if sends else nullcontext():
                page.mouse.click(box["x"] + 5, box["y"] + 5)


def test_a_second_click_while_the_server_is_slow_doesnt_lose_the_key(host, signed_in):
    page = signed_in()
    click_twice_at_a_slow_server(host, page, sends_twice=False)
    expect(page.get_by_role("heading", level=1)).to_have_text("Key created")
    assert names(host) == ["nightly backup"]
    assert host.server.asked.count("/keys/keys") == 1


def test_a_second_click_at_a_slow_server_without_javascript_makes_one_key(host, signed_in):
    page = signed_in(java_script_enabled=False)
    click_twice_at_a_slow_server(host, page, sends_twice=True)
    # The browser shows the answer to the second form, whichever of the two the server takes first.
    either = re.compile("Key created|That was sent already")
    expect(page.get_by_role("heading", level=1)).to_have_text(either)
    assert names(host) == ["nightly backup"]


def test_two_tabs_that_send_the_same_form_make_one_key(host, signed_in):
    first = signed_in()
    button = fill_in(first)
    second = first.context.new_page()
    second.goto(first.url)
    token = first.locator("form.sheet input[name=token]").input_value()
    second.locator("form.sheet input[name=token]").evaluate("(e, value) => e.value = value", token)
    button.click()
    expect(first.get_by_role("heading", level=1)).to_have_text("Key created")
    second.get_by_role("button", name="Create key").click()
    expect(second.get_by_role("heading", level=1)).to_have_text("That was sent already")
    assert names(host) == ["nightly backup"]


def test_the_key_is_in_no_url_cookie_or_storage(host, signed_in, create):
    page = signed_in()
    token = create(page)
    page.get_by_role("link", name="Done").click()
    assert token[-20:] not in "".join(host.server.asked)
    assert token[-20:] not in str(page.context.storage_state())
    assert page.evaluate("sessionStorage.length") == 0
