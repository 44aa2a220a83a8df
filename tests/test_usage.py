"""Usage times are gathered beside the request, and never hold it or the process up."""

import gc
import logging
import os
import subprocess
import sys
import textwrap
import threading
import weakref
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from bearer_auth import Authenticator, KeyRecord, Keyring, MemoryStore, StoreUnavailable
from bearer_auth import usage as usage_module
from bearer_auth.cache import Accepted
from bearer_auth.records import Principal
from bearer_auth.stores import Use
from bearer_auth.testing import FakeClock
from bearer_auth.usage import UsageRecorder

NOON = datetime(2030, 1, 1, 12, 0, 0, tzinfo=UTC)


class Batches(list[Sequence[Use]]):
    """Keeps each batch that it is called with."""

    def __call__(self, batch: Sequence[Use]) -> None:
        self.append(batch)


class RecordingStore(MemoryStore):
    """A MemoryStore that keeps what it was told of uses."""

    def __init__(self) -> None:
        super().__init__()
        self.batches = Batches()

    def record_used(self, batch: Sequence[Use]) -> None:
        self.batches(batch)


class UncachedStore:
    """Notes uses, has no revision, and makes a new record for each look-up."""

    def __init__(self, store: MemoryStore) -> None:
        self.inner = store
        self.batches = Batches()

    def get(self, key_id: str) -> KeyRecord | None:
        return self.inner.get(key_id)

    def record_used(self, batch: Sequence[Use]) -> None:
        self.batches(batch)


def accepted(key_id: str = "AbCdEfGh01234567", secret_id: str = "s1") -> Accepted:
    return Accepted(Principal(key_id=key_id, user_id="user_123"), secret_id, 1e12, None)


def used(recorder: UsageRecorder, one: Accepted, at: float = 1893499200.0) -> None:
    """What the authenticator does for each request."""
    one.uses += 1
    one.last_used = at
    if one.batch is not recorder.batch:
        recorder.add(one)


def test_uses_of_a_secret_become_one_line_of_a_batch() -> None:
    batches = Batches()
    recorder = UsageRecorder(batches)
    one, other = accepted(), accepted(secret_id="s2")
    used(recorder, one, 1893499198.0)
    used(recorder, other, 1893499199.0)
    used(recorder, one, 1893499200.0)
    recorder.close()
    assert batches == [
        [
            Use("AbCdEfGh01234567", "s1", NOON, 2),
            Use("AbCdEfGh01234567", "s2", NOON.replace(hour=11, minute=59, second=59), 1),
        ]
    ]


def test_nothing_used_nothing_written() -> None:
    batches = Batches()
    recorder = UsageRecorder(batches)
    recorder.flush()
    recorder.close()
    assert batches == []


def test_each_batch_counts_from_zero() -> None:
    batches = Batches()
    recorder = UsageRecorder(batches)
    one = accepted()
    for uses in (2, 1):
        for _ in range(uses):
            used(recorder, one)
        recorder.flush()
    recorder.close()
    assert [[use.uses for use in batch] for batch in batches] == [[2], [1]]


def test_a_use_that_is_counted_while_its_batch_goes_out_is_in_the_next_one() -> None:
    batches = Batches()
    recorder = UsageRecorder(batches)
    one = accepted()
    used(recorder, one)
    # A request that is interrupted after it counted, and before it looked at the batch:
    one.uses += 1
    recorder.flush()
    used(recorder, one)
    recorder.flush()
    recorder.close()
    assert sum(use.uses for batch in batches for use in batch) == 3


def test_uses_between_the_batches_are_not_lost_under_threads() -> None:
    counted: list[int] = []
    recorder = UsageRecorder(lambda batch: counted.extend(use.uses for use in batch))
    one = accepted()
    one_at_a_time = threading.Lock()  # only the interpreter makes += safe, and not each of them
    ready = threading.Barrier(5)

    def work() -> None:
        ready.wait()
        for _ in range(500):
            with one_at_a_time:
                one.uses += 1
                one.last_used = 1893499200.0
            if one.batch is not recorder.batch:
                recorder.add(one)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    ready.wait()
    while any(thread.is_alive() for thread in threads):
        with one_at_a_time:
            recorder.flush()
    recorder.close()
    assert sum(counted) == 2000


def test_one_secret_that_is_read_anew_each_time_waits_once() -> None:
    batches = Batches()
    recorder = UsageRecorder(batches)
    first, second = accepted(), accepted()
    used(recorder, first)
    used(recorder, second)
    used(recorder, first)
    recorder.close()
    assert batches == [[Use("AbCdEfGh01234567", "s1", NOON, 3)]]


