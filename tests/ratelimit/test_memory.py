"""Counts in memory: what a process that was forked is told."""

import os
import subprocess
import sys

import pytest

FORKED = """
import logging, os
from bearer_auth.ratelimit.memory import MemoryCounter

logging.basicConfig(format="%(levelname)s %(name)s %(message)s")
counter = MemoryCounter()
counter.take("owner", 3, 60)
for _ in range(2):
    child = os.fork()
    if not child:
        counter.read("owner", 60)
        counter.take("owner", 3, 60)
        counter.take("owner", 3, 60)
        os._exit(0)
    os.waitpid(child, 0)
    print(child)
counter.take("owner", 3, 60)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_process_that_was_forked_warns_once_that_it_counts_for_itself():
    # In a process of its own, as forks must not happen in pytest's.
    done = subprocess.run(
        [sys.executable, "-c", FORKED], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stderr.splitlines() == [
        f"WARNING bearer_auth rate limits: the forked process {child} counts in its own memory, so "
        "with several workers each allows the whole limit; give RateLimits a storage that they "
        "share, such as sqlite:///limits.db or a Redis"
        for child in done.stdout.split()
    ]
    assert len(done.stdout.split()) == 2
