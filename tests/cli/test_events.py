import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from bearer_auth import EnvStore, Event, LayeredStore, StoreUnavailable
from bearer_auth.audit import SQLEventSink
from bearer_auth.audit.follow import Follower
from bearer_auth.cli.errors import Code
from bearer_auth.cli.store import Context

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def sink(url):
    sink = SQLEventSink(url, keep=None)
    yield sink
    sink.close()


@pytest.fixture
def tell(sink):
    def tell(name="request.refused", at=NOON, **fields):
        sink.emit(Event(name=name, at=at, **fields))
        assert sink.flush()

    return tell


def lines(result):
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_what_was_changed_here_is_there(run, url):
    token = run("keys", "create", "--user", "user_123").stdout.strip()
    key_id = token.split("_")[2][:16]
    run("keys", "revoke", key_id, "--reason", "found in a log", "--yes")
    created, revoked = lines(run("events", "--json"))
    assert (created["name"], created["key_id"], created["user_id"]) == (
        "key.created",
        key_id,
        "user_123",
    )
    assert (revoked["name"], revoked["reason"]) == ("key.revoked", "found in a log")
    assert token not in run("events", "--json").stdout


def test_keys_that_are_imported_are_there(run, keyring, store, tmp_path):
    key_id = keyring.create(user_id="user_123").key_id
    run("export", "--output", f"{tmp_path}/keys.jsonl", "--with-hashes")
    store.delete([key_id])
    run("import", f"{tmp_path}/keys.jsonl", "--dry-run")
    assert run("events", "--json").stdout == ""
    run("import", f"{tmp_path}/keys.jsonl")
    assert [(e["name"], e["key_id"]) for e in lines(run("events", "--json"))] == [
        ("key.imported", key_id)
    ]


def test_an_object_a_line_has_all_fields_and_a_table_in_a_pipe_has_tabs(run, tell):
    tell(status=401, reason="missing", request_id="r-1", address="192.0.2.7", data={"a": 1})
    assert lines(run("events", "--json")) == [
        {
            "at": "2030-01-01T12:00:00Z",
            "name": "request.refused",
            "key_id": None,
            "user_id": None,
            "tenant_id": None,
            "request_id": "r-1",
            "status": 401,
            "reason": "missing",
            "address": "192.0.2.7",
            "data": {"a": 1},
        }
    ]
    assert run("events").stdout.splitlines() == [
        "TIME\tEVENT\tKEY\tUSER\tSTATUS\tREASON\tREQUEST\tADDRESS\tDATA",
        '2030-01-01T12:00:00Z\trequest.refused\t-\t-\t401\tmissing\tr-1\t192.0.2.7\t{"a": 1}',
    ]


def test_nothing_in_an_event_moves_the_cursor_of_a_terminal(run, tell):
    tell(user_id="\x1b[2J", reason="=1+1", request_id="a\nb", data={"\x1b": "\r"})
    (row,) = run("events").stdout.splitlines()[1:]
    assert row.split("\t")[3] == "\\x1b[2J"
    assert row.split("\t")[5:7] == ["'=1+1", "a\\nb"]
    assert "\x1b" not in row


def test_every_filter_is_there_and_the_last_ones_are_shown(run, tell):
    now = datetime.now(UTC)
    tell("key.created", NOON - timedelta(days=9999), key_id="AbCdEfGh01234567", user_id="a")
    tell("key.revoked", now - timedelta(hours=2), key_id="AbCdEfGh01234567", tenant_id="acme")
    tell("request.refused", now - timedelta(minutes=1), user_id="b")

    def names(*words):
        return [event["name"] for event in lines(run("events", "--json", *words))]

    assert names() == names("--all") == ["key.created", "key.revoked", "request.refused"]
    assert names("--limit", "2") == ["key.revoked", "request.refused"]
    assert names("--key", "AbCdEfGh01234567") == names("--name", "key.*")
    assert names("--key", "AbCdEfGh01234567") == ["key.created", "key.revoked"]
    assert names("--user", "b") == ["request.refused"]
    assert names("--tenant", "acme") == ["key.revoked"]
    assert names("--name", "key.created", "--name", "request.refused") == [
        "key.created",
        "request.refused",
    ]
    assert names("--since", "1h") == ["request.refused"]
    assert names("--since", "2020-01-01", "--until", "1h") == ["key.revoked"]
    assert names("--since", "2100-01-01T00:00:00Z") == []


def test_no_event_is_said_and_what_is_wrong_too(run, store, monkeypatch):
    assert run("events").stderr == "No event matches.\n"
    assert "write a duration such as 2h" in run("events", "--since", "x", code=2).stderr
    assert "not both" in run("events", "--all", "--follow", code=2).stderr
    monkeypatch.setenv("BEARER_AUTH_STORE", "env:")
    assert "not in a database" in run("events", code=Code.STORE).stderr


