"""For other people's tests: a clock that stands still, and the suite that every store must pass.

A store that only reads::

    class TestMyStore(KeyStoreContract):
        @pytest.fixture
        def store(self): ...        # the store

        @pytest.fixture
        def known(self): ...        # the records that it holds

A store that can be written to, empty at the start; all else follows::

    class TestMyStore(WritableKeyStoreContract):
        @pytest.fixture
        def store(self): ...

The optional methods of a store (``revision``, ``record_used``) are tested if it has them.
"""

from __future__ import annotations

import threading
from collections.abc import Hashable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from .errors import ConfigurationError, Conflict, KeyExists
from .records import KeyRecord, Secret, from_micros, to_micros
from .stores import Query, Use

try:
    import pytest
except ImportError as error:
    raise ImportError("bearer_auth.testing needs pytest: pip install pytest") from error

_START = datetime(2030, 1, 1, 12, 0, 0, tzinfo=UTC)
_HASH = "$sha256$" + "0123456789abcdef" * 4


class FakeClock:
    """A clock that moves only when it is told to. Call it for seconds since 1970, as ``time.time``.

    It starts at 2030-01-01 12:00:00 UTC, 1893499200 seconds since 1970.
    """

    def __init__(self) -> None:
        self._micros = to_micros(_START)

    def __call__(self) -> float:
        """Seconds since 1970."""
        return self._micros / 1_000_000

    @property
    def now(self) -> datetime:
        """The time, aware, in UTC."""
        return from_micros(self._micros)

    def advance(self, by: timedelta | float) -> None:
        """Move on by a duration or by so many seconds; a negative one moves back."""
        if not isinstance(by, timedelta):
            by = timedelta(seconds=by)
        self._micros += by // timedelta(microseconds=1)

    def __repr__(self) -> str:
        return f"FakeClock({self.now.isoformat()})"


def _key(letter: str, **fields: Any) -> KeyRecord:
    """A record whose id is sixteen times this letter."""
    fields.setdefault("user_id", "user_123")
    fields.setdefault("created_at", _START)
    fields.setdefault("secrets", (Secret(hash=_HASH, created_at=_START),))
    return KeyRecord(key_id=letter * 16, **fields)