def test_a_store_without_a_revision_fills_no_memory_with_uses() -> None:
    store = UncachedStore(MemoryStore())
    issued = Keyring(store.inner).create(user_id="user_123")
    authenticator = Authenticator(store)
    for _ in range(100):
        authenticator.authenticate(issued.token)
    waiting = [each for each in gc.get_objects() if type(each) is Accepted]
    mine = [each for each in waiting if each.principal.key_id == issued.key_id]
    authenticator.close()
    assert len(mine) == 1
    assert [use.uses for batch in store.batches for use in batch] == [100]


def test_a_full_buffer_drops_and_counts_and_takes_again_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(usage_module, "MAX_PENDING", 1)
    batches = Batches()
    recorder = UsageRecorder(batches)
    one, other = accepted(secret_id="s1"), accepted(secret_id="s2")
    used(recorder, one)
    used(recorder, other)
    used(recorder, other)
    assert recorder.dropped == 2
    recorder.flush()
    used(recorder, other)
    recorder.close()
    assert [[(use.secret_id, use.uses) for use in batch] for batch in batches] == [
        [("s1", 1)],
        [("s2", 1)],
    ]


def test_a_full_buffer_is_said_once_a_minute_with_the_number(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now = 1000.0
    monkeypatch.setattr(usage_module, "MAX_PENDING", 1)
    monkeypatch.setattr(usage_module, "monotonic", lambda: now)
    recorder = UsageRecorder(Batches())
    used(recorder, accepted(secret_id="s1"))
    other = accepted(secret_id="s2")
    for now in (1000.0, 1001.0, 1059.9, 1060.0):  # noqa: B007  (read by monotonic)
        used(recorder, other)
    used(recorder, other)
    for now in (1119.9, 1120.0, 1180.0):  # noqa: B007
        recorder.flush()
    recorder.close()
    assert recorder.dropped == 5
    assert caplog.messages == [
        "uses were dropped, as the buffer is full: 1",
        "uses were dropped, as the buffer is full: 3",
        "uses were dropped, as the buffer is full: 1",
    ]


def test_what_is_dropped_while_a_lost_batch_is_counted_is_counted_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(usage_module, "MAX_PENDING", 1)

    class Meanwhile:
        """Is lost, and while it is counted a request finds the buffer full."""

        @property
        def uses(self) -> int:
            request = threading.Thread(target=used, args=(recorder, accepted(secret_id="s3")))
            request.start()
            request.join()
            return 10

    def record_used(batch: Sequence[Use]) -> None:
        used(recorder, accepted(secret_id="s2"))
        batch[:] = [Meanwhile()]  # type: ignore[index]
        raise StoreUnavailable("down")

    recorder = UsageRecorder(record_used)
    used(recorder, accepted(secret_id="s1"))
    recorder.flush()
    assert recorder.dropped == 11


def test_a_store_that_fails_drops_and_counts_and_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    broken = True
    batches = Batches()

    def record_used(batch: Sequence[Use]) -> None:
        if broken:
            raise RuntimeError("postgresql://user:hunter2@db")
        batches(batch)

    recorder = UsageRecorder(record_used)
    one = accepted()
    with caplog.at_level(logging.ERROR, "bearer_auth"):
        for _ in range(3):
            used(recorder, one)
            recorder.flush()
    assert recorder.dropped == 3
    assert [record.getMessage() for record in caplog.records] == [
        "usage times were dropped: RuntimeError"
    ]
    assert "hunter2" not in caplog.text
    broken = False
    used(recorder, one)
    recorder.close()
    assert [[use.uses for use in batch] for batch in batches] == [[1]]


def test_a_store_that_fails_again_later_is_logged_again(caplog: pytest.LogCaptureFixture) -> None:
    broken = True

    def record_used(batch: Sequence[Use]) -> None:
        if broken:
            raise StoreUnavailable("down")

    recorder = UsageRecorder(record_used)
    one = accepted()
    with caplog.at_level(logging.ERROR, "bearer_auth"):
        for broken in (True, False, True):  # noqa: B007  (read by record_used)
            used(recorder, one)
            recorder.flush()
    recorder.close()
    assert len(caplog.records) == 2


def test_a_request_does_not_wait_for_a_store_that_blocks() -> None:
    entered, release = threading.Event(), threading.Event()

    def record_used(batch: Sequence[Use]) -> None:
        entered.set()
        release.wait(30)

    recorder = UsageRecorder(record_used)
    one = accepted()
    used(recorder, one)
    writing = threading.Thread(target=recorder.flush)
    writing.start()
    assert entered.wait(30)
    used(recorder, one)  # would hang here
    used(recorder, accepted(secret_id="s2"))
    release.set()
    writing.join()
    recorder.close()


def test_the_thread_writes_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage_module, "INTERVAL_S", 0.001)
    written = threading.Event()
    recorder = UsageRecorder(lambda batch: written.set())
    used(recorder, accepted())
    assert written.wait(30)
    recorder.close()


