"""Time that is taken in turns: each round runs each contender once, so that a slow moment of the
machine hits them all. The figure is the median over the rounds."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Hashable, Mapping
from typing import TypeVar

Name = TypeVar("Name", bound=Hashable)

Block = Callable[[int], float]
"""Does something so many times and returns the seconds that it took."""

BLOCK_S = 0.01
"""About how long a contender's turn lasts."""

LEAST = 20
"""Calls in a turn, however slow they are."""


def repeated(call: Callable[[], object]) -> Block:
    """Time one call again and again."""

    def block(calls: int) -> float:
        begin = time.perf_counter()
        for _ in range(calls):
            call()
        return time.perf_counter() - begin

    return block


def calls_of(block: Block, most: int) -> int:
    """How many calls make a turn."""
    block(LEAST)  # what is made on first use
    return max(LEAST, min(most, int(BLOCK_S / (block(LEAST) / LEAST))))


def in_turns(blocks: Mapping[Name, Block], rounds: int, most: int) -> dict[Name, list[float]]:
    """Microseconds a call, of each contender in each round."""
    calls = {name: calls_of(block, most) for name, block in blocks.items()}
    seen: dict[Name, list[float]] = {name: [] for name in blocks}
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            for name, block in blocks.items():
                seen[name].append(block(calls[name]) / calls[name] * 1e6)
            gc.collect()
    finally:
        gc.enable()
    return seen


def medians(seen: Mapping[Name, list[float]]) -> dict[Name, float]:
    return {name: statistics.median(figures) for name, figures in seen.items()}