def _full() -> KeyRecord:
    """A record with all of its fields set, to values that are easily lost on the way."""
    return KeyRecord(
        key_id="Zz9876543210AbCd",
        user_id="Jürgen 用户 🗝",
        tenant_id="tenant/1' OR 1=1 --",
        plan="pro",
        name='Łódź "CI" %s :name ?',
        scopes=("admin", "ensembles:*"),
        environment="staging",
        status="revoked",
        created_at=datetime(2029, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        created_by="ops@example.com",
        expires_at=datetime(2031, 2, 3, 4, 5, 6, 7, tzinfo=UTC),
        revoked_at=datetime(2030, 1, 2, 3, 4, 5, 123456, tzinfo=UTC),
        revoked_reason="leaked in a blog post — §3",
        allowed_ips=("192.0.2.7", "2001:db8::/32"),
        limit="10/minute",
        metadata={"team": {"name": "Zoë", "ids": [1, 2.5, None, True]}, "\u2028": "\u0000"},
        secrets=(
            Secret(
                hash="$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21l$" + "A" * 43,
                sieve="0a1b2c",
                created_at=datetime(2030, 1, 1, 0, 0, 0, 1, tzinfo=UTC),
            ),
            Secret(
                hash=_HASH,
                created_at=datetime(2029, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
                expires_at=datetime(2030, 1, 2, 0, 0, 0, 999999, tzinfo=UTC),
            ),
        ),
    )


class KeyStoreContract:
    """What every store must do. Subclass it and override the fixtures ``store`` and ``known``."""

    @pytest.fixture
    def store(self) -> Any:
        """The store under test."""
        raise NotImplementedError("override the fixture store: return the store under test")

    @pytest.fixture
    def known(self) -> Sequence[KeyRecord]:
        """The records that the store holds, one at least."""
        raise NotImplementedError("override the fixture known: return what the store holds")

    def test_it_returns_the_records_that_it_holds(
        self, store: Any, known: Sequence[KeyRecord]
    ) -> None:
        """By id, equal by value."""
        assert known
        for record in known:
            assert store.get(record.key_id) == record

    @pytest.mark.parametrize(
        "key_id",
        ["", "0000000000000000", " ", "'", "a" * 15, "a" * 5000, "\x00" * 16, "ü" * 16, "\ud800"],
        ids=["empty", "unknown", "space", "quote", "short", "long", "nul", "umlauts", "surrogate"],
    )
    def test_it_returns_nothing_for_an_id_that_it_does_not_hold(
        self, store: Any, known: Sequence[KeyRecord], key_id: str
    ) -> None:
        """Whatever the text is."""
        assert store.get(key_id) is None

    def test_an_id_counts_its_letter_case(self, store: Any, known: Sequence[KeyRecord]) -> None:
        """Databases may think otherwise."""
        ids = {record.key_id for record in known}
        for key_id in ids:
            swapped = key_id.swapcase()
            assert swapped in ids or store.get(swapped) is None

    def test_its_revision_stays_while_nothing_changes(
        self, store: Any, known: Sequence[KeyRecord]
    ) -> None:
        """Else nothing could be cached."""
        before = _revision(store)
        assert store.get(known[0].key_id) == known[0]
        assert _revision(store) == before
        hash(before)


class WritableKeyStoreContract(KeyStoreContract):
    """What every store that can be written to must do. Override the fixture ``store``: return one
    that is empty."""

    @pytest.fixture
    def known(self, store: Any) -> Sequence[KeyRecord]:
        """Records that were just added."""
        records = [_full(), _key("a"), _key("B", expires_at=_START + timedelta(days=1))]
        store.add(records)
        return records

    # add

    def test_adding_nothing_is_allowed(self, store: Any) -> None:
        """And adds nothing."""
        store.add([])
        assert list(store.find(Query(now=_START))) == []

    def test_adding_takes_any_iterable(self, store: Any) -> None:
        """A generator too."""
        store.add(_key(letter) for letter in "ab")
        assert store.get("a" * 16) == _key("a")
        assert store.get("b" * 16) == _key("b")

    def test_adding_a_taken_id_adds_none(self, store: Any) -> None:
        """All or none; what is stored stays."""
        store.add([_key("b", name="first")])
        with pytest.raises(KeyExists, match="b" * 16):
            store.add([_key("a"), _key("b", name="second"), _key("c")])
        assert store.get("a" * 16) is None
        assert store.get("b" * 16) == _key("b", name="first")
        assert store.get("c" * 16) is None

    def test_adding_an_id_twice_adds_none(self, store: Any) -> None:
        """In one call."""
        with pytest.raises(KeyExists):
            store.add([_key("a"), _key("b"), _key("a")])
        assert store.get("a" * 16) is None
        assert store.get("b" * 16) is None

    # replace

    def test_replacing_stores_the_new_record(self, store: Any) -> None:
        """Every field of it."""
        old, new = _key("a"), replace(_full(), key_id="a" * 16)
        store.add([old])
        store.replace([(old, new)])
        assert store.get("a" * 16) == new

    def test_replacing_compares_by_value(self, store: Any) -> None:
        """Whoever changes a key read it in another process, so identity means nothing."""
        store.add([_key("a", metadata={"x": 1, "y": 2})])
        store.replace([(_key("a", metadata={"y": 2, "x": 1}), _key("a", name="new"))])
        assert store.get("a" * 16) == _key("a", name="new")

    @pytest.mark.parametrize(
        "other",
        [
            {"name": "other"},
            {"status": "suspended"},
            {"expires_at": _START + timedelta(microseconds=1)},
            {"metadata": {"a": 1}},
            {"secrets": ()},
        ],
        ids=lambda other: next(iter(other)),
    )
    def test_replacing_what_is_not_stored_changes_nothing(
        self, store: Any, other: dict[str, Any]
    ) -> None:
        """All or none; a difference in any field counts."""
        a, b = _key("a"), _key("b")
        store.add([a, b])
        with pytest.raises(Conflict, match="b" * 16):
            store.replace([(a, _key("a", name="new")), (_key("b", **other), _key("b", name="new"))])
        assert store.get("a" * 16) == a
        assert store.get("b" * 16) == b

    def test_replacing_an_unknown_key_is_a_conflict(self, store: Any) -> None:
        """It was deleted in the meantime; it must not come back."""
        with pytest.raises(Conflict):
            store.replace([(_key("a"), _key("a", name="new"))])
        assert store.get("a" * 16) is None

    def test_replacing_nothing_is_allowed(self, store: Any) -> None:
        """An earlier caller may have died before it could be sure of its change."""
        store.replace([])

    def test_many_records_can_be_replaced_at_once(self, store: Any) -> None:
        """More than a statement of SQL has room for."""
        old = [_numbered(number) for number in range(1500)]
        store.add(old)
        store.replace((record, replace(record, status="revoked")) for record in old)
        assert all(
            store.get(record.key_id) == replace(record, status="revoked") for record in old[::100]
        )

    def test_of_many_who_replace_the_same_record_one_wins(self, store: Any) -> None:
        """And the record is the winner's."""
        old = _key("a")
        store.add([old])
        start = threading.Barrier(8)
        won: list[str] = []
        lost: list[str] = []

        def change(name: str) -> None:
            start.wait()
            try:
                store.replace([(old, replace(old, name=name))])
            except Conflict:
                lost.append(name)
            else:
                won.append(name)

        threads = [threading.Thread(target=change, args=(f"number {n}",)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (len(won), len(lost)) == (1, 7)
        assert store.get("a" * 16) == _key("a", name=won[0])

    # delete

    def test_deleting_returns_how_many_there_were(self, store: Any) -> None:
        """Unknown ids and repeats don't count."""
        store.add([_key("a"), _key("b"), _key("c")])
        assert store.delete(["a" * 16, "b" * 16, "a" * 16, "x" * 16, ""]) == 2
        assert store.get("a" * 16) is None
        assert store.get("b" * 16) is None
        assert store.get("c" * 16) == _key("c")

    def test_deleting_nothing_is_allowed(self, store: Any) -> None:
        """And deletes nothing."""
        store.add([_key("a")])
        assert store.delete([]) == 0
        assert store.get("a" * 16) == _key("a")

    def test_a_deleted_id_is_free_again(self, store: Any) -> None:
        """Nothing of the old key is left in it, its use neither."""
        store.add([_key("a")])
        if hasattr(store, "record_used"):
            store.record_used([Use("a" * 16, "0011223344556677", _START, 1)])
        store.delete(["a" * 16])
        store.add([_key("a", name="again")])
        assert store.get("a" * 16) == _key("a", name="again")
        if hasattr(store, "usage_of"):
            assert store.usage_of(["a" * 16]) == {}

    # revision

    def test_its_revision_changes_when_a_record_is_replaced(self, store: Any) -> None:
        """Each time."""
        first, second = _key("a"), _key("a", name="new")
        store.add([first])
        seen = {_revision(store)}
        store.replace([(first, second)])
        seen.add(_revision(store))
        store.replace([(second, first)])
        seen.add(_revision(store))
        assert len(seen) == 3

    def test_its_revision_changes_when_a_record_is_deleted(self, store: Any) -> None:
        """A deleted key must leave the caches."""
        store.add([_key("a")])
        before = _revision(store)
        store.delete(["a" * 16])
        assert _revision(store) != before

    def test_its_revision_stays_when_a_change_fails(self, store: Any) -> None:
        """Nothing was changed."""
        store.add([_key("a")])
        before = _revision(store)
        with pytest.raises(Conflict):
            store.replace([(_key("a", name="other"), _key("a", name="new"))])
        assert _revision(store) == before

    def test_its_revision_stays_when_a_key_is_used(self, store: Any) -> None:
        """Keys are used all the time; the caches would always be empty."""
        _need(store, "record_used")
        store.add([_key("a")])
        before = _revision(store)
        store.record_used([Use("a" * 16, "0011223344556677", _START, 1)])
        assert _revision(store) == before

    # find

    def test_a_list_is_newest_first(self, store: Any) -> None:
        """By time of creation to the microsecond, then by id, both descending."""
        store.add(
            [
                _key("b"),
                _key("C"),
                _key("d", created_at=_START - timedelta(microseconds=1)),
                _key("0", created_at=_START + timedelta(microseconds=1)),
                _key("a"),
            ]
        )
        assert _letters(store, Query(now=_START)) == "0baCd"

    def test_a_list_holds_whole_records(self, store: Any, known: Sequence[KeyRecord]) -> None:
        """Equal to what ``get`` returns."""
        page = store.find(Query(now=_START))
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
            ({"expires_before": _START + timedelta(days=2)}, "f"),
            ({"expires_before": _START + timedelta(days=5)}, "fe"),
            ({"expires_before": _START + timedelta(days=5, microseconds=1)}, "hfe"),
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
            "b": {"user_id": "user_2", "tenant_id": "acme", "expires_at": _START},
            "c": {"environment": "staging"},
            "d": {"status": "suspended"},
            "e": {"user_id": "user_2", "status": "revoked", "expires_at": _START + 3 * day},
            "f": {"tenant_id": "acme", "expires_at": _START + day},
            "g": {"status": "suspended", "expires_at": _START - day},
            "h": {"environment": "staging", "expires_at": _START + 5 * day},
        }
        store.add(_key(letter, **values) for letter, values in fields.items())
        assert _letters(store, Query(now=_START, **filters)) == expected

    def test_a_list_can_be_read_page_by_page(self, store: Any) -> None:
        """No key twice, none missed, though all were made in the same microsecond."""
        store.add(_key(letter) for letter in "abcdefg")
        pages: list[str] = []
        after = None
        while True:
            page = store.find(Query(now=_START, limit=3, after=after))
            pages.append("".join(record.key_id[0] for record in page))
            after = page.next_cursor
            if after is None:
                break
        assert pages == ["gfe", "dcb", "a"]

    def test_a_full_last_page_has_no_cursor(self, store: Any) -> None:
        """There is nothing after it."""
        store.add(_key(letter) for letter in "abc")
        assert store.find(Query(now=_START, limit=3)).next_cursor is None

    def test_pages_stay_in_place_while_keys_come_and_go(self, store: Any) -> None:
        """A cursor stands between two keys, not at a number."""
        store.add(_key(letter) for letter in "bdfh")
        first = store.find(Query(now=_START, limit=2))
        store.delete(["h" * 16, "f" * 16])
        store.add([_key("g"), _key("c")])
        second = store.find(Query(now=_START, limit=5, after=first.next_cursor))
        assert "".join(record.key_id[0] for record in first) == "hf"
        assert "".join(record.key_id[0] for record in second) == "dcb"

    def test_pages_can_be_filtered(self, store: Any) -> None:
        """Filter and cursor together."""
        store.add(_key(letter, user_id="u" if letter in "aceg" else "v") for letter in "abcdefg")
        first = store.find(Query(now=_START, user_id="u", limit=2))
        second = store.find(Query(now=_START, user_id="u", limit=2, after=first.next_cursor))
        assert "".join(record.key_id[0] for record in [*first, *second]) == "geca"
        assert second.next_cursor is None

    @pytest.mark.parametrize("after", ["", "x", "1", "0.a", "' OR 1=1 --"])
    def test_a_cursor_of_no_list_is_refused(self, store: Any, after: str) -> None:
        """It is text from outside."""
        with pytest.raises(ConfigurationError, match="next_cursor"):
            store.find(Query(now=_START, after=after))

    # usage

    def test_usage_is_noted_by_secret(self, store: Any) -> None:
        """The key's own is the latest of them."""
        _need(store, "record_used")
        second = timedelta(seconds=1)
        store.add([_key("a"), _key("b")])
        store.record_used(
            [
                Use("a" * 16, "0011223344556677", _START, 3),
                Use("a" * 16, "8899aabbccddeeff", _START + second, 1),
            ]
        )
        usage = store.usage_of(["a" * 16, "b" * 16])
        assert set(usage) == {"a" * 16}
        assert usage["a" * 16].last_used_at == datetime(2030, 1, 1, 12, 0, 1, tzinfo=UTC)
        assert usage["a" * 16].secrets == {
            "0011223344556677": datetime(2030, 1, 1, 12, 0, 0, tzinfo=UTC),
            "8899aabbccddeeff": datetime(2030, 1, 1, 12, 0, 1, tzinfo=UTC),
        }

    def test_usage_moves_forward_only(self, store: Any) -> None:
        """Workers write late and in any order."""
        _need(store, "record_used")
        tick = timedelta(microseconds=1)
        store.add([_key("a")])
        for at in (_START, _START - tick, _START + tick, _START):
            store.record_used([Use("a" * 16, "0011223344556677", at, 1)])
        expected = datetime(2030, 1, 1, 12, 0, 0, 1, tzinfo=UTC)
        assert store.usage_of(["a" * 16])["a" * 16].last_used_at == expected

    def test_a_batch_may_hold_a_secret_twice(self, store: Any) -> None:
        """The later one counts."""
        _need(store, "record_used")
        store.add([_key("a")])
        store.record_used(
            [
                Use("a" * 16, "0011223344556677", _START + timedelta(seconds=5), 1),
                Use("a" * 16, "0011223344556677", _START, 1),
            ]
        )
        expected = datetime(2030, 1, 1, 12, 0, 5, tzinfo=UTC)
        assert store.usage_of(["a" * 16])["a" * 16].last_used_at == expected

    def test_the_use_of_an_unknown_key_is_ignored(self, store: Any) -> None:
        """It was deleted in the meantime; the rest of the batch counts."""
        _need(store, "record_used")
        store.add([_key("a")])
        store.record_used(
            [
                Use("x" * 16, "0011223344556677", _START, 1),
                Use("a" * 16, "0011223344556677", _START, 1),
            ]
        )
        store.record_used([])
        assert set(store.usage_of(["x" * 16, "a" * 16, ""])) == {"a" * 16}

    def test_using_a_key_leaves_its_record_alone(self, store: Any) -> None:
        """A batch that comes late must not undo a revocation."""
        _need(store, "record_used")
        active, revoked = _key("a"), _key("a", status="revoked")
        store.add([active])
        store.replace([(active, revoked)])
        store.record_used([Use("a" * 16, "0011223344556677", _START, 1)])
        assert store.get("a" * 16) == revoked

    def test_a_list_holds_usage_and_filters_by_it(self, store: Any) -> None:
        """Never used counts from its creation."""
        _need(store, "record_used")
        day = timedelta(days=1)
        store.add(
            [
                _key("a", created_at=_START - 9 * day),
                _key("b", created_at=_START - 9 * day),
                _key("c", created_at=_START - 9 * day),
                _key("d", created_at=_START),
            ]
        )
        store.record_used(
            [
                Use("b" * 16, "0011223344556677", _START - 8 * day, 1),
                Use("c" * 16, "0011223344556677", _START - 8 * day, 1),
                Use("c" * 16, "8899aabbccddeeff", _START - day, 1),
            ]
        )
        page = store.find(Query(now=_START))
        assert {key_id[0]: usage.last_used_at for key_id, usage in page.usage.items()} == {
            "b": datetime(2029, 12, 24, 12, 0, 0, tzinfo=UTC),
            "c": datetime(2029, 12, 31, 12, 0, 0, tzinfo=UTC),
        }
        assert _letters(store, Query(now=_START, unused_since=_START - 2 * day)) == "ba"
        assert _letters(store, Query(now=_START, unused_since=_START - 8 * day)) == "a"
        assert _letters(store, Query(now=_START, unused_since=_START)) == "cba"


def _numbered(number: int) -> KeyRecord:
    return replace(_key("0"), key_id=f"{number:016}")


def _letters(store: Any, query: Query) -> str:
    return "".join(record.key_id[0] for record in store.find(query))


def _need(store: Any, method: str) -> None:
    if not hasattr(store, method):
        pytest.skip(f"the store has no {method}(), which is optional")


def _revision(store: Any) -> Hashable:
    _need(store, "revision")
    revision: Hashable = store.revision()
    return revision
