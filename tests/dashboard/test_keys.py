"""The list of keys, and its search."""

import logging
from datetime import timedelta

import pytest

from bearer_auth import Keyring
from bearer_auth.dashboard import DashboardUser, filters
from bearer_auth.errors import StoreUnavailable

# The list


def test_a_new_member_is_told_what_a_key_is_for(alice):
    page = alice.get("/")
    assert "No keys yet" in page.words
    assert "/keys/new" in page.links


def test_the_list_says_of_each_key_what_matters(alice, operator, keyring, clock, use):
    issued = keyring.create(
        user_id="alice", name="CI", scopes=["a:b"], expires_in=timedelta(days=3, minutes=1)
    )
    clock.advance(timedelta(minutes=5))
    use(issued.record)
    clock.advance(timedelta(minutes=2))
    page = alice.get("/")
    assert f"/keys/{issued.record.key_id}" in page.links
    masked = f"ba_production_{issued.record.key_id[:4]}…"
    assert f"CI {masked} Active a:b 1 Jan 2030 2 minutes ago expires in 2 days" in page.words
    assert f"CI {masked} Active alice a:b" in operator.get("/").words


def test_the_list_shows_five_scopes_of_a_key_and_the_key_all(alice, keyring):
    scopes = ["a", "b", "c", "d", "e"]
    issued = keyring.create(user_id="alice", name="five", scopes=scopes)
    assert "a b c d e 1 Jan" in alice.get("/").words
    keyring.revoke(issued.key_id)
    issued = keyring.create(user_id="alice", name="seven", scopes=[*scopes, "f", "g"])
    assert "a b c d e and 2 more" in alice.get("/").words
    assert "a b c d e f g" in alice.get(f"/keys/{issued.key_id}").words


def test_the_list_has_pages(alice, keyring, clock):
    for number in range(51):
        keyring.create(user_id="alice", name=f"number {number}.")
        clock.advance(1)
    page = alice.get("/")
    assert "number 50." in page.words
    assert "number 1." in page.words
    assert "number 0." not in page.words
    (following,) = [link for link in page.links if "after=" in link]
    assert "number 0." in alice.get(following).words


@pytest.mark.parametrize("after", ["", "x", "0.0000000000000000", "name.x.y", "\0", "9" * 300])
@pytest.mark.parametrize("sort", ["", "name", "expiry"])
def test_an_altered_cursor_leads_to_the_first_page_or_another_one_of_theirs(
    bob, keyring, after, sort
):
    keyring.create(user_id="alice", name="Alice's")
    answer = bob.get("/", query_string={"after": after, "sort": sort, "q": "x"})
    assert answer.status in (200, 303)
    assert "Alice" not in answer.source
    if answer.status == 303:
        assert answer.location == (f"/?q=x&sort={sort}" if sort else "/?q=x")
        assert bob.get(answer.location).status == 200


@pytest.mark.parametrize("attention", ["", "unused", "endless", "ending"])
@pytest.mark.parametrize("status", ["", "active", "suspended", "expired", "revoked"])
def test_every_combination_of_filters_has_an_answer(alice, operator, keyring, status, attention):
    keyring.create(user_id="alice")
    for sort in ("newest", "oldest", "name", "expiry"):
        given = {
            "status": status,
            "attention": attention,
            "sort": sort,
            "q": "%_'\\\"",
            "scope": "a",
        }
        given |= {"environment": "production", "plan": "pro"}
        for browser in (alice, operator):
            assert browser.get("/", query_string=given | {"owner": "alice"}).status == 200
            assert browser.get("/", query_string={"status": status, "sort": sort}).status == 200


def test_filters_find_what_they_say(operator, keyring):
    for user, name, plan in (
        ("alice", "One", "pro"),
        ("bob", "Two", "pro"),
        ("carol", "Three", "x"),
    ):
        keyring.create(user_id=user, name=name, plan=plan, scopes=[f"{user}:read"])
    for given, found in [
        ({"q": "TW"}, "Two"),
        ({"q": "CARO"}, "Three"),
        ({"owner": "alice"}, "One"),
        ({"plan": "x"}, "Three"),
        ({"scope": "bob:read"}, "Two"),
    ]:
        page = operator.get("/", query_string=given)
        assert [name for name in ("One", "Two", "Three") if name in page.words] == [found]


