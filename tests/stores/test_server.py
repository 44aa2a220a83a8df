"""SQLStore on PostgreSQL and MariaDB: the contract, and what differs from a file."""

import os
import subprocess
import sys
import threading
import traceback
from datetime import UTC, date, datetime

import pytest
import sqlalchemy
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from bearer_auth import Keyring
from bearer_auth.errors import ConfigurationError, Conflict, KeyExists, StoreUnavailable
from bearer_auth.records import KeyRecord
from bearer_auth.stores import Query, Use
from bearer_auth.stores import server as server_module
from bearer_auth.stores.sql import SQLStore
from bearer_auth.testing import WritableKeyStoreContract

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def key(letter, **fields):
    return KeyRecord(key_id=letter * 16, **{"user_id": "user_123", "created_at": NOW, **fields})


@pytest.fixture
def is_postgresql(server_url):
    return server_url.startswith("postgresql")


class TestSQLStoreOnAServer(WritableKeyStoreContract):
    @pytest.fixture
    def store(self, server_store):
        return server_store


# What it is given


def test_the_driver_need_not_be_named(server_url):
    backend = server_url.partition("+")[0]
    store = SQLStore(f"{backend}:{server_url.partition(':')[2]}")
    assert store.get("q" * 16) is None
    store.close()


@pytest.mark.parametrize(
    ("url", "needed"),
    [
        ("postgresql+psycopg2://me:hunter2@h/d", r"postgresql\+psycopg here, not postgresql\+psy"),
        ("postgresql+asyncpg://me:hunter2@h/d", r"write postgresql\+psycopg://"),
        ("mysql+mysqldb://me:hunter2@h/d", r"write mysql\+pymysql://"),
    ],
)
def test_another_driver_is_refused(url, needed):
    with pytest.raises(ConfigurationError, match=needed) as caught:
        SQLStore(url)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("module", "url", "extra"),
    [("psycopg", "postgresql://h/d", "postgresql"), ("pymysql", "mysql://h/d", "mysql")],
)
def test_a_missing_driver_is_named_with_its_extra(module, url, extra):
    code = (
        f"import sys; sys.modules[{module!r}] = None; "
        f"from bearer_auth.stores.sql import SQLStore; SQLStore({url!r})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr.splitlines()[-1] == (
        f"ImportError: SQLStore needs {module} for this database: "
        f'pip install "bearer_auth[{extra}]"'
    )


@pytest.mark.parametrize(
    ("argument", "value", "said"),
    [
        ("lease_ms", -1, "lease_ms must be 0 to 60000: -1"),
        ("lease_ms", 60_001, "lease_ms must be 0 to 60000: 60001"),
        ("timeout", 0, "timeout must be seconds up to 3600: 0"),
        ("timeout", 3601, "timeout must be seconds up to 3600: 3601"),
    ],
)
def test_an_argument_out_of_bounds_is_refused(path, argument, value, said):
    with pytest.raises(ConfigurationError) as caught:
        SQLStore(f"sqlite:///{path}", **{argument: value})
    assert str(caught.value) == said


def test_an_engine_lends_its_way_of_connecting_and_none_of_its_connections(server_url):
    made = []
    engine = sqlalchemy.create_engine(server_url.replace("root@", "").replace("postgres@", ""))

    @sqlalchemy.event.listens_for(engine, "do_connect")
    def connect(dialect, record, args, arguments):  # as cloud providers' tokens are passed
        arguments["user"] = "postgres" if "postgres" in server_url else "root"
        made.append(1)

    store = SQLStore(engine)
    store.add([key("z")])
    assert store.get("z" * 16) == key("z")
    assert store.delete(["z" * 16]) == 1
    assert made
    assert engine.pool.checkedin() == engine.pool.checkedout() == 0
    store.close()
    engine.dispose()


def test_an_engine_of_another_driver_is_refused(monkeypatch, server_url):
    engine = sqlalchemy.create_engine(server_url)
    engine.dialect.driver = "other"
    with pytest.raises(ConfigurationError, match="the engine uses the driver other"):
        SQLStore(engine)


@pytest.mark.parametrize("what", ["session", "connection"])
def test_what_has_a_transaction_of_its_own_is_refused(server_url, what):
    engine = sqlalchemy.create_engine(server_url, poolclass=NullPool)
    with (
        Session(engine) as session,
        engine.connect() as connection,
        pytest.raises(TypeError, match="it must commit on its own"),
    ):
        SQLStore({"session": session, "connection": connection}[what])


