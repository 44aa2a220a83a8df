"""Ending a key, and all keys of an owner."""

from datetime import timedelta

import pytest

from bearer_auth import Authenticator
from bearer_auth.dashboard import DashboardUser
from bearer_auth.errors import Conflict, InvalidToken, StoreUnavailable


def status_of(page, keyring):
    return keyring.get(page.removeprefix("/keys/")).status


# One key


def test_once_the_page_says_so_no_process_takes_the_key(alice, page, issued, keyring, store, clock):
    authenticator = Authenticator(store, clock=clock)
    authenticator.authenticate(issued.token)
    answer = alice.fill_in(f"{page}/revoke", reason="It leaked")
    assert (answer.status, answer.location) == (303, f"{page}?done=revoked")
    after = alice.get(answer.location)
    assert "This key is revoked. It is refused everywhere" in after.words
    assert "Reason It leaked" in after.words
    assert f"{page}/rotate" not in after.links
    with pytest.raises(InvalidToken):
        authenticator.authenticate(issued.token)
    record = keyring.get(issued.record.key_id)
    assert (record.status, record.revoked_reason) == ("revoked", "It leaked")


def test_it_is_said_before_that_it_is_final(alice, page):
    words = alice.get(f"{page}/revoke").words
    assert "This is final: the key can't be brought back." in words
    assert "Type" not in words


def test_a_key_that_was_used_within_a_day_ends_only_when_that_is_typed(
    alice, page, issued, keyring, clock, use
):
    use(issued.record)
    clock.advance(timedelta(hours=23, minutes=59))
    words = alice.get(f"{page}/revoke").words
    assert "It was used within the last day, so something depends on it." in words
    assert "last used 23 hours ago" in words
    for typed in ("", "Revoke", "revoked", "yes", "CI"):
        answer = alice.fill_in(f"{page}/revoke", confirm=typed)
        assert answer.status == 400
        assert "Type the word “revoke” to confirm." in answer.words
    assert alice.fill_in(f"{page}/revoke").status == 400
    assert status_of(page, keyring) == "active"
    assert alice.fill_in(f"{page}/revoke", confirm=" revoke ").status == 303
    assert status_of(page, keyring) == "revoked"


def test_a_use_between_the_page_and_the_form_counts(alice, page, issued, keyring, use):
    token = alice.form_token(f"{page}/revoke")
    use(issued.record)
    assert alice.send(f"{page}/revoke", {"token": token}).status == 400
    assert status_of(page, keyring) == "active"


def test_a_use_that_is_a_day_old_needs_nothing_typed(alice, page, issued, keyring, clock, use):
    use(issued.record)
    clock.advance(timedelta(days=1))
    assert alice.fill_in(f"{page}/revoke").status == 303
    assert status_of(page, keyring) == "revoked"


def test_a_key_that_is_revoked_stays_so_with_its_first_reason(alice, page, keyring, trail):
    for reason in ("It leaked", "Other"):
        assert alice.fill_in(f"{page}/revoke", reason=reason).status == 303
    assert keyring.list()[0].revoked_reason == "It leaked"
    assert [event.name for event in trail.events] == ["key.revoked"]


@pytest.mark.parametrize("reason", ["a\0b", "a\x1bb", "a\u2028b"])
def test_hostile_reasons_are_refused_with_a_word(alice, operator, page, keyring, reason):
    answer = alice.fill_in(f"{page}/revoke", reason=reason)
    assert (answer.status, answer.title) == (400, "Revoke this key")
    assert 'role="alert"' in answer.source
    form = {"token": operator.form_token(), "user_id": "alice", "confirm": "alice"}
    answer = operator.send("/owners/revoke", form | {"reason": reason})
    assert (answer.status, answer.title) == (400, "Revoke all keys of an owner")
    assert status_of(page, keyring) == "active"


def test_a_reason_that_is_too_long_is_cut(alice, page, keyring):
    assert alice.fill_in(f"{page}/revoke", reason="x" * 501).status == 303
    assert keyring.list()[0].revoked_reason == "x" * 500


def test_the_event_says_who_from_where_and_by_which_request(alice, page, trail):
    extra = {"bearer_auth.request_id": "req-3", "REMOTE_ADDR": "2001:db8::7"}
    form = {"token": alice.form_token(), "reason": "It leaked"}
    alice.send(f"{page}/revoke", form, environ_overrides=extra)
    (event,) = trail.events
    assert (event.name, event.reason, event.data) == ("key.revoked", "It leaked", {"by": "alice"})
    assert (event.address, event.request_id) == ("2001:db8::7", "req-3")


@pytest.mark.parametrize(
    ("error", "status"), [(StoreUnavailable("away"), 503), (Conflict("changed"), 409)]
)
def test_a_store_that_fails_never_leads_to_a_page_that_says_revoked(
    alice, operator, page, store, keyring, monkeypatch, error, status
):
    def fails(*_, **__):
        raise error

    forms = [
        (alice, f"{page}/revoke", {}),
        (operator, "/owners/revoke", {"user_id": "alice", "confirm": "alice"}),
    ]
    tokens = [browser.form_token() for browser, _, _ in forms]
    monkeypatch.setattr(type(store), "replace", fails)
    for (browser, path, fields), token in zip(forms, tokens, strict=True):
        answer = browser.send(path, {"token": token} | fields)
        assert (answer.status, answer.location) == (status, None)
        assert "revoked." not in answer.words
    assert status_of(page, keyring) == "active"


