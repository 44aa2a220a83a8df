"""The page of one key."""

from datetime import timedelta

from bearer_auth.dashboard import DashboardUser
from bearer_auth.errors import ConfigurationError


def test_the_page_of_a_key_says_what_is_known_of_it(alice, keyring, clock, use):
    issued = keyring.create(
        user_id="alice", name="CI", plan="pro", scopes=["a:b"], allowed_ips=["192.0.2.0/24"]
    )
    record = keyring.rotate(issued.record.key_id, timedelta(hours=2)).record
    use(record, secret=1)
    clock.advance(timedelta(minutes=2))
    page = alice.get(f"/keys/{record.key_id}")
    assert page.title == "CI"
    for words in (
        f"Id {record.key_id}",
        "Plan pro",
        "Scopes a:b",
        "Expires never expires",
        "Allowed addresses 192.0.2.0/24",
        "Current secret : never used",
        "Earlier secret : last used 2 minutes ago, still valid for 1 hour",
        "End grace now",
        "Rotated",
    ):
        assert words in page.words
    assert "Owner" not in page.words


def test_the_metadata_is_for_operators(alice, operator, keyring):
    metadata = {"crm": "Ümläut <b>", "note": {"a": 1}}
    key_id = keyring.create(user_id="alice", metadata=metadata).record.key_id
    member, page = alice.get(f"/keys/{key_id}"), operator.get(f"/keys/{key_id}")
    assert "Metadata" not in member.words
    assert "crm" not in member.source
    assert 'Metadata { "crm": "Ümläut <b>", "note": { "a": 1 } }' in page.words


def test_from_where_an_operator_acted_is_for_operators(alice, browser, keyring):
    page = f"/keys/{keyring.create(user_id='alice').key_id}"
    support = browser(DashboardUser("support", may_manage_all=True), REMOTE_ADDR="198.51.100.9")
    support.fill_in(f"{page}/rotate", grace="0")
    alice.fill_in(f"{page}/rotate", grace="0")
    assert "Rotated by support from 198.51.100.9" in support.get(page).words
    assert "198.51.100.9" not in alice.get(page).source
    assert "Rotated by support" in alice.get(page).words
    assert "Rotated by alice from 192.0.2.7" in alice.get(page).words
    assert "Rotated by alice from 192.0.2.7" in support.get(page).words


def test_injected_markup_a_link_can_not_make_the_page_say_what_is_not_so(alice, keyring):
    key_id = keyring.create(user_id="alice").record.key_id
    keyring.rotate(key_id)
    for done in ("revoked", "grace", "<b>"):
        page = alice.get(f"/keys/{key_id}?done={done}")
        assert "This key is revoked" not in page.words
        assert "The grace is over" not in page.words


def test_a_cursor_of_the_history_that_is_none_is_no_failure(make_dashboard, browse, keyring, trail):
    def history(key_id, *, limit=50, before=None):
        raise ConfigurationError("before must be a cursor")

    trail.history = history
    key_id = keyring.create(user_id="alice").record.key_id
    answer = browse(make_dashboard(), DashboardUser("alice")).get(f"/keys/{key_id}?before=x")
    assert answer.status == 404


def test_without_an_audit_trail_there_is_no_history(make_dashboard, browse, keyring):
    key_id = keyring.create(user_id="alice").record.key_id
    page = browse(make_dashboard(events=None), DashboardUser("alice")).get(f"/keys/{key_id}")
    assert "Nothing has been recorded yet." in page.words
