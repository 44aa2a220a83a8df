"""Making a key: no more than its maker may give, and shown once."""

import logging
import re
from datetime import timedelta

import pytest

from bearer_auth import Authenticator, Keyring
from bearer_auth.dashboard import DashboardUser, Grants, create_dashboard
from bearer_auth.errors import StoreUnavailable
from bearer_auth.stores.sql import SQLStore

MADE = {"name": "CI", "environment": "production", "lifetime": "90"}


def the_only(keyring):
    (record,) = keyring.list()
    return record


def test_a_member_makes_a_key_that_works(alice, keyring, store, clock):
    answer = alice.fill_in("/keys/new", "/keys", **MADE, scopes=["ensembles:execute"])
    assert (answer.status, answer.title) == (200, "Key created")
    record = the_only(keyring)
    assert (record.user_id, record.plan, record.tenant_id) == ("alice", "pro", None)
    assert (record.name, record.environment) == ("CI", "production")
    assert record.scopes == ("ensembles:execute",)
    assert record.expires_at == clock.now + timedelta(days=90)
    assert record.created_by == "alice"
    principal = Authenticator(store, clock=clock).authenticate(answer.key)
    assert principal.key_id == record.key_id


def test_the_answer_has_the_line_for_curl(alice):
    answer = alice.fill_in("/keys/new", "/keys", **MADE)
    line = f'curl http://localhost/health \\ -H "Authorization: Bearer {answer.key}"'
    assert line in answer.words


def test_the_line_for_curl_names_the_api_where_that_is_another_server(make_dashboard, browse):
    here = browse(make_dashboard(api_url="https://api.example/health"), DashboardUser("alice"))
    assert "curl https://api.example/health \\" in here.fill_in("/keys/new", "/keys", **MADE).words


def test_90_days_are_preselected(alice, make_dashboard, browse):
    assert 'value="90" checked' in alice.get("/keys/new").source
    grants = Grants(lifetimes=[timedelta(days=7), timedelta(days=30)], never=False)
    page = browse(make_dashboard(grants=grants), DashboardUser("alice")).get("/keys/new")
    assert 'value="7" checked' in page.source
    assert "Never" not in page.words


# The key seen twice or by others


def test_the_key_seen_twice_it_is_in_the_answer_and_nowhere_else(
    alice, operator, keyring, trail, caplog
):
    caplog.set_level(logging.DEBUG)
    answer = alice.fill_in("/keys/new", "/keys", **MADE)
    token = answer.key
    assert re.fullmatch(r"ba_production_[0-9A-Za-z]{65}", token)
    key_id = the_only(keyring).key_id
    secret = token.removeprefix(f"ba_production_{key_id}")
    assert answer.source.count(secret) == 3  # the field, the form of the download, the curl line
    assert not [value for value in answer.headers.values() if secret in value]
    assert secret not in caplog.text
    assert secret not in repr(trail.events)
    paths = ("/", "/overview", "/keys/new", f"/keys/{key_id}", f"/keys/{key_id}/rotate")
    for browser in (alice, operator):
        for path in (*paths, f"/keys/{key_id}/revoke"):
            page = browser.get(path)
            assert page.status == 200
            assert secret not in page.source


def test_the_key_seen_twice_no_answer_is_kept_or_sets_a_cookie(alice):
    answer = alice.fill_in("/keys/new", "/keys", **MADE)
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers
    assert "ETag" not in answer.headers
    assert "Location" not in answer.headers


def test_the_key_seen_twice_a_form_that_is_sent_again_makes_none(alice, keyring):
    form = {"token": alice.form_token(), **MADE}
    first, second = alice.send("/keys", form), alice.send("/keys", form)
    assert (first.status, second.status) == (200, 409)
    assert second.title == "That was sent already"
    assert first.key not in second.source
    assert len(keyring.list()) == 1


def test_the_key_seen_twice_nor_does_another_worker_take_the_form_again(clock, browse, tmp_path):
    # Each with a store of its own over the same database, as two processes have
    keyrings = [
        Keyring(SQLStore(f"sqlite:///{tmp_path / 'shared.db'}", create=True), clock=clock)
        for _ in range(2)
    ]
    first, second = (
        browse(create_dashboard(keyring, lambda _: DashboardUser("alice")), None)
        for keyring in keyrings
    )
    form = {"token": first.form_token(), **MADE}
    assert second.send("/keys", form).status == 200
    assert first.send("/keys", form).status == 409
    assert len(keyrings[0].list()) == 1
    for keyring in keyrings:
        keyring.writable_store().close()


