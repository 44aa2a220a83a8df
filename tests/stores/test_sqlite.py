"""SQLStore's file: where it is, who may read it, and how it fails."""

import os
import sqlite3
import stat
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
import sqlalchemy

from bearer_auth.errors import ConfigurationError, StoreUnavailable
from bearer_auth.records import KeyRecord, Secret
from bearer_auth.stores import Query, Use
from bearer_auth.stores.sql import SQLStore

NOW = datetime(2030, 1, 1, tzinfo=UTC)
HASH = "$sha256$ASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4mrze8"


def key(letter, **fields):
    secrets = (Secret(hash=HASH, created_at=NOW),)
    fields = {"user_id": "user_123", "created_at": NOW, "secrets": secrets, **fields}
    return KeyRecord(key_id=letter * 16, **fields)


def run(store, *steps):
    """Runs SQL and functions in one transaction of the store."""
    with store._database.transaction() as connection:
        for step in steps:
            step() if callable(step) else connection.exec_driver_sql(step)


def unavailable(call, *arguments):
    with pytest.raises(StoreUnavailable) as caught:
        call(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_relative_path_stays_where_it_was_when_the_process_moves(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = SQLStore("sqlite:///keys.db")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    store.add([key("a")])
    assert store.get("a" * 16) == key("a")
    store.close()
    assert os.listdir() == []


def test_a_path_may_hold_any_character(tmp_path):
    path = tmp_path / "50% of #keys? ü & more.db"
    store = SQLStore(sqlalchemy.URL.create("sqlite", database=str(path)))
    store.add([key("a")])
    store.close()
    assert path.exists()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "sqlite:///x?mode=memory"])
def test_a_database_in_memory_is_refused(url):
    with pytest.raises(ConfigurationError, match=r"MemoryStore\(\)"):
        SQLStore(url)


def test_a_uri_is_refused():
    with pytest.raises(ConfigurationError, match="not a URI"):
        SQLStore("sqlite:///file:keys.db?uri=true")


def test_another_driver_is_refused():
    with pytest.raises(ConfigurationError, match="not aiosqlite"):
        SQLStore("sqlite+aiosqlite:///keys.db")


def test_a_new_file_is_for_its_owner_only(path, store):
    store.add([key("a")])
    files = sorted(path.parent.iterdir())
    assert [file.name for file in files] == ["keys.db", "keys.db-shm", "keys.db-wal"]
    assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o600, 0o600, 0o600]


def test_the_journal_is_a_write_ahead_log(store, sql):
    assert sql("PRAGMA journal_mode") == [("wal",)]


def test_a_host_that_holds_a_transaction_is_waited_for_and_then_reported(path, store, monkeypatch):
    monkeypatch.setattr("bearer_auth.stores.sqlite.BUSY_S", 0.05)
    store.add([key("a")])
    host = sqlite3.connect(path, isolation_level=None)
    host.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(StoreUnavailable, match="locked by another process"):
            store.replace([(key("a"), key("a", name="new"))])
        with pytest.raises(StoreUnavailable, match="locked by another process"):
            store.record_used([Use("a" * 16, "0011223344556677", NOW, 1)])
        assert store.get("a" * 16) == key("a")
        assert list(store.find(Query(now=NOW))) == [key("a")]
    finally:
        host.close()
    store.replace([(key("a"), key("a", name="new"))])
    assert store.get("a" * 16) == key("a", name="new")


def test_writes_are_durable_when_they_return(store):
    with store._database.transaction(write=False) as connection:
        # 2 is FULL: the log is synced at each commit
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2


def test_what_can_be_left_out_hardly_waits(store):
    with store._database.transaction(brief=True) as connection:
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 100


