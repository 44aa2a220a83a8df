"""The connection or the worker dies between the POST and its answer: what ran is not run again."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from ..faults.proxy import Proxy

pytestmark = pytest.mark.once


class CutsOneAnswer(Proxy):
    """Cuts the first answer in the middle, and passes the others."""

    def __init__(self, target):
        super().__init__(target)
        self.mode = "reset"

    def _answer(self, data, sink):
        try:
            super()._answer(data, sink)
        except ConnectionResetError:
            self.mode = "pass"
            raise


@pytest.fixture
def proxy(site):
    proxy = CutsOneAnswer(site.address)
    yield proxy
    proxy.close()


@pytest.fixture
def pool():
    with ThreadPoolExecutor(2) as pool:
        yield pool


def test_an_answer_that_is_cut_on_its_way_is_replayed(sdk, site, proxy, ensemble):
    url = f"http://127.0.0.1:{proxy.port}"
    caller = sdk(url, site.issue().token)
    done = caller.execute(ensemble, "once")
    assert done.error is None
    assert (done.output, done.replayed) == ({"ensemble": ensemble, "input": "once"}, True)
    assert site.statuses(ensemble) == [200, 200]
    assert len(site.runs(ensemble)) == 1
    assert proxy.connections == 2
    failed, again, answered = caller.log.so_far()
    post = rf"POST {re.escape(url)}/execute/{ensemble}"
    assert re.fullmatch(rf"{post}: APIConnectionError in \d\.\d{{3}} s", failed)
    wait = r"trying again in 0\.\d\d s \(1 of 2\)"
    assert re.fullmatch(rf"{post}: APIConnectionError; {wait}", again)
    assert re.fullmatch(rf"{post}: 200 in \d\.\d{{3}} s \(request id {done.request_id}\)", answered)


def test_without_an_idempotency_key_a_cut_answer_is_not_tried_again(sdk, site, proxy, ensemble):
    caller = sdk(f"http://127.0.0.1:{proxy.port}", site.issue().token)
    lost = caller.execute(ensemble, idempotency_key=False)
    assert (lost.error, lost.status, lost.idempotency_key) == ("APIConnectionError", None, None)
    assert len(site.runs(ensemble)) == 1
    assert proxy.connections == 1


def test_a_worker_killed_before_it_could_send_its_answer_is_replayed_by_another(
    sdk, site, pool, ensemble
):
    caller = sdk(site.url, site.issue().token)
    with site.held(f"{ensemble}-answer") as held:
        call = pool.submit(caller.execute, ensemble, "once")
        held.arrived()
        (worker,) = site.runs(ensemble)
        site.kill(worker)
    done = call.result()
    assert done.error is None
    assert (done.output, done.replayed) == ({"ensemble": ensemble, "input": "once"}, True)
    assert site.runs(ensemble) == [worker]
    assert [answer["status"] for answer in site.asked(ensemble)] == [200, 200]
    assert site.asked(ensemble)[1]["pid"] != worker


def test_a_server_killed_before_it_could_send_its_answer_replays_it_when_it_is_up_again(
    sdk, site, pool, ensemble
):
    caller = sdk(site.url, site.issue().token, max_retries=20)
    with site.held(f"{ensemble}-answer") as held:
        call = pool.submit(caller.execute, ensemble, "once")
        held.arrived()
        site.crash()
        line = caller.log.wait_for("trying again")
    site.start()
    done = call.result()
    assert ": APIConnectionError; trying again in " in line
    assert (done.error, done.replayed) == (None, True)
    assert done.output == {"ensemble": ensemble, "input": "once"}
    assert site.statuses(ensemble) == [200, 200]
    assert len(site.runs(ensemble)) == 1


def test_a_worker_killed_while_it_ran_is_replaced_after_its_lease_and_not_before(
    sdk, site, pool, ensemble
):
    caller = sdk(site.url, site.issue().token, max_retries=20)
    with site.held(ensemble) as held:
        call = pool.submit(caller.execute, ensemble, "once", idempotency_key="killed")
        held.arrived()
        (worker,) = site.runs(ensemble)
        site.kill(worker)
    done = call.result()
    assert (done.error, done.replayed) == (None, False)
    # Until the lease had ended it was refused, and the app did not run.
    *refused, last = site.statuses(ensemble)
    assert set(refused) == {409}
    assert last == 200
    first, second = site.runs(ensemble)
    assert first == worker
    assert second != worker
    again = caller.execute(ensemble, "once", idempotency_key="killed")
    assert (again.replayed, again.output) == (True, done.output)
    assert len(site.runs(ensemble)) == 2


def test_who_asks_while_it_still_runs_waits_and_gets_the_same_answer(sdk, site, pool, ensemble):
    token = site.issue().token
    first, second = sdk(site.url, token), sdk(site.url, token)
    with site.held(ensemble) as held:
        running = pool.submit(first.execute, ensemble, "both", idempotency_key="order-1")
        held.arrived()
        waiting = pool.submit(second.execute, ensemble, "both", idempotency_key="order-1")
        line = second.log.wait_for("trying again")
    assert line.endswith(": 409 IDEMPOTENCY_CONFLICT; trying again in 1.00 s (1 of 2)")
    done, replayed = running.result(), waiting.result()
    assert (done.error, done.replayed) == (None, False)
    assert (replayed.error, replayed.replayed) == (None, True)
    assert replayed.output == done.output == {"ensemble": ensemble, "input": "both"}
    assert len(site.runs(ensemble)) == 1


def test_who_does_not_wait_is_told_that_it_still_runs(sdk, site, pool, ensemble):
    token = site.issue().token
    first, second = sdk(site.url, token), sdk(site.url, token, max_retries=0)
    with site.held(ensemble) as held:
        running = pool.submit(first.execute, ensemble, idempotency_key="order-1")
        held.arrived()
        refused = second.execute(ensemble, idempotency_key="order-1")
    assert (refused.error, refused.status) == ("ConflictError", 409)
    assert (refused.code, refused.retry_after) == ("IDEMPOTENCY_CONFLICT", 1)
    assert running.result().error is None
