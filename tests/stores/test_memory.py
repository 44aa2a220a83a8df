"""MemoryStore."""

import pytest

from bearer_auth import testing
from bearer_auth.errors import KeyExists
from bearer_auth.records import KeyRecord
from bearer_auth.stores import KeyStore, WritableKeyStore
from bearer_auth.stores.memory import MemoryStore


class TestMemoryStore(testing.WritableKeyStoreContract):
    @pytest.fixture
    def store(self):
        return MemoryStore()


def test_it_can_be_filled_at_the_start():
    record = KeyRecord(key_id="a" * 16, user_id="user_123")
    assert MemoryStore([record]).get("aaaaaaaaaaaaaaaa") == record


def test_it_refuses_an_id_twice_at_the_start():
    record = KeyRecord(key_id="a" * 16, user_id="user_123")
    with pytest.raises(KeyExists, match="aaaaaaaaaaaaaaaa is already stored"):
        MemoryStore([record, record])


def test_two_stores_share_nothing():
    first, second = MemoryStore(), MemoryStore()
    first.add([KeyRecord(key_id="a" * 16, user_id="user_123")])
    assert second.get("a" * 16) is None


def test_its_repr_tells_how_many_keys_there_are_and_nothing_of_them():
    record = KeyRecord(key_id="a" * 16, user_id="user_123")
    assert repr(MemoryStore([record])) == "MemoryStore(1 keys)"


def test_it_is_a_writable_store():
    reads: KeyStore = MemoryStore()
    writes: WritableKeyStore = MemoryStore()
    assert reads.get("") is writes.get("") is None
