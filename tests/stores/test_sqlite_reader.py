"""What is read is fresh, whoever wrote it."""

import itertools
import threading
from datetime import UTC, datetime

import pytest

from bearer_auth.errors import StoreUnavailable
from bearer_auth.records import KeyRecord, Secret

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
