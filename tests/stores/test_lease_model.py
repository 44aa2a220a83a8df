"""All interleavings of a worker, two who revoke and one who shortens the lease, in a small model.

``docs/decisions/0015-a-lease-with-commit-wait.md`` has the protocol. The state of the world is a
tuple; each function below gives the states that one step of one process leads to, and the search
goes through all that can be reached. Any process may pause between two steps, for as long as there
is time; a revoker may die in its wait. A second worker, or the child of a fork, would do nothing
that the one can't: workers share only the database.

A model that finds nothing proves nothing, so each rule of the protocol is also taken out, and then
the search must find a request that began after a revocation had returned and was let in.
"""

from typing import NamedTuple

import pytest

LONG, SHORT = 2, 1  # leases, in ticks of the clock; the margin is for clocks that differ
END = 3


class World(NamedTuple):
    now: int = 0
    # the database
    revision: int = 0
    active: bool = True
    lease: int = LONG
    wait: int = LONG
    # the worker: what it does, when its request began, and what it holds
    doing: str = "idle"
    began: int = 0
    asked: int = 0
    seen: int = -1
    holds: int = 0
    live: bool = False
    trusted: int = -1
    until: int = 0
    cached: int = -1
    # those who change keys: what each does, and when it may go on
    first: str = "revoke"
    first_until: int = 0
    second: str = "revoke"
    second_until: int = 0
    shortens: str = "begin"
    shortens_until: int = 0
    # when a revocation had returned, and whether a later request was let in
    returned: int | None = None
    broken: bool = False


def worker(w, without):
    if w.doing == "idle":
        yield w._replace(doing="check", began=w.now)
    elif w.doing == "check":
        if w.now < w.until:
            yield w._replace(doing="decide", seen=w.trusted)
        else:
            yield w._replace(doing="read", asked=w.now)
    elif w.doing == "read":
        yield w._replace(doing="land", seen=w.revision, holds=w.lease)
    elif w.doing == "land":
        start = w.now if without == "the lease counts from before the reading" else w.asked
        until = start + w.holds
        yield w._replace(doing="decide", trusted=w.seen, until=until, asked=0, holds=0)
    elif w.doing == "decide":
        if w.cached == w.seen:
            yield let_in(w)
        else:
            yield w._replace(doing="record")
    elif w.doing == "record":
        yield w._replace(doing="remember", live=w.active)
    elif w.live:
        late = without == "the revision is read before the record"
        yield let_in(w._replace(cached=w.revision if late else w.seen))
    else:
        yield w._replace(cached=-1, **IDLE)


# What it forgets with a request, so that states that don't differ are one.
IDLE = {"doing": "idle", "began": 0, "asked": 0, "seen": -1, "holds": 0, "live": False}


def let_in(w):
    late = w.returned is not None and w.began >= w.returned
    return w._replace(broken=w.broken or late, **IDLE)


def revoker(w, without, who):
    doing, until = getattr(w, who), getattr(w, f"{who}_until")
    if doing == "revoke":
        if w.active:
            wait = 0 if without == "who revokes waits" else w.wait
            w = w._replace(active=False, revision=w.revision + 1)
        else:
            wait = 0 if without == "who finds nothing to change waits too" else w.wait
        yield w._replace(**{who: "wait", f"{who}_until": w.now + wait})
    elif doing == "wait":
        yield w._replace(**{who: "over", f"{who}_until": 0})  # it was killed
        if w.now >= until:
            returned = w.now if w.returned is None else w.returned
            yield w._replace(**{who: "over", f"{who}_until": 0}, returned=returned)


def shortener(w, without):
    if w.shortens == "begin":
        wait = SHORT if without == "writers wait for the longer lease" else w.wait
        yield w._replace(
            lease=SHORT,
            wait=wait,
            revision=w.revision + 1,
            shortens="wait",
            shortens_until=w.now + w.wait,
        )
    elif w.shortens == "wait":
        yield w._replace(shortens="over", shortens_until=0)  # it was killed
        if w.now >= w.shortens_until:
            yield w._replace(shortens="over", shortens_until=0, wait=SHORT)


def steps(w, without):
    if w.now < END:
        yield w._replace(now=w.now + 1)
    yield from worker(w, without)
    yield from revoker(w, without, "first")
    yield from revoker(w, without, "second")
    yield from shortener(w, without)


def search(without=None):
    """Whether the promise can be broken, and how many states there are."""
    seen, to_do = {World()}, [World()]
    while to_do:
        for after in steps(to_do.pop(), without):
            if after.broken:
                return True, len(seen)
            if after not in seen:
                seen.add(after)
                to_do.append(after)
    return False, len(seen)


RULES = [
    "the lease counts from before the reading",
    "the revision is read before the record",
    "who revokes waits",
    "who finds nothing to change waits too",
    "writers wait for the longer lease",
]


@pytest.mark.once
def test_the_promise_holds_in_every_interleaving():
    broken, states = search()
    assert not broken
    assert states > 100_000


@pytest.mark.parametrize("rule", RULES)
def test_without_one_of_its_rules_it_does_not(rule):
    assert search(without=rule)[0]
