"""SQLStore: the contract, its arguments, and its failures."""

import sqlite3
import subprocess
import sys
import traceback
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy
from sqlalchemy.orm import Session

from bearer_auth import Authenticator, Keyring
from bearer_auth.errors import ConfigurationError, KeyExists, StoreUnavailable
from bearer_auth.records import KeyRecord, Secret
from bearer_auth.stores import Query, Use
from bearer_auth.stores.sql import SQLStore
from bearer_auth.testing import WritableKeyStoreContract

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


class TestSQLStore(WritableKeyStoreContract):
    @pytest.fixture
    def store(self, store):
        return store


# What it is given


@pytest.mark.parametrize(
    "code",
    [
        "from bearer_auth.stores.sql import SQLStore",
        "from bearer_auth.stores.url import open_store; open_store('sqlite:///keys.db')",
    ],
)
def test_without_sqlalchemy_the_extra_is_named(code):
    blocked = f"import sys; sys.modules['sqlalchemy'] = None; {code}"
    done = subprocess.run([sys.executable, "-c", blocked], capture_output=True, text=True)
    assert done.stderr.splitlines()[-1] == (
        'ImportError: SQLStore needs SQLAlchemy: pip install "bearer_auth[sql]"'
    )


def test_an_engine_gives_its_address(path, store):
    store.add([key("a")])
    engine = sqlalchemy.create_engine(f"sqlite:///{path}", isolation_level="AUTOCOMMIT")
    second = SQLStore(engine)
    assert second.get("a" * 16) == key("a")
    with pytest.raises(KeyExists):
        second.add([key("b"), key("a")])
    assert store.get("b" * 16) is None
    second.close()


def test_a_connection_is_refused_with_the_reason(path):
    engine = sqlalchemy.create_engine(f"sqlite:///{path}")
    with engine.connect() as connection, pytest.raises(TypeError, match="never shares a transac"):
        SQLStore(connection)
    engine.dispose()


def test_a_session_is_refused_with_the_reason():
    with Session() as session, pytest.raises(TypeError, match=r"session\.get_bind"):
        SQLStore(session)


@pytest.mark.parametrize("url", [None, 5, b"sqlite:///keys.db"])
def test_what_is_no_url_is_refused(url):
    with pytest.raises(TypeError, match="a URL or an Engine"):
        SQLStore(url)


def test_another_database_is_refused():
    with pytest.raises(ConfigurationError, match="MariaDB and MySQL, not 'oracle'") as caught:
        SQLStore("oracle://me:hunter2@localhost/app")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("url", ["", "keys.db", "me:hunter2@localhost", "postgresql://:hunter2@:x"])
def test_what_is_no_url_is_not_quoted(url):
    with pytest.raises(ConfigurationError, match="not a database URL") as caught:
        SQLStore(url)
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("prefix", ["", "1x", "a b", "x;drop", "ü", "a" * 33, "a\n"])
def test_a_prefix_that_is_no_name_is_refused(path, prefix):
    with pytest.raises(ConfigurationError, match="table_prefix must be"):
        SQLStore(f"sqlite:///{path}", table_prefix=prefix)
    assert not path.exists()


def test_a_schema_is_refused_on_sqlite(path):
    with pytest.raises(ConfigurationError, match="no schemas; use table_prefix"):
        SQLStore(f"sqlite:///{path}", schema="auth")


def test_prefixes_keep_stores_apart(path, store):
    other = SQLStore(f"sqlite:///{path}", table_prefix="billing_")
    store.add([key("a")])
    assert other.get("a" * 16) is None
    other.close()


# The file


def test_tables_of_a_host_stay_as_they_are(path, sql):
    sql("CREATE TABLE orders (id INTEGER)")
    sql("INSERT INTO orders VALUES (7)")
    SQLStore(f"sqlite:///{path}").close()
    assert sql("SELECT id FROM orders") == [(7,)]


def test_a_second_store_finds_the_keys_of_the_first(path, store):
    store.add([key("a")])
    second = SQLStore(f"sqlite:///{path}", create=False)
    assert second.get("a" * 16) == key("a")
    second.close()


def test_a_closed_store_opens_again_when_it_is_needed(store):
    store.add([key("a")])
    store.close()
    store.close()
    assert store.get("a" * 16) == key("a")


def test_no_hash_and_no_path_to_one_is_in_its_repr(path, store):
    assert repr(store) == f"SQLStore('sqlite:///{path}')"


