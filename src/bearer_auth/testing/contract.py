"""The suite that every store must pass.

A store that only reads::

    class TestMyStore(KeyStoreContract):
        @pytest.fixture
        def store(self): ...        # the store

        @pytest.fixture
        def known(self): ...        # the records that it holds

A store that can be written to, empty at the start; all else follows::

    class TestMyStore(WritableKeyStoreContract):
        @pytest.fixture
        def store(self): ...

The optional methods of a store (``revision``, ``record_used``) are tested if it has them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from ..records import KeyRecord

try:
    import pytest
except ImportError as error:
    raise ImportError("the contract of stores needs pytest: pip install pytest") from error

# So that a failed assertion shows its values, as it does in the tests of one's own. It has to be
# said before the modules are imported, so these imports stand below (E402).
pytest.register_assert_rewrite(
    f"{__package__}.contract_changes",
    f"{__package__}.contract_lists",
    f"{__package__}.contract_usage",
)

from .contract_changes import ChangeContract  # noqa: E402
from .contract_lists import ListContract  # noqa: E402
from .contract_usage import UsageContract  # noqa: E402
from .samples import NOW, full_sample, sample  # noqa: E402


class KeyStoreContract:
    """What every store must do. Subclass it and override the fixtures ``store`` and ``known``."""

    @pytest.fixture
    def store(self) -> Any:
        """The store under test."""
        raise NotImplementedError("override the fixture store: return the store under test")

    @pytest.fixture
    def known(self) -> Sequence[KeyRecord]:
        """The records that the store holds, one at least."""
        raise NotImplementedError("override the fixture known: return what the store holds")

    def test_it_returns_the_records_that_it_holds(
        self, store: Any, known: Sequence[KeyRecord]
    ) -> None:
        """By id, equal by value."""
        assert known
        for record in known:
            assert store.get(record.key_id) == record

    @pytest.mark.parametrize(
        "key_id",
        ["", "0000000000000000", " ", "'", "a" * 15, "a" * 5000, "\x00" * 16, "ü" * 16, "\ud800"],
        ids=["empty", "unknown", "space", "quote", "short", "long", "nul", "umlauts", "surrogate"],
    )
    def test_it_returns_nothing_for_an_id_that_it_does_not_hold(
        self, store: Any, known: Sequence[KeyRecord], key_id: str
    ) -> None:
        """Whatever the text is."""
        assert store.get(key_id) is None

    def test_an_id_counts_its_letter_case(self, store: Any, known: Sequence[KeyRecord]) -> None:
        """Databases may think otherwise."""
        ids = {record.key_id for record in known}
        for key_id in ids:
            swapped = key_id.swapcase()
            assert swapped in ids or store.get(swapped) is None

    def test_its_revision_stays_while_nothing_changes(
        self, store: Any, known: Sequence[KeyRecord]
    ) -> None:
        """Else nothing could be cached."""
        if not hasattr(store, "revision"):
            return
        before = store.revision()
        assert store.get(known[0].key_id) == known[0]
        assert store.revision() == before
        hash(before)


class WritableKeyStoreContract(KeyStoreContract, ChangeContract, ListContract, UsageContract):
    """What every store that can be written to must do. Override the fixture ``store``: return one
    that is empty."""

    @pytest.fixture
    def known(self, store: Any) -> Sequence[KeyRecord]:
        """Records that were just added."""
        records = [full_sample(), sample("a"), sample("B", expires_at=NOW + timedelta(days=1))]
        store.add(records)
        return records