def test_a_name_that_no_event_has_is_said_with_those_that_there_are(run, tell):
    tell("request.refused")
    wrong = run("events", "--name", "request.refusd", code=2)
    assert "no event has the name 'request.refusd'" in wrong.stderr
    said = " ".join(wrong.stderr.split())
    assert "key.alias_used, key.created, key.expiring, key.idle, key.imported" in said
    assert "no event has the name" in run("events", "--name", "\x1b[2J", "--follow", code=2).stderr
    assert run("events", "--name", "nosuch.*").stderr == "No event matches.\n"
    assert len(lines(run("events", "--json", "--name", "request.r*"))) == 1


def test_a_command_does_its_work_where_the_table_is_missing(run, store, issued, caplog):
    with store._database.transaction() as connection:
        connection.exec_driver_sql("DROP TABLE bearer_auth_events")
    run("keys", "revoke", issued.key_id, "--yes")
    assert store.get(issued.key_id).status == "revoked"
    assert "events can't be written" in caplog.text
    assert "1 events were not written" in caplog.text


FOLLOW = ["events", "--follow", "--json", "--limit", "1", "--name", "key.*"]

WRITER = """
import sys
from datetime import UTC, datetime
from bearer_auth import Event
from bearer_auth.audit import SQLEventSink
sink = SQLEventSink(sys.argv[1])
for line in sys.stdin:
    sink.emit(Event(name=line.strip(), at=datetime.now(UTC)))
    sink.flush()
    print("written", flush=True)
"""


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def shared(request, servers, url):
    """The URL of a database with tables."""
    where = url if request.param == "sqlite" else servers.database(request.param)
    SQLEventSink(where, create=True).close()
    return where


def test_follow_shows_what_another_process_writes(shared, child_env):
    with (
        subprocess.Popen(
            [sys.executable, "-c", WRITER, shared],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=child_env,
            text=True,
        ) as writer,
        subprocess.Popen(
            [sys.executable, "-m", "bearer_auth.cli", *FOLLOW, "--store", shared],
            stdout=subprocess.PIPE,
            env=child_env,
            text=True,
        ) as follower,
    ):

        def write(name):
            writer.stdin.write(name + "\n")
            writer.stdin.flush()
            assert writer.stdout.readline() == "written\n"

        # The follower may start before or after these: at least the last one is its to show.
        for name in ("key.before", "request.refused", "key.created"):
            write(name)
        shown = [json.loads(follower.stdout.readline())["name"]]
        while shown[-1] != "key.created":
            shown.append(json.loads(follower.stdout.readline())["name"])
        for name in ("key.updated", "request.refused", "key.revoked"):
            write(name)
        shown += [json.loads(follower.stdout.readline())["name"] for _ in range(2)]
        follower.kill()
        writer.stdin.close()
        writer.wait(20)
    assert shown[-3:] == ["key.created", "key.updated", "key.revoked"]


def test_follow_goes_on_when_the_database_does(run, tell, monkeypatch):
    steps = iter(["away", "away", "there", "stop"])
    more = Follower.more

    def unsteady(self):
        step = next(steps)
        if step == "away":
            raise StoreUnavailable("keys.db: it can't be opened")
        if step == "stop":
            raise KeyboardInterrupt
        tell("key.revoked", user_id="\x1b")
        return more(self)

    monkeypatch.setattr(Follower, "more", unsteady)
    monkeypatch.setattr("bearer_auth.cli.events.POLL_S", 0)
    tell("key.created", data={"a": 1})
    result = run("events", "--follow", code=1)
    assert result.stdout.splitlines()[:2] == [
        '2030-01-01T12:00:00Z key.created data={"a": 1}',
        "2030-01-01T12:00:00Z key.revoked user_id=\\x1b",
    ]
    assert result.stderr.startswith("keys.db: it can't be opened; trying again\n")


def test_a_program_that_mounts_the_commands_is_told_in_its_own_sink(run, store):
    own = Own()
    run("keys", "create", "--user", "u", obj=Context(store=store, event_sink=own))
    assert own.names == ["key.created"]
    assert run("events").stdout == ""


def test_keys_below_those_of_the_environment_have_their_events_beside_them(run, store):
    layered = LayeredStore(EnvStore(environ={}), store)
    run("keys", "create", "--user", "u", obj=Context(store=layered))
    assert "key.created" in run("events", obj=Context(store=layered)).stdout


class Own:
    def __init__(self):
        self.names = []

    def emit(self, event):
        self.names.append(event.name)
