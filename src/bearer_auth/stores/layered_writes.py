"""What a change of keys means where several stores lie over one another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

from ..errors import KeyExists, ReadOnlyStore
from ..records import KeyRecord
from . import WritableKeyStore
from .layer import Layer


def can_write(layer: Layer) -> bool:
    """Whether its store has all that a keyring needs."""
    return all(layer.method(name) for name in ("add", "replace", "find", "delete"))


class LayeredWrites:
    """Changes the one store that can be changed, and refuses what would have no effect there.

    Each method raises what that store raises, and ``StoreUnavailable`` if another store can't say
    whether it knows a key.

    Args:
        layers: All of them, the uppermost first.
        writable: The one that is written to.
    """

    def __init__(self, layers: Sequence[Layer], writable: Layer) -> None:
        place = layers.index(writable)
        self._store = cast(WritableKeyStore, writable.store)
        self._above = layers[:place]
        self._below = layers[place + 1 :]

    def add(self, records: Iterable[KeyRecord]) -> None:
        """Store new records, all or none.

        Raises:
            KeyExists: One of the ids is taken, in any of the stores.
        """
        records = list(records)
        for record in records:
            holder = _holder([*self._above, *self._below], record.key_id)
            if holder is not None:
                raise KeyExists(f"a key with the id {record.key_id} is in {holder.name}")
        self._store.add(records)

    def replace(self, pairs: Iterable[tuple[KeyRecord, KeyRecord]]) -> None:
        """Put each new record in place of the old one, all or none; also with no pairs.

        Raises:
            ReadOnlyStore: A store above decides about one of the keys.
        """
        pairs = list(pairs)
        self._check_decides(old.key_id for old, _ in pairs)
        self._store.replace(pairs)

    def delete(self, key_ids: Iterable[str]) -> int:
        """Remove records, and return how many there were.

        Raises:
            ReadOnlyStore: Another store knows one of the keys. One below would let a key that was
                revoked here live again.
        """
        key_ids = list(key_ids)
        self._check_decides(key_ids)
        for key_id in key_ids:
            holder = _holder(self._below, key_id)
            if holder is not None:
                raise ReadOnlyStore(
                    f"the key {key_id} is also in {holder.name}, whose record would count once "
                    f"this one is deleted. {_HOW}"
                )
        return self._store.delete(key_ids)

    def _check_decides(self, key_ids: Iterable[str]) -> None:
        for key_id in key_ids:
            holder = _holder(self._above, key_id)
            if holder is not None:
                raise ReadOnlyStore(
                    f"the key {key_id} is in {holder.name}, which can only be read. {_HOW}"
                )


_HOW = (
    "End it where that store gets it from: for an EnvStore, take its variable out of the "
    "environment, then restart or reload()"
)


def _holder(layers: Iterable[Layer], key_id: str) -> Layer | None:
    return next((layer for layer in layers if layer.get(key_id) is not None), None)
