"""FakeClock, and that the contract suite finds what is wrong with a store."""

import sys
from datetime import UTC, datetime, timedelta

import pytest

from bearer_auth.testing import FakeClock


def test_the_clock_starts_at_a_fixed_time():
    clock = FakeClock()
    assert clock() == 1893499200.0
    assert clock.now == datetime(2030, 1, 1, 12, 0, 0, tzinfo=UTC)


def test_the_clock_stands_still():
    clock = FakeClock()
    assert [clock(), clock(), clock()] == [1893499200.0] * 3


def test_the_clock_moves_by_a_duration():
    clock = FakeClock()
    clock.advance(timedelta(days=1, microseconds=1))
    assert clock.now == datetime(2030, 1, 2, 12, 0, 0, 1, tzinfo=UTC)


def test_the_clock_moves_by_seconds():
    clock = FakeClock()
    clock.advance(90)
    clock.advance(0.5)
    assert clock() == 1893499290.5


def test_the_clock_moves_back():
    clock = FakeClock()
    clock.advance(-10)
    assert clock.now == datetime(2030, 1, 1, 11, 59, 50, tzinfo=UTC)


def test_the_clock_shows_its_time():
    assert repr(FakeClock()) == "FakeClock(2030-01-01T12:00:00+00:00)"


def test_without_pytest_the_module_says_what_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "pytest", None)
    monkeypatch.delitem(sys.modules, "bearer_auth.testing")
    with pytest.raises(ImportError, match="pip install pytest"):
        import bearer_auth.testing  # noqa: F401


STORES = """
import pytest
from bearer_auth.stores.memory import MemoryStore
from bearer_auth.testing import KeyStoreContract, WritableKeyStoreContract

class ForgetsThePeer(MemoryStore):
    def replace(self, pairs):
        for old, new in list(pairs):
            super().replace([(old, new)])

class RevisionOfUse(MemoryStore):
    def record_used(self, batch):
        super().record_used(batch)
        self._revision += 1

class NeverMoves(MemoryStore):
    def revision(self):
        return 0

class OpenDoor(MemoryStore):
    def get(self, key_id):
        return super().get(key_id) or next(iter(self._records.values()), None)

class TestForgetsThePeer(WritableKeyStoreContract):
    @pytest.fixture
    def store(self):
        return ForgetsThePeer()

class TestRevisionOfUse(WritableKeyStoreContract):
    @pytest.fixture
    def store(self):
        return RevisionOfUse()

class TestNeverMoves(WritableKeyStoreContract):
    @pytest.fixture
    def store(self):
        return NeverMoves()

class TestOpenDoor(WritableKeyStoreContract):
    @pytest.fixture
    def store(self):
        return OpenDoor()

class TestNothingGiven(KeyStoreContract):
    pass
"""


@pytest.mark.parametrize(
    ("store", "test"),
    [
        ("ForgetsThePeer", "test_replacing_what_is_not_stored_changes_nothing"),
        ("RevisionOfUse", "test_its_revision_stays_when_a_key_is_used"),
        ("NeverMoves", "test_its_revision_changes_when_a_record_is_replaced"),
        ("OpenDoor", "test_it_returns_nothing_for_an_id_that_it_does_not_hold"),
        ("NothingGiven", "test_it_returns_the_records_that_it_holds"),
    ],
)
def test_the_suite_finds_a_store_that_is_wrong(tmp_path, store, test):
    file = tmp_path / "test_wrong_stores.py"
    file.write_text(STORES)
    options = ["-q", "--import-mode=importlib", "-p", "no:cacheprovider", "-k", test]
    assert pytest.main([*options, f"{file}::Test{store}"]) == pytest.ExitCode.TESTS_FAILED
