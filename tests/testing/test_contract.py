"""The contract suite: it finds what is wrong with a store, and needs pytest."""

import subprocess
import sys

import pytest

WITHOUT_PYTEST = """
import sys
sys.modules["pytest"] = None
from bearer_auth.testing import FakeClock, acting_as
try:
    from bearer_auth.testing import KeyStoreContract
except ImportError as error:
    print(error)
"""


def test_without_pytest_only_the_suite_is_missing_and_says_why():
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_PYTEST], capture_output=True, text=True, check=True
    )
    assert done.stdout == "the contract of stores needs pytest: pip install pytest\n"


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
