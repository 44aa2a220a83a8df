"""Puts keys that were found into a store: in batches, again and again without harm."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from ..errors import KeyExists
from ..events import Emitter, EventSink
from ..records import KeyRecord
from ..stores import WritableKeyStore
from .rows import Row

BATCH = 5000
"""Keys in one write."""


@dataclass(slots=True)
class Outcome:
    """What an import did.

    Attributes:
        added: Keys that are new.
        present: Keys that were there already.
        refused: Rows that could not be taken in; each was told.
    """

    added: int = 0
    present: int = 0
    refused: int = 0


def import_rows(
    store: WritableKeyStore,
    rows: Iterable[Row],
    *,
    dry_run: bool = False,
    tell: Callable[[Row], None] = lambda row: None,
    progress: Callable[[Outcome], None] = lambda outcome: None,
    event_sink: EventSink | None = None,
) -> Outcome:
    """Store keys that are not there yet.

    A key that is there stays as it is, so an import that broke off is simply run again.

    Args:
        store: Where to.
        rows: What a reader yields.
        dry_run: Only look.
        tell: Told of each row that can't be taken in.
        progress: Told after each batch.
        event_sink: As for ``Keyring``.

    Raises:
        StoreUnavailable: The store can't answer. What was stored before stays.
    """
    emitter, outcome = Emitter(event_sink), Outcome()
    rows = iter(rows)
    while batch := list(islice(rows, BATCH)):
        fit: list[tuple[Row, KeyRecord]] = []
        for row in batch:
            if row.record is None:
                outcome.refused += 1
                tell(row)
            else:
                fit.append((row, row.record))
        records = [record for _, record in fit]
        try:
            if dry_run:
                raise KeyExists  # so that each is looked at
            store.add(records)
        except KeyExists:
            records = list(_new(store, fit, outcome, tell))
            if not dry_run:
                store.add(records)
        outcome.added += len(records)
        if not dry_run and emitter.wants("key.imported"):
            for record in records:
                emitter.emit("key.imported", key_id=record.key_id, user_id=record.user_id)
        progress(outcome)
    return outcome


def _new(
    store: WritableKeyStore,
    fit: Iterable[tuple[Row, KeyRecord]],
    outcome: Outcome,
    tell: Callable[[Row], None],
) -> Iterator[KeyRecord]:
    seen: dict[str, KeyRecord] = {}
    for row, record in fit:
        found = seen.get(record.key_id) or store.get(record.key_id)
        if found is None:
            seen[record.key_id] = record
            yield record
        elif _is_same(found, record):
            outcome.present += 1
        else:
            outcome.refused += 1
            tell(row._replace(record=None, problem=f"another key has the id {record.key_id}"))


def _is_same(found: KeyRecord, record: KeyRecord) -> bool:
    """Whether it is the same key, which may have been changed or rotated since."""
    hashes = {secret.hash for secret in record.secrets}
    return (found.user_id, found.created_at) == (record.user_id, record.created_at) or any(
        secret.hash in hashes for secret in found.secrets
    )
