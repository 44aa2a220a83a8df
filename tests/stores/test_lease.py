"""Lease: how long a reading is trusted, and who reads it again."""

import threading
import time

import pytest

from bearer_auth.errors import StoreUnavailable
from bearer_auth.stores.lease import Lease, Reading, running_clock


class World:
    """A database with one row, and two clocks that the test moves."""

    def __init__(self):
        self.boot = 1000.0
        self.wall = 2000.0
        self.revision = "r1"
        self.lease_s = 0.5
        self.readings = 0
        self.during = lambda: None  # what happens while a reading is on its way

    def pass_s(self, seconds):
        self.boot += seconds
        self.wall += seconds

    def read(self):
        self.readings += 1
        found = Reading(self.revision, self.lease_s)
        self.during()
        return found


@pytest.fixture
def world():
    return World()


@pytest.fixture
def lease(world):
    return Lease(world.read, 5.0, boot=lambda: world.boot, wall=lambda: world.wall)


def away():
    raise StoreUnavailable("it is away")


def test_within_the_lease_nobody_asks(world, lease):
    assert lease.revision() == "r1"
    world.revision = "r2"
    world.pass_s(0.39)
    assert lease.revision() == "r1"
    assert world.readings == 1


def test_after_the_lease_it_is_read_again(world, lease):
    lease.revision()
    world.revision = "r2"
    world.pass_s(0.5)
    assert lease.revision() == "r2"


def test_the_lease_counts_from_before_the_reading(world, lease):
    world.during = lambda: world.pass_s(0.5)
    assert lease.revision() == "r1"
    world.revision, world.during = "r2", lambda: None
    assert lease.revision() == "r2"


@pytest.mark.parametrize("step", [-0.001, 0.5, 3600.0, -3600.0])
def test_a_step_of_the_wall_clock_ends_it(world, lease, step):
    lease.revision()
    world.revision = "r2"
    world.wall += step
    assert lease.revision() == "r2"


def test_a_sleep_that_the_wall_clock_does_not_show_ends_it(world, lease):
    lease.revision()
    world.revision = "r2"
    world.boot += 0.5
    assert lease.revision() == "r2"


@pytest.mark.parametrize("why", ["no lease", "no clock"])
def test_without_a_lease_each_request_reads(world, why):
    if why == "no lease":
        world.lease_s = 0.0
    lease = Lease(world.read, 5.0, boot=None if why == "no clock" else lambda: world.boot)
    for number in range(3):
        world.revision = f"r{number}"
        assert lease.revision() == f"r{number}"
    assert world.readings == 3


def test_a_failure_is_no_answer(world, lease):
    world.during = away
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="it is away"):
            lease.revision()
    assert world.readings == 2
    world.during = lambda: None
    assert lease.revision() == "r1"


def test_a_failure_within_the_lease_takes_nothing_back_and_is_not_tried_again(world, lease):
    lease.revision()
    world.during = away
    world.pass_s(0.45)
    assert lease.revision() == "r1"
    assert lease.revision() == "r1"
    assert world.readings == 2
    world.pass_s(0.05)
    with pytest.raises(StoreUnavailable):
        lease.revision()


def in_threads(number, work):
    answers = []

    def run():
        try:
            answers.append(work())
        except StoreUnavailable as error:
            answers.append(str(error))

    threads = [threading.Thread(target=run, daemon=True) for _ in range(number)]
    for thread in threads:
        thread.start()
    return threads, answers


def wait_for_passengers(lease, number):
    """Until so many wait for the reading that is on its way."""
    give_up = time.monotonic() + 10
    while len(lease._flight.landed._cond._waiters) < number:
        assert time.monotonic() < give_up
        time.sleep(0.001)


def join(threads):
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


def test_near_its_end_one_renews_while_the_others_go_on(world, lease):
    lease.revision()
    world.revision = "r2"
    world.pass_s(0.45)
    reading, go_on = threading.Event(), threading.Event()
    world.during = lambda: (reading.set(), go_on.wait(10))
    threads, answers = in_threads(1, lease.revision)
    assert reading.wait(10)
    assert [lease.revision() for _ in range(3)] == ["r1", "r1", "r1"]
    go_on.set()
    join(threads)
    assert answers == ["r2"]
    assert lease.revision() == "r2"
    assert world.readings == 2


