"""One list out of those of several stores."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

from ..errors import ConfigurationError
from ..records import KeyRecord
from . import Page, Query, Sort, Usage
from .cursor import SortKey, decode_cursor, encode_place, is_behind, sort_key
from .layer import Layer

_BETWEEN = "~"


class _Found(NamedTuple):
    """A record, and the cursor with which the page that holds it was asked for."""

    key: SortKey
    record: KeyRecord
    list_number: int
    page: str | None


class LayeredList:
    """Merges the lists of the stores that have any, without records that a store above hides.

    A cursor holds the place in the merged list, and for each store the cursor of the page at which
    to go on; what that page repeats is passed over.

    Args:
        layers: All of them, the uppermost first.
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        self._lists: list[tuple[Callable[[Query], Page], Sequence[Layer]]] = [
            (find, layers[:number])
            for number, layer in enumerate(layers)
            if (find := layer.method("find")) is not None
        ]

    def __bool__(self) -> bool:
        return bool(self._lists)

    def find(self, query: Query) -> Page:
        """One page of the records that match, in the order that is asked for.

        Raises:
            ConfigurationError: The query's cursor is not one of this store's.
            StoreUnavailable: One of the stores can't answer.
        """
        last, pages = self._decode(query.after, query.sort)
        found: list[_Found] = []
        usage: dict[str, Usage] = {}
        more = False
        edge: SortKey | None = None
        for number in range(len(self._lists)):
            list_goes_on, list_edge = self._read(number, query, last, pages, found, usage)
            more |= list_goes_on
            if list_edge and (edge is None or is_behind(edge, list_edge, query.sort)):
                edge = list_edge
        found.sort(key=lambda one: one.key, reverse=query.sort == "newest")
        # What one list has behind the edge may stand behind what another has not yet looked at.
        within = [one for one in found if not edge or not is_behind(one.key, edge, query.sort)]
        taken = within[: query.limit]
        rest = found[len(taken) :]
        for one in reversed(rest):
            pages[one.list_number] = one.page
        records = [one.record for one in taken]
        place = edge if edge and len(within) <= query.limit else taken[-1].key if taken else None
        cursor = None
        if place and (rest or more):
            cursor = _BETWEEN.join([encode_place(place, query.sort), *map(_to_text, pages)])
        ids = {record.key_id for record in records}
        return Page(records, cursor, {key: used for key, used in usage.items() if key in ids})

    def _read(
        self,
        number: int,
        query: Query,
        last: SortKey | None,
        pages: list[str | None],
        found: list[_Found],
        usage: dict[str, Usage],
    ) -> tuple[bool, SortKey | None]:
        """Read as many records of one list as a page can hold; whether there may be more, and the
        place up to which it was looked through, if that is not as far as it was read."""
        find, above = self._lists[number]
        wanted = query.limit
        while True:
            page = find(replace(query, after=pages[number]))
            for record in page:
                key = sort_key(record, query.sort)
                if (last is None or is_behind(key, last, query.sort)) and not any(
                    layer.get(record.key_id) for layer in above
                ):
                    found.append(_Found(key, record, number, pages[number]))
                    wanted -= 1
            usage.update(page.usage)
            if page.next_cursor is None:
                return False, None
            pages[number] = page.next_cursor
            if wanted <= 0:
                return True, None
            if query.scan is not None and len(page) < query.limit:
                edge = _place_of(page.next_cursor, query.sort)
                if edge is not None:
                    return True, edge

    def _decode(self, after: str | None, sort: Sort) -> tuple[SortKey | None, list[str | None]]:
        if after is None:
            return None, [None] * len(self._lists)
        place, *pages = after.split(_BETWEEN)
        last = decode_cursor(place, sort)
        try:
            decoded = [_from_text(page) for page in pages]
        except ValueError:
            decoded = []
        if len(decoded) != len(self._lists):
            raise ConfigurationError("after must be the next_cursor of an earlier page")
        return last, decoded


def _place_of(cursor: str, sort: Sort) -> SortKey | None:
    """Where a store's own cursor stands, if that can be told; others are for that store alone."""
    try:
        return decode_cursor(cursor.partition(_BETWEEN)[0], sort)
    except ConfigurationError:
        return None


def _to_text(cursor: str | None) -> str:
    return "" if cursor is None else base64.urlsafe_b64encode(cursor.encode()).decode()


def _from_text(text: str) -> str | None:
    return base64.b64decode(text, altchars=b"-_", validate=True).decode() if text else None
