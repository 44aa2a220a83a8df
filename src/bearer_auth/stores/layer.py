"""One store among several: what it answers, and that it can't."""

from __future__ import annotations

import logging
from collections.abc import Callable
from time import monotonic
from typing import Any

from ..errors import StoreUnavailable
from ..records import KeyRecord
from . import KeyStore, check_store

QUIET_S = 60.0
"""Seconds between two lines of the log about the same layer."""

logger = logging.getLogger("bearer_auth")


class Layer:
    """One store of a ``LayeredStore``.

    Args:
        store: The store.
        number: Its place, counted from 1 at the top.

    Attributes:
        store: The store.
        name: What messages call it.

    Raises:
        TypeError: It is no store.
    """

    def __init__(self, store: KeyStore, number: int) -> None:
        check_store(store)
        self.store = store
        # Not its repr: one that somebody else wrote may show a password.
        self.name = f"layer {number}, {type(store).__name__}"
        self._quiet_until = 0.0

    def method(self, name: str) -> Callable[..., Any] | None:
        """A method that a store may have; one that is no function counts as missing."""
        found = getattr(self.store, name, None)
        return found if callable(found) else None

    def get(self, key_id: str) -> KeyRecord | None:
        """The record with this id, or ``None``.

        Raises:
            StoreUnavailable: The layer failed, in whatever way.
        """
        try:
            record = self.store.get(key_id)
        except Exception as error:
            raise self.failure("get", error) from None
        if record is not None and (not isinstance(record, KeyRecord) or record.key_id != key_id):
            raise StoreUnavailable(f"{self.name}: get returned something else than this key")
        return record

    def failure(self, method: str, error: Exception) -> StoreUnavailable:
        """What is said of an exception; only the text of a ``StoreUnavailable`` is meant to be
        shown, any other may hold a password."""
        if isinstance(error, StoreUnavailable):
            return StoreUnavailable(f"{self.name}: {error}")
        return StoreUnavailable(f"{self.name}: {method} raised {type(error).__name__}")

    def log(self, failure: str) -> None:
        """Tell of a failure that no answer shows, because another layer answers."""
        now = monotonic()
        if now >= self._quiet_until:
            self._quiet_until = now + QUIET_S
            logger.error("LayeredStore goes on without a layer that failed: %s", failure)
