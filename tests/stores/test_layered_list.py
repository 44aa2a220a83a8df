"""Lists of a LayeredStore: one out of several, newest first, without what is hidden."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bearer_auth.errors import ConfigurationError, StoreUnavailable
from bearer_auth.stores import Page, Query, Usage, Use
from bearer_auth.stores.layered import LayeredStore
from bearer_auth.stores.memory import MemoryStore
from bearer_auth.testing.samples import NOW, sample


class Reads:
    """A store that only reads, and has no list."""

    def __init__(self, *letters):
        self.records = {letter * 16: sample(letter) for letter in letters}

    def get(self, key_id):
        return self.records.get(key_id)


class Lists(Reads):
    """One that has a list, with cursors of its own: the number of records before."""

    def __init__(self, *letters, **options):
        super().__init__(*letters)
        self.ordered = [sample(letter) for letter in sorted(letters, reverse=True)]
        self.reads = []

    def find(self, query):
        start = int(query.after or 0)
        self.reads.append(start)
        end = start + query.limit
        page = self.ordered[start:end]
        usage = {record.key_id: Usage(NOW) for record in page}
        return Page(page, str(end) if self.ordered[end:] else None, usage)


class CannotBeWritten(MemoryStore):
    """One that finds as ours do."""

    replace = None


def pages(store, limit, **filters):
    after = None
    found = []
    while True:
        page = store.find(Query(now=NOW, limit=limit, after=after, **filters))
        found.append("".join(record.key_id[0] for record in page))
        after = page.next_cursor
        if after is None:
            return found


def memory(letters):
    return MemoryStore(sample(letter) for letter in letters)


def test_the_list_is_that_of_the_store_that_has_one():
    assert pages(LayeredStore(Reads("x"), memory("abcde")), 2) == ["ed", "cb", "a"]


def test_each_page_of_a_lone_list_is_read_once():
    lists = Lists(*"abcdef")
    assert pages(LayeredStore(Reads(), lists), 2) == ["fe", "dc", "ba"]
    assert lists.reads == [0, 2, 4]


def test_several_lists_are_one_newest_first():
    store = LayeredStore(Lists(*"adeh"), memory("bcfg"), Lists("i"))
    assert pages(store, 50) == ["ihgfedcba"]
    assert pages(store, 2) == ["ih", "gf", "ed", "cb", "a"]
    assert pages(store, 3) == ["ihg", "fed", "cba"]
    assert pages(store, 1) == list("ihgfedcba")


def test_a_record_that_a_store_above_hides_is_left_out_and_the_page_is_full():
    assert pages(LayeredStore(Reads(*"fdc"), memory("abcdefg")), 2) == ["ge", "ba"]
    assert pages(LayeredStore(Lists(*"ac"), memory("abcd")), 3) == ["dcb", "a"]


def test_the_record_that_decides_is_the_one_in_the_list():
    lower = MemoryStore([sample("a", name="hidden"), sample("b", name="shown")])
    page = LayeredStore(Lists("a"), lower).find(Query(now=NOW))
    assert list(page) == [sample("b", name="shown"), sample("a")]


def test_the_time_of_creation_counts_before_the_id():
    lower = MemoryStore([sample("z", created_at=NOW - timedelta(days=1)), sample("b")])
    assert pages(LayeredStore(Lists(*"ac"), lower), 1) == ["c", "b", "a", "z"]


def test_usage_is_there_for_the_keys_of_the_page_only():
    lower = memory("bd")
    lower.record_used([Use("b" * 16, "0011223344556677", NOW, 1)])
    page = LayeredStore(Lists(*"ac"), lower).find(Query(now=NOW, limit=3))
    assert [record.key_id[0] for record in page] == ["d", "c", "b"]
    assert page.usage == {
        "b" * 16: Usage(NOW, {"0011223344556677": NOW}),
        "c" * 16: Usage(NOW),
    }


def test_filters_hold():
    lower = MemoryStore([sample("a", user_id="other"), sample("b")])
    assert pages(LayeredStore(Reads(), lower), 1, user_id="other") == ["a"]


def test_without_a_list_there_is_none():
    assert LayeredStore(Reads()).find is None
    assert pages(LayeredStore(Lists(*"ab")), 1) == ["b", "a"]
    assert LayeredStore(Lists(*"ab")).add is None


def test_a_list_that_may_hold_what_is_hidden_is_not_given():
    class Down:
        def get(self, key_id):
            raise OSError("hunter2")

    with pytest.raises(StoreUnavailable, match="layer 1, Down: get raised OSError"):
        LayeredStore(Down(), memory("a")).find(Query(now=NOW))


@pytest.mark.parametrize(
    "after",
    [
        *("1893499200000000.aaaaaaaaaaaaaaaa", "1893499200000000.aaaaaaaaaaaaaaaa~~~"),
        *("1893499200000000.aaaaaaaaaaaaaaaa~!~", "1893499200000000.aaaaaaaaaaaaaaaa~a~"),
        *("1893499200000000.aaaaaaaaaaaaaaaa~gICA~", "1893499200000000.aaaaaaaaaaaaaaaa~é~"),
        *("", ".", "..", "x.y~z~", "\ud800"),
    ],
)
def test_a_cursor_of_another_list_is_refused(after):
    store = LayeredStore(Lists(*"ab"), memory("cd"))
    with pytest.raises(ConfigurationError, match="next_cursor of an earlier page"):
        store.find(Query(now=NOW, after=after))


@pytest.mark.parametrize("sort", ["newest", "oldest", "name", "expiry"])
def test_lists_of_each_order_are_merged(sort):
    def numbered(letters, kind=CannotBeWritten):
        return kind(
            sample(letter, name=letter, expires_at=NOW + timedelta(days=ord(letter)))
            for letter in letters
        )

    store = LayeredStore(numbered(""), numbered("adeh"), numbered("bcfg", MemoryStore))
    expected = ["hg", "fe", "dc", "ba"] if sort == "newest" else ["ab", "cd", "ef", "gh"]
    assert pages(store, 2, sort=sort) == expected


def test_a_list_that_was_looked_through_in_part_holds_back_what_may_stand_behind_it():
    rare = CannotBeWritten(
        sample(letter, scopes=["rare"] if letter in "bk" else []) for letter in "bdefghijk"
    )
    other = MemoryStore(sample(letter, scopes=["rare"]) for letter in "acl")
    assert pages(LayeredStore(rare, other), 3, scope="rare", scan=3) == ["lk", "", "cba"]
    assert pages(LayeredStore(rare, other), 3, scope="rare") == ["lkc", "ba"]


def test_uses_of_all_stores_are_added_up():
    stores = CannotBeWritten([sample("a")]), memory("b")
    both = LayeredStore(Reads("x"), *stores)
    both.record_used([Use(letter * 16, "0011223344556677", NOW, 1) for letter in "ab"])
    assert both.uses_by_day(NOW.date()) == {NOW.date(): 2}
    assert LayeredStore(Reads("x")).uses_by_day is None


@given(
    st.lists(st.text("abcdefghijklm", max_size=13).map(set), min_size=1, max_size=3),
    st.integers(1, 5),
)
def test_every_key_is_in_just_one_page_whoever_has_it(letters, limit):
    stores = [Lists(*some) for some in letters[:-1]] + [memory(letters[-1])]
    found = pages(LayeredStore(*stores), limit)
    assert "".join(found) == "".join(sorted(set().union(*letters), reverse=True))
    assert all(len(page) == limit for page in found[:-1])
