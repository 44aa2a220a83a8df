"""What a store must do when it is asked for lists."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from ..errors import ConfigurationError
from ..records import KeyRecord
from ..stores import Query
from .samples import NOW, sample


class ListContract:
    """``find``."""

    def test_a_list_is_newest_first(self, store: Any) -> None:
        """By time of creation to the microsecond, then by id, both descending."""
        store.add(
            [
                sample("b"),
                sample("C"),
                sample("d", created_at=NOW - timedelta(microseconds=1)),
                sample("0", created_at=NOW + timedelta(microseconds=1)),
                sample("a"),
            ]
        )
        assert letters(store, Query(now=NOW)) == "0baCd"

    def test_a_list_holds_whole_records(self, store: Any, known: Sequence[KeyRecord]) -> None:
        """Equal to what ``get`` returns."""
        page = store.find(Query(now=NOW))
        assert sorted(page, key=lambda record: record.key_id) == sorted(
            known, key=lambda record: record.key_id
        )
        assert page.next_cursor is None

    @pytest.mark.parametrize(
        ("filters", "expected"),
        [
            ({}, "hgfedcba"),
            ({"user_id": "user_2"}, "eb"),
            ({"user_id": "USER_2"}, ""),
            ({"user_id": "nobody"}, ""),
            ({"user_id": "\ud800"}, ""),
            ({"tenant_id": "acme"}, "fb"),
            ({"environment": "staging"}, "hc"),
            ({"state": "active"}, "hfca"),
            ({"state": "suspended"}, "d"),
            ({"state": "expired"}, "gb"),
            ({"state": "revoked"}, "e"),
            ({"expires_before": NOW + timedelta(days=2)}, "f"),
            ({"expires_before": NOW + timedelta(days=5)}, "fe"),
            ({"expires_before": NOW + timedelta(days=5, microseconds=1)}, "hfe"),
            ({"user_id": "user_2", "state": "expired", "tenant_id": "acme"}, "b"),
            ({"user_id": "user_2", "environment": "staging"}, ""),
        ],
        ids=str,
    )
    def test_a_list_can_be_filtered(
        self, store: Any, filters: dict[str, Any], expected: str
    ) -> None:
        """Every filter that is given must hold; a key is in just one state."""
        day = timedelta(days=1)
        fields: dict[str, dict[str, Any]] = {
            "a": {},
            "b": {"user_id": "user_2", "tenant_id": "acme", "expires_at": NOW},
            "c": {"environment": "staging"},
            "d": {"status": "suspended"},
            "e": {"user_id": "user_2", "status": "revoked", "expires_at": NOW + 3 * day},
            "f": {"tenant_id": "acme", "expires_at": NOW + day},
            "g": {"status": "suspended", "expires_at": NOW - day},
            "h": {"environment": "staging", "expires_at": NOW + 5 * day},
        }
        store.add(sample(letter, **values) for letter, values in fields.items())
        assert letters(store, Query(now=NOW, **filters)) == expected

    def test_a_list_can_be_read_page_by_page(self, store: Any) -> None:
        """No key twice, none missed, though all were made in the same microsecond."""
        store.add(sample(letter) for letter in "abcdefg")
        pages: list[str] = []
        after = None
        while True:
            page = store.find(Query(now=NOW, limit=3, after=after))
            pages.append("".join(record.key_id[0] for record in page))
            after = page.next_cursor
            if after is None:
                break
        assert pages == ["gfe", "dcb", "a"]

    def test_a_full_last_page_has_no_cursor(self, store: Any) -> None:
        """There is nothing after it."""
        store.add(sample(letter) for letter in "abc")
        assert store.find(Query(now=NOW, limit=3)).next_cursor is None

    def test_pages_stay_in_place_while_keys_come_and_go(self, store: Any) -> None:
        """A cursor stands between two keys, not at a number."""
        store.add(sample(letter) for letter in "bdfh")
        first = store.find(Query(now=NOW, limit=2))
        store.delete(["h" * 16, "f" * 16])
        store.add([sample("g"), sample("c")])
        second = store.find(Query(now=NOW, limit=5, after=first.next_cursor))
        assert "".join(record.key_id[0] for record in first) == "hf"
        assert "".join(record.key_id[0] for record in second) == "dcb"

    def test_pages_can_be_filtered(self, store: Any) -> None:
        """Filter and cursor together."""
        store.add(sample(letter, user_id="u" if letter in "aceg" else "v") for letter in "abcdefg")
        first = store.find(Query(now=NOW, user_id="u", limit=2))
        second = store.find(Query(now=NOW, user_id="u", limit=2, after=first.next_cursor))
        assert "".join(record.key_id[0] for record in [*first, *second]) == "geca"
        assert second.next_cursor is None

    @pytest.mark.parametrize("after", ["", "x", "1", "0.a", "' OR 1=1 --"])
    def test_a_cursor_of_no_list_is_refused(self, store: Any, after: str) -> None:
        """It is text from outside."""
        with pytest.raises(ConfigurationError, match="next_cursor"):
            store.find(Query(now=NOW, after=after))


def letters(store: Any, query: Query) -> str:
    """The first letters of the ids that are found, in their order."""
    return "".join(record.key_id[0] for record in store.find(query))