def test_under_another_protocol_nothing_is_remembered_and_nothing_changed(store, sql):
    store.add([key("a")])
    assert store.revision() is not None
    sql("UPDATE bearer_auth_meta SET protocol = 2")
    assert store.revision() is None
    assert store.get("a" * 16) == key("a")
    with pytest.raises(ConfigurationError, match="may read keys, not change them"):
        store.replace([(key("a"), key("a", name="CI"))])
    assert store.get("a" * 16) == key("a")
    sql("UPDATE bearer_auth_meta SET protocol = 1")
    assert store.revision() is not None


@pytest.mark.parametrize(
    ("what", "error", "said"),
    [
        ("protocol", ConfigurationError, "used with protocol 2, and this bearer_auth knows 1"),
        ("version", StoreUnavailable, "upgraded by a newer bearer_auth"),
    ],
)
def test_under_another_protocol_or_version_nothing_is_written(store, sql, what, error, said):
    use = Use("a" * 16, "0011223344556677", NOW, 1)
    store.add([key("a")])
    store.record_used([use])
    sql(f"UPDATE bearer_auth_meta SET {what} = 2")
    for write in (
        lambda: store.add([key("b")]),
        lambda: store.record_used([use]),
        lambda: store.prune_usage(date(2031, 1, 1)),
    ):
        with pytest.raises(error, match=said):
            write()
    assert store.get("b" * 16) is None
    assert store.usage_of(["a" * 16])["a" * 16].days == {date(2030, 1, 1): 1}


def test_without_usage_nothing_is_noted(path):
    store = SQLStore(f"sqlite:///{path}", usage=None)
    issued = Keyring(store).create(user_id="user_123")
    authenticator = Authenticator(store)
    authenticator.authenticate(issued.token)
    authenticator.close()
    assert store.record_used is None
    assert authenticator._usage is None
    assert store.usage_of([issued.key_id]) == {}
    store.close()


def test_the_address_of_a_use_is_noted_on_request(path):
    for record_address, expected in ((True, "192.0.2.7"), (False, None)):
        store = SQLStore(f"sqlite:///{path}", record_address=record_address)
        issued = Keyring(store).create(user_id="user_123")
        authenticator = Authenticator(store)
        authenticator.authenticate(issued.token, client_ip="192.0.2.7")
        authenticator.close()
        assert Keyring(store).usage(issued.key_id).last_address == expected
        store.close()


def test_another_way_of_noting_usage_is_refused(path):
    with pytest.raises(ConfigurationError, match="usage must be 'batched' or None: 'each'"):
        SQLStore(f"sqlite:///{path}", usage="each")


# Changes


def test_ten_thousand_keys_can_be_replaced_at_once(store):
    old = [
        KeyRecord(key_id=f"{n:016}", user_id="u", created_at=NOW, secrets=()) for n in range(10_000)
    ]
    new = [
        KeyRecord(key_id=f"{n:016}", user_id="v", created_at=NOW, secrets=()) for n in range(10_000)
    ]
    store.add(old)
    store.replace(zip(old, new, strict=True))
    assert store.find(Query(now=NOW, user_id="u")).next_cursor is None
    assert store.get("0000000000000000").user_id == "v"
    assert store.get("0000000000009999").user_id == "v"
    assert store.delete(record.key_id for record in new) == 10_000


def test_adding_leaves_the_revision_alone(store):
    before = store.revision()
    store.add([key("a")])
    assert store.revision() == before


def test_a_transaction_that_fails_leaves_nothing(store):
    def pairs():
        yield key("a"), key("a", name="new")
        raise ZeroDivisionError

    store.add([key("a")])
    with pytest.raises(ZeroDivisionError):
        store.replace(pairs())
    with pytest.raises(ZeroDivisionError):
        run(store, "DELETE FROM bearer_auth_keys", lambda: 1 / 0)
    assert store.get("a" * 16) == key("a")


# Rows that were edited by hand


def pages(store, limit, **filters):
    """The first letters of the ids on each page."""
    after, letters = None, []
    while True:
        page = store.find(Query(now=NOW, limit=limit, after=after, **filters))
        letters.append("".join(record.key_id[0] for record in page))
        after = page.next_cursor
        if after is None:
            return letters