def test_neither_user_nor_password_is_in_its_repr_or_its_errors(server_url, caplog):
    url = sqlalchemy.make_url(server_url).set(username="nobody_here", password="hunter2")
    store = SQLStore(url)
    with pytest.raises(StoreUnavailable, match="refused the user or the password") as caught:
        store.get("a" * 16)
    text = "".join(traceback.format_exception(caught.value)) + repr(store) + caplog.text
    assert "hunter2" not in text
    assert "nobody_here" not in text


def test_a_server_that_is_away_is_said_once_and_asked_later(server_url, caplog):
    url = sqlalchemy.make_url(server_url).set(database="no_such_db")
    store = SQLStore(url)
    assert len(caplog.messages) == 1
    assert "'no_such_db' at 127.0.0.1: there is no such database; requests get" in caplog.text
    with pytest.raises(StoreUnavailable, match="there is no such database"):
        store.revision()
    with pytest.raises(StoreUnavailable, match="there is no such database"):
        SQLStore(url, create=True)


# Versions


def test_tables_of_a_newer_version_are_refused(server_url, server_store, server_sql):
    server_store.add([key("a")])
    server_sql("UPDATE bearer_auth_meta SET version = 2")
    with pytest.raises(ConfigurationError, match="the tables are of version 2"):
        SQLStore(server_url)
    with pytest.raises(StoreUnavailable, match="upgraded by a newer bearer_auth"):
        server_store.replace([(key("a"), key("a", name="CI"))])
    assert server_store.get("a" * 16) == key("a")
    with pytest.raises(StoreUnavailable, match="upgraded by a newer bearer_auth"):
        SQLStore.revision(server_store)


def test_under_another_protocol_nothing_is_remembered_and_nothing_changed(server_store, server_sql):
    server_store.add([key("a")])
    server_sql("UPDATE bearer_auth_meta SET protocol = 2")
    assert server_store.revision() is None
    assert server_store.get("a" * 16) == key("a")
    with pytest.raises(ConfigurationError, match="may read keys, not change them"):
        server_store.replace([(key("a"), key("a", name="CI"))])
    assert server_store.get("a" * 16) == key("a")


@pytest.mark.parametrize(
    ("what", "error", "said"),
    [
        ("protocol", ConfigurationError, "used with protocol 2, and this bearer_auth knows 1"),
        ("version", StoreUnavailable, "upgraded by a newer bearer_auth"),
    ],
)
def test_under_another_protocol_or_version_nothing_is_written(
    server_store, server_sql, what, error, said
):
    use = Use("a" * 16, "0011223344556677", NOW, 1)
    server_store.add([key("a")])
    server_store.record_used([use])
    server_sql(f"UPDATE bearer_auth_meta SET {what} = 2")
    for write in (
        lambda: server_store.add([key("b")]),
        lambda: server_store.record_used([use]),
        lambda: server_store.prune_usage(date(2031, 1, 1)),
    ):
        with pytest.raises(error, match=said):
            write()
    assert server_store.get("b" * 16) is None
    assert server_store.usage_of(["a" * 16])["a" * 16].days == {date(2030, 1, 1): 1}


# The lease


@pytest.fixture
def sleeps(monkeypatch, server_sql):
    """How long changes wait, and what stands in the meta row meanwhile."""
    seen = []

    def sleep(seconds):
        ((lease_ms, wait_ms),) = server_sql("SELECT lease_ms, wait_ms FROM bearer_auth_meta")
        seen.append((round(seconds, 3), lease_ms, wait_ms))

    monkeypatch.setattr(server_module.time, "sleep", sleep)
    return seen


def test_a_change_waits_for_the_lease_and_a_margin(server_store, server_sql, sleeps):
    server_store.add([key("a"), key("b")])
    assert sleeps == []
    server_store.replace([(key("a"), key("a", name="CI"))])
    assert sleeps == [(0.07, 20, 20)]
    server_store.delete(["b" * 16])
    assert sleeps[1:] == [(0.07, 20, 20)]
    server_sql("UPDATE bearer_auth_meta SET lease_ms = 10000, wait_ms = 10000")
    server_store.replace([(key("a", name="CI"), key("a"))])
    assert sleeps[2:] == [(10.1, 10000, 10000)]


def test_it_waits_when_there_is_nothing_to_change_too(server_store, sleeps):
    server_store.replace([])
    assert sleeps == [(0.07, 20, 20)]
    keyring = Keyring(server_store)
    key_id = keyring.create(user_id="user_123").key_id
    keyring.revoke(key_id)
    keyring.revoke(key_id)
    assert len(sleeps) == 3


def test_a_thousand_keys_are_revoked_with_one_wait(server_store, sleeps):
    records = [KeyRecord(key_id=f"{n:016}", user_id="u", created_at=NOW) for n in range(1_500)]
    server_store.add(records)
    assert Keyring(server_store).revoke_all(user_id="u") == 1_500
    assert len(sleeps) == 1