def test_close_ends_the_thread_and_what_comes_later_waits_for_flush() -> None:
    batches = Batches()
    recorder = UsageRecorder(batches)
    one = accepted()
    used(recorder, one)
    thread = recorder._thread
    assert thread is not None
    assert thread.daemon
    recorder.close()
    assert not thread.is_alive()
    used(recorder, one)
    recorder.flush()
    recorder.close()
    assert [[use.uses for use in batch] for batch in batches] == [[1], [1]]


def test_close_gives_up_on_a_store_that_blocks(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(usage_module, "CLOSE_S", 0.01)
    release = threading.Event()

    def record_used(batch: Sequence[Use]) -> None:
        release.wait(30)

    recorder = UsageRecorder(record_used)
    used(recorder, accepted())
    with caplog.at_level(logging.ERROR, "bearer_auth"):
        recorder.close()
    assert [record.getMessage() for record in caplog.records] == [
        "usage times were dropped: the store blocks"
    ]
    release.set()
    thread = recorder._thread
    assert thread is not None
    thread.join(30)


def test_a_thread_that_can_not_start_fails_no_request(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    batches = Batches()
    recorder = UsageRecorder(batches)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        used(recorder, accepted())
    recorder.close()
    assert [[use.uses for use in batch] for batch in batches] == [[1]]


def test_the_thread_keeps_no_authenticator_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage_module, "INTERVAL_S", 0.001)
    written = threading.Event()

    class Store(MemoryStore):
        def record_used(self, batch: Sequence[Use]) -> None:
            written.set()

    store = Store()
    issued = Keyring(store).create(user_id="user_123")
    authenticator = Authenticator(store)
    authenticator.authenticate(issued.token)
    assert written.wait(30)
    recorder = authenticator._usage
    assert recorder is not None
    thread, gone = recorder._thread, weakref.ref(recorder)
    assert thread is not None
    del authenticator, recorder
    gc.collect()
    thread.join(5)
    assert not thread.is_alive()
    assert gone() is None


def test_the_last_use_is_that_of_the_clock() -> None:
    clock = FakeClock()
    store = RecordingStore()
    issued = Keyring(store, clock=clock).create(user_id="user_123")
    authenticator = Authenticator(store, clock=clock)
    authenticator.authenticate(issued.token)
    clock.advance(90)
    authenticator.authenticate(issued.token)
    authenticator._usage.flush()
    authenticator.close()
    secret = issued.record.secrets[0].id
    at = datetime(2030, 1, 1, 12, 1, 30, tzinfo=UTC)
    assert store.batches == [[Use(issued.key_id, secret, at, 2)]]


def test_a_use_that_missed_its_batch_is_in_that_of_the_next_use() -> None:
    store = RecordingStore()
    issued = Keyring(store).create(user_id="user_123")
    authenticator = Authenticator(store)
    authenticator.authenticate(issued.token)
    authenticator._usage.flush()
    # A request that was interrupted in the middle of counting, as its batch went out:
    (remembered,) = authenticator._generation.accepted.values()
    remembered.uses = 5
    authenticator.authenticate(issued.token)
    authenticator.close()
    assert [[use.uses for use in batch] for batch in store.batches] == [[1], [6]]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:0DB8::0:7", "2001:db8::7"),
        ("fe80::1%eth0", "fe80::1"),
        ("client wrote this", None),
        ("", None),
        (None, None),
    ],
)
def test_the_address_is_kept_where_the_store_asks_for_it(
    sent: str | None, kept: str | None
) -> None:
    store = MemoryStore(record_address=True)
    issued = Keyring(store).create(user_id="user_123")
    authenticator = Authenticator(store)
    authenticator.authenticate(issued.token, client_ip="192.0.2.1")
    authenticator.authenticate(issued.token, client_ip=sent)
    authenticator.close()
    assert store.usage_of([issued.key_id])[issued.key_id].last_address == kept


def test_the_address_is_not_kept_otherwise() -> None:
    store = MemoryStore()
    issued = Keyring(store).create(user_id="user_123")
    authenticator = Authenticator(store)
    authenticator.authenticate(issued.token, client_ip="192.0.2.1")
    authenticator.close()
    assert store.usage_of([issued.key_id])[issued.key_id].last_address is None


