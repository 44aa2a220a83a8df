"""LayeredStore: several stores, asked from the top down."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from datetime import date
from time import monotonic
from typing import Any

from ..errors import ConfigurationError, StoreUnavailable
from ..records import KeyRecord
from . import KeyStore, Page, Query, Usage, Use
from .layer import Layer
from .layered_list import LayeredList
from .layered_writes import LayeredWrites, can_write

RETRY_S = 5.0
"""Seconds for which the revision of a layer that failed isn't asked for again."""


class LayeredStore:
    """Several stores as one: the first that knows an id decides. ::

        LayeredStore(EnvStore(), SQLStore("sqlite:///keys.db"))

    A store that fails hides no other's answer: if one above fails and one below knows the id, that
    record counts. If no store knows the id and one has failed, it is ``StoreUnavailable``. While a
    store fails, nothing is cached, and the logger ``bearer_auth`` is told once a minute.

    Beware of an id that stands in two stores: while the upper one fails, the lower one's record
    counts, even if the upper one's is revoked.

    One of the stores, at most, can be written to; it gets all new keys. A key of another one is
    ended where that store gets it from: a keyring that is asked to raises ``ReadOnlyStore``. Lists,
    and so ``keyring.revoke_all(user_id=…)``, see the keys of stores that have ``find``; an
    ``EnvStore`` has none.

    Args:
        *stores: The uppermost first.

    Attributes:
        stores: As given.
        add: As in ``WritableKeyStore``, and ``replace`` and ``delete``; ``None`` if no store can
            be written to.
        find: As there; ``None`` if no store has it.
        record_used: Notes uses in each store that does so; ``None`` if none does.
        record_address: Whether one of them wants the addresses.

    Raises:
        TypeError: One of them is no store.
        ConfigurationError: There is none, or more than one can be written to: a change of keys in
            two of them could be made by half.

    .. versionadded:: 0.1
    """

    def __init__(self, *stores: KeyStore) -> None:
        if not stores:
            raise ConfigurationError("LayeredStore needs a store; write LayeredStore(upper, lower)")
        self.stores = stores
        self._layers = [Layer(store, number) for number, store in enumerate(stores, 1)]
        self._revisions = [layer.method("revision") for layer in self._layers]
        self._resting_until = 0.0  # 0: nothing has failed
        # Part of the revision: what was read while a store above had failed must not be found in a
        # cache once it is back, though no store has changed.
        self._failed = object()

        writable = [layer for layer in self._layers if can_write(layer)]
        if len(writable) > 1:
            raise ConfigurationError(
                "only one store of a LayeredStore can be one that is written to, because a change "
                "in two of them could be made by half; these are: "
                + "; ".join(layer.name for layer in writable)
            )
        self.add: Callable[[Iterable[KeyRecord]], None] | None = None
        self.replace: Callable[[Iterable[tuple[KeyRecord, KeyRecord]]], None] | None = None
        self.delete: Callable[[Iterable[str]], int] | None = None
        if writable:
            writes = LayeredWrites(self._layers, writable[0])
            self.add, self.replace, self.delete = writes.add, writes.replace, writes.delete

        lists = LayeredList(self._layers)
        self.find: Callable[[Query], Page] | None = lists.find if lists else None
        self._recorders = self._having("record_used")
        self.record_address = any(getattr(store, "record_address", False) for store in stores)
        self.record_used: Callable[[Sequence[Use]], None] | None = (
            self._record_used if self._recorders else None
        )
        self._days = self._having("uses_by_day")
        self.uses_by_day: Callable[..., Mapping[date, int]] | None = (
            self._uses_by_day if self._days else None
        )

    def get(self, key_id: str) -> KeyRecord | None:
        """The record in the first store that knows the id, or ``None``.

        Raises:
            StoreUnavailable: No store knows the id, and one has failed.
        """
        failures: list[tuple[Layer, str]] = []
        for layer in self._layers:
            try:
                record = layer.get(key_id)
            except StoreUnavailable as error:
                failures.append((layer, str(error)))
                continue
            if record is not None:
                _tell(failures)
                if failures or isinstance(key_id, _Unsure):
                    self._failed = object()
                return record
        _raise(failures)
        return None

    def revision(self) -> Hashable:
        """The revisions of all stores; ``None`` if one has none, or fails."""
        if self._resting_until:
            now = monotonic()
            if now < self._resting_until:
                return None
            # One request asks again, while the others go on.
            self._resting_until = now + RETRY_S
        revisions: list[Hashable] = [self._failed]
        for layer, read in zip(self._layers, self._revisions, strict=True):
            if read is None:
                return None
            try:
                revision = read()
            except Exception as error:
                layer.log(str(layer.failure("revision", error)))
                # Asked at each request, a store that answers late would delay the keys of all.
                self._resting_until = monotonic() + RETRY_S
                return None
            if revision is None:
                return None
            revisions.append(revision)
        self._resting_until = 0.0
        return tuple(revisions)

    def key_ids_for(self, text: str) -> Sequence[str]:
        """The ids that the first store gives which gives any.

        Raises:
            StoreUnavailable: No store gives any, and one has failed.
        """
        failures: list[tuple[Layer, str]] = []
        for layer in self._layers:
            key_ids_for = layer.method("key_ids_for")
            if key_ids_for is None:
                continue
            try:
                key_ids = tuple(key_ids_for(text))
            except Exception as error:
                failures.append((layer, str(layer.failure("key_ids_for", error))))
                continue
            if key_ids:
                _tell(failures)
                return tuple(map(_Unsure, key_ids)) if failures else key_ids
        _raise(failures)
        return ()

    def usage_of(self, key_ids: Iterable[str]) -> Mapping[str, Usage]:
        """When these keys were last used, from the first store that knows.

        Raises:
            StoreUnavailable: A store can't answer.
        """
        wanted = dict.fromkeys(key_ids)
        found: dict[str, Usage] = {}
        for usage_of in self._having("usage_of"):
            found.update(usage_of([key_id for key_id in wanted if key_id not in found]))
        return found

    def close(self) -> None:
        """Close all stores that can be closed, also if one of them raises."""
        _call_each(self._having("close"))

    def _record_used(self, batch: Sequence[Use]) -> None:
        # All of it to each: a store passes over the keys that it doesn't know.
        _call_each(self._recorders, batch)

    def _uses_by_day(
        self, since: date, *, user_id: str | None = None, tenant_id: str | None = None
    ) -> dict[date, int]:
        total: dict[date, int] = {}
        for uses_by_day in self._days:
            for day, uses in uses_by_day(since, user_id=user_id, tenant_id=tenant_id).items():
                total[day] = total.get(day, 0) + uses
        return dict(sorted(total.items()))

    def _having(self, name: str) -> list[Callable[..., Any]]:
        return [method for layer in self._layers if (method := layer.method(name)) is not None]

    def __repr__(self) -> str:
        return f"LayeredStore({', '.join(map(repr, self.stores))})"


class _Unsure(str):
    """An id that a store gave while one above it had failed, so what is read under it must not be
    cached. (Who asks for ids reads the revision only after that.)"""

    __slots__ = ()


def _tell(failures: Iterable[tuple[Layer, str]]) -> None:
    for layer, failure in failures:
        layer.log(failure)


def _raise(failures: Sequence[tuple[Layer, str]]) -> None:
    if failures:
        raise StoreUnavailable("; ".join(failure for _, failure in failures))


def _call_each(functions: Iterable[Callable[..., Any]], *arguments: object) -> None:
    with ExitStack() as stack:
        for function in functions:
            stack.callback(function, *arguments)
