"""What a store must do when it is asked for lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ..errors import ConfigurationError
from ..records import KeyRecord
from ..stores import Query, Sort
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
            ({"plan": "pro"}, "fa"),
            ({"plan": "Pro"}, ""),
            ({"plan": "pro", "tenant_id": "acme"}, "f"),
            ({"scope": "jobs:read"}, "ca"),
            ({"scope": "jobs:*"}, "d"),
            ({"scope": "jobs"}, "b"),
            ({"scope": "JOBS"}, ""),
            ({"scope": ","}, ""),
            ({"scope": "jobs\0"}, ""),
            ({"text": "deploy"}, "eca"),
            ({"text": "STRASSE"}, "gf"),
            ({"text": "50%"}, "c"),
            ({"text": "5_%"}, ""),
            ({"text": "\\"}, "d"),
            ({"text": "\0"}, ""),
            ({"text": "\ud800"}, ""),
            ({"text": ""}, "hgfedcba"),
            ({"text": "SER_2"}, "eb"),
            ({"text": "deploy", "user_id": "user_2"}, "e"),
            ({"text": "deploy", "scope": "jobs:read", "plan": "pro"}, "a"),
            ({"no_expiry": True}, "dca"),
            ({"no_expiry": True, "state": "suspended"}, "d"),
            ({"no_expiry": True, "expires_before": NOW + timedelta(days=2)}, ""),
        ],
        ids=str,
    )
    def test_a_list_can_be_filtered(
        self, store: Any, filters: dict[str, Any], expected: str
    ) -> None:
        """Every filter that is given must hold; a key is in just one state."""
        day = timedelta(days=1)
        fields: dict[str, dict[str, Any]] = {
            "a": {"name": "Deploy", "plan": "pro", "scopes": ["jobs:read", "z"]},
            "b": {"user_id": "user_2", "tenant_id": "acme", "expires_at": NOW, "scopes": ["jobs"]},
            "c": {"environment": "staging", "name": "deploy 50%", "scopes": ["jobs:read"]},
            "d": {"status": "suspended", "name": "\\ 500", "scopes": ["jobs:*"]},
            "e": {"user_id": "user_2", "status": "revoked", "expires_at": NOW + 3 * day}
            | {"name": "my DEPLOYS"},
            "f": {"tenant_id": "acme", "expires_at": NOW + day, "name": "Straße", "plan": "pro"},
            "g": {"status": "suspended", "expires_at": NOW - day, "name": "strasse"},
            "h": {"environment": "staging", "expires_at": NOW + 5 * day},
        }
        store.add(sample(letter, **values) for letter, values in fields.items())
        assert letters(store, Query(now=NOW, **filters)) == expected

    @pytest.mark.parametrize(
        ("sort", "expected"),
        [
            ("newest", "fdbcae"),
            ("oldest", "eacbdf"),
            ("name", "edcafb"),
            ("expiry", "dbfe"),
        ],
    )
    def test_a_list_has_the_order_that_is_asked_for(
        self, store: Any, sort: Sort, expected: str
    ) -> None:
        """On one page and on many; the id decides where two are equal, and goes the same way."""
        add_for_sorting(store)
        assert letters(store, Query(now=NOW, sort=sort)) == expected
        for limit in (1, 2, 3):
            assert "".join(pages(store, Query(now=NOW, sort=sort, limit=limit))) == expected

    @pytest.mark.parametrize("sort", ["newest", "oldest", "name", "expiry"])
    @pytest.mark.parametrize(
        ("filters", "matching"),
        [
            ({}, "abcdef"),
            ({"scope": "jobs"}, "bde"),
            ({"scope": "nobody"}, ""),
            ({"user_id": "zed", "scope": "jobs"}, "b"),
            ({"environment": "production", "text": "o"}, "acf"),
            ({"plan": "default", "unused_since": NOW}, "cae"),
        ],
        ids=str,
    )
    def test_a_list_that_looks_at_few_records_at_a_time_finds_the_same(
        self, store: Any, sort: Sort, filters: dict[str, Any], matching: str
    ) -> None:
        """In the same order; a page may be short or empty, and its cursor leads on."""
        add_for_sorting(store)
        whole = letters(store, Query(now=NOW, sort=sort, **filters))
        assert set(whole) == set(matching) & set("bdef" if sort == "expiry" else "abcdef")
        for scan, limit in ((1, 5), (2, 1), (2, 2), (3, 50), (50, 2)):
            query = Query(now=NOW, sort=sort, scan=scan, limit=limit, **filters)
            found = pages(store, query)
            assert "".join(found) == whole
            assert all(len(page) <= limit for page in found)

    @pytest.mark.parametrize("sort", ["newest", "oldest", "name", "expiry"])
    def test_a_cursor_of_another_order_is_refused(self, store: Any, sort: Sort) -> None:
        """It would lead to another place."""
        store.add(sample(letter, expires_at=NOW) for letter in "abc")
        for other in ("newest", "oldest", "name", "expiry"):
            after = store.find(Query(now=NOW, limit=1, sort=other)).next_cursor
            if other != sort:
                with pytest.raises(ConfigurationError, match="next_cursor"):
                    store.find(Query(now=NOW, sort=sort, after=after))

    def test_a_changed_name_changes_what_is_found_by_it(self, store: Any) -> None:
        """And the place in a list by name."""
        before, after = sample("a", name="Alpha"), sample("a", name="Zeta")
        store.add([before, sample("b", name="beta")])
        store.replace([(before, after)])
        assert letters(store, Query(now=NOW, text="alpha")) == ""
        assert letters(store, Query(now=NOW, text="zeta")) == "a"
        assert letters(store, Query(now=NOW, sort="name")) == "ba"

    def test_a_list_can_be_read_page_by_page(self, store: Any) -> None:
        """No key twice, none missed, though all were made in the same microsecond."""
        store.add(sample(letter) for letter in "abcdefg")
        assert pages(store, Query(now=NOW, limit=3)) == ["gfe", "dcb", "a"]

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
    @pytest.mark.parametrize("sort", ["newest", "oldest", "name", "expiry"])
    def test_a_cursor_of_no_list_is_refused(self, store: Any, after: str, sort: Sort) -> None:
        """It is text from outside."""
        with pytest.raises(ConfigurationError, match="next_cursor"):
            store.find(Query(now=NOW, after=after, sort=sort))


def add_for_sorting(store: Any) -> None:
    """Keys of which each order is another one."""
    tick, day = timedelta(microseconds=1), timedelta(days=1)
    store.add(
        [
            sample("a", name="No", created_at=NOW - tick),
            sample("b", name="Ünique", user_id="zed", scopes=["jobs"], expires_at=NOW + day),
            sample("c", name="no", user_id="ben", created_at=NOW - tick),
            sample("d", user_id="Zed", scopes=["jobs"], plan="pro", expires_at=NOW - 9 * day),
            sample(
                "e",
                user_id="Amy",
                created_at=NOW - day,
                scopes=["jobs"],
                expires_at=NOW + day + tick,
            ),
            sample("f", name="noon", created_at=NOW + tick, expires_at=NOW + day),
        ]
    )


def pages(store: Any, query: Query) -> list[str]:
    """The first letters of the ids on each page, to the last one."""
    found: list[str] = []
    while True:
        page = store.find(query)
        found.append("".join(record.key_id[0] for record in page))
        if page.next_cursor is None:
            return found
        query = replace(query, after=page.next_cursor)


def letters(store: Any, query: Query) -> str:
    """The first letters of the ids that are found, in their order."""
    return "".join(record.key_id[0] for record in store.find(query))
