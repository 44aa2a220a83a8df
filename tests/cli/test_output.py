import json
from datetime import UTC, datetime

import pytest

from bearer_auth import KeyRecord, Keyring, MemoryStore, Secret, Usage
from bearer_auth.cli.output import record_to_dict, write_issued

HASH = "$sha256$" + "A" * 43


def test_a_record_as_json_values_has_all_but_the_hashes():
    made, ends = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)
    secret = Secret(hash=HASH, created_at=made)
    record = KeyRecord(
        key_id="3fQ7mZ0aKx9LpR2T",
        user_id="user_123",
        scopes=("a", "b"),
        created_at=made,
        expires_at=ends,
        metadata={"n": [1]},
        secrets=(secret,),
    )
    value = record_to_dict(record, now=ends, usage=Usage(made, {secret.id: made}))
    assert value == {
        "key_id": "3fQ7mZ0aKx9LpR2T",
        "user_id": "user_123",
        "tenant_id": None,
        "plan": "default",
        "name": "",
        "scopes": ["a", "b"],
        "environment": "production",
        "state": "expired",
        "status": "active",
        "created_at": "2030-01-02T03:04:05Z",
        "created_by": None,
        "expires_at": "2031-01-01T00:00:00Z",
        "revoked_at": None,
        "revoked_reason": "",
        "allowed_ips": [],
        "limit": None,
        "metadata": {"n": [1]},
        "last_used_at": "2030-01-02T03:04:05Z",
        "last_address": None,
        "uses_by_day": {},
        "secrets": [
            {
                "id": secret.id,
                "created_at": "2030-01-02T03:04:05Z",
                "expires_at": None,
                "last_used_at": "2030-01-02T03:04:05Z",
            }
        ],
    }
    assert "sha256" not in json.dumps(value)


def test_every_field_of_a_record_is_there():
    record = KeyRecord(key_id="3fQ7mZ0aKx9LpR2T", user_id="u")
    missing = set(KeyRecord.__slots__) - record_to_dict(record, now=record.created_at).keys()
    assert missing == set()


def test_a_hostile_name_reaches_no_terminal(run, keyring):
    keyring.create(user_id="u", name="left\u202etfel [bold]x")
    assert "left\\u202etfel [bold]x" in run("keys", "list").stdout


def test_a_broken_pipe_is_for_the_process_to_handle(monkeypatch):
    issued = Keyring(MemoryStore()).create(user_id="u")

    def broken(text, err=False):
        if not err:
            raise BrokenPipeError

    monkeypatch.setattr("click.echo", broken)
    with pytest.raises(BrokenPipeError):
        write_issued(issued, "Created", as_json=False)
