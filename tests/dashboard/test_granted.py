"""A member never makes a key with more than they may give."""

from datetime import timedelta

import pytest

from bearer_auth.dashboard import DashboardUser, Grants

MADE = {"name": "CI", "environment": "production", "lifetime": "90"}


def the_only(keyring):
    (record,) = keyring.list()
    return record


BEYOND = [
    {"scopes": ["admin"]},
    {"scopes": ["ensembles:execute", "admin"]},
    {"scopes": ["ensembles:*"]},
    {"scopes": ["ensembles:execute ensembles:read"]},
    {"scopes": ["Ensembles:execute"]},
    {"scopes": [""]},
    {"environment": "staging"},
    {"environment": ""},
    {"environment": "production "},
    {"lifetime": "91"},
    {"lifetime": "3650"},
    {"lifetime": "0"},
    {"lifetime": "-1"},
    {"lifetime": ""},
    {"lifetime": "090"},
    {"lifetime": "\uff19\uff10"},
    {"lifetime": "1e3"},
]


@pytest.mark.parametrize("beyond", BEYOND, ids=lambda beyond: next(iter(beyond.items())))
def test_a_member_can_not_give_what_is_not_granted(alice, keyring, beyond):
    answer = alice.fill_in("/keys/new", "/keys", **(MADE | beyond))
    assert answer.status == 400
    assert "That choice is not open to you. Choose again." in answer.words
    assert list(keyring.list()) == []


def test_a_member_can_not_say_whose_key_it_is_nor_its_plan_nor_more(alice, keyring):
    more = {
        "owner": "bob",
        "user_id": "bob",
        "plan": "enterprise",
        "tenant_id": "acme",
        "created_by": "root",
        "allowed_ips": "192.0.2.0/24",
        "limit": "1000000/second",
        "metadata": "{}",
        "expires_at": "2100-01-01",
        "key_id": "0" * 16,
        "may_manage_all": "1",
    }
    assert alice.fill_in("/keys/new", "/keys", **MADE, **more).status == 200
    record = the_only(keyring)
    assert (record.user_id, record.plan, record.tenant_id) == ("alice", "pro", None)
    assert (record.created_by, record.limit, record.allowed_ips) == ("alice", None, ())
    assert record.metadata == {}
    assert record.key_id != "0" * 16


def test_a_member_of_a_tenant_makes_keys_of_that_tenant(browser, keyring):
    browser(DashboardUser("alice", tenant_id="acme")).fill_in(
        "/keys/new", "/keys", **MADE, tenant_id="other"
    )
    assert the_only(keyring).tenant_id == "acme"


def test_a_member_has_no_fields_for_what_is_not_theirs(alice):
    page = alice.get("/keys/new?owner=bob")
    assert set(page.fields) == {"token", "name", "scopes", "lifetime", "never_sure"}
    assert "bob" not in page.source


def test_grants_may_differ_from_person_to_person(make_dashboard, browse, keyring):
    def grants(user):
        return Grants(scopes=["admin"] if user.plan == "pro" else [], environments=["test"])

    here = make_dashboard(grants=grants)
    wanted = MADE | {"environment": "test", "scopes": ["admin"]}
    free = browse(here, DashboardUser("bob", plan="free"))
    assert free.fill_in("/keys/new", "/keys", **wanted).status == 400
    assert list(keyring.list()) == []
    assert (
        browse(here, DashboardUser("alice", plan="pro"))
        .fill_in("/keys/new", "/keys", **wanted)
        .status
        == 200
    )
    assert the_only(keyring).scopes == ("admin",)


def test_grants_that_are_taken_away_count_for_a_form_that_is_open(make_dashboard, browse, keyring):
    granted = [Grants(scopes=["admin"])]
    here = browse(make_dashboard(grants=lambda _: granted[0]), DashboardUser("alice"))
    token = here.form_token()
    granted[0] = Grants()
    assert here.send("/keys", {"token": token, **MADE, "scopes": "admin"}).status == 400
    assert list(keyring.list()) == []


