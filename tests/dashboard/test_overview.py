"""The overview: what needs attention, and the use of the last 30 days."""

from datetime import timedelta

import pytest

from bearer_auth import Event, Keyring
from bearer_auth.audit import SQLEventSink
from bearer_auth.dashboard import DashboardUser, filters
from bearer_auth.stores import Use

DAY = timedelta(days=1)


def test_where_all_is_well_it_says_so(alice, keyring):
    keyring.create(user_id="alice", expires_in=30 * DAY)
    assert "Nothing needs attention" in alice.get("/overview").words


def test_it_names_what_needs_attention(alice, keyring, clock, use):
    keyring.create(user_id="alice", name="idle", expires_in=365 * DAY)
    endless = keyring.create(user_id="alice", name="endless").record
    clock.advance(91 * DAY)
    use(endless)
    keyring.create(user_id="alice", name="ending", expires_in=3 * DAY)
    keyring.create(user_id="alice", name="fine", expires_in=30 * DAY)
    page = alice.get("/overview")
    assert "Expires within 7 days 1 ending" in page.words
    assert "Not used for 90 days 1 idle" in page.words
    assert "Never expires 1 endless" in page.words
    assert "fine" not in page.words
    assert "Nothing needs attention" not in page.words


def test_what_has_ended_needs_no_attention(alice, keyring, clock):
    keyring.create(user_id="alice", expires_in=DAY)
    revoked = keyring.create(user_id="alice").record
    keyring.revoke(revoked.key_id)
    clock.advance(91 * DAY)
    assert "Nothing needs attention" in alice.get("/overview").words


def test_five_are_shown_and_the_rest_is_a_link_away(alice, keyring):
    for _ in range(7):
        keyring.create(user_id="alice", name="endless")
    page = alice.get("/overview")
    assert "Never expires 7" in page.words
    assert len([link for link in page.links if link.startswith("/keys/")]) == 5
    assert "/?attention=endless" in page.links
    assert len([k for k in alice.get("/?attention=endless").links if k.startswith("/keys/")]) == 8


def test_beyond_fifty_they_are_not_counted(alice, keyring):
    for _ in range(51):
        keyring.create(user_id="alice")
    assert "Never expires more than 50" in alice.get("/overview").words


def test_all_is_not_called_well_while_only_a_part_was_looked_at(
    operator, keyring, clock, monkeypatch
):
    monkeypatch.setattr(filters, "SCAN", 2)
    for _ in range(3):
        keyring.revoke(keyring.create(user_id="alice").record.key_id)
        clock.advance(1)
    keyring.create(user_id="alice", name="endless")
    page = operator.get("/overview")
    assert "Nothing needs attention" not in page.words
    assert "/?attention=endless" in page.links


def test_ids_walked_by_another_user_it_is_about_their_own_keys(alice, operator, keyring, trail):
    others = keyring.create(user_id="bob", name="Bob's").record
    trail.refusals = {others.key_id: 500}  # even if the trail says more than it was asked for
    assert "Bob" not in alice.get("/overview").source
    page = operator.get("/overview")
    assert "Never expires 1 Bob's" in page.words
    assert "Often refused in the last 7 days Bob's" in page.words
    assert "500 times" in page.words


def test_the_use_of_30_days_is_counted(alice, operator, keyring, store, clock):
    records = [keyring.create(user_id=user).record for user in ("alice", "bob")]
    for record, uses in zip(records, (3, 40), strict=True):
        store.record_used([Use(record.key_id, record.secrets[0].id, clock.now, uses)])
    assert "3 requests in 30 days" in alice.get("/overview").words
    assert "43 requests in 30 days" in operator.get("/overview").words
    assert "40 requests in 30 days" in operator.get(f"/keys/{records[1].key_id}").words
    clock.advance(30 * DAY)
    assert "0 requests in 30 days" in operator.get("/overview").words


def test_a_store_that_counts_nothing_is_no_failure(alice, store, monkeypatch):
    monkeypatch.delattr(type(store), "uses_by_day")
    assert "0 requests in 30 days" in alice.get("/overview").words


# With the audit trail that there is


@pytest.fixture
def audit(tmp_path):
    # In the database of the keys: whose a refused key is stands there
    sink = SQLEventSink(f"sqlite:///{tmp_path / 'keys.db'}", create=True, keep=None)
    yield sink
    sink.close()


@pytest.fixture
def audited(make_dashboard, store, clock, audit, browse):
    """A keyring and the browsers of two members and an operator."""
    keyring = Keyring(store, clock=clock, event_sink=audit)
    here = make_dashboard(keyring=keyring, events=audit)
    users = (DashboardUser("alice"), DashboardUser("bob"), DashboardUser("root", "p", True))
    return keyring, *(browse(here, user) for user in users)


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_the_history_has_what_people_did(audited, audit):
    keyring, alice, bob, root = audited
    key_id = keyring.create(user_id="alice").record.key_id
    assert root.fill_in(f"/keys/{key_id}/rotate", grace="3600").status == 200
    assert root.fill_in(f"/keys/{key_id}/revoke", reason="<b>It leaked</b>").status == 303
    audit.flush()
    words = root.get(f"/keys/{key_id}").words
    assert "Revoked: <b>It leaked</b> by root from 192.0.2.7" in words
    assert "Rotated by root from 192.0.2.7" in words
    assert "Revoked: <b>It leaked</b> by root" in alice.get(f"/keys/{key_id}").words
    assert bob.get(f"/keys/{key_id}").status == 404
    for before in ("x", "", "9" * 40, "\0"):
        assert alice.get(f"/keys/{key_id}", query_string={"before": before}).status in (200, 404)


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_refusals_are_those_of_their_own_keys(audited, audit, clock):
    keyring, alice, bob, root = audited
    record = keyring.create(user_id="alice", name="Alice's").record
    for _ in range(25):
        audit.emit(
            Event(
                name="request.refused",
                at=clock.now,
                key_id=record.key_id,
                user_id="alice",
                status=401,
                reason="expired",
            )
        )
    audit.flush()
    for browser in (alice, root):
        words = browser.get("/overview").words
        assert "Often refused in the last 7 days Alice's" in words
        assert "25 refused" in words
    page = bob.get("/overview")
    assert "Alice" not in page.source
    assert "refused" not in page.words
    assert "25 refused" in alice.get(f"/keys/{record.key_id}").words
