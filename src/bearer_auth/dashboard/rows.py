"""A key as the pages show it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from ..hashing import is_slow
from ..records import KeyRecord, State
from ..stores import Usage

LATELY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Row:
    """One key.

    Attributes:
        record: The key.
        usage: When it was used.
        state: Its status, expiry counted in.
        masked: What its text begins with.
    """

    record: KeyRecord
    usage: Usage
    state: State
    masked: str

    def used_lately(self, now: datetime) -> bool:
        """Whether it was used within the last day."""
        last = self.usage.last_used_at
        return last is not None and now - last < LATELY


def row(record: KeyRecord, usage: Usage | None, prefix: str, now: datetime) -> Row:
    """Describe a key."""
    masked = f"{record.key_id[:4]}…"
    if not _is_imported(record):
        masked = f"{prefix}_{record.environment}_{masked}"
    return Row(record, usage or Usage(), record.state_at(now), masked)


def _is_imported(record: KeyRecord) -> bool:
    # A minted token's slow hash has a sieve; an imported text has none, and no prefix of ours.
    return any(is_slow(secret.hash) and secret.sieve is None for secret in record.secrets[:1])
