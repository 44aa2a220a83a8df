"""From the address of the list to what the store is asked; what is pasted never gets back out."""

from datetime import UTC, datetime, timedelta

import pytest

from bearer_auth.dashboard import DashboardUser
from bearer_auth.dashboard.filters import Filters, key_id_in

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
ALICE = DashboardUser("alice")
ACME = DashboardUser("alice", tenant_id="acme")
ROOT = DashboardUser("root", may_manage_all=True)


def test_each_filter_is_asked_of_the_store():
    given = {
        "q": "backup",
        "status": "active",
        "environment": "staging",
        "plan": "pro",
        "scope": "ensembles:execute",
        "owner": "bob",
        "sort": "name",
    }
    query = Filters.of(given, ROOT).query(ROOT, NOW, "cursor")
    assert (query.text, query.state, query.environment) == ("backup", "active", "staging")
    assert (query.plan, query.scope, query.user_id) == ("pro", "ensembles:execute", "bob")
    assert (query.sort, query.after, query.limit, query.scan) == ("name", "cursor", 50, 20_000)


def test_without_filters_it_is_the_newest():
    query = Filters.of({}, ROOT).query(ROOT, NOW, None)
    assert (query.sort, query.text, query.state, query.user_id) == ("newest", None, None, None)


@pytest.mark.parametrize(
    ("kind", "asked"),
    [
        ("unused", {"unused_since": NOW - timedelta(days=90)}),
        ("endless", {"no_expiry": True}),
        ("ending", {"expires_before": NOW + timedelta(days=7)}),
    ],
)
def test_what_needs_attention_is_asked_of_active_keys(kind, asked):
    query = Filters.of({"attention": kind, "status": "revoked"}, ROOT).query(ROOT, NOW, None)
    assert query.state == "active"
    assert {name: getattr(query, name) for name in asked} == asked


# Ids walked by another user


@pytest.mark.parametrize("owner", ["bob", "", "alice"])
def test_a_member_asks_for_their_own_keys_whatever_the_address_says(owner):
    given = {"owner": owner, "user_id": "bob", "tenant_id": "other"}
    assert Filters.of(given, ALICE).given() == {}
    query = Filters.of(given, ALICE).query(ALICE, NOW, None)
    assert (query.user_id, query.tenant_id) == ("alice", None)
    query = Filters.of(given, ACME).query(ACME, NOW, None)
    assert (query.user_id, query.tenant_id) == ("alice", "acme")


def test_filters_made_for_an_operator_give_a_member_nothing_more():
    query = Filters(owner="bob").query(ALICE, NOW, None)
    assert query.user_id == "alice"


# What can't be


@pytest.mark.parametrize(
    "given",
    [
        {"status": "live"},
        {"status": "ACTIVE"},
        {"sort": "secret"},
        {"attention": "all"},
        {"environment": "e" * 17},
        {"q": "x" * 256},
        {"q": "a\0b"},
        {"q": "\ud800"},
        {"plan": "p" * 65},
        {"scope": "s" * 129},
        {"owner": "o" * 256},
        {"owner": "a\u2028b"},
        {"q": "   "},
        {"unknown": "x"},
    ],
    ids=lambda given: next(iter(given)),
)
def test_what_can_not_be_is_left_out(given):
    assert Filters.of(given, ROOT).given() == {}


def test_an_order_leaves_no_key_out():
    assert not Filters(sort="name").narrowing()
    assert Filters(sort="name", q="x").narrowing()


# The key in an address

TOKEN = "ba_production_AbCdEfGhIjKlMnOpQ7wE2rT9yU4iO1pA6sD3fG8hJ5kL0zX7cV2bN9mQ4wE3nSGz3"
SECRET = TOKEN[len("ba_production_AbCdEfGhIjKlMnOp") :]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (TOKEN, "AbCdEfGhIjKlMnOp"),
        (f"  {TOKEN}\t", "AbCdEfGhIjKlMnOp"),
        (f"Bearer {TOKEN}", "Bearer AbCdEfGhIjKlMnOp"),
        (f'-H "Authorization: Bearer {TOKEN}"', '-H "Authorization: Bearer AbCdEfGhIjKlMnOp"'),
        (f"API_KEY={TOKEN}", "API_KEY=AbCdEfGhIjKlMnOp"),
        (f"{TOKEN},{TOKEN}", "AbCdEfGhIjKlMnOp,AbCdEfGhIjKlMnOp"),
        (f"{TOKEN[:-1]}", "…"),  # cut off
        (f"{TOKEN}x", "…"),
        (f"MY_{TOKEN}", "…"),
        (f"{TOKEN}_{TOKEN}", "…"),
        (TOKEN.removeprefix("ba_production_"), "…"),
        (SECRET, "…"),
        (TOKEN.upper(), "…"),
        (TOKEN[20:], "…"),
        (f"é{TOKEN}é", "éAbCdEfGhIjKlMnOpé"),
        (f"{TOKEN}\u200b", "AbCdEfGhIjKlMnOp\u200b"),
    ],
)
def test_the_key_in_an_address_a_pasted_one_leaves_no_more_than_its_id(text, left):
    assert Filters.of({"q": text}, ROOT).q == left


@pytest.mark.parametrize("name", ["owner", "plan", "scope"])
def test_the_key_in_an_address_nor_by_another_field(name):
    filters = Filters.of({name: TOKEN}, ROOT)
    assert SECRET not in repr(filters)
    assert filters.given() in ({}, {name: "AbCdEfGhIjKlMnOp"})


@pytest.mark.parametrize(
    "text",
    [
        "nightly backup of the database",
        "auth0|5f7c8ec7c33c6c004bbafe82",
        "9b74c9897bac770ffc029102a200c5de",  # hexadecimal: MD5, SHA-1, SHA-256
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
        "arn:aws:iam::123456789012:user/alice",
        "a-rather-long-name-of-many-words-that-somebody-gave-to-a-key-of-theirs",
    ],
)
def test_names_and_owners_are_looked_for_as_they_are(text):
    assert Filters.of({"q": text, "owner": text}, ROOT).given() == {"q": text, "owner": text}


@pytest.mark.parametrize(
    ("text", "key_id"),
    [
        (TOKEN, "AbCdEfGhIjKlMnOp"),
        (f" {TOKEN} ", "AbCdEfGhIjKlMnOp"),
        ("AbCdEfGhIjKlMnOp", "AbCdEfGhIjKlMnOp"),
        ("nightly backup", None),
        ("AbCdEfGhIjKlMnO", None),
        ("AbCdEfGhIjKlMnOé", None),
        ("\u0660" * 16, None),
        ("", None),
    ],
)
def test_a_key_and_an_id_name_a_key(text, key_id):
    assert key_id_in(text) == key_id