def test_a_refused_switch_to_a_write_ahead_log_is_tried_again(path, sql, monkeypatch):
    """SQLite may refuse it at once, and not wait; here it is told not to wait."""
    sql("CREATE TABLE orders (id INTEGER)")
    sql("INSERT INTO orders VALUES (1)")
    host = sqlite3.connect(path, isolation_level=None)
    host.execute("BEGIN")
    host.execute("SELECT id FROM orders").fetchall()
    naps = []

    def sleep(seconds):
        naps.append(seconds)
        host.execute("COMMIT")

    clock = SimpleNamespace(monotonic=lambda: 0.0, sleep=sleep)
    monkeypatch.setattr("bearer_auth.stores.sqlite.time", clock)
    monkeypatch.setattr("bearer_auth.stores.sqlite.BUSY_S", 0.0)
    SQLStore(f"sqlite:///{path}").close()
    host.close()
    assert naps == [0.01]
    assert sql("PRAGMA journal_mode") == [("wal",)]


def test_a_host_that_never_stops_reading_is_reported(path, sql, monkeypatch):
    monkeypatch.setattr("bearer_auth.stores.sqlite.BUSY_S", 0.0)
    sql("CREATE TABLE orders (id INTEGER)")
    host = sqlite3.connect(path, isolation_level=None)
    host.execute("BEGIN")
    host.execute("SELECT id FROM orders").fetchall()
    assert "locked by another process" in unavailable(lambda: SQLStore(f"sqlite:///{path}"))
    host.close()


def test_a_missing_file_is_named(path):
    url = f"sqlite:///{path}"
    assert unavailable(lambda: SQLStore(url, create=False)) == (
        f"{path}: the file does not exist; if there were keys, look for them first: is the disk "
        "mounted, was the file moved, is there a backup? Only for a new, empty store: "
        "SQLStore(url, create=True)"
    )
    assert not path.exists()


@pytest.mark.parametrize("create", [True, False])
def test_a_missing_folder_is_named(tmp_path, create):
    path = tmp_path / "nowhere" / "keys.db"
    assert unavailable(lambda: SQLStore(f"sqlite:///{path}", create=create)) == (
        f"{path}: its folder does not exist"
    )


@pytest.mark.parametrize("create", [True, False])
def test_a_folder_is_no_file(tmp_path, create):
    assert unavailable(lambda: SQLStore(f"sqlite:///{tmp_path}", create=create)) == (
        f"{tmp_path}: this is a folder; write the path of a file"
    )


@pytest.mark.parametrize("create", [True, False])
def test_a_file_that_is_no_database_stays_as_it_is(path, create):
    path.write_text("To be, or not to be, that is the question. " * 100)
    assert unavailable(lambda: SQLStore(f"sqlite:///{path}", create=create)) == (
        f"{path}: the file is not an SQLite database"
    )
    assert path.read_text().startswith("To be")


@pytest.mark.skipif(os.geteuid() == 0, reason="must not be root: root may read everything")
def test_a_file_that_may_not_be_read_is_named(path):
    SQLStore(f"sqlite:///{path}").close()
    path.chmod(0)
    assert "check the permissions" in unavailable(lambda: SQLStore(f"sqlite:///{path}"))


def test_a_read_only_database_is_reported(store):
    store.add([key("a")])
    with pytest.raises(StoreUnavailable, match="the file is read-only"):
        run(store, "PRAGMA query_only = ON", "DELETE FROM bearer_auth_keys")


def test_a_full_disk_is_reported_and_the_store_recovers(store):
    store.add([key("a")])
    with pytest.raises(StoreUnavailable, match="the disk is full"):
        run(
            store,
            "PRAGMA max_page_count = 1",
            "CREATE TABLE big AS SELECT randomblob(1000000)",
        )
    store.add([key("b")])
    assert store.get("b" * 16) == key("b")


def test_a_thread_that_writes_waits_for_its_turn_and_gives_up(tmp_path):
    store = SQLStore(f"sqlite:///{tmp_path / 'keys.db'}")
    use = Use("AbCdEfGh01234567", "0123456789abcdef", datetime(2026, 1, 1, tzinfo=UTC), 1)
    with store._database._writing, pytest.raises(StoreUnavailable, match="other threads keep"):
        store.record_used([use])
    store.record_used([use])
    store.close()
