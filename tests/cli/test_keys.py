import click
import pytest

from bearer_auth.cli import options


def test_keys_alone_shows_its_help(run):
    assert "rotate" in run("keys").stdout


def test_update_changes_what_is_given_and_nothing_else(run, answer, store, issued):
    before = store.get(issued.key_id)
    result = run("keys", "update", issued.key_id, "--plan", "free", "--scope", "a", "--scope", "b")
    assert result.stdout == ""
    after = store.get(issued.key_id)
    assert (after.plan, after.scopes) == ("free", ("a", "b"))
    assert (after.name, after.secrets) == (before.name, before.secrets)
    key = answer("keys", "update", issued.key_id, "--name", "", "--metadata", '{"n": 1}')
    assert (key["name"], key["metadata"]) == ("", {"n": 1})


def test_update_takes_away_as_well(answer, issued):
    id_ = issued.key_id
    given = answer(
        "keys", "update", id_, "--expires-in", "9d", "--allow-ip", "::1", "--limit", "1/day"
    )
    assert (given["allowed_ips"], given["limit"]) == (["::1"], "1/day")
    assert given["expires_at"] is not None
    taken = answer("keys", "update", id_, "--no-expiry", "--any-ip", "--no-limit", "--no-scopes")
    assert (taken["allowed_ips"], taken["limit"], taken["scopes"]) == ([], None, [])
    assert taken["expires_at"] is None


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--scope", "a", "--no-scopes"),
        ("--expires-in", "1d", "--no-expiry"),
        ("--expires-in", "1d", "--expires-at", "2199-01-31"),
        ("--limit", "x", "--no-limit"),
        ("--allow-ip", "::1", "--any-ip"),
    ],
)
def test_update_refuses_nothing_and_contradictions(run, store, issued, words):
    run("keys", "update", issued.key_id, *words, code=2)
    assert store.get(issued.key_id) == issued.record


def test_suspend_and_resume(run, answer, store, issued):
    run("keys", "suspend", issued.key_id)
    assert store.get(issued.key_id).status == "suspended"
    assert answer("keys", "resume", issued.key_id)["state"] == "active"
    assert answer("keys", "suspend", issued.key_id)["state"] == "suspended"
    run("keys", "resume", issued.key_id)
    assert store.get(issued.key_id).status == "active"


def test_what_is_revoked_stays_revoked(run, keyring, issued):
    keyring.revoke(issued.key_id)
    for words in (("suspend",), ("resume",), ("update", "--name", "x")):
        run("keys", words[0], issued.key_id, *words[1:], code=5)


def test_revoke_needs_yes_where_nobody_can_be_asked(run, store, issued):
    assert "--yes" in run("keys", "revoke", issued.key_id, code=2).stderr
    assert store.get(issued.key_id).status == "active"
    result = run("keys", "revoke", issued.key_id, "--reason", "found in a log", "--yes")
    assert "Revoked 1 key." in result.stderr
    record = store.get(issued.key_id)
    assert (record.status, record.revoked_reason) == ("revoked", "found in a log")


def test_revoke_asks_at_a_terminal_and_no_means_no(run, store, issued, monkeypatch):
    monkeypatch.setattr(options, "interactive", lambda: True)
    assert issued.key_id in run("keys", "revoke", issued.key_id, input="n\n", code=1).stderr
    assert store.get(issued.key_id).status == "active"
    run("keys", "revoke", issued.key_id, input="y\n")
    assert store.get(issued.key_id).status == "revoked"


def test_revoke_takes_all_keys_of_a_user_or_a_tenant(run, answer, keyring, store):
    first = keyring.create(user_id="a", tenant_id="acme")
    second = keyring.create(user_id="b", tenant_id="acme")
    assert answer("keys", "revoke", "--user", "a", "--yes") == {"revoked": 1, "not_found": []}
    assert store.get(first.key_id).status == "revoked"
    assert store.get(second.key_id).status == "active"
    assert answer("keys", "revoke", "--tenant", "acme", "--yes")["revoked"] == 1
    assert "Revoked 0 keys." in run("keys", "revoke", "--tenant", "acme", "--yes").stderr


def test_a_misspelt_owner_is_not_found_rather_than_nothing_done(run, store):
    assert "nobody has no keys" in run("keys", "revoke", "--user", "nobody", "--yes", code=3).stderr


def test_an_unknown_id_among_others_does_not_stop_the_revocation(run, answer, store, issued):
    result = run("keys", "revoke", "0" * 16, issued.key_id, "--yes", code=3)
    assert store.get(issued.key_id).status == "revoked"
    assert "no key has the id 0000000000000000" in result.stderr
    answer("keys", "revoke", "0" * 16, "--yes", code=3)


@pytest.mark.parametrize("words", [(), ("0" * 16, "--user", "a"), ("--user", "a", "--tenant", "b")])
def test_revoke_takes_ids_or_a_user_or_a_tenant(run, store, words):
    run("keys", "revoke", *words, "--yes", code=2)


def test_purge_deletes_what_ended_long_ago(run, answer, keyring, store, issued):
    keyring.revoke(issued.key_id)
    assert "Deleted 0 records." in run("keys", "purge", "--yes").stderr
    run("keys", "purge", "--dead-for", "0", code=2)  # not asked, and nobody there to ask
    assert answer("keys", "purge", "--dead-for", "0", "--yes") == {"purged": 1}
    assert store.get(issued.key_id) is None


def test_a_whole_token_in_place_of_an_id_is_refused_and_only_its_id_shown(run, issued):
    for words in (("show",), ("revoke", "--yes"), ("rotate",), ("suspend",), ("update",)):
        result = run("keys", words[0], issued.token, *words[1:], code=2)
        assert issued.key_id in result.stderr
        assert "history of this shell" in result.stderr
        assert issued.token[40:50] not in result.output


def test_other_text_in_place_of_an_id_is_not_shown_either(run, store):
    result = run("keys", "show", "legacy-key-0123456789", code=2)
    assert "legacy" not in result.output


def test_a_long_purge_is_said_in_days(monkeypatch, run, store):
    asked = []
    monkeypatch.setattr(options, "interactive", lambda: True)
    monkeypatch.setattr(click, "confirm", lambda question, **_: asked.append(question))
    run("keys", "purge", "--dead-for", "52w", code=1)
    assert "364 days" in asked[0]