def test_uses_that_were_dropped_are_told() -> None:
    class Down(MemoryStore):
        def record_used(self, batch: Sequence[Use]) -> None:
            raise StoreUnavailable("down")

    store = Down()
    issued = Keyring(store).create(user_id="user_123")
    authenticator = Authenticator(store)
    for _ in range(3):
        authenticator.authenticate(issued.token)
    authenticator.close()
    assert authenticator.usage_dropped == 3
    assert Authenticator(UncachedStore(store)).usage_dropped == 0


def test_a_store_that_keeps_no_usage_costs_no_thread() -> None:
    class ReadOnly:
        def get(self, key_id: str) -> KeyRecord | None:
            return store.get(key_id)

    store = MemoryStore()
    issued = Keyring(store).create(user_id="user_123")
    before = threading.active_count()
    authenticator = Authenticator(ReadOnly())
    authenticator.authenticate(issued.token)
    authenticator.close()
    assert threading.active_count() == before


def run(program: str) -> str:
    """Run a program in a Python of its own; what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PREAMBLE + program)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


PREAMBLE = """
import os, sys, threading
from bearer_auth import Authenticator, Keyring, MemoryStore

class Store(MemoryStore):
    def record_used(self, batch):
        for use in batch:
            os.write(1, f"{who} {use.uses}\\n".encode())

who = "parent"
store = Store()
token = Keyring(store).create(user_id="user_123").token
authenticator = Authenticator(store)
"""

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")


def test_uses_are_written_when_the_process_ends() -> None:
    output = run(
        """
for _ in range(3):
    authenticator.authenticate(token)
"""
    )
    assert output == "parent 3\n"


@needs_fork
def test_after_a_fork_each_process_writes_its_own_uses() -> None:
    output = run(
        """
other = Keyring(store).create(user_id="user_456").token
for each in (token, token, other, other, other):
    authenticator.authenticate(each)
pid = os.fork()
if pid == 0:
    who = "child"
    authenticator.authenticate(token)
    assert authenticator._usage._thread.is_alive()
    sys.exit()
assert os.waitpid(pid, 0)[1] == 0
"""
    )
    assert sorted(output.splitlines()) == ["child 1", "parent 2", "parent 3"]


@needs_fork
def test_a_child_that_is_forked_while_a_batch_is_written_does_not_hang() -> None:
    output = run(
        """
entered, release = threading.Event(), threading.Event()
write = store.record_used
def slow(batch):
    entered.set()
    release.wait(30)
    write(batch)
authenticator._usage._record_used = slow
authenticator.authenticate(token)
writing = threading.Thread(target=authenticator._usage.flush)
writing.start()
entered.wait(30)
pid = os.fork()
if pid == 0:
    who = "child"
    authenticator._usage._record_used = write
    authenticator.authenticate(token)
    authenticator._usage.flush()
    sys.exit()
assert os.waitpid(pid, 0)[1] == 0
release.set()
writing.join()
"""
    )
    assert sorted(output.splitlines()) == ["child 1", "parent 1"]


@needs_fork
def test_a_child_that_is_forked_while_a_batch_is_gathered_does_not_write_it() -> None:
    output = run(
        """
import bearer_auth.usage
entered, release = threading.Event(), threading.Event()
plain = bearer_auth.usage._plain
def slow(address):
    entered.set()
    release.wait(30)
    return plain(address)
bearer_auth.usage._plain = slow
other = Keyring(store).create(user_id="user_456").token
for each in (token, other, other):
    authenticator.authenticate(each)
gathering = threading.Thread(target=authenticator._usage.flush)
gathering.start()
entered.wait(30)
pid = os.fork()
if pid == 0:
    who = "child"
    bearer_auth.usage._plain = plain
    authenticator.authenticate(other)
    sys.exit()
assert os.waitpid(pid, 0)[1] == 0
release.set()
gathering.join()
"""
    )
    assert sorted(output.splitlines()) == ["child 1", "parent 1", "parent 2"]


def test_a_store_that_blocks_does_not_hold_up_the_end_of_a_process() -> None:
    output = run(
        """
import bearer_auth.usage
bearer_auth.usage.CLOSE_S = 0.1
authenticator._usage._record_used = lambda batch: threading.Event().wait()
authenticator.authenticate(token)
print("done")
"""
    )
    assert output == "done\n"


def test_python_without_fork_can_import_it() -> None:
    output = run(
        """
import importlib, bearer_auth.usage
del os.register_at_fork
importlib.reload(bearer_auth.usage)
print("imported")
"""
    )
    assert output == "imported\n"