@pytest.mark.parametrize(
    ("fails", "expected"), [(False, ["r1"] * 8), (True, ["it is away"] * 8)], ids=["lands", "fails"]
)
def test_without_one_that_holds_all_wait_for_one_reading(world, lease, fails, expected):
    reading, go_on = threading.Event(), threading.Event()

    def during():
        reading.set()
        go_on.wait(10)
        if fails:
            away()

    world.during = during
    threads, answers = in_threads(1, lease.revision)
    assert reading.wait(10)
    others, more = in_threads(7, lease.revision)
    wait_for_passengers(lease, 7)
    go_on.set()
    join([*threads, *others])
    assert answers + more == expected
    assert world.readings == 1


def test_a_reading_that_took_longer_than_its_lease_serves_nobody_else(world, lease):
    reading, go_on = threading.Event(), threading.Event()
    world.during = lambda: (reading.set(), go_on.wait(10))
    threads, answers = in_threads(1, lease.revision)
    assert reading.wait(10)
    late, more = in_threads(1, lease.revision)
    wait_for_passengers(lease, 1)
    world.revision = "r2"
    world.pass_s(0.5)
    world.during = lambda: None
    go_on.set()
    join([*threads, *late])
    assert answers == ["r1"]
    assert more == ["r2"]


def test_nobody_waits_for_ever_for_another_ones_reading(world):
    lease = Lease(world.read, 0.01, boot=lambda: world.boot, wall=lambda: world.wall)
    reading, go_on = threading.Event(), threading.Event()
    world.during = lambda: (reading.set(), go_on.wait(10))
    threads, _ = in_threads(1, lease.revision)
    assert reading.wait(10)
    with pytest.raises(StoreUnavailable, match="did not answer in time"):
        lease.revision()
    go_on.set()
    join(threads)


def test_a_reader_that_was_stopped_leaves_the_others_to_read_themselves(world, lease):
    class Stopped(BaseException):
        pass

    def stop():
        raise Stopped

    world.during = stop
    with pytest.raises(Stopped):
        lease.revision()
    world.during = lambda: None
    assert lease.revision() == "r1"


def test_a_child_does_not_wait_for_a_thread_of_its_parent(world, lease):
    reading, go_on = threading.Event(), threading.Event()
    world.during = lambda: (reading.set(), go_on.wait(10))
    threads, _ = in_threads(1, lease.revision)
    assert reading.wait(10)
    lease.after_fork()  # as in a child, where that thread is not
    world.during = lambda: None
    world.revision = "r2"
    assert lease.revision() == "r2"
    go_on.set()
    join(threads)


def test_what_a_parent_has_read_holds_in_a_child_too(world, lease):
    lease.revision()
    lease.after_fork()
    world.revision = "r2"
    assert lease.revision() == "r1"
    world.pass_s(0.5)
    assert lease.revision() == "r2"


def test_this_machine_has_a_clock_that_runs_in_sleep():
    clock = running_clock()
    assert clock is not None
    assert clock() <= clock()


@pytest.mark.parametrize("clock", ["boot", "wall"])
def test_a_failure_is_no_answer_either_when_one_clock_says_that_the_lease_is_over(
    world, lease, clock
):
    lease.revision()
    world.during = away
    setattr(world, clock, getattr(world, clock) + 0.5)
    with pytest.raises(StoreUnavailable, match="it is away"):
        lease.revision()


def test_without_a_lease_nobody_waits_for_another_ones_reading(world, lease):
    world.lease_s = 0.0
    lease.revision()
    reading, go_on = threading.Event(), threading.Event()
    world.during = lambda: (reading.set(), go_on.wait(10))
    threads, answers = in_threads(1, lease.revision)
    assert reading.wait(10)
    world.during = lambda: None
    world.revision = "r2"
    assert lease.revision() == "r2"
    go_on.set()
    join(threads)
    assert answers == ["r1"]