def test_a_conflict_does_not_wait(server_store, sleeps):
    server_store.add([key("a")])
    with pytest.raises(Conflict):
        server_store.replace([(key("a", name="other"), key("a"))])
    assert sleeps == []


def test_it_holds_no_lock_while_it_waits(monkeypatch, server_url, server_store):
    other = SQLStore(server_url)
    server_store.add([key("a"), key("b")])
    changes = [(key("b"), key("b", name="CI"))]

    def sleep(seconds):
        while changes:
            other.replace([changes.pop()])

    monkeypatch.setattr(server_module.time, "sleep", sleep)
    server_store.replace([(key("a"), key("a", name="CI"))])
    assert server_store.get("b" * 16).name == "CI"
    other.close()


def readings(monkeypatch, store):
    """How often it has asked for the revision; its clock stands still until it is moved."""
    clock, count, read = [1000.0], [], store._database._lease._read
    lease = store._database._lease
    monkeypatch.setattr(lease, "_boot", lambda: clock[0])
    monkeypatch.setattr(lease, "_wall", lambda: clock[0])
    monkeypatch.setattr(lease, "_read", lambda: (count.append(1), read())[1])
    return clock, count


@pytest.mark.parametrize(
    ("in_the_row", "here", "holds_s"),
    [(20, None, 0.02), (500, None, 0.5), (500, 20, 0.02), (20, 500, 0.02)],
)
def test_a_process_trusts_a_reading_as_long_as_the_row_says_or_less(
    monkeypatch, server_url, server_store, server_sql, in_the_row, here, holds_s
):
    server_sql(f"UPDATE bearer_auth_meta SET lease_ms = {in_the_row}, wait_ms = {in_the_row}")
    store = SQLStore(server_url, lease_ms=here)
    clock, count = readings(monkeypatch, store)
    store.revision()
    clock[0] += holds_s * 0.79
    store.revision()
    assert len(count) == 1
    clock[0] += holds_s * 0.22
    store.revision()
    assert len(count) == 2
    assert server_sql("SELECT lease_ms, wait_ms FROM bearer_auth_meta") == [(in_the_row,) * 2]
    store.close()


def test_with_create_the_lease_is_set_for_all(server_url, server_store, sleeps, server_sql):
    SQLStore(server_url, create=True, lease_ms=300).close()
    assert server_sql("SELECT lease_ms, wait_ms FROM bearer_auth_meta") == [(300, 300)]
    sleeps.clear()
    SQLStore(server_url, create=True, lease_ms=300).close()
    assert sleeps == []


def test_a_shorter_lease_is_for_readers_at_once_and_for_writers_when_the_longer_is_over(
    server_store, server_sql, sleeps
):
    server_sql("UPDATE bearer_auth_meta SET lease_ms = 500, wait_ms = 500")
    server_store.set_lease(20)
    assert sleeps == [(0.55, 20, 500)]
    assert server_sql("SELECT lease_ms, wait_ms FROM bearer_auth_meta") == [(20, 20)]


def test_a_lease_that_is_changed_while_another_is_shortened_is_waited_for_too(
    monkeypatch, server_url, server_store, server_sql
):
    other = SQLStore(server_url)
    server_sql("UPDATE bearer_auth_meta SET lease_ms = 500, wait_ms = 500")
    steps = [lambda: other.set_lease(400), lambda: None, lambda: None, lambda: None]
    seen = []

    def sleep(seconds):
        seen.append((seconds, *server_sql("SELECT lease_ms, wait_ms FROM bearer_auth_meta")[0]))
        steps.pop(0)()

    monkeypatch.setattr(server_module.time, "sleep", sleep)
    server_store.set_lease(20)
    assert seen == [
        (0.55, 20, 500),  # this one shortens …
        (0.55, 400, 500),  # … the other sets a longer one meanwhile, and is done …
        (0.45, 20, 400),  # … so this one begins anew
    ]
    assert server_sql("SELECT lease_ms, wait_ms FROM bearer_auth_meta") == [(20, 20)]
    other.close()


