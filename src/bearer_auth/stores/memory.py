"""MemoryStore: keys in this process, for tests, scripts and single-process apps."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date
from functools import partial

from ..errors import Conflict, KeyExists
from ..records import KeyRecord
from . import Page, Query, Usage, Use
from .cursor import decode_cursor, encode_cursor, is_behind, sort_key
from .search import is_theirs, matches


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
        self._days: dict[date, int] = {}
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
        """One page of the records that match, in the order that is asked for."""
        sort = query.sort
        start = None if query.after is None else decode_cursor(query.after, sort)
        with self._lock:
            records = [one for one in self._records.values() if is_theirs(query, one)]
            usage = dict(self._usage)
        if sort == "expiry":
            records = [one for one in records if one.expires_at is not None]
        if start is not None:
            records = [
                record for record in records if is_behind(sort_key(record, sort), start, sort)
            ]
        records.sort(key=partial(sort_key, sort=sort), reverse=sort == "newest")
        looked_at = records[: query.scan]
        found = [record for record in looked_at if matches(query, record, usage.get(record.key_id))]
        page = found[: query.limit]
        last = None
        if len(found) > query.limit:
            last = page[-1]
        elif len(looked_at) < len(records):
            last = looked_at[-1]
        return Page(
            page,
            None if last is None else encode_cursor(last, sort),
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
                self._days[day] = self._days.get(day, 0) + use.uses
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
            self._days = {day: uses for day, uses in self._days.items() if day >= before}
        return count

    def uses_by_day(
        self, since: date, *, user_id: str | None = None, tenant_id: str | None = None
    ) -> Mapping[date, int]:
        """How often keys were used, by day in UTC: all of them, or those of an owner.

        Args:
            since: The first day.
            user_id: The owner.
            tenant_id: The owner's tenant.
        """
        with self._lock:
            if user_id is None and tenant_id is None:
                return {day: uses for day, uses in sorted(self._days.items()) if day >= since}
            total: dict[date, int] = {}
            for key_id, usage in self._usage.items():
                record = self._records[key_id]
                if user_id in (None, record.user_id) and tenant_id in (None, record.tenant_id):
                    for day, uses in usage.days.items():
                        total[day] = total.get(day, 0) + uses
        return {day: uses for day, uses in sorted(total.items()) if day >= since}

    def __repr__(self) -> str:
        return f"MemoryStore({len(self._records)} keys)"