def test_ids_walked_by_another_user_a_cursor_tells_nothing_of_what_was_looked_at(
    browser, keyring, clock, monkeypatch
):
    # Of a bounded search the cursor stands behind the last key that was looked at
    monkeypatch.setattr(filters, "SCAN", 2)
    others = []
    for number in range(8):
        for owner in ({"user_id": "eve"}, {"user_id": "alice", "tenant_id": "other"}):
            others.append(keyring.create(name=f"secret plan {number}", **owner).record.key_id)
        keyring.create(user_id="alice", tenant_id="acme", name=f"mine {number}")
        clock.advance(1)
    here = browser(DashboardUser("alice", tenant_id="acme"))
    for sort in ("newest", "oldest", "name"):
        for given in ({}, {"q": "mine"}, {"scope": "a:b"}, {"status": "active"}):
            page, seen = here.get("/", query_string={"sort": sort, **given}), ""
            for _ in range(20):
                seen += page.source
                onward = [link for link in page.links if "after=" in link]
                if not onward:
                    break
                page = here.get(onward[-1])
            assert not [key_id for key_id in others if key_id in seen]
            assert "c2VjcmV0" not in seen  # "secret", as the cursor of a list by name has it


# The search


def test_the_search_leads_to_the_list(alice):
    answer = alice.fill_in("/keys/new", "/search", q="nightly backup", sort="name", owner="bob")
    assert (answer.status, answer.location) == (303, "/?q=nightly+backup&sort=name")


@pytest.mark.parametrize("around", ["{}", " {}\n", "\t{} "])
def test_the_key_in_no_address_a_pasted_one_leads_to_its_page(alice, keyring, caplog, around):
    caplog.set_level(logging.DEBUG)
    issued = keyring.create(user_id="alice")
    answer = alice.fill_in("/keys/new", "/search", q=around.format(issued.token))
    assert (answer.status, answer.location) == (303, f"/keys/{issued.record.key_id}")
    assert issued.token not in answer.source + caplog.text


@pytest.mark.parametrize(
    "around",
    ["Bearer {}", "x {} y", "API_KEY={}", "{}{}", "_{}_", '"{}"', "https://h/?key={}", "{}x"],
)
def test_the_key_in_no_address_when_it_is_pasted_among_other_words(
    alice, operator, keyring, caplog, around
):
    caplog.set_level(logging.DEBUG)
    issued = keyring.create(user_id="alice")
    secret = issued.token[-49:]
    text = around.format(issued.token, issued.token)
    for browser in (alice, operator):
        for field in ("q", "owner", "plan", "scope"):
            answer = browser.fill_in("/keys/new", "/search", **{field: text})
            assert answer.status == 303
            assert secret not in answer.location + answer.source
            page = browser.get("/", query_string={field: text})
            assert secret not in page.source
    assert secret not in caplog.text


def test_the_key_in_no_address_an_imported_one_leads_to_its_page(store, make_dashboard, browse):
    keyring = Keyring(store, peppers=["new pepper", "old pepper"])
    Keyring(store, peppers=["old pepper"]).import_token("sk_live_1234", user_id="alice")
    key_id = keyring.list()[0].key_id
    here = make_dashboard(keyring=keyring)
    alice, bob = browse(here, DashboardUser("alice")), browse(here, DashboardUser("bob"))
    found = alice.fill_in("/keys/new", "/search", q=" sk_live_1234 ")
    assert found.location == f"/keys/{key_id}"
    assert bob.fill_in("/keys/new", "/search", q="sk_live_1234").location == "/?q=sk_live_1234"


def test_the_search_is_no_form_by_address(alice):
    page = alice.get("/?q=x")
    assert '<form class="search" method="post"' in page.source


# What fails


@pytest.mark.parametrize("path", ["/", "/?q=x", "/overview", "/keys/0000000000000000"])
def test_a_store_that_is_away_is_said_on_a_page(alice, store, monkeypatch, path):
    def away(*_, **__):
        raise StoreUnavailable("keys.db: disk I/O error")

    for method in ("find", "get"):
        monkeypatch.setattr(type(store), method, away)
    answer = alice.get(path)
    assert (answer.status, answer.title) == (503, "The keys can't be reached")
    assert "disk" not in answer.source


def test_the_search_of_a_store_that_is_away_leads_nowhere(alice, store, monkeypatch):
    def away(*_, **__):
        raise StoreUnavailable("away")

    token = alice.form_token()
    monkeypatch.setattr(type(store), "get", away)
    answer = alice.send("/search", {"token": token, "q": "0" * 16})
    assert (answer.status, answer.location) == (503, None)
