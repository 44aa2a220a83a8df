"""From a URL, an engine or a storage of ``limits`` to what counts requests."""

from __future__ import annotations

from typing import Any, Protocol

from limits.errors import ConfigurationError as LimitsConfigurationError
from limits.storage import SlidingWindowCounterSupport, storage_from_string

from ..errors import ConfigurationError, StoreUnavailable
from ..stores.url import split_url
from .memory import MemoryCounter
from .windows import Reading


class Counter(Protocol):
    """Counts requests; what can't be counted raises ``StoreUnavailable``."""

    def take(self, key: str, limit: int, expiry: int, amount: int = 1) -> Reading:
        """Count a request if there is room for it, and say what has been counted."""
        ...

    def read(self, key: str, expiry: int) -> Reading:
        """Say what has been counted."""
        ...

    def clear_sliding_window(self, key: str, expiry: int) -> None:
        """Forget what has been counted."""
        ...


def open_counter(storage: Any, *, create: bool | None = None, timeout: float = 2.0) -> Counter:
    """What counts requests, of ``memory://``, the URL of a Redis or of a database, an engine, or a
    storage of ``limits`` that knows the sliding window counter.

    Raises:
        TypeError: Something else.
        ConfigurationError: A URL of no storage; it isn't quoted, for there may be a password in it.
        ImportError: An extra is missing; the message names it.
        StoreUnavailable: The tables of a database are missing.
    """
    if isinstance(storage, SlidingWindowCounterSupport):
        # Ours say in one go what was counted too.
        own: Any = storage
        return own if callable(getattr(own, "take", None)) else Windows(storage)
    if not isinstance(storage, str):
        return _database(storage, create, timeout)
    scheme, separator, _ = storage.partition("://")
    if not separator:
        raise ConfigurationError(
            "storage must be memory://, or the URL of a Redis or of a database, such as "
            "redis://127.0.0.1:6379 or sqlite:///keys.db"
        )
    if scheme == "memory":
        return MemoryCounter()
    if scheme in ("redis", "rediss", "redis+unix"):
        from .redis import OneTripRedisStorage

        try:
            return OneTripRedisStorage(storage, timeout)
        except ValueError:  # whose text may quote the password
            raise ConfigurationError(
                "not the URL of a Redis; write redis://127.0.0.1:6379/0"
            ) from None
    if scheme.partition("+")[0] in ("sqlite", "postgresql", "mysql", "mariadb"):
        return _database(storage, create, timeout)
    try:
        made: Any = storage_from_string(storage)
    except LimitsConfigurationError:
        raise ConfigurationError(
            f"no storage for {scheme!r}; use memory://, redis://… or the URL of a database"
        ) from None
    if not isinstance(made, SlidingWindowCounterSupport):
        raise ConfigurationError(f"the storage for {scheme!r} knows no sliding window counter")
    return Windows(made)


class Windows:
    """A storage of ``limits``, asked twice: to count, and for what was counted."""

    def __init__(self, storage: SlidingWindowCounterSupport) -> None:
        self._storage = storage

    def take(self, key: str, limit: int, expiry: int, amount: int = 1) -> Reading:
        """Count a request if there is room for it, and say what has been counted."""
        try:
            allowed = self._storage.acquire_sliding_window_entry(key, limit, expiry, amount)
            return self.read(key, expiry)._replace(allowed=allowed)
        except Exception as error:
            raise _failed(self._storage, error) from None

    def read(self, key: str, expiry: int) -> Reading:
        """Say what has been counted."""
        try:
            before, before_s, counted, left_s = self._storage.get_sliding_window(key, expiry)
        except Exception as error:
            raise _failed(self._storage, error) from None
        # What counts lives for two windows, the first as the current one.
        return Reading(False, before, before_s, counted, max(left_s - expiry, 0.0))

    def clear_sliding_window(self, key: str, expiry: int) -> None:
        """Forget what has been counted."""
        try:
            self._storage.clear_sliding_window(key, expiry)
        except Exception as error:
            raise _failed(self._storage, error) from None

    def __repr__(self) -> str:
        return type(self._storage).__name__


def _database(storage: object, create: bool | None, timeout: float) -> Counter:
    try:
        from .sql import SQLStorage
    except ImportError as error:
        raise ImportError(
            'rate limits in a database need SQLAlchemy: pip install "bearer_auth[sql]"'
        ) from error
    if not isinstance(storage, str):
        return SQLStorage(url_or_engine=storage, create=create, timeout=timeout)
    address, names = split_url(storage)
    return SQLStorage(url_or_engine=address, create=create, timeout=timeout, **names)


def _failed(storage: object, error: Exception) -> StoreUnavailable:
    if isinstance(error, StoreUnavailable):
        return error
    # Its text may quote an address or a password.
    return StoreUnavailable(f"{type(storage).__name__}: it failed with {type(error).__name__}")
