"""Requests that may be repeated: what was answered is remembered under the client's idempotency
key, so that the work is done once.

A store is a class with the four methods of ``IdempotencyStore`` and its ``lease``;
``bearer_auth.testing.IdempotencyStoreContract`` is the suite that each must pass.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from ..errors import ConfigurationError
from ..values import listed
from .memory import MemoryIdempotencyStore
from .records import KEEP, LEASE, Answer, Found

if TYPE_CHECKING:
    from .redis import RedisIdempotencyStore
    from .sql import SQLIdempotencyStore

MAX_BODY = 1024 * 1024
"""Bytes of a body, unless the settings say otherwise."""

METHODS = ("POST", "PUT", "PATCH", "DELETE")
"""The methods whose requests may have an idempotency key; the others do no work."""


class IdempotencyStore(Protocol):
    """Remembers requests, each under the id of an API key and a digest of what its client sent.

    Whoever works on a request has claimed it with a fence, a random text that no other claim has.
    Once the lease of a claim has run out, another may take its place; then what comes with the old
    fence is refused. Every method may be called again with the same arguments if an answer was
    lost. Thread-safe, and safe in a fork.

    .. versionadded:: 0.1
    """

    @property
    def lease(self) -> timedelta:
        """How long a claim holds that isn't renewed."""
        ...

    def claim(self, key_id: str, value: str, fingerprint: str, fence: str) -> Found | None:
        """Claim a request, if nobody has it: of many at once, one.

        A claim whose lease has run out is replaced if its fingerprint is the same.

        Args:
            key_id: The id of the API key.
            value: A digest of the client's idempotency key; 64 characters.
            fingerprint: A digest of the request; 64 characters.
            fence: What stands for this claim; 32 characters.

        Returns:
            ``None`` if it is claimed, else what is known of the request.

        Raises:
            RateLimited: So many are remembered for this key that there is no room for another.
            StoreUnavailable: The store can't answer.
        """
        ...

    def renew(self, key_id: str, value: str, fence: str) -> bool:
        """Have the lease begin anew; whether the claim still held.

        Raises:
            StoreUnavailable: The store can't answer.
        """
        ...

    def finish(self, key_id: str, value: str, fence: str, answer: Answer | None) -> bool:
        """Remember the answer, until the time limit; ``None``: that there was one, which isn't
        kept. Whether the claim still held.

        Raises:
            StoreUnavailable: The store can't answer.
        """
        ...

    def forget(self, key_id: str, value: str, fence: str) -> bool:
        """Let the request be claimed anew; whether the claim still held.

        Raises:
            StoreUnavailable: The store can't answer.
        """
        ...


@dataclass(frozen=True, slots=True)
class Idempotency:
    """A store, and what is remembered there. ``BearerAuth`` takes either.

    Args:
        store: Where requests are remembered.
        methods: Those of the requests; on others the header means nothing.
        max_request: Bytes that the body of a request with an idempotency key may have; over that
            it is a 413.
        max_answer: Bytes of an answer's body that are kept; a longer answer is passed on, and its
            repeats are refused.

    Raises:
        TypeError: The store lacks a method or its lease.
        ConfigurationError: A value is out of bounds.

    .. versionadded:: 0.1
    """

    store: IdempotencyStore
    methods: Iterable[str] = METHODS
    max_request: int = MAX_BODY
    max_answer: int = MAX_BODY

    def __post_init__(self) -> None:
        store: Any = self.store
        needed = ("claim", "renew", "finish", "forget")
        missing = [name for name in needed if not callable(getattr(store, name, None))]
        if isinstance(store, type) or missing:
            name = store.__name__ if isinstance(store, type) else type(store).__name__
            raise TypeError(
                "idempotency must be an object such as MemoryIdempotencyStore(), with the methods "
                f"of IdempotencyStore, not {name}"
            )
        if not isinstance(getattr(store, "lease", None), timedelta):
            raise TypeError(
                f"the lease of {type(store).__name__} must be a timedelta: how long a claim holds "
                "that isn't renewed"
            )
        methods = tuple(listed("methods", self.methods))
        if not methods or any(method != method.upper() for method in methods):
            raise ConfigurationError(
                f"methods of the idempotency must be names such as 'POST': {methods!r}"
            )
        object.__setattr__(self, "methods", methods)
        for name in ("max_request", "max_answer"):
            if getattr(self, name) < 0:
                raise ConfigurationError(f"{name} must be a number of bytes: {getattr(self, name)}")


def __getattr__(name: str) -> Any:
    # What needs an extra is imported when it is asked for.
    if name == "SQLIdempotencyStore":
        from .sql import SQLIdempotencyStore

        return SQLIdempotencyStore
    if name == "RedisIdempotencyStore":
        from .redis import RedisIdempotencyStore

        return RedisIdempotencyStore
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "KEEP",
    "LEASE",
    "Answer",
    "Found",
    "Idempotency",
    "IdempotencyStore",
    "MemoryIdempotencyStore",
    "RedisIdempotencyStore",
    "SQLIdempotencyStore",
]
