"""What the authenticator remembers, bounded: accepted credentials and proofs of slow hashes."""

from __future__ import annotations

from collections.abc import Hashable
from contextlib import suppress
from ipaddress import IPv4Network, IPv6Network
from typing import Generic, TypeVar

from .records import Principal

K = TypeVar("K")
V = TypeVar("V")


class Accepted:
    """A credential that was accepted, and what must still be checked each time it comes.

    Attributes:
        principal: Whose it is.
        secret_id: The secret that was sent.
        expires_at: Seconds since 1970 at which the key or the secret ends, whichever is first.
        networks: From where it may be used; ``None`` means anywhere.
        uses: Uses since they were last written down.
        last_used: Seconds since 1970 of the last one.
        address: Where it came from, if the store asks for that.
        batch: The batch of uses in which it waits to be written down, if that is still open.
    """

    __slots__ = (
        "address",
        "batch",
        "expires_at",
        "last_used",
        "networks",
        "principal",
        "secret_id",
        "uses",
    )

    def __init__(
        self,
        principal: Principal,
        secret_id: str,
        expires_at: float,
        networks: tuple[IPv4Network | IPv6Network, ...] | None,
    ) -> None:
        self.principal = principal
        self.secret_id = secret_id
        self.expires_at = expires_at
        self.networks = networks
        self.uses = 0
        self.last_used = 0.0
        self.address: str | None = None
        self.batch: object = None


class Watch:
    """What is to be known of one check.

    Attributes:
        looked_up: Whether the credential was not remembered, so that the store is asked for it.
    """

    __slots__ = ("looked_up",)

    def __init__(self) -> None:
        self.looked_up = False


class BoundedDict(dict[K, V], Generic[K, V]):
    """A dict that drops its oldest entry when it is full.

    Oldest by insertion: keeping the order of use would cost each hit a write. ``remember`` is safe
    under threads: two of them may both drop one, which costs no more than a second look-up, or
    both add one to the last free place, which the next call makes up for.
    """

    __slots__ = ("_size",)

    def __init__(self, size: int) -> None:
        super().__init__()
        self._size = size

    def remember(self, key: K, value: V) -> None:
        """Store one entry."""
        while len(self) >= self._size and key not in self:
            # Another thread may empty it, or change it while the oldest is sought.
            with suppress(StopIteration, RuntimeError):
                self.pop(next(iter(self)), None)
        self[key] = value


class Generation:
    """The credentials that were accepted under one revision of the store.

    A request uses an entry only if the revision that it has read itself equals this one, and a
    record is entered only into the generation whose revision was read before the record was. So a
    slow reader can put an old record only where no later request looks.
    """

    __slots__ = ("accepted", "revision")

    def __init__(self, revision: Hashable, size: int) -> None:
        self.revision = revision
        self.accepted: BoundedDict[bytes, Accepted] = BoundedDict(size)
