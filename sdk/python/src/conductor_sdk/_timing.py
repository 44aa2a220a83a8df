"""Clocks, chance and waiting: what tests put another in the place of."""

import random
import time

import anyio


class Timing:
    """The real ones. All times are seconds."""

    def monotonic(self) -> float:
        """A clock that nobody sets."""
        return time.monotonic()

    def time(self) -> float:
        """The time of day, since 1970."""
        return time.time()

    def random(self) -> float:
        """A number from 0 to 1."""
        return random.random()  # noqa: S311 - it spreads retries, it guards nothing

    def sleep(self, seconds: float) -> None:
        """Wait, in this thread."""
        time.sleep(seconds)  # who calls this client waits for its answer, the tries between too

    async def async_sleep(self, seconds: float) -> None:
        """Wait, in this task."""
        await anyio.sleep(seconds)