def test_who_dies_while_shortening_leaves_the_longer_wait(server_store, server_sql, monkeypatch):
    server_sql("UPDATE bearer_auth_meta SET lease_ms = 500, wait_ms = 500")

    def die(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(server_module.time, "sleep", die)
    with pytest.raises(KeyboardInterrupt):
        server_store.set_lease(20)
    assert server_sql("SELECT lease_ms, wait_ms FROM bearer_auth_meta") == [(20, 500)]


# Rows


@pytest.mark.parametrize(
    ("one", "other"), [("bob", "BOB"), ("e", "é"), ("ss", "ß"), ("bob", "bob "), ("😀", "😁")]
)
def test_owners_that_look_alike_are_different(server_store, one, other):
    server_store.add([key("a", user_id=one), key("b", user_id=other)])
    for name, letter in ((one, "a"), (other, "b")):
        page = server_store.find(Query(now=NOW, user_id=name))
        assert [record.key_id for record in page] == [letter * 16]
    assert Keyring(server_store).revoke_all(user_id=one) == 1
    assert server_store.get("b" * 16).status == "active"


def test_ids_that_differ_in_case_only_are_different(server_store):
    server_store.add([key("a"), key("A")])
    assert server_store.get("a" * 16).key_id == "a" * 16
    assert server_store.get("A" * 16).key_id == "A" * 16
    assert server_store.delete(["A" * 16]) == 1
    assert server_store.get("a" * 16) is not None


def test_what_databases_cut_or_refuse_is_kept(server_store):
    record = key("a", name="😀" * 255, metadata={"x": "é\u0000" + "y" * 8000}, user_id="ü" * 255)
    server_store.add([record])
    assert server_store.get("a" * 16) == record


def test_many_keys_are_added_at_once_or_none_of_them(server_store):
    many = [
        KeyRecord(
            key_id=f"{n:016}", user_id='tab\\N "quote"', created_at=NOW, metadata={"n": "\\t"}
        )
        for n in range(150)
    ]
    server_store.add([many[100]])
    with pytest.raises(KeyExists, match="a key with the id 0000000000000100 is already stored"):
        server_store.add(many)
    assert server_store.get(f"{7:016}") is None
    server_store.add(many[:100] + many[101:])
    assert server_store.get(f"{7:016}") == many[7]
    assert server_store.delete(record.key_id for record in many) == 150


# Connections


def backends(server_sql, is_postgresql):
    if is_postgresql:
        rows = server_sql(
            "SELECT pid FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() "
            "AND backend_type = 'client backend'"  # not a vacuum that comes and goes
        )
    else:
        rows = server_sql(
            "SELECT id FROM information_schema.processlist "
            "WHERE db = DATABASE() AND id <> CONNECTION_ID()"
        )
    return [row[0] for row in rows]


def end(server_sql, is_postgresql, pid):
    server_sql(f"SELECT pg_terminate_backend({pid}, 5000)" if is_postgresql else f"KILL {pid}")


def test_a_connection_that_the_server_has_ended_is_replaced(
    server_store, server_sql, is_postgresql
):
    server_store.add([key("a")])
    assert server_store.get("a" * 16) == key("a")
    for pid in backends(server_sql, is_postgresql):
        end(server_sql, is_postgresql, pid)
    assert server_store.get("a" * 16) == key("a")


def test_look_ups_keep_one_connection_and_changes_none(server_store, server_sql, is_postgresql):
    server_store.close()
    before = set(backends(server_sql, is_postgresql))
    server_store.add([key("a")])
    server_store.find(Query(now=NOW))
    for _ in range(3):
        server_store.get("a" * 16)
    assert len(set(backends(server_sql, is_postgresql)) - before) == 1


def test_threads_have_connections_of_their_own(server_url, server_store):
    store = SQLStore(server_url, timeout=30.0)  # it is not time that is tested
    store.add([key("a")])
    together, found = threading.Barrier(20), []

    def look_up():
        together.wait(10)
        found.extend(store.get("a" * 16) for _ in range(20))

    threads = [threading.Thread(target=look_up) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert found == [key("a")] * 400
    store.close()


def test_uses_are_written_when_a_process_ends(server_url, server_store):
    issued = Keyring(server_store).create(user_id="user_123")
    code = (
        "import sys; from bearer_auth import Authenticator; "
        "from bearer_auth.stores.sql import SQLStore; "
        "url, token = sys.stdin.read().split(); authenticator = Authenticator(SQLStore(url)); "
        "[authenticator.authenticate(token) for _ in range(3)]"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=f"{server_url} {issued.token}",
        text=True,
        capture_output=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert sum(Keyring(server_store).usage(issued.key_id).days.values()) == 3


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_opens_connections_of_its_own(server_store, server_sql, is_postgresql):
    server_store.add([key("a")])
    server_store.get("a" * 16)
    before = backends(server_sql, is_postgresql)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            found = server_store.get("a" * 16) == key("a")
            new = set(backends(server_sql, is_postgresql)) - set(before)
            os.write(writing, b"own" if found and len(new) == 1 else b"no")
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert status == 0
    assert os.read(reading, 3) == b"own"
    os.close(reading)
    os.close(writing)
    assert server_store.get("a" * 16) == key("a")
    assert set(before) <= set(backends(server_sql, is_postgresql))
