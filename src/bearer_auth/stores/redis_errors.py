"""What to call a Redis, and what its failures mean, in one line each, with the mend."""

from __future__ import annotations

from typing import Any

import redis


def name_of(client: Any) -> str:
    """What to call a Redis in messages: host and port, never a user or a password.

    Args:
        client: A ``redis.Redis``.
    """
    where = client.connection_pool.connection_kwargs
    if where.get("path"):
        return "Redis at the local socket"
    host = where.get("host") or "localhost"  # as redis-py has it
    shown = f"[{host}]" if ":" in host else host
    return f"Redis at {shown}:{where.get('port') or 6379}"


def reason_of(error: Exception) -> str:
    """Why, in words of ours: the driver's may quote an address or a user."""
    if isinstance(error, (redis.TimeoutError, TimeoutError)):
        return "it did not answer in time; check the network between, and what it is busy with"
    if isinstance(error, redis.AuthenticationError):
        return "it refused the user or the password; check those in the URL"
    if isinstance(error, redis.ReadOnlyError):
        return "it is a replica or read-only; name the primary in the URL"
    if isinstance(error, redis.OutOfMemoryError):
        return "its memory is full; raise its maxmemory"
    if isinstance(error, (redis.ConnectionError, OSError)):
        return "it can't be reached; check that it runs there, and that a firewall lets you through"
    return f"it failed ({type(error).__name__})"