@pytest.mark.parametrize(
    ("bad", "limit", "expected"),
    [
        ("c", 10, ["edba"]),
        ("e", 2, ["dc", "ba"]),
        ("d", 2, ["ec", "ba"]),  # the last row of a page
        ("c", 2, ["ed", "ba"]),  # the first behind a page
        ("a", 2, ["ed", "cb"]),
        ("ab", 3, ["edc"]),
        ("edc", 1, ["b", "a"]),  # more than a page of them
        ("abcde", 2, [""]),
    ],
)
@pytest.mark.parametrize(
    ("column", "value"),
    [("scopes", "nonsense"), ("created_at", None), ("name", b"text"), ("secrets", "5")],
)
def test_a_row_that_can_not_be_read_hides_no_other_from_a_list(
    store, sql, caplog, bad, limit, expected, column, value
):
    store.add([key(letter) for letter in "abcde"])
    for letter in bad:
        edit(sql, letter * 16, column, value)
    assert pages(store, limit) == expected
    for letter in bad:
        assert f"the row of key '{letter * 16}' can't be read, so no list has it" in caplog.text
        with pytest.raises(StoreUnavailable):
            store.get(letter * 16)
    assert {record.levelname for record in caplog.records} == {"ERROR"}


def test_pages_by_name_go_on_from_what_the_database_sorts_by(store, sql):
    """An older bearer_auth writes rows without it."""
    store.add([key("a", name="z"), key("b", name="y"), key("c", name="x"), key("d", name="w")])
    sql("UPDATE bearer_auth_keys SET search = '' WHERE key_id LIKE 'a%'")
    assert pages(store, 1, sort="name") == ["a", "d", "c", "b"]


def test_text_that_many_keys_have_is_found_page_by_page(store):
    records = [
        KeyRecord(key_id=f"{n:016}", user_id="u", name="deploy" if n % 2 else "", created_at=NOW)
        for n in range(1100)
    ]
    store.add(records)
    found = []
    after = None
    while True:
        page = store.find(Query(now=NOW, text="DEPLOY", limit=200, scan=300, after=after))
        found += page
        after = page.next_cursor
        if after is None:
            break
    assert found == [record for record in reversed(records) if record.name]


def edit(sql, key_id, column, value):
    if column == "created_at":  # text, which stands before all numbers
        sql("UPDATE bearer_auth_keys SET created_at = created_at || 'x' WHERE key_id = ?", key_id)
    else:
        sql(f"UPDATE bearer_auth_keys SET {column} = ? WHERE key_id = ?", value, key_id)


@pytest.mark.parametrize("key_id", ["\x1b[2J", b"\xff", "x\nERROR forged", "\ud800"])
def test_an_id_that_is_none_is_one_line_of_ascii_in_the_log(store, sql, caplog, key_id):
    store.add([key("a"), key("b")])
    statement = "UPDATE bearer_auth_keys SET key_id = CAST(? AS TEXT) WHERE key_id LIKE 'a%'"
    sql(statement, key_id.encode("utf-8", "surrogatepass") if isinstance(key_id, str) else key_id)
    assert pages(store, 1) == ["b"]
    (record,) = caplog.records
    assert record.getMessage().isascii()
    assert record.getMessage().isprintable()


@pytest.mark.parametrize("value", ["yesterday", b"\0", 1 << 62])
def test_a_time_of_use_that_can_not_be_read_hides_no_key(store, sql, caplog, value):
    store.add([key("a")])
    uses = [Use("a" * 16, "0011223344556677", NOW, 1), Use("a" * 16, "7766554433221100", NOW, 1)]
    store.record_used(uses)
    sql("UPDATE bearer_auth_usage SET last_used_at = ? WHERE secret_id LIKE '00%'", value)
    page = store.find(Query(now=NOW))
    assert page.usage["a" * 16].secrets == {"7766554433221100": NOW}
    assert caplog.messages == ["SQLStore: a time of use of key aaaaaaaaaaaaaaaa can't be read"]
    sql("DELETE FROM bearer_auth_usage WHERE secret_id LIKE '77%'")
    assert store.usage_of(["a" * 16]) == {}


def test_a_key_of_an_owner_is_revoked_beside_a_row_that_can_not_be_read(store, sql):
    store.add([key("a"), key("b")])
    sql("UPDATE bearer_auth_keys SET scopes = '[' WHERE key_id LIKE 'b%'")
    assert Keyring(store).revoke_all(user_id="user_123") == 1
    assert store.get("a" * 16).status == "revoked"


