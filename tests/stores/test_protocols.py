"""What a store is: the least that is asked of one."""

from typing import Any

import pytest

from bearer_auth import EnvStore, MemoryStore
from bearer_auth.stores import check_store


@pytest.mark.parametrize("store", [MemoryStore(), EnvStore(environ={})])
def test_what_has_get_is_a_store(store: Any) -> None:
    check_store(store)


@pytest.mark.parametrize(
    ("store", "message"),
    [
        (object(), "store must be an object with a method get(key_id), not object"),
        (None, "store must be an object with a method get(key_id), not NoneType"),
        (MemoryStore, "store must be an object: write MemoryStore(), not MemoryStore"),
        (
            "postgresql://ba:hunter2@db/keys",
            "store must be an object, not text; write SQLStore('sqlite:///…')",
        ),
    ],
)
def test_what_is_no_store_is_refused_with_the_fix(store: Any, message: str) -> None:
    with pytest.raises(TypeError) as caught:
        check_store(store)
    assert str(caught.value) == message
