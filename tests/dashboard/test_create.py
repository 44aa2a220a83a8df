"""Making a key, which is shown once."""

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


def test_the_line_for_curl_is_one_command_whatever_the_address_has_in_it(make_dashboard, browse):
    """With a bare & the shell would take what follows, the key in it, for another command."""
    address = "https://api.example/f?a=1&b=$(id)"
    here = browse(make_dashboard(api_url=address), DashboardUser("alice"))
    answer = here.fill_in("/keys/new", "/keys", **MADE)
    assert f"curl '{address}' \\ -H" in answer.words


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