def test_a_form_that_was_refused_is_not_used_up(alice, keyring):
    token = alice.form_token()
    assert alice.send("/keys", {"token": token, **MADE, "lifetime": "never"}).status == 400
    assert alice.send("/keys", {"token": token, **MADE}).status == 200
    assert len(keyring.list()) == 1


def test_the_key_goes_into_a_file_by_a_form(alice):
    answer = alice.fill_in("/keys/new", "/keys", **MADE)
    form = {"token": answer.form_token, "key": answer.key}
    file = alice.send("/keys/env", form)
    assert (file.status, file.source) == (200, f"API_KEY={answer.key}\n")
    assert file.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert file.headers["Content-Disposition"] == 'attachment; filename="api_key.env"'
    assert file.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("key", ["", "x", "a\nB=1", "<script>", "ba_production_" + "a" * 64])
def test_injected_markup_nothing_but_a_key_goes_into_the_file(alice, key):
    answer = alice.fill_in("/keys/new", "/keys/env", key=key)
    assert (answer.status, answer.title) == (400, "That form can't be used")


def test_a_file_is_not_to_be_had_by_an_address(alice):
    assert alice.get("/keys/env?key=x").status == 404
    assert alice.send("/keys/env", {"key": "x"}).status == 400


# No more than they may give

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
    assert "To make a key without an end, tick the box that says so." in answer.words
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


def test_an_operator_is_not_counted(make_dashboard, browse, keyring):
    root = browse(make_dashboard(grants=Grants(max_keys=1)), DashboardUser("root", "p", True))
    for _ in range(3):
        assert root.fill_in("/keys/new", "/keys", owner="root", **MADE).status == 200


# Operators


def test_an_operator_makes_keys_for_anybody_with_anything(operator, keyring):
    fields = {
        "owner": "carol",
        "plan": "enterprise",
        "environment": "staging",
        "scopes": "admin other:*",
        "lifetime": "never",
        "never_sure": "yes",
    }
    answer = operator.fill_in("/keys/new", "/keys", **fields)
    assert answer.status == 200
    record = the_only(keyring)
    assert (record.user_id, record.plan, record.environment) == ("carol", "enterprise", "staging")
    assert (record.scopes, record.created_by) == (("admin", "other:*"), "root")


@pytest.mark.parametrize(
    "wrong",
    [
        {"owner": ""},
        {"owner": "c" * 256},
        {"owner": "a\0b"},
        {"scopes": "*"},
        {"scopes": "<script>"},
        {"environment": "Not good"},
        {"plan": "p" * 65},
        {"name": "n" * 256},
        {"name": "a\u2028b"},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_hostile_values_are_refused_at_the_door_with_a_reason(operator, keyring, wrong):
    answer = operator.fill_in("/keys/new", "/keys", **({"owner": "carol", **MADE} | wrong))
    assert answer.status == 400
    assert 'role="alert"' in answer.source
    assert list(keyring.list()) == []


def test_what_was_filled_in_is_there_again(operator):
    wrong = {"owner": "carol", "plan": "pro", "scopes": "a b *", **MADE, "name": '"><script>'}
    page = operator.fill_in("/keys/new", "/keys", **wrong)
    kept = {name: page.fields[name] for name in ("owner", "plan", "scopes", "name")}
    assert kept == {"owner": "carol", "plan": "pro", "scopes": "a b *", "name": '"><script>'}
    assert "script" not in [tag for tag, attributes in page.tags if "src" not in attributes]


# What is told, and what fails


def test_the_event_says_who_from_where_and_by_which_request(alice, trail):
    extra = {"bearer_auth.request_id": "req-1", "REMOTE_ADDR": "198.51.100.7"}
    form = {"token": alice.form_token(), **MADE}
    assert alice.send("/keys", form, environ_overrides=extra).status == 200
    (event,) = trail.events
    assert (event.name, event.user_id) == ("key.created", "alice")
    assert event.data["by"] == "alice"
    assert (event.address, event.request_id) == ("198.51.100.7", "req-1")


def test_a_store_that_is_away_makes_no_key_and_no_page_that_says_so(
    alice, store, monkeypatch, caplog
):
    def away(*_, **__):
        raise StoreUnavailable("the disk is gone")

    token = alice.form_token()
    monkeypatch.setattr(type(store), "add", away)
    answer = alice.send("/keys", {"token": token, **MADE})
    assert (answer.status, answer.title) == (503, "The keys can't be reached")
    assert answer.location is None
    assert "disk" not in answer.source
    assert "the disk is gone" in caplog.text
