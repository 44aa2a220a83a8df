"""Giving a key a new secret, and ending the earlier one."""

import logging
from datetime import timedelta

import pytest

from bearer_auth import Authenticator
from bearer_auth.dashboard import DashboardUser
from bearer_auth.errors import Conflict, InvalidToken, StoreUnavailable


def works(token, store, clock):
    try:
        return Authenticator(store, clock=clock).authenticate(token).user_id == "alice"
    except InvalidToken:
        return False


def test_a_day_of_grace_is_preselected(alice, page):
    assert 'value="86400" selected' in alice.get(f"{page}/rotate").source


def test_rotating_shows_the_new_key_and_both_work_for_the_grace(alice, page, issued, store, clock):
    answer = alice.fill_in(f"{page}/rotate", grace="3600")
    assert (answer.status, answer.title) == (200, "Key rotated")
    assert "The earlier secret is still valid for 1 hour." in answer.words
    assert works(issued.token, store, clock)
    assert works(answer.key, store, clock)
    clock.advance(3600)
    assert not works(issued.token, store, clock)
    assert works(answer.key, store, clock)


def test_without_a_grace_the_earlier_secret_ends_at_once(alice, page, issued, store, clock):
    answer = alice.fill_in(f"{page}/rotate", grace="0")
    assert "The earlier secret is not valid any more." in answer.words
    assert not works(issued.token, store, clock)
    assert works(answer.key, store, clock)


def test_ending_the_grace_ends_the_earlier_secret_at_once(alice, page, issued, store, clock):
    new = alice.fill_in(f"{page}/rotate", grace="3600").key
    answer = alice.fill_in(page, f"{page}/finish-rotation")
    assert (answer.status, answer.location) == (303, f"{page}?done=grace")
    assert (
        "The grace is over. Only the current secret is valid." in alice.get(answer.location).words
    )
    assert not works(issued.token, store, clock)
    assert works(new, store, clock)


def test_the_key_seen_twice_the_new_secret_is_in_the_answer_and_nowhere_else(
    alice, operator, page, trail, caplog
):
    caplog.set_level(logging.DEBUG)
    answer = alice.fill_in(f"{page}/rotate", grace="3600")
    secret = answer.key[-49:]
    assert answer.headers["Cache-Control"] == "no-store"
    assert not [value for value in answer.headers.values() if secret in value]
    assert secret not in caplog.text + repr(trail.events)
    for browser in (alice, operator):
        for path in ("/", "/overview", page, f"{page}/rotate", f"{page}/revoke"):
            assert secret not in browser.get(path).source


def test_the_key_seen_twice_a_form_that_is_sent_again_ends_no_secret(
    alice, page, keyring, issued, store, clock
):
    form = {"token": alice.form_token(f"{page}/rotate"), "grace": "0"}
    first = alice.send(f"{page}/rotate", form)
    second = alice.send(f"{page}/rotate", form)
    assert (first.status, second.status) == (200, 409)
    assert second.title == "That was sent already"
    assert works(first.key, store, clock)


def test_while_a_grace_runs_another_rotation_needs_no_grace(alice, page, issued, store, clock):
    first = alice.fill_in(f"{page}/rotate", grace="3600")
    answer = alice.fill_in(f"{page}/rotate", grace="3600")
    assert (answer.status, answer.title) == (409, "An earlier rotation is still running")
    assert works(issued.token, store, clock)
    assert works(first.key, store, clock)
    assert alice.fill_in(f"{page}/rotate", grace="0").status == 200
    assert not works(first.key, store, clock)


@pytest.mark.parametrize("grace", ["", "1", "-3600", "31536000", "3600 ", "1e3", "x"])
def test_no_other_grace_than_those_of_the_page(alice, page, keyring, issued, grace):
    assert alice.fill_in(f"{page}/rotate", grace=grace).status == 400
    assert keyring.get(issued.record.key_id) == issued.record


@pytest.mark.parametrize("end", ["revoke", "expire"])
def test_a_key_that_has_ended_gets_no_new_secret(alice, page, keyring, clock, end):
    key_id = page.removeprefix("/keys/")
    if end == "revoke":
        keyring.revoke(key_id)
    else:
        keyring.update(key_id, expires_at=clock.now + timedelta(days=1))
        clock.advance(timedelta(days=1))
    answer = alice.fill_in("/keys/new", f"{page}/rotate", grace="0")
    assert (answer.status, answer.title) == (409, "That key has ended")
    assert len(keyring.get(key_id).secrets) == 1


def test_the_events_say_who_from_where_and_by_which_request(operator, page, trail):
    extra = {"bearer_auth.request_id": "req-2", "REMOTE_ADDR": "198.51.100.8"}
    for form, path in ((f"{page}/rotate", f"{page}/rotate"), (page, f"{page}/finish-rotation")):
        fields = {"token": operator.form_token(form), "grace": "3600"}
        operator.send(path, fields, environ_overrides=extra)
    rotated, finished = trail.events
    assert (rotated.name, rotated.data) == ("key.rotated", {"grace_s": 3600, "by": "root"})
    assert (finished.name, finished.data) == ("key.rotation_finished", {"by": "root"})
    for event in trail.events:
        assert (event.user_id, event.address, event.request_id) == (
            "alice",
            "198.51.100.8",
            "req-2",
        )


@pytest.mark.parametrize(
    ("error", "status", "title"),
    [
        (StoreUnavailable("away"), 503, "The keys can't be reached"),
        (Conflict("changed"), 409, "Somebody else changed that"),
    ],
)
def test_a_store_that_fails_shows_no_key_and_leads_nowhere(
    alice, page, store, monkeypatch, error, status, title
):
    def fails(*_, **__):
        raise error

    alice.fill_in(f"{page}/rotate", grace="3600")
    token = alice.form_token()
    monkeypatch.setattr(type(store), "replace", fails)
    for path in (f"{page}/rotate", f"{page}/finish-rotation"):
        answer = alice.send(path, {"token": token, "grace": "0"})
        assert (answer.status, answer.title, answer.location) == (status, title, None)
        assert "ba_production_" not in answer.source


def test_a_key_that_is_deleted_meanwhile_is_not_found(alice, page, store, keyring, monkeypatch):
    key_id = page.removeprefix("/keys/")
    token = alice.form_token(f"{page}/rotate")
    own = DashboardUser.may_see

    def deleted_after(self, record):
        store.delete([key_id])
        return own(self, record)

    monkeypatch.setattr(DashboardUser, "may_see", deleted_after)
    answer = alice.send(f"{page}/rotate", {"token": token, "grace": "0"})
    assert (answer.status, answer.title) == (404, "Not found")
