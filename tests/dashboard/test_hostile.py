"""Hostile names, metadata, scopes: what people wrote is text on every page, and can be seen."""

import pytest

from bearer_auth.dashboard import DashboardUser

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "</title></textarea></style><svg onload=alert(1)>",
    "javascript:alert(1)",
    "&lt;b&gt;&amp;",
    "%3Cscript%3E",
    "a\u202etxt.exe\u2066",
    "ad\u200bmin\ufeff",
    "\u3164",
]
SHOWN = {
    "a\u202etxt.exe\u2066": "a[U+202E]txt.exe[U+2066]",
    "ad\u200bmin\ufeff": "ad[U+200B]min[U+FEFF]",
    "\u3164": "[U+3164]",
}


@pytest.fixture
def hostile_pages(keyring, alice, operator, trail, use):
    """Each page that shows what somebody wrote, when all of that is this text."""

    def pages(text):
        issued = keyring.create(
            user_id="alice",
            name=text,
            plan=text[:64],
            created_by=text,
            tenant_id=text,
            metadata={text: [text]},
        )
        use(issued.record)
        record = keyring.acting(text).rotate(issued.record.key_id).record
        trail.refusals = {record.key_id: 100}
        key = f"/keys/{record.key_id}"
        for browser in (alice, operator):
            for path in ("/", "/overview", key, f"{key}/rotate", f"{key}/revoke"):
                yield browser.get(path)
            yield browser.get("/", query_string={"q": text, "plan": text, "scope": text})
            yield browser.fill_in("/keys/new", "/keys", name=text, lifetime="never")
        keyring.acting(text).revoke(record.key_id, text)
        yield operator.get(key)
        yield alice.get(key)

    return pages


@pytest.mark.parametrize("store", ["memory"], indirect=True)
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_are_text_on_every_page(hostile_pages, text):
    for number, page in enumerate(hostile_pages(text)):
        assert page.status in (200, 400), number
        for tag, attributes in page.tags:
            assert tag not in ("img", "iframe", "object", "style", "textarea"), number
            assert not [name for name in attributes if name.startswith("on")], number
            assert tag != "script" or attributes == ("src", "defer"), number
        assert not [link for link in page.links if not link.startswith(("/", "#"))]
        assert SHOWN.get(text, text) in page.words or text in page.fields.values(), number
        if text in SHOWN:
            assert text not in page.words, number
            assert not [value for value in page.attributes if text in (value or "")], number


@pytest.mark.parametrize("store", ["memory"], indirect=True)
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_owners_are_text_to_an_operator(browser, keyring, operator, text):
    record = keyring.create(user_id=text).record
    shown = SHOWN.get(text, text)
    for path in ("/", f"/keys/{record.key_id}"):
        page = operator.get(path)
        assert shown in page.words
        (link,) = [link for link in page.links if "owner=" in link]
        assert record.key_id in operator.get(link).source  # the link finds just this owner
    for path in ("/owners/revoke", "/keys/new"):
        page = operator.get(path, query_string={"user_id": text, "owner": text})
        assert shown in page.words or text in page.fields.values()
        assert "script" not in [tag for tag, attributes in page.tags if "src" not in attributes]
    # who is signed in stands at the top of each page
    page = browser(DashboardUser(text, name=text)).get("/")
    assert f"Signed in as {shown}" in page.words
