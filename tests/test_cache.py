"""What the authenticator remembers is bounded, also under threads."""

import sys
import threading
from collections.abc import Iterator

import pytest

from bearer_auth.cache import Accepted, BoundedDict, Generation
from bearer_auth.records import Principal


@pytest.fixture
def restless_threads() -> Iterator[None]:
    """Threads that take turns a thousand times as often as usual."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def test_it_keeps_what_is_remembered() -> None:
    kept: BoundedDict[str, int] = BoundedDict(3)
    kept.remember("a", 1)
    assert kept == {"a": 1}


def test_when_it_is_full_the_oldest_goes() -> None:
    kept: BoundedDict[str, int] = BoundedDict(2)
    for number, key in enumerate("abc"):
        kept.remember(key, number)
    assert kept == {"b": 1, "c": 2}


def test_a_new_value_for_a_known_key_costs_no_other_its_place() -> None:
    kept: BoundedDict[str, int] = BoundedDict(2)
    kept.remember("a", 1)
    kept.remember("b", 2)
    kept.remember("a", 3)
    assert kept == {"a": 3, "b": 2}


def test_what_threads_added_too_much_goes_with_the_next_call() -> None:
    kept: BoundedDict[str, int] = BoundedDict(2)
    for key in "abcde":  # five threads that all found the last place free
        kept[key] = 0
    kept.remember("f", 1)
    assert kept == {"e": 0, "f": 1}


def test_threads_that_fill_it_at_once_do_no_harm(restless_threads: None) -> None:
    kept: BoundedDict[int, int] = BoundedDict(50)
    failures: list[BaseException] = []
    start = threading.Barrier(8)

    def fill(first: int) -> None:
        start.wait()
        try:
            for number in range(first, first + 2000):
                kept.remember(number % 300, number)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=fill, args=(n * 37,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept.remember(-1, 0)
    assert failures == []
    assert len(kept) == 50


def test_a_change_while_the_oldest_is_sought_does_no_harm() -> None:
    class Restless(BoundedDict[str, int]):
        """Another thread is quicker, once between ``iter`` and ``next`` and once before."""

        def __iter__(self) -> Iterator[str]:
            found = super().__iter__()
            if "c" not in self:
                self["c"] = 0
            elif "d" not in self:
                self["d"] = 0
                self.clear()
            return found

    kept = Restless(2)
    kept.remember("a", 1)
    kept.remember("b", 2)
    kept.remember("e", 3)
    assert dict(kept.items()) == {"e": 3}


def test_a_generation_is_bounded_and_knows_its_revision() -> None:
    generation = Generation("r1", 2)
    principal = Principal(key_id="AbCdEfGh01234567", user_id="user_123")
    for digest in (b"a", b"b", b"c"):
        generation.accepted.remember(digest, Accepted(principal, "secret", 1.0, None))
    assert generation.revision == "r1"
    assert list(generation.accepted) == [b"b", b"c"]
