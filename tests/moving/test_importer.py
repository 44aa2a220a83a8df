"""Files of keys, and putting them into a store."""

import hashlib
import json
from datetime import UTC, datetime, timedelta

import pytest

from bearer_auth import Authenticator, Keyring, MemoryStore
from bearer_auth.errors import ConfigurationError
from bearer_auth.formats import DigestFormat
from bearer_auth.moving import import_rows, read_csv, read_jsonl, to_json
from bearer_auth.stores.sql import SQLStore

SLOW = (
    '{"hash": "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHRzYWx0$c29tZWhhc2hzb21laGFzaA", "user_id": "u"}'
)
NAME = "CI, nightly"
TOKEN = "tok_0123456789abcdef0123456789abcdef"
DIGEST = hashlib.sha256(TOKEN.encode()).hexdigest()


def summary(outcome):
    return outcome.added, outcome.present, outcome.refused


def lines_of(store, **how):
    return [json.dumps(to_json(record, with_hashes=True)) for record in Keyring(store).list(**how)]


@pytest.fixture
def full():
    store = MemoryStore()
    keyring = Keyring(store)
    issued = keyring.create(
        user_id="user_123",
        tenant_id="acme",
        plan="pro",
        name='CI, "quoted" = é',
        scopes=["a:read", "b"],
        allowed_ips=["192.0.2.0/24"],
        expires_in=timedelta(days=1),
        metadata={"x": [1, {"y": None}]},
        created_by="jane",
        limit="5/minute",
    )
    keyring.rotate(issued.key_id)
    keyring.revoke(keyring.create(user_id="user_9", environment="staging").key_id, "left")
    slow = Keyring(store, hashing="argon2id")
    slow.create(user_id="user_7")
    return store


def test_what_is_exported_with_hashes_comes_in_as_it_was(full):
    other = MemoryStore()
    assert summary(import_rows(other, read_jsonl(lines_of(full)))) == (3, 0, 0)
    for record in Keyring(full).list():
        assert other.get(record.key_id) == record


def test_without_hashes_nothing_comes_in(full):
    lines = [json.dumps(to_json(record, with_hashes=False)) for record in Keyring(full).list()]
    assert "sha256" not in "".join(lines)
    told = []
    outcome = import_rows(MemoryStore(), read_jsonl(lines), tell=told.append)
    assert summary(outcome) == (0, 0, 3)
    assert {row.problem for row in told} == {"hash is missing"}


def test_again_changes_nothing_not_even_a_key_that_was_changed_since(full):
    other = MemoryStore()
    lines = lines_of(full)
    import_rows(other, read_jsonl(lines))
    keyring = Keyring(other)
    (active,) = [key for key in keyring.list(status="active") if key.user_id == "user_123"]
    keyring.rotate(active.key_id, timedelta(0))
    revoked = keyring.revoke(active.key_id)
    assert summary(import_rows(other, read_jsonl(lines))) == (0, 3, 0)
    assert other.get(active.key_id) == revoked


def test_it_goes_on_where_it_broke_off(full, monkeypatch):
    monkeypatch.setattr("bearer_auth.moving.importer.BATCH", 1)
    other = MemoryStore()
    lines = lines_of(full)
    import_rows(other, read_jsonl(lines[:2]))
    assert summary(import_rows(other, read_jsonl(lines))) == (1, 2, 0)


def test_a_dry_run_only_looks(full):
    other = MemoryStore()
    lines = lines_of(full)
    assert summary(import_rows(other, read_jsonl(lines), dry_run=True)) == (3, 0, 0)
    assert len(Keyring(other).list()) == 0
    import_rows(other, read_jsonl(lines[:1]))
    assert summary(import_rows(other, read_jsonl(lines), dry_run=True)) == (2, 1, 0)


def test_another_key_with_the_same_id_is_refused(full):
    other, told = MemoryStore(), []
    line = lines_of(full)[0]
    import_rows(other, read_jsonl([line]))
    (record,) = Keyring(other).list()
    thief = json.loads(line) | {"user_id": "thief"}
    thief["secrets"] = [{"hash": "$sha256$" + "A" * 43, "created_at": "2030-01-01T00:00:00Z"}]
    outcome = import_rows(other, read_jsonl([json.dumps(thief)]), tell=told.append)
    assert summary(outcome) == (0, 0, 1)
    assert told[0].problem == f"another key has the id {record.key_id}"
    assert other.get(record.key_id) == record


