"""One list out of those of several stores."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

from ..errors import ConfigurationError
from ..records import KeyRecord
from . import Page, Query, Usage
from .cursor import decode_cursor, encode_cursor, sort_key
from .layer import Layer


class _Found(NamedTuple):
    """A record, and the cursor with which the page that holds it was asked for."""

    key: tuple[int, str]
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
        """One page of the records that match, newest first.

        Raises:
            ConfigurationError: The query's cursor is not one of this store's.
            StoreUnavailable: One of the stores can't answer.
        """
        last, pages = self._decode(query.after)
        found: list[_Found] = []
        usage: dict[str, Usage] = {}
        more = False
        for number in range(len(self._lists)):
            more |= self._read(number, query, last, pages, found, usage)
        found.sort(key=lambda one: one.key, reverse=True)
        taken, rest = found[: query.limit], found[query.limit :]
        for one in reversed(rest):
            pages[one.list_number] = one.page
        records = [one.record for one in taken]
        cursor = None
        if taken and (rest or more):
            cursor = ".".join([encode_cursor(records[-1]), *map(_to_text, pages)])
        ids = {record.key_id for record in records}
        return Page(records, cursor, {key: used for key, used in usage.items() if key in ids})

    def _read(
        self,
        number: int,
        query: Query,
        last: tuple[int, str] | None,
        pages: list[str | None],
        found: list[_Found],
        usage: dict[str, Usage],
    ) -> bool:
        """Read as many records of one list as a page can hold; whether there may be more."""
        find, above = self._lists[number]
        wanted = query.limit
        while True:
            page = find(replace(query, after=pages[number]))
            for record in page:
                key = sort_key(record)
                if (last is None or key < last) and not any(
                    layer.get(record.key_id) for layer in above
                ):
                    found.append(_Found(key, record, number, pages[number]))
                    wanted -= 1
            usage.update(page.usage)
            if page.next_cursor is None:
                return False
            pages[number] = page.next_cursor
            if wanted <= 0:
                return True

    def _decode(self, after: str | None) -> tuple[tuple[int, str] | None, list[str | None]]:
        if after is None:
            return None, [None] * len(self._lists)
        micros, _, rest = after.partition(".")
        key_id, *pages = rest.split(".")
        last = decode_cursor(f"{micros}.{key_id}")
        try:
            decoded = [_from_text(page) for page in pages]
        except ValueError:
            decoded = []
        if len(decoded) != len(self._lists):
            raise ConfigurationError("after must be the next_cursor of an earlier page")
        return last, decoded


def _to_text(cursor: str | None) -> str:
    return "" if cursor is None else base64.urlsafe_b64encode(cursor.encode()).decode()


def _from_text(text: str) -> str | None:
    return base64.b64decode(text, altchars=b"-_", validate=True).decode() if text else None
