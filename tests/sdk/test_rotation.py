"""The key is rotated while it is in use, and no call fails."""

import os
import queue
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from ..servers.process import SECONDS

pytestmark = pytest.mark.once

LOOPS = 4


class KeyFile:
    """A key in a file, as those have it whose secrets are handed to them in one."""

    def __init__(self, path, token):
        self.path = path
        self.put(token)

    def put(self, token):
        # Who reads it meanwhile has the old one or the new one, never half of one.
        new = self.path.with_suffix(".new")
        new.write_text(token)
        os.replace(new, self.path)


class Loops:
    """Calls of a client without end, several at a time."""

    def __init__(self, caller, ensemble):
        self._caller, self._ensemble = caller, ensemble
        self._ended = threading.Event()
        self._done = [queue.SimpleQueue() for _ in range(LOOPS)]
        self.failures = []

    def run(self, number):
        while not self._ended.is_set():
            outcome = self._caller.execute(self._ensemble)
            if outcome.error is not None:
                self.failures.append(outcome)
            self._done[number].put(None)

    def go_round(self):
        """Wait until each loop has ended a call that it began after this."""
        for done in self._done:
            while not done.empty():
                done.get()
            for _ in range(2):  # the first one may have begun before
                done.get(timeout=SECONDS)

    def end(self):
        self._ended.set()


def test_a_key_is_rotated_during_the_run_without_one_failed_call(sdk, site, ensemble, tmp_path):
    issued = site.issue(limit="1000000/hour")
    file = KeyFile(tmp_path / "key", issued.token)
    caller = sdk(site.url, file.path)
    loops = Loops(caller, ensemble)
    with ThreadPoolExecutor(LOOPS) as pool:
        running = [pool.submit(loops.run, number) for number in range(LOOPS)]
        try:
            loops.go_round()
            rotated = site.ring.rotate(issued.key_id, grace=timedelta(hours=1))
            loops.go_round()  # with the old one, in its grace
            file.put(rotated.token)
            loops.go_round()
            site.ring.finish_rotation(issued.key_id)
            loops.go_round()
        finally:
            loops.end()
        for each in running:
            each.result()
    assert loops.failures == []
    assert caller.log.retries() == []
    assert set(site.statuses(ensemble)) == {200}
    assert sdk(site.url, issued.token).health().error == "AuthenticationError"
    assert sdk(site.url, rotated.token).health().error is None


def test_a_key_that_was_not_replaced_in_time_is_refused_once(sdk, site, ensemble):
    issued = site.issue()
    caller = sdk(site.url, issued.token)
    site.ring.rotate(issued.key_id, grace=timedelta(hours=1))
    assert caller.execute(ensemble).error is None
    site.ring.finish_rotation(issued.key_id)
    assert caller.execute(ensemble).error == "AuthenticationError"
    assert site.statuses(ensemble) == [200, 401]
