"""The suite that every idempotency store must pass::

    class TestMyStore(IdempotencyStoreContract):
        @pytest.fixture
        def make(self):
            return lambda **options: MyStore(…, **options)   # lease, keep and records_per_key

        @pytest.fixture
        def later(self): ...        # lets a second and a half go by

All stores that ``make`` returns in one test remember the same requests.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from ..errors import RateLimited
from ..idempotency import Answer, Found, IdempotencyStore

try:
    import pytest
except ImportError as error:
    raise ImportError("the contract of stores needs pytest: pip install pytest") from error

KEY, OTHER_KEY = "a" * 16, "A" * 16
VALUE, OTHER_VALUE = "1" * 64, "2" * 64
PRINT, OTHER_PRINT = "e" * 64, "f" * 64
FIRST, SECOND, THIRD = "0" * 32, "1" * 32, "2" * 32
ANSWER = Answer(
    "201 Cr\xe9\xe9", (("Content-Type", "application/json"), ("X-Name", "caf\xe9")), b"\x00\xff{}\n"
)


class IdempotencyStoreContract:
    """What every store must do. Subclass it and override the fixture ``make``."""

    @pytest.fixture
    def make(self) -> Callable[..., IdempotencyStore]:
        """Makes a store; all that it makes in a test remember the same."""
        raise NotImplementedError("override the fixture make: return what makes a store")

    @pytest.fixture
    def later(self) -> Callable[[], None]:
        """Lets a second and a half go by for all that is remembered."""
        raise NotImplementedError("override the fixture later: let a second and a half go by")

    @pytest.fixture
    def store(self, make: Any) -> Any:
        """A store with the usual times."""
        return make()

    def test_a_request_is_claimed_once(self, store: IdempotencyStore) -> None:
        """The second finds the first one running."""
        assert store.claim(KEY, VALUE, PRINT, FIRST) is None
        found = store.claim(KEY, VALUE, PRINT, SECOND)
        assert found is not None
        assert (found.fingerprint, found.answer) == (PRINT, None)
        assert found.running_s is not None
        assert 50 < found.running_s <= 60

    def test_a_claim_whose_answer_was_lost_may_be_made_again(self, store: IdempotencyStore) -> None:
        """The fence says that it is the same one."""
        assert store.claim(KEY, VALUE, PRINT, FIRST) is None
        assert store.claim(KEY, VALUE, PRINT, FIRST) is None

    def test_an_answer_is_found_as_it_was(self, store: IdempotencyStore) -> None:
        """Bytes, letters and the order of headers included."""
        store.claim(KEY, VALUE, PRINT, FIRST)
        assert store.finish(KEY, VALUE, FIRST, ANSWER)
        assert store.finish(KEY, VALUE, FIRST, ANSWER)  # again, as after a lost answer
        assert store.claim(KEY, VALUE, PRINT, SECOND) == Found(PRINT, None, ANSWER)
        assert store.claim(KEY, VALUE, OTHER_PRINT, SECOND) == Found(PRINT, None, ANSWER)

    def test_an_answer_that_is_not_kept_is_known(self, store: IdempotencyStore) -> None:
        """So the request isn't done again."""
        store.claim(KEY, VALUE, PRINT, FIRST)
        assert store.finish(KEY, VALUE, FIRST, None)
        assert store.claim(KEY, VALUE, PRINT, SECOND) == Found(PRINT, None, None)

    def test_an_empty_answer_is_an_answer(self, store: IdempotencyStore) -> None:
        """No body is not the same as none that was kept."""
        store.claim(KEY, VALUE, PRINT, FIRST)
        store.finish(KEY, VALUE, FIRST, Answer("204 No Content", (), b""))
        assert store.claim(KEY, VALUE, PRINT, SECOND) == Found(
            PRINT, None, Answer("204 No Content", (), b"")
        )

    def test_a_long_body_is_kept(self, store: IdempotencyStore) -> None:
        """As long as the default limit."""
        answer = Answer("200 OK", (), bytes(range(256)) * 4096)
        store.claim(KEY, VALUE, PRINT, FIRST)
        store.finish(KEY, VALUE, FIRST, answer)
        assert store.claim(KEY, VALUE, PRINT, SECOND) == Found(PRINT, None, answer)

    @pytest.mark.parametrize(
        ("key_id", "value"), [(OTHER_KEY, VALUE), (KEY, OTHER_VALUE), (OTHER_KEY, OTHER_VALUE)]
    )
    def test_another_key_and_another_value_are_other_requests(
        self, store: IdempotencyStore, key_id: str, value: str
    ) -> None:
        """Also those that differ in letter case only."""
        store.claim(KEY, VALUE, PRINT, FIRST)
        store.finish(KEY, VALUE, FIRST, ANSWER)
        assert store.claim(key_id, value, PRINT, SECOND) is None
        assert not store.finish(key_id, value, FIRST, ANSWER)

    def test_what_is_forgotten_may_be_claimed(self, store: IdempotencyStore) -> None:
        """By its owner only."""
        store.claim(KEY, VALUE, PRINT, FIRST)
        assert not store.forget(KEY, VALUE, SECOND)
        assert store.forget(KEY, VALUE, FIRST)
        assert store.claim(KEY, VALUE, OTHER_PRINT, SECOND) is None

    def test_what_nobody_claimed_can_not_be_finished(self, store: IdempotencyStore) -> None:
        """Nor renewed, nor forgotten."""
        assert not store.finish(KEY, VALUE, FIRST, ANSWER)
        assert not store.renew(KEY, VALUE, FIRST)
        assert not store.forget(KEY, VALUE, FIRST)
        assert store.claim(KEY, VALUE, PRINT, FIRST) is None

    def test_a_dead_claim_is_taken_over_and_its_owner_shut_out(self, make: Any, later: Any) -> None:
        """The late owner's answer is refused, whenever it comes."""
        store = make(lease=timedelta(seconds=1))
        store.claim(KEY, VALUE, PRINT, FIRST)
        later()
        assert store.claim(KEY, VALUE, PRINT, SECOND) is None
        assert not store.finish(KEY, VALUE, FIRST, None)
        assert not store.renew(KEY, VALUE, FIRST)
        assert not store.forget(KEY, VALUE, FIRST)
        assert store.finish(KEY, VALUE, SECOND, ANSWER)
        assert not store.finish(KEY, VALUE, FIRST, None)
        assert store.claim(KEY, VALUE, PRINT, THIRD) == Found(PRINT, None, ANSWER)

    def test_a_dead_claim_of_another_request_is_not_taken_over(self, make: Any, later: Any) -> None:
        """The value was used for another one."""
        store = make(lease=timedelta(seconds=1))
        store.claim(KEY, VALUE, PRINT, FIRST)
        later()
        found = store.claim(KEY, VALUE, OTHER_PRINT, SECOND)
        assert found is not None
        assert found.fingerprint == PRINT
        assert store.finish(KEY, VALUE, FIRST, ANSWER)  # nobody took its place

    def test_a_claim_that_is_renewed_lives_on(self, make: Any, later: Any) -> None:
        """And no answer is lost."""
        store = make(lease=timedelta(seconds=2))
        store.claim(KEY, VALUE, PRINT, FIRST)
        later()
        assert store.renew(KEY, VALUE, FIRST)
        later()
        found = store.claim(KEY, VALUE, PRINT, SECOND)
        assert found is not None
        assert found.running_s is not None
        assert 0 < found.running_s <= 0.5
        assert store.finish(KEY, VALUE, FIRST, ANSWER)

    def test_an_answer_ends(self, make: Any, later: Any) -> None:
        """Then the value is new."""
        store = make(lease=timedelta(seconds=1), keep=timedelta(seconds=1))
        store.claim(KEY, VALUE, PRINT, FIRST)
        store.finish(KEY, VALUE, FIRST, ANSWER)
        later()
        assert store.claim(KEY, VALUE, OTHER_PRINT, SECOND) is None
        assert not store.finish(KEY, VALUE, FIRST, ANSWER)

    def test_the_records_of_a_key_are_capped(self, make: Any) -> None:
        """Repeats still work, and other keys go on."""
        store = make(records_per_key=5)
        store.claim(KEY, VALUE, PRINT, FIRST)
        store.finish(KEY, VALUE, FIRST, ANSWER)
        with pytest.raises(RateLimited) as refused:
            _claim_many(store)
        assert refused.value.reason == "records"
        wait = dict(refused.value.headers)["Retry-After"]
        assert 24 * 3600 - 100 < int(wait) <= 24 * 3600
        assert store.claim(KEY, VALUE, PRINT, SECOND) == Found(PRINT, None, ANSWER)
        assert store.claim(OTHER_KEY, VALUE, PRINT, SECOND) is None

    def test_of_many_at_once_one_claims(self, make: Any) -> None:
        """Many threads, on two stores that share what they remember."""
        stores = [make(), make()]
        start = threading.Barrier(8)
        found: list[Any] = []

        def claim(number: int) -> None:
            start.wait()
            found.append(stores[number % 2].claim(KEY, VALUE, PRINT, f"{number:032}"))

        threads = [threading.Thread(target=claim, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert len(found) == 8
        assert found.count(None) == 1

    def test_of_many_at_once_one_takes_over(self, make: Any, later: Any) -> None:
        """As above, for a claim that is dead."""
        stores = [make(lease=timedelta(seconds=1)), make()]
        stores[0].claim(KEY, VALUE, PRINT, FIRST)
        later()
        start = threading.Barrier(8)
        found: list[Any] = []

        def claim(number: int) -> None:
            start.wait()
            found.append(stores[1].claim(KEY, VALUE, PRINT, f"{number + 10:032}"))

        threads = [threading.Thread(target=claim, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert len(found) == 8
        assert found.count(None) == 1


def _claim_many(store: IdempotencyStore) -> None:
    for number in range(300):
        store.claim(KEY, f"{number:064}", PRINT, FIRST)
