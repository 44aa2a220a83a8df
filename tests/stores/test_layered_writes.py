"""Changes of keys in a LayeredStore: what goes where, and what is refused."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bearer_auth.errors import Conflict, KeyExists, ReadOnlyStore, StoreUnavailable
from bearer_auth.keyring import Keyring
from bearer_auth.stores.env import EnvStore
from bearer_auth.stores.layered import LayeredStore
from bearer_auth.stores.memory import MemoryStore
from bearer_auth.testing.samples import sample

A, B, C, X = "a" * 16, "b" * 16, "c" * 16, "x" * 16


class Reads:
    """A store that only reads."""

    def __init__(self, *records):
        self.records = {record.key_id: record for record in records}

    def get(self, key_id):
        return self.records.get(key_id)


class Down:
    def get(self, key_id):
        raise OSError("hunter2")


class Counted(MemoryStore):
    """It remembers what was asked of it."""

    def __init__(self, records=()):
        self.calls = []
        super().__init__(records)

    def replace(self, pairs):
        self.calls.append(list(pairs))
        super().replace(self.calls[-1])


HOW = (
    "End it where that store gets it from: for an EnvStore, take its variable out of the "
    "environment, then restart or reload()"
)


def test_new_keys_go_to_the_store_that_can_be_written_to():
    memory = MemoryStore()
    issued = Keyring(LayeredStore(Reads(), memory, Reads())).create(user_id="user_123")
    assert memory.get(issued.key_id) == issued.record


@pytest.mark.parametrize(("above", "name"), [(True, "layer 1, Reads"), (False, "layer 2, Reads")])
def test_an_id_that_another_store_knows_is_taken(above, name):
    memory, other = MemoryStore(), Reads(sample("b"))
    store = LayeredStore(*([other, memory] if above else [memory, other]))
    with pytest.raises(KeyExists) as caught:
        store.add(sample(letter) for letter in "abc")
    assert str(caught.value) == f"a key with the id bbbbbbbbbbbbbbbb is in {name}"
    assert memory.get(A) is memory.get(B) is None


def test_a_change_goes_to_the_store_that_decides():
    memory = MemoryStore([sample("a"), sample("b")])
    store = LayeredStore(Reads(sample("c")), memory, Reads(sample("a", name="hidden")))
    Keyring(store).revoke(A, reason="leaked")
    assert memory.get(A).status == store.get(A).status == "revoked"


def test_a_key_that_a_store_above_decides_is_not_changed_below():
    memory = Counted([sample("a", name="hidden"), sample("b")])
    store = LayeredStore(Reads(sample("a")), memory)
    pairs = [(sample(letter), sample(letter, status="revoked")) for letter in "ba"]
    with pytest.raises(ReadOnlyStore) as caught:
        store.replace(iter(pairs))
    assert str(caught.value) == (
        f"the key aaaaaaaaaaaaaaaa is in layer 1, Reads, which can only be read. {HOW}"
    )
    assert memory.calls == []
    with pytest.raises(ReadOnlyStore, match="the key aaaaaaaaaaaaaaaa is in layer 1, Reads"):
        store.delete(iter([B, A]))
    assert memory.get(B) == sample("b")


def test_a_keyring_says_how_to_end_a_key_of_the_environment():
    token = Keyring(MemoryStore()).create(user_id="ops")
    env = EnvStore(environ={"BEARER_AUTH_KEY_OPS": token.token})
    with pytest.raises(ReadOnlyStore) as caught:
        Keyring(LayeredStore(env, MemoryStore())).revoke(token.key_id)
    assert str(caught.value) == (
        f"the key {token.key_id} is in layer 1, EnvStore, which can only be read. {HOW}"
    )


CHANGES = {
    "revoke": lambda store: Keyring(store).revoke(A),
    "delete": lambda store: store.delete([A]),
    "add": lambda store: store.add([sample("b")]),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_nothing_is_changed_while_it_is_unknown_who_decides(change):
    memory = MemoryStore([sample("a")])
    with pytest.raises(StoreUnavailable) as caught:
        change(LayeredStore(Down(), memory))
    assert str(caught.value) == "layer 1, Down: get raised OSError"
    assert memory.get(A) == sample("a")
    assert memory.get(B) is None


def test_a_store_below_that_fails_delays_no_revocation():
    memory = MemoryStore([sample("a")])
    Keyring(LayeredStore(memory, Down())).revoke(A)
    assert memory.get(A).status == "revoked"


def test_replacing_nothing_reaches_the_store_that_can_be_written_to():
    memory = Counted()
    LayeredStore(Reads(), memory).replace([])
    LayeredStore(Down(), memory).replace(iter(()))
    assert memory.calls == [[], []]


def test_a_record_that_has_changed_is_a_conflict():
    store = LayeredStore(Reads(), MemoryStore([sample("a", name="new")]))
    for letter in "ax":
        with pytest.raises(Conflict):
            store.replace([(sample(letter), sample(letter, name="other"))])


def test_a_key_is_not_deleted_while_a_store_below_would_let_it_live_again():
    memory = MemoryStore([sample("a", status="revoked"), sample("b")])
    store = LayeredStore(memory, Reads(sample("a")))
    with pytest.raises(ReadOnlyStore) as caught:
        store.delete([B, A])
    assert str(caught.value) == (
        "the key aaaaaaaaaaaaaaaa is also in layer 2, Reads, whose record would count once this "
        f"one is deleted. {HOW}"
    )
    assert store.get(A).status == "revoked"
    assert store.get(B) == sample("b")
    assert store.delete([B, X, B]) == 1


def test_all_keys_of_an_owner_are_ended_where_they_can_be():
    memory = MemoryStore([sample("a"), sample("b"), sample("c", user_id="other")])
    store = LayeredStore(Reads(replace(sample("a"), name="upper"), sample("d")), memory)
    assert Keyring(store).revoke_all(user_id="user_123") == 1
    assert [memory.get(key_id).status for key_id in (A, B, C)] == ["active", "revoked", "active"]


def test_dead_keys_can_be_purged():
    memory = MemoryStore()
    keyring = Keyring(LayeredStore(Reads(sample("a", status="revoked")), memory))
    dead = keyring.create(user_id="user_123").key_id
    keyring.revoke(dead)
    assert keyring.purge(timedelta(0)) == 1
    assert memory.get(dead) is None
