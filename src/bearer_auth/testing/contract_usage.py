"""What a store must do that remembers when keys were used."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

from ..stores import Query, Use
from .contract_lists import letters
from .samples import NOW, sample


class UsageContract:
    """``record_used`` and ``usage_of``, which are optional: a store without them passes."""

    def test_usage_is_noted_by_secret(self, store: Any) -> None:
        """The key's own is the latest of them."""
        if getattr(store, "record_used", None) is None:
            return
        second = timedelta(seconds=1)
        store.add([sample("a"), sample("b")])
        store.record_used(
            [
                Use("a" * 16, "0011223344556677", NOW, 3),
                Use("a" * 16, "8899aabbccddeeff", NOW + second, 1),
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
        if getattr(store, "record_used", None) is None:
            return
        tick = timedelta(microseconds=1)
        store.add([sample("a")])
        for at in (NOW, NOW - tick, NOW + tick, NOW):
            store.record_used([Use("a" * 16, "0011223344556677", at, 1)])
        expected = datetime(2030, 1, 1, 12, 0, 0, 1, tzinfo=UTC)
        assert store.usage_of(["a" * 16])["a" * 16].last_used_at == expected

    def test_a_batch_may_hold_a_secret_twice(self, store: Any) -> None:
        """The later one counts."""
        if getattr(store, "record_used", None) is None:
            return
        store.add([sample("a")])
        store.record_used(
            [
                Use("a" * 16, "0011223344556677", NOW + timedelta(seconds=5), 1),
                Use("a" * 16, "0011223344556677", NOW, 1),
            ]
        )
        expected = datetime(2030, 1, 1, 12, 0, 5, tzinfo=UTC)
        assert store.usage_of(["a" * 16])["a" * 16].last_used_at == expected

    def test_uses_add_up_by_day(self, store: Any) -> None:
        """In UTC, wherever the time was told; a list leaves them out."""
        if getattr(store, "record_used", None) is None:
            return
        store.add([sample("a"), sample("b")])
        midnight = datetime(2030, 1, 2, tzinfo=UTC)
        east = timezone(timedelta(hours=9))
        for at, uses in (
            (NOW, 3),
            (midnight - timedelta(microseconds=1), 2),
            (midnight.astimezone(east), 5),
            (NOW, 1),  # late
        ):
            store.record_used(
                [
                    Use("a" * 16, "0011223344556677", at, uses),
                    Use("a" * 16, "8899aabbccddeeff", at, 10 * uses),
                    Use("b" * 16, "0011223344556677", at, 1),
                ]
            )
        usage = store.usage_of(["a" * 16, "b" * 16])
        assert usage["a" * 16].days == {date(2030, 1, 1): 66, date(2030, 1, 2): 55}
        assert usage["b" * 16].days == {date(2030, 1, 1): 3, date(2030, 1, 2): 1}
        assert store.find(Query(now=NOW)).usage["a" * 16].days == {}
        if hasattr(store, "prune_usage"):
            assert store.prune_usage(date(2030, 1, 2)) == 2
            usage = store.usage_of(["a" * 16, "b" * 16])
            assert usage["a" * 16].days == {date(2030, 1, 2): 55}
            assert usage["a" * 16].last_used_at == midnight

    def test_uses_of_all_keys_and_of_an_owner_add_up_by_day(self, store: Any) -> None:
        """Those of all keys stay when a key goes, and are forgotten with their day."""
        if getattr(store, "uses_by_day", None) is None:
            return
        today, tomorrow = date(2030, 1, 1), date(2030, 1, 2)
        day = timedelta(days=1)
        store.add(
            [
                sample("a", user_id="u", tenant_id="acme"),
                sample("b", user_id="u"),
                sample("c", user_id="v", tenant_id="acme"),
            ]
        )
        for letter, at, uses in (("a", NOW, 1), ("b", NOW, 2), ("c", NOW, 4), ("x", NOW, 8)):
            store.record_used([Use(letter * 16, "0011223344556677", at, uses)])
        store.record_used(
            [
                Use("a" * 16, "0011223344556677", NOW + day, 16),
                Use("c" * 16, "0011223344556677", NOW + day, 32),
            ]
        )
        assert dict(store.uses_by_day(today)) == {today: 7, tomorrow: 48}
        assert dict(store.uses_by_day(tomorrow)) == {tomorrow: 48}
        assert dict(store.uses_by_day(today, user_id="u")) == {today: 3, tomorrow: 16}
        assert dict(store.uses_by_day(today, tenant_id="acme")) == {today: 5, tomorrow: 48}
        owner = {"user_id": "u", "tenant_id": "acme"}
        assert dict(store.uses_by_day(today, **owner)) == {today: 1, tomorrow: 16}
        for nobody in ("U", "u ", "", "\0", "\ud800"):
            assert dict(store.uses_by_day(today, user_id=nobody)) == {}
        store.delete(["a" * 16])
        assert dict(store.uses_by_day(today)) == {today: 7, tomorrow: 48}
        assert dict(store.uses_by_day(today, user_id="u")) == {today: 2}
        assert store.usage_of([""]) == {}
        if hasattr(store, "prune_usage"):
            assert store.prune_usage(tomorrow) == 2
            assert dict(store.uses_by_day(today)) == {tomorrow: 48}

    def test_the_address_is_that_of_the_last_use(self, store: Any) -> None:
        """Whatever order the batches come in."""
        if getattr(store, "record_used", None) is None:
            return
        store.add([sample("a")])
        second = timedelta(seconds=1)
        for secret_id, at, address, expected in (
            ("0011223344556677", NOW, None, None),
            ("0011223344556677", NOW + second, "192.0.2.7", "192.0.2.7"),
            ("0011223344556677", NOW - second, "192.0.2.8", "192.0.2.7"),
            ("8899aabbccddeeff", NOW, "192.0.2.9", "192.0.2.7"),
            ("8899aabbccddeeff", NOW + 2 * second, "2001:db8::7", "2001:db8::7"),
        ):
            store.record_used([Use("a" * 16, secret_id, at, 1, address)])
            assert store.usage_of(["a" * 16])["a" * 16].last_address == expected

    def test_a_deleted_key_leaves_no_usage_behind(self, store: Any) -> None:
        """Not even for another key with its id."""
        if getattr(store, "record_used", None) is None:
            return
        store.add([sample("a")])
        store.record_used([Use("a" * 16, "0011223344556677", NOW, 3, "192.0.2.7")])
        store.delete(["a" * 16])
        store.add([sample("a")])
        assert store.usage_of(["a" * 16]) == {}
        store.record_used([Use("a" * 16, "0011223344556677", NOW, 1)])
        assert store.usage_of(["a" * 16])["a" * 16].days == {date(2030, 1, 1): 1}

    def test_the_use_of_an_unknown_key_is_ignored(self, store: Any) -> None:
        """It was deleted in the meantime; the rest of the batch counts."""
        if getattr(store, "record_used", None) is None:
            return
        store.add([sample("a")])
        store.record_used(
            [
                Use("x" * 16, "0011223344556677", NOW, 1),
                Use("a" * 16, "0011223344556677", NOW, 1),
            ]
        )
        store.record_used([])
        assert set(store.usage_of(["x" * 16, "a" * 16, ""])) == {"a" * 16}

    def test_using_a_key_leaves_its_record_alone(self, store: Any) -> None:
        """A batch that comes late must not undo a revocation."""
        if getattr(store, "record_used", None) is None:
            return
        active, revoked = sample("a"), sample("a", status="revoked")
        store.add([active])
        store.replace([(active, revoked)])
        store.record_used([Use("a" * 16, "0011223344556677", NOW, 1)])
        assert store.get("a" * 16) == revoked

    def test_a_list_holds_usage_and_filters_by_it(self, store: Any) -> None:
        """Never used counts from its creation."""
        if getattr(store, "record_used", None) is None:
            return
        day = timedelta(days=1)
        store.add(
            [
                sample("a", created_at=NOW - 9 * day),
                sample("b", created_at=NOW - 9 * day),
                sample("c", created_at=NOW - 9 * day),
                sample("d", created_at=NOW),
            ]
        )
        store.record_used(
            [
                Use("b" * 16, "0011223344556677", NOW - 8 * day, 1),
                Use("c" * 16, "0011223344556677", NOW - 8 * day, 1),
                Use("c" * 16, "8899aabbccddeeff", NOW - day, 1),
            ]
        )
        page = store.find(Query(now=NOW))
        assert {key_id[0]: usage.last_used_at for key_id, usage in page.usage.items()} == {
            "b": datetime(2029, 12, 24, 12, 0, 0, tzinfo=UTC),
            "c": datetime(2029, 12, 31, 12, 0, 0, tzinfo=UTC),
        }
        assert letters(store, Query(now=NOW, unused_since=NOW - 2 * day)) == "ba"
        assert letters(store, Query(now=NOW, unused_since=NOW - 8 * day)) == "a"
        assert letters(store, Query(now=NOW, unused_since=NOW)) == "cba"
