"""How often somebody may try to sign in, by account and by address; all workers count together."""

from __future__ import annotations

import math

try:
    from limits import RateLimitItem, RateLimitItemPerMinute
except ImportError as error:
    raise ImportError(
        'the sign-in of operators needs limits: pip install "bearer_auth[dashboard]"'
    ) from error

from ...ratelimit.failures import network_of
from ...ratelimit.sql import SQLStorage
from ...ratelimit.windows import wait_s
from ...stores.sql_database import Database
from ...stores.sql_tables import Tables

BY_ADDRESS = RateLimitItemPerMinute(30, 15)
"""From one IPv4 address, or one /64 of IPv6."""

BY_ACCOUNT = RateLimitItemPerMinute(10, 15)
"""For one account, whether there is one of this name or not."""


class Throttle:
    """Counts attempts to sign in with a password.

    Args:
        database: Where they are counted.
        tables: All of the tables.
    """

    def __init__(self, database: Database, tables: Tables) -> None:
        self._storage = SQLStorage(over=(database, tables))

    def wait_s(self, account: str, address: str | None) -> int | None:
        """Count an attempt, before it may cost anything.

        The address is asked first, so that from one address, which is refused soon, few accounts
        can be shut.

        Args:
            account: What was given as the name of an account.
            address: REMOTE_ADDR.

        Returns:
            ``None`` if it may go on; else after how many seconds another one may.

        Raises:
            StoreUnavailable: The database can't answer.
        """
        wait = self._take(BY_ADDRESS, "address", network_of(address))
        return self._take(BY_ACCOUNT, "account", account) if wait is None else wait

    def _take(self, limit: RateLimitItem, *names: str) -> int | None:
        key, length_s = limit.key_for("operator", *names), limit.get_expiry()
        reading = self._storage.take(key, limit.amount, length_s)
        if reading.allowed:
            return None
        return max(1, math.ceil(wait_s(reading, limit.amount, length_s)))
