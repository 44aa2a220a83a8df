"""A real browser before a real server; axe; screenshots.

``BEARER_AUTH_SCREENSHOTS`` names the folder that screenshots go to; by default it is
``build/screenshots``.
"""

import os
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from .chromium import OPTIONS, find
from .host import Host

SCREENSHOTS = Path(os.environ.get("BEARER_AUTH_SCREENSHOTS", "build/screenshots"))

TIMEOUT_MS = 20_000
"""Nothing here takes longer, however busy the machine is."""


# The loop of Playwright runs in this thread until the fixture ends: not beyond this folder.
@pytest.fixture(scope="package")
def chromium():
    """Starts a Chromium."""
    path = find()
    if path is None:
        pytest.skip("no Chromium; install it: tools/chromium")
    with sync_playwright() as playwright:
        yield partial(playwright.chromium.launch, executable_path=path, args=OPTIONS)


@pytest.fixture(scope="package")
def browser(chromium):
    """A browser for all tests of this folder."""
    with chromium() as browser:
        yield browser


@pytest.fixture
def keeps_pages(chromium):
    """A browser that keeps pages to go back to, as people's browsers do and Playwright's don't."""
    with chromium(ignore_default_args=["--disable-back-forward-cache"]) as browser:
        yield browser


@pytest.fixture
def make_host(tmp_path):
    """``make_host(**login)``: a site, running."""
    hosts = []

    def make_host(**login):
        folder = tmp_path / f"host-{len(hosts)}"
        folder.mkdir()
        hosts.append(Host(folder, **login))
        return hosts[-1]

    yield make_host
    for host in hosts:
        host.close()


@pytest.fixture
def host(make_host):
    """A site with two customers, ada and bob, and an operator, olga."""
    return make_host()


@pytest.fixture
def new_page(browser, host):
    """``new_page(**options)``: a page of a browser that has never been here.

    ``browser=`` takes another browser.

    What the browser complains of, such as what the CSP forbids, is an error; answers that say so in
    their status are not.
    """
    contexts, complaints = [], []

    def note(message):
        ours = message.location["url"].startswith(host.url)
        if ours and message.type == "error" and "Failed to load resource" not in message.text:
            complaints.append(message.text)

    def new_page(browser=browser, **options):
        context = browser.new_context(base_url=host.url, **options)
        contexts.append(context)
        context.set_default_timeout(TIMEOUT_MS)
        context.on("console", note)
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        return context.new_page()

    yield new_page
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def signed_in(new_page):
    """``signed_in(who, **options)``: their page, with the list of keys on it."""

    def signed_in(who="ada", **options):
        page = new_page(**options)
        page.goto("/keys/")
        page.get_by_role("button", name=who).click()
        page.wait_for_url("**/keys/")
        return page

    return signed_in


@pytest.fixture(scope="session")
def create():
    """``create(page, name)``: make a key by clicking, and read it off the page."""

    def create(page, name="nightly backup"):
        page.goto("/keys/")
        page.get_by_role("link", name="Create key").click()
        page.get_by_label("Name").fill(name)
        page.get_by_role("button", name="Create key").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Key created")
        return page.locator("#key").input_value()

    return create


@pytest.fixture
def shoot():
    """``shoot(page, name)``: keep a screenshot, of the whole page or ``full_page=False``."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)

    def shoot(page, name, full_page=True):
        page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=full_page)

    return shoot
