"""What is read is fresh, whoever wrote it."""

import itertools
import sqlite3
import subprocess
import sys
import threading
from datetime import UTC, datetime

import pytest

from bearer_auth.errors import StoreUnavailable
from bearer_auth.records import KeyRecord, Secret
from bearer_auth.stores.sql import SQLStore

NOW = datetime(2030, 1, 1, tzinfo=UTC)
HASH = "$sha256$ASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4mrze8"


def key(letter, **fields):
    secrets = (Secret(hash=HASH, created_at=NOW),)
    fields = {"user_id": "user_123", "created_at": NOW, "secrets": secrets, **fields}
    return KeyRecord(key_id=letter * 16, **fields)


def unavailable(call, *arguments):
    with pytest.raises(StoreUnavailable) as caught:
        call(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_other_writes_to_the_file_leave_the_revision_alone(store, sql):
    before = store.revision()
    sql("CREATE TABLE orders (id INTEGER)")
    sql("INSERT INTO orders VALUES (1)")
    assert store.revision() == before


def test_a_change_made_by_hand_is_seen_when_its_revision_is(store, sql):
    store.add([key("a")])
    before = store.revision()
    sql("UPDATE bearer_auth_meta SET revision = 'another'")
    assert store.revision() != before


def test_threads_read_whole_records_while_one_writes(store):
    """Each record that is read is one that was written, and none is older than its revision."""
    records = [key("a", name=str(number)) for number in range(100)]
    store.add([records[0]])
    done = threading.Event()
    wrong = []

    def read():
        last = 0
        while not done.is_set():
            store.revision()
            record = store.get("a" * 16)
            number = int(record.name)
            if number < last or record != records[number]:
                wrong.append(record)
            last = number

    threads = [threading.Thread(target=read) for _ in range(20)]
    for thread in threads:
        thread.start()
    try:
        for old, new in itertools.pairwise(records):
            store.replace([(old, new)])
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert wrong == []
    assert store.get("a" * 16).name == "99"


OTHER = """
import sys
from dataclasses import replace
from bearer_auth.stores.sql import SQLStore
store = SQLStore("sqlite:///" + sys.argv[1])
for line in sys.stdin:
    old = store.get("a" * 16)
    store.replace([(old, replace(old, name=line.strip()))])
    print("returned", flush=True)
store.close()
"""


def test_a_change_of_another_process_is_seen_at_once(path, store):
    """THREATS.md: once the call has returned, no process accepts the old state."""
    store.add([key("a")])
    other = subprocess.Popen(
        [sys.executable, "-c", OTHER, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    seen = [store.revision()]
    for number in range(50):
        other.stdin.write(f"{number}\n")
        other.stdin.flush()
        assert other.stdout.readline() == "returned\n"
        seen.append(store.revision())
        assert store.get("a" * 16) == key("a", name=str(number))
    other.communicate(timeout=30)
    assert other.returncode == 0
    assert len(set(seen)) == 51


def test_a_second_store_of_the_same_process_is_seen_at_once(path, store):
    second = SQLStore(f"sqlite:///{path}")
    store.add([key("a")])
    before = second.revision()
    store.replace([(key("a"), key("a", name="new"))])
    assert second.revision() != before
    second.close()


def test_reading_leaves_no_snapshot_open(path, store, sql):
    """A statement that isn't read to its end would pin the state that it saw."""
    store.add([key("a")])
    store.revision()
    store.get("a" * 16)
    busy, in_log, checkpointed = sql("PRAGMA wal_checkpoint(TRUNCATE)")[0]
    assert (busy, in_log, checkpointed) == (0, 0, 0)


@pytest.fixture
def look_each_time(monkeypatch):
    """The reader looks for another file at each call, and not once a second."""
    monkeypatch.setattr("bearer_auth.stores.sqlite_kept.LOOK_AGAIN_S", 0.0)


def backup(path, target):
    source, copy = sqlite3.connect(path), sqlite3.connect(target)
    source.backup(copy)
    source.close()
    copy.close()


@pytest.mark.usefixtures("look_each_time")
def test_a_backup_that_is_put_in_place_is_noticed(path, store):
    """THREATS.md, a backup restored: even if it brings back an old revision, it is another one."""
    store.add([key("a")])
    before = store.revision()
    backup(path, path.with_name("backup.db"))
    store.replace([(key("a"), key("a", name="new"))])
    assert store.get("a" * 16) == key("a", name="new")
    for name in ("keys.db-wal", "keys.db-shm"):
        path.with_name(name).unlink()
    path.with_name("backup.db").rename(path)
    assert store.get("a" * 16) == key("a")
    assert store.revision() != before


@pytest.mark.usefixtures("look_each_time")
def test_a_file_that_went_away_is_reported_until_it_is_back(path, store):
    store.add([key("a")])
    backup(path, path.with_name("backup.db"))
    store.close()
    path.unlink()
    for call in (store.revision, lambda: store.get("a" * 16), lambda: store.add([key("b")])):
        assert unavailable(call) == (
            f"{path}: the file does not exist; if there were keys, look for them first: is the "
            "disk mounted, was the file moved, is there a backup? Only for a new, empty store: "
            "SQLStore(url, create=True)"
        )
    assert not path.exists()
    path.with_name("backup.db").rename(path)
    assert store.get("a" * 16) == key("a")
    assert store.revision()


@pytest.mark.usefixtures("look_each_time")
def test_a_file_that_is_deleted_under_an_open_store_is_reported(path, store):
    store.add([key("a")])
    store.revision()
    path.unlink()
    assert "does not exist" in unavailable(store.revision)


def test_a_damaged_connection_is_replaced_by_the_next_call(store):
    store.add([key("a")])
    store.revision()
    store._database._reader._connection.close()
    assert "the database failed (ProgrammingError)" in unavailable(store.get, "a" * 16)
    assert store.get("a" * 16) == key("a")