def test_one_key_twice_in_a_file_is_one_key(full):
    other = MemoryStore()
    lines = lines_of(full)
    assert summary(import_rows(other, read_jsonl([*lines, *lines]))) == (3, 3, 0)


def test_csv(tmp_path):
    lines = [
        "hash,user_id,name,scopes,created_at,expires_at,metadata\n",
        f'$sha256${DIGEST},user_1,"CI, nightly",a:read b,2030-01-01T12:00:00Z,,"{{""x"": 1}}"\n',
        f"$sha256${'0' * 64},user_2,,,2030-01-01,2031-01-01T00:00:00+09:00,\n",
    ]
    store = SQLStore(f"sqlite:///{tmp_path}/keys.db")
    assert summary(import_rows(store, read_csv(lines))) == (2, 0, 0)
    record = store.get(DigestFormat.id_of(DIGEST))
    assert (record.user_id, record.name, record.scopes) == (
        "user_1",
        "CI, nightly",
        ("a:read", "b"),
    )
    assert record.created_at == datetime(2030, 1, 1, 12, tzinfo=UTC)
    assert record.metadata == {"x": 1}
    other = store.get(DigestFormat.id_of("0" * 64))
    assert other.created_at == datetime(2030, 1, 1, tzinfo=UTC)
    assert other.expires_at == datetime(2030, 12, 31, 15, tzinfo=UTC)
    authenticator = Authenticator(store, formats=[DigestFormat(r"tok_[0-9a-f]{32}")])
    assert authenticator.authenticate(TOKEN).user_id == "user_1"
    authenticator.close()
    store.close()


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", "a value can't be read"),
        ("[]", "this is no JSON object"),
        ('{"user_id": "u", "token": "hunter2"}', "unknown field 'token'"),
        ('{"user_id": "u"}', "hash is missing"),
        ('{"hash": "$sha256$hunter2", "user_id": "u"}', "not a hash that is understood here"),
        ('{"hash": "pbkdf2_sha256$1$hunter2", "user_id": "u"}', "slow on purpose"),
        (f'{{"hash": "$sha256${DIGEST}"}}', "user_id is missing"),
        (f'{{"hash": "$sha256${DIGEST}", "user_id": "u", "key_id": "x"}}', "that is no key id"),
        (
            f'{{"hash": "$sha256${DIGEST}", "user_id": "u", "created_at": "hunter2"}}',
            "a value can't",
        ),
        (f'{{"hash": "$sha256${DIGEST}", "user_id": "u", "secrets": 5}}', "int"),
        (SLOW, "key_id is missing"),
    ],
)
def test_a_line_that_can_not_be_taken_in_says_why_and_hides_the_rest(line, problem):
    (row,) = read_jsonl(["\n", line])
    if problem != "int":
        assert problem in row.problem
    assert row.where == "line 2"
    assert row.record is None
    assert "hunter2" not in row.problem


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], "the first line must name the columns"),
        (["user_id,token\n", "u,hunter2\n"], "unknown column 'token'; there are allowed_ips, "),
    ],
)
def test_columns_that_are_not_known_are_refused(lines, said):
    with pytest.raises(ConfigurationError, match=said):
        list(read_csv(lines))


def test_a_broken_line_of_csv_is_told_and_the_others_come_in():
    lines = [
        "hash,user_id\n",
        f"$sha256${DIGEST},u,more\n",
        f'$sha256${DIGEST},"u"x\n',
        f"$sha256${DIGEST},u\n",
    ]
    rows = list(read_csv(lines))
    assert [(row.where, row.problem) for row in rows] == [
        ("line 2", "more cells than columns"),
        ("line 3", "this is no line of CSV"),
        ("line 4", ""),
    ]


def test_each_key_that_came_in_is_told(sink):
    row = f'{{"hash": "$sha256${DIGEST}", "user_id": "u"}}'
    import_rows(MemoryStore(), read_jsonl([row, row]), event_sink=sink)
    assert [(event.name, event.user_id) for event in sink.events] == [("key.imported", "u")]


def test_progress_is_told_after_each_batch(full, monkeypatch):
    monkeypatch.setattr("bearer_auth.moving.importer.BATCH", 2)
    seen = []
    import_rows(
        MemoryStore(), read_jsonl(lines_of(full)), progress=lambda done: seen.append(done.added)
    )
    assert seen == [2, 3]
