"""What a store must do when records are added, replaced and deleted."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ..errors import Conflict, KeyExists
from ..stores import Query, Use
from .samples import NOW, full_sample, sample


class ChangeContract:
    """``add``, ``replace`` and ``delete``, and the revision after them, if the store has one."""

    def test_adding_nothing_is_allowed(self, store: Any) -> None:
        """And adds nothing."""
        store.add([])
        assert list(store.find(Query(now=NOW))) == []

    def test_adding_takes_any_iterable(self, store: Any) -> None:
        """A generator too."""
        store.add(sample(letter) for letter in "ab")
        assert store.get("a" * 16) == sample("a")
        assert store.get("b" * 16) == sample("b")

    def test_adding_a_taken_id_adds_none(self, store: Any) -> None:
        """All or none; what is stored stays."""
        store.add([sample("b", name="first")])
        with pytest.raises(KeyExists, match="b" * 16):
            store.add([sample("a"), sample("b", name="second"), sample("c")])
        assert store.get("a" * 16) is None
        assert store.get("b" * 16) == sample("b", name="first")
        assert store.get("c" * 16) is None

    def test_adding_an_id_twice_adds_none(self, store: Any) -> None:
        """In one call."""
        with pytest.raises(KeyExists):
            store.add([sample("a"), sample("b"), sample("a")])
        assert store.get("a" * 16) is None
        assert store.get("b" * 16) is None

    def test_replacing_stores_the_new_record(self, store: Any) -> None:
        """Every field of it."""
        old, new = sample("a"), replace(full_sample(), key_id="a" * 16)
        store.add([old])
        store.replace([(old, new)])
        assert store.get("a" * 16) == new

    def test_replacing_compares_by_value(self, store: Any) -> None:
        """Whoever changes a key read it in another process, so identity means nothing."""
        store.add([sample("a", metadata={"x": 1, "y": 2})])
        store.replace([(sample("a", metadata={"y": 2, "x": 1}), sample("a", name="new"))])
        assert store.get("a" * 16) == sample("a", name="new")

    @pytest.mark.parametrize(
        "other",
        [
            {"name": "other"},
            {"status": "suspended"},
            {"expires_at": NOW + timedelta(microseconds=1)},
            {"metadata": {"a": 1}},
            {"secrets": ()},
        ],
        ids=lambda other: next(iter(other)),
    )
    def test_replacing_what_is_not_stored_changes_nothing(
        self, store: Any, other: dict[str, Any]
    ) -> None:
        """All or none; a difference in any field counts."""
        a, b = sample("a"), sample("b")
        store.add([a, b])
        with pytest.raises(Conflict, match="b" * 16):
            store.replace(
                [(a, sample("a", name="new")), (sample("b", **other), sample("b", name="new"))]
            )
        assert store.get("a" * 16) == a
        assert store.get("b" * 16) == b

    def test_replacing_an_unknown_key_is_a_conflict(self, store: Any) -> None:
        """It was deleted in the meantime; it must not come back."""
        with pytest.raises(Conflict):
            store.replace([(sample("a"), sample("a", name="new"))])
        assert store.get("a" * 16) is None

    def test_replacing_nothing_is_allowed(self, store: Any) -> None:
        """An earlier caller may have died before it could be sure of its change."""
        store.replace([])

    def test_many_records_can_be_replaced_at_once(self, store: Any) -> None:
        """More than a statement of SQL has room for."""
        old = [replace(sample("0"), key_id=f"{number:016}") for number in range(1500)]
        store.add(old)
        store.replace((record, replace(record, status="revoked")) for record in old)
        assert all(
            store.get(record.key_id) == replace(record, status="revoked") for record in old[::100]
        )

    def test_of_many_who_replace_the_same_record_one_wins(self, store: Any) -> None:
        """And the record is the winner's."""
        old = sample("a")
        store.add([old])
        start = threading.Barrier(8)
        won: list[str] = []
        lost: list[str] = []

        def change(name: str) -> None:
            start.wait()
            try:
                store.replace([(old, replace(old, name=name))])
            except Conflict:
                lost.append(name)
            else:
                won.append(name)

        threads = [threading.Thread(target=change, args=(f"number {n}",)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (len(won), len(lost)) == (1, 7)
        assert store.get("a" * 16) == sample("a", name=won[0])

    def test_deleting_returns_how_many_there_were(self, store: Any) -> None:
        """Unknown ids and repeats don't count."""
        store.add([sample("a"), sample("b"), sample("c")])
        assert store.delete(["a" * 16, "b" * 16, "a" * 16, "x" * 16, ""]) == 2
        assert store.get("a" * 16) is None
        assert store.get("b" * 16) is None
        assert store.get("c" * 16) == sample("c")

    def test_deleting_nothing_is_allowed(self, store: Any) -> None:
        """And deletes nothing."""
        store.add([sample("a")])
        assert store.delete([]) == 0
        assert store.get("a" * 16) == sample("a")

    def test_a_deleted_id_is_free_again(self, store: Any) -> None:
        """Nothing of the old key is left in it, its use neither."""
        store.add([sample("a")])
        if getattr(store, "record_used", None) is not None:
            store.record_used([Use("a" * 16, "0011223344556677", NOW, 1)])
        store.delete(["a" * 16])
        store.add([sample("a", name="again")])
        assert store.get("a" * 16) == sample("a", name="again")
        if hasattr(store, "usage_of"):
            assert store.usage_of(["a" * 16]) == {}

    def test_its_revision_changes_when_a_record_is_replaced(self, store: Any) -> None:
        """Each time."""
        if not hasattr(store, "revision"):
            return
        first, second = sample("a"), sample("a", name="new")
        store.add([first])
        seen = {store.revision()}
        store.replace([(first, second)])
        seen.add(store.revision())
        store.replace([(second, first)])
        seen.add(store.revision())
        assert len(seen) == 3

    def test_its_revision_changes_when_a_record_is_deleted(self, store: Any) -> None:
        """A deleted key must leave the caches."""
        if not hasattr(store, "revision"):
            return
        store.add([sample("a")])
        before = store.revision()
        store.delete(["a" * 16])
        assert store.revision() != before

    def test_its_revision_stays_when_a_change_fails(self, store: Any) -> None:
        """Nothing was changed."""
        if not hasattr(store, "revision"):
            return
        store.add([sample("a")])
        before = store.revision()
        with pytest.raises(Conflict):
            store.replace([(sample("a", name="other"), sample("a", name="new"))])
        assert store.revision() == before

    def test_its_revision_stays_when_a_key_is_used(self, store: Any) -> None:
        """Keys are used all the time; the caches would always be empty."""
        if not hasattr(store, "revision") or getattr(store, "record_used", None) is None:
            return
        store.add([sample("a")])
        before = store.revision()
        store.record_used([Use("a" * 16, "0011223344556677", NOW, 1)])
        assert store.revision() == before
