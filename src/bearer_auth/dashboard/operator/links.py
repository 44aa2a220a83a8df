"""Links to sign in by, once and within ten minutes."""

from __future__ import annotations

import secrets
import time
from datetime import timedelta
from hashlib import sha256
from typing import Any, NamedTuple

from itsdangerous import BadData, URLSafeSerializer

from ...values import Clock, from_micros
from ..once import Once
from .accounts import Account

LIFE = timedelta(minutes=10)
"""How long a link can be used."""

MAX_LENGTH = 1024
"""Characters of a link's token."""

_SALT = "bearer_auth.dashboard.sign-in-link"
_LIFE_US = LIFE // timedelta(microseconds=1)
_SKEW_US = 5 * 60 * 1_000_000


class _Link(NamedTuple):
    """What is signed."""

    name: str
    changed_us: int
    ends_us: int
    nonce: str


class Links:
    """Makes links, and reads them.

    Args:
        secret: What they are signed with.
        once: What was used already.
        clock: Seconds since 1970.
    """

    def __init__(self, secret: bytes, once: Once, clock: Clock = time.time) -> None:
        self._signer = URLSafeSerializer(
            secret, salt=_SALT, signer_kwargs={"digest_method": sha256}
        )
        self._once = once
        self._clock = clock

    def make(self, account: Account) -> str:
        """The token of a new link; void once the account's password changes."""
        ends_us = self._now_us() + _LIFE_US
        link = _Link(account.name, account.changed_us, ends_us, secrets.token_urlsafe(24))
        return str(self._signer.dumps(list(link)))

    def is_live(self, token: str) -> bool:
        """Whether a link is one of ours and hasn't ended. It may have been used."""
        return self._read(token) is not None

    def use(self, token: str) -> Account | None:
        """Use a link up.

        Returns:
            The account that it was made for, as it was then; ``None`` if the link is none of ours,
            has ended or was used.

        Raises:
            StoreUnavailable: It can't be known whether it was used.
        """
        link = self._read(token)
        # Not the token's own digest: base64 has more than one spelling of the same signature.
        if link is None or not self._once.use(
            sha256(f"{_SALT}:{link.nonce}".encode()).hexdigest(), from_micros(link.ends_us)
        ):
            return None
        return Account(link.name, changed_us=link.changed_us)

    def _read(self, token: str) -> _Link | None:
        if len(token) > MAX_LENGTH:
            return None
        try:
            values: Any = self._signer.loads(token)
        except BadData:
            return None
        link = _Link(*values)
        left_us = link.ends_us - self._now_us()
        return link if 0 < left_us <= _LIFE_US + _SKEW_US else None

    def _now_us(self) -> int:
        return int(self._clock() * 1_000_000)