def unavailable(call, *arguments):
    with pytest.raises(StoreUnavailable) as caught:
        call(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# Failures: each is one line, says what to do, and ends by itself


def test_missing_tables_are_named(path, sql):
    sql("CREATE TABLE orders (id INTEGER)")
    assert unavailable(lambda: SQLStore(f"sqlite:///{path}", create=False)) == (
        f"SQLStore('sqlite:///{path}'): the tables are missing; run "
        "'bearer-auth db upgrade', or open the store with create=True"
    )


def test_tables_of_a_newer_version_are_refused(path, store, sql):
    sql("UPDATE bearer_auth_meta SET version = 2")
    with pytest.raises(ConfigurationError, match="are of version 2, and this bearer_auth knows 1"):
        SQLStore(f"sqlite:///{path}")
    assert "upgraded by a newer bearer_auth" in unavailable(store.revision)
    assert "upgraded by a newer bearer_auth" in unavailable(store.delete, ["a" * 16])


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("UPDATE bearer_auth_meta SET version = 2", ConfigurationError),
        ("DELETE FROM bearer_auth_meta", StoreUnavailable),
    ],
)
def test_a_store_that_was_not_opened_leaves_no_connection_open(
    path, store, sql, monkeypatch, statement, error
):
    opened = []
    connect = sqlite3.connect

    def noted(*arguments, **options):
        opened.append(connect(*arguments, **options))
        return opened[-1]

    sql(statement)
    monkeypatch.setattr(sqlite3, "connect", noted)
    with pytest.raises(error):
        SQLStore(f"sqlite:///{path}", create=False)
    assert len(opened) == 1
    with pytest.raises(sqlite3.ProgrammingError, match="closed database"):
        opened[0].execute("SELECT 1")


def test_an_emptied_meta_table_is_reported(store, sql):
    sql("DELETE FROM bearer_auth_meta")
    assert "bearer_auth_meta has no row of version 1" in unavailable(store.revision)
    assert "bearer_auth_meta has no row of version 1" in unavailable(store.delete, ["a" * 16])


def test_tables_that_were_dropped_are_reported_until_they_are_back(path, store, sql):
    store.add([key("a")])
    for table in ("keys", "usage", "meta"):
        sql(f"ALTER TABLE bearer_auth_{table} RENAME TO away_{table}")
    for call in (
        store.revision,
        lambda: store.get("a" * 16),
        lambda: store.add([key("b")]),
        lambda: store.replace([(key("a"), key("a", name="new"))]),
        lambda: store.find(Query(now=NOW)),
        lambda: store.delete(["a" * 16]),
        lambda: store.record_used([Use("a" * 16, "0011223344556677", NOW, 1)]),
        lambda: store.usage_of(["a" * 16]),
    ):
        assert unavailable(call) == (
            f"{path}: the tables are missing; if there were keys, look for them first: is the disk "
            "mounted, was the file moved, is there a backup? Only for a new, empty store: "
            "SQLStore(url, create=True)"
        )
    for table in ("keys", "usage", "meta"):
        sql(f"ALTER TABLE away_{table} RENAME TO bearer_auth_{table}")
    assert store.get("a" * 16) == key("a")


def test_a_table_that_was_altered_is_reported_without_its_values(store, sql):
    store.add([key("a")])
    sql(
        "CREATE TRIGGER refuse BEFORE INSERT ON bearer_auth_keys "
        "BEGIN SELECT RAISE(ABORT, 'no'); END"
    )
    record = key("b", user_id="user_456")
    with pytest.raises(StoreUnavailable, match="the table refused a row") as caught:
        store.add([record])
    text = "".join(traceback.format_exception(caught.value))
    assert "ASNFZ4mrze8" not in text
    assert "user_456" not in text


def test_no_traceback_shows_a_hash(store, sql):
    store.add([key("a")])
    sql("ALTER TABLE bearer_auth_keys RENAME COLUMN secrets TO hashes")
    with pytest.raises(StoreUnavailable) as caught:
        store.add([key("b")])
    chain = caught.value
    while chain is not None:
        assert "ASNFZ4mrze8" not in str(chain)
        chain = chain.__cause__ or chain.__context__


def test_a_usage_time_before_1970_is_kept(store):
    store.add([key("a")])
    store.record_used([Use("a" * 16, "0011223344556677", NOW - timedelta(days=36500), 1)])
    assert store.usage_of(["a" * 16])["a" * 16].last_used_at == datetime(1930, 1, 26, tzinfo=UTC)