@pytest.mark.parametrize("nonsense", [None, {}, "all", True])
def test_grants_that_are_nonsense_give_nothing(make_dashboard, browse, keyring, nonsense):
    user = DashboardUser("alice")
    token = browse(make_dashboard(), user).form_token()
    here = browse(make_dashboard(grants=lambda _: nonsense), user)
    assert here.get("/keys/new").status == 500
    assert here.send("/keys", {"token": token, **MADE}).status == 500
    assert list(keyring.list()) == []


# Never


def test_never_needs_its_second_box(alice, keyring):
    answer = alice.fill_in("/keys/new", "/keys", **(MADE | {"lifetime": "never"}))
    assert answer.status == 400
    assert "To make a key that never expires, tick the box that says so." in answer.words
    assert list(keyring.list()) == []
    sure = MADE | {"lifetime": "never", "never_sure": "yes"}
    assert alice.fill_in("/keys/new", "/keys", **sure).status == 200
    assert the_only(keyring).expires_at is None


def test_the_box_alone_gives_no_key_without_an_end(alice, keyring, clock):
    alice.fill_in("/keys/new", "/keys", **MADE, never_sure="yes")
    assert the_only(keyring).expires_at == clock.now + timedelta(days=90)


def test_never_can_be_withheld(make_dashboard, browse, keyring):
    here = browse(make_dashboard(grants=Grants(never=False)), DashboardUser("alice"))
    sure = MADE | {"lifetime": "never", "never_sure": "yes"}
    assert here.fill_in("/keys/new", "/keys", **sure).status == 400
    assert list(keyring.list()) == []


# How many


def test_a_member_has_no_more_keys_than_granted(make_dashboard, browse, keyring, clock):
    here = browse(make_dashboard(grants=Grants(max_keys=2)), DashboardUser("alice"))
    keyring.create(user_id="bob")
    first = keyring.create(user_id="alice").record
    keyring.suspend(first.key_id)
    assert here.fill_in("/keys/new", "/keys", **MADE).status == 200
    answer = here.fill_in("/keys/new", "/keys", **MADE)
    assert answer.status == 400
    assert "You have as many keys as one person may have." in answer.words
    assert len(keyring.list(user_id="alice")) == 2
    keyring.revoke(first.key_id)
    assert here.fill_in("/keys/new", "/keys", **MADE).status == 200
    assert here.fill_in("/keys/new", "/keys", **MADE).status == 400
    clock.advance(timedelta(days=91))
    assert here.fill_in("/keys/new", "/keys", **MADE).status == 200


def test_two_forms_at_the_same_moment_make_no_more_keys_than_granted(
    make_dashboard, browse, keyring, store, monkeypatch
):
    here = browse(make_dashboard(grants=Grants(max_keys=2)), DashboardUser("alice"))
    keyring.create(user_id="alice")
    add = type(store).add

    def another_is_made_meanwhile(store, records):
        monkeypatch.setattr(type(store), "add", add)
        keyring.create(user_id="alice", name="the other")
        add(store, records)

    form = {"token": here.form_token()} | MADE
    monkeypatch.setattr(type(store), "add", another_is_made_meanwhile)
    answer = here.send("/keys", form)
    assert answer.status == 400
    assert "You have as many keys as one person may have." in answer.words
    assert len(keyring.list(user_id="alice", status="active")) == 2
    assert "ba_production_" not in answer.source


def test_the_most_that_can_be_granted_are_counted(make_dashboard, browse, keyring):
    here = browse(make_dashboard(grants=Grants(max_keys=1000)), DashboardUser("alice"))
    for _ in range(999):
        keyring.create(user_id="alice")
    assert here.fill_in("/keys/new", "/keys", **MADE).status == 200
    assert here.fill_in("/keys/new", "/keys", **MADE).status == 400


def test_an_operator_is_not_counted(make_dashboard, browse, keyring):
    root = browse(make_dashboard(grants=Grants(max_keys=1)), DashboardUser("root", "p", True))
    for _ in range(3):
        assert root.fill_in("/keys/new", "/keys", owner="root", **MADE).status == 200