# All keys of an owner


@pytest.fixture
def many(keyring, trail):
    """Three keys of bob's, one of which is revoked, and one of alice's."""
    for name in ("one", "two", "three"):
        keyring.create(user_id="bob", name=name)
    keyring.revoke(keyring.list(user_id="bob")[0].key_id)
    keyring.create(user_id="alice")
    trail.events.clear()


def live(keyring):
    return sorted(record.user_id for record in keyring.list(status="active"))


def test_an_operator_ends_all_keys_of_an_owner(operator, keyring, many, trail):
    page = operator.get("/owners/revoke?user_id=bob")
    assert "2 keys that are not revoked yet" in page.words
    assert "This is final." in page.words
    form = {"user_id": "bob", "confirm": "bob", "reason": "Left"}
    answer = operator.fill_in("/owners/revoke?user_id=bob", "/owners/revoke", **form)
    assert answer.status == 200
    assert "2 keys revoked." in answer.words
    assert live(keyring) == ["alice"]
    assert [(event.name, event.reason, event.data) for event in trail.events] == [
        ("key.revoked", "Left", {"by": "root"}),
        ("key.revoked", "Left", {"by": "root"}),
    ]
    assert {event.address for event in trail.events} == {"192.0.2.7"}


def test_as_many_are_said_before_as_are_ended(operator, keyring, clock):
    suspended = keyring.create(user_id="bob").record
    keyring.suspend(suspended.key_id)
    keyring.create(user_id="bob", expires_in=timedelta(days=1))
    clock.advance(timedelta(days=2))
    assert "2 keys that are not revoked yet" in operator.get("/owners/revoke?user_id=bob").words
    form = {"user_id": "bob", "confirm": "bob"}
    answer = operator.fill_in("/owners/revoke?user_id=bob", "/owners/revoke", **form)
    assert "2 keys revoked." in answer.words


def test_the_form_sent_again_by_reload_ends_no_key_that_was_made_since(operator, keyring, many):
    form = {"token": operator.form_token(), "user_id": "bob", "confirm": "bob"}
    assert operator.send("/owners/revoke", form).status == 200
    keyring.create(user_id="bob", name="after")
    assert operator.send("/owners/revoke", form).status == 409
    assert live(keyring) == ["alice", "bob"]


@pytest.mark.parametrize("typed", ["", "Bob", "bob2", "alice", "revoke", None])
def test_nothing_ends_unless_the_owner_is_typed(operator, keyring, many, typed):
    form = {"user_id": "bob"} | ({} if typed is None else {"confirm": typed})
    answer = operator.fill_in("/owners/revoke?user_id=bob", "/owners/revoke", **form)
    assert answer.status == 400
    assert "That is not the owner." in answer.words
    assert live(keyring) == ["alice", "bob", "bob"]


@pytest.mark.parametrize("owner", [" blank ", "ad\u200bmin", "a\u202eb", "<b>", "é"])
def test_an_owner_is_typed_as_the_page_shows_it(operator, keyring, owner):
    keyring.create(user_id=owner)
    page = operator.get("/owners/revoke", query_string={"user_id": owner})
    shown = {"ad\u200bmin": "ad[U+200B]min", "a\u202eb": "a[U+202E]b"}.get(owner, owner)
    assert shown.strip() in page.words
    form = {"user_id": page.fields["user_id"], "confirm": shown}
    answer = operator.fill_in("/keys/new", "/owners/revoke", **form)
    assert "1 key revoked." in answer.words
    assert live(keyring) == []


def test_an_owner_whose_name_is_blank_is_typed_too(operator, keyring):
    keyring.create(user_id=" ")
    for typed, status in (("", 400), (" ", 200)):
        form = {"user_id": " ", "confirm": typed}
        assert operator.fill_in("/keys/new", "/owners/revoke", **form).status == status
    assert live(keyring) == []


def test_without_an_owner_there_is_no_such_page(operator, keyring, many):
    assert operator.get("/owners/revoke").status == 404
    for owner in ("", None):
        form = {"confirm": ""} | ({} if owner is None else {"user_id": owner})
        assert operator.fill_in("/keys/new", "/owners/revoke", **form).status == 404
    assert live(keyring) == ["alice", "bob", "bob"]


def test_an_owner_without_keys_has_none_to_end(operator, keyring, many):
    form = {"user_id": "zoe", "confirm": "zoe"}
    answer = operator.fill_in("/owners/revoke?user_id=zoe", "/owners/revoke", **form)
    assert "0 keys revoked." in answer.words
    assert live(keyring) == ["alice", "bob", "bob"]


def test_a_member_is_not_shown_the_way_to_it(alice, operator, keyring, many):
    link = "/owners/revoke?user_id=alice"
    assert link in operator.get("/?owner=alice").links
    assert "/owners/revoke" not in alice.get("/?owner=alice").source


def test_a_member_can_not_do_it_with_a_form_of_their_own(browser, keyring, many):
    bob = browser(DashboardUser("bob"))
    form = {"user_id": "bob", "confirm": "bob"}
    assert bob.fill_in("/keys/new", "/owners/revoke", **form).status == 404
    assert live(keyring) == ["alice", "bob", "bob"]
