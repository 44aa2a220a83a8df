"""MemoryStore: keys in this process, for tests, scripts and single-process apps."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date

from ..errors import Conflict, KeyExists
from ..records import KeyRecord
from . import Page, Query, Usage, Use
from .cursor import decode_cursor, encode_cursor, sort_key


class MemoryStore:
    """Keeps keys in a dictionary. They are gone when the process ends, and other processes
    (gunicorn's workers, say) don't see them.

    Args:
        records: What is in it at the start.
        record_address: Note from which address each key was last used.

    Raises:
        KeyExists: Two of the records have the same id.
    """

    def __init__(self, records: Iterable[KeyRecord] = (), *, record_address: bool = False) -> None:
        self.record_address = record_address
        self._records: dict[str, KeyRecord] = {}
        self._usage: dict[str, Usage] = {}
        self._revision = 0
        self._lock = threading.Lock()
        self.add(records)

    def get(self, key_id: str) -> KeyRecord | None:
        """The record with this id, or ``None``."""
        return self._records.get(key_id)

    def revision(self) -> Hashable:
        """A counter of the changes of existing records."""
        return self._revision

    def add(self, records: Iterable[KeyRecord]) -> None:
        """Store new records, all or none."""
        with self._lock:
            new: dict[str, KeyRecord] = {}
            for record in records:
                if record.key_id in self._records or record.key_id in new:
                    raise KeyExists(f"a key with the id {record.key_id} is already stored")
                new[record.key_id] = record
            self._records.update(new)

    def replace(self, pairs: Iterable[tuple[KeyRecord, KeyRecord]]) -> None:
        """Put each new record in place of the old one, all or none."""
        with self._lock:
            pairs = list(pairs)
            for old, _ in pairs:
                if self._records.get(old.key_id) != old:
                    raise Conflict(f"the key {old.key_id} was changed by someone else")
            # First the records, then the revision: who has read the old revision and the new
            # record caches it in vain, never the other way round.
            self._records.update((new.key_id, new) for _, new in pairs)
            self._revision += 1

    def find(self, query: Query) -> Page:
        """One page of the records that match, newest first."""
        start = None if query.after is None else decode_cursor(query.after)
        with self._lock:
            records = list(self._records.values())
            usage = dict(self._usage)
        found = [record for record in records if _matches(query, record, usage.get(record.key_id))]
        found.sort(key=sort_key, reverse=True)
        if start is not None:
            found = [record for record in found if sort_key(record) < start]
        page = found[: query.limit]
        more = len(found) > query.limit
        return Page(
            page,
            encode_cursor(page[-1]) if more else None,
            {
                record.key_id: replace(usage[record.key_id], days={})
                for record in page
                if record.key_id in usage
            },
        )

    def delete(self, key_ids: Iterable[str]) -> int:
        """Remove records and what is known of their use."""
        with self._lock:
            gone = [key_id for key_id in set(key_ids) if self._records.pop(key_id, None)]
            for key_id in gone:
                self._usage.pop(key_id, None)
            self._revision += 1
        return len(gone)

    def record_used(self, batch: Sequence[Use]) -> None:
        """Note when secrets were last used; forward only."""
        with self._lock:
            for use in batch:
                if use.key_id not in self._records:
                    continue
                usage = self._usage.get(use.key_id, Usage())
                secrets, days = dict(usage.secrets), dict(usage.days)
                secrets[use.secret_id] = max(use.at, secrets.get(use.secret_id, use.at))
                day = use.at.astimezone(UTC).date()
                days[day] = days.get(day, 0) + use.uses
                newest = usage.last_used_at is None or use.at > usage.last_used_at
                address = use.address if newest else usage.last_address
                self._usage[use.key_id] = Usage(max(secrets.values()), secrets, days, address)

    def usage_of(self, key_ids: Iterable[str]) -> Mapping[str, Usage]:
        """When these keys were last used."""
        return {key_id: self._usage[key_id] for key_id in key_ids if key_id in self._usage}

    def prune_usage(self, before: date) -> int:
        """Forget how often keys were used on the days before."""
        count = 0
        with self._lock:
            for key_id, usage in list(self._usage.items()):
                days = {day: uses for day, uses in usage.days.items() if day >= before}
                count += len(usage.days) - len(days)
                self._usage[key_id] = replace(usage, days=days)
        return count

    def __repr__(self) -> str:
        return f"MemoryStore({len(self._records)} keys)"


def _matches(query: Query, record: KeyRecord, usage: Usage | None) -> bool:
    for name in ("user_id", "tenant_id", "environment"):
        wanted = getattr(query, name)
        if wanted is not None and getattr(record, name) != wanted:
            return False
    if query.state is not None and record.state_at(query.now) != query.state:
        return False
    if query.expires_before is not None and (
        record.expires_at is None or not query.now < record.expires_at < query.expires_before
    ):
        return False
    if query.unused_since is not None:
        last = usage.last_used_at if usage and usage.last_used_at else record.created_at
        return last < query.unused_since
    return True
