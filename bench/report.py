"""Tables, and beside them how each target stands: reached or missed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Target(NamedTuple):
    """One figure that must not be exceeded, or, if ``least``, be reached."""

    name: str
    figure: float
    limit: float
    unit: str
    least: bool = False

    @property
    def reached(self) -> bool:
        return self.figure >= self.limit if self.least else self.figure <= self.limit

    def __str__(self) -> str:
        sign = "≥" if self.least else "≤"
        word = "reached" if self.reached else "MISSED"
        figure, limit = (f"{number:,.4g}" for number in (self.figure, self.limit))
        return f"{word:8}{self.name}: {figure} {self.unit} (target {sign} {limit})"


class Report:
    """Prints as it goes, and all the targets once more at the end."""

    def __init__(self) -> None:
        self._targets: list[Target] = []

    def title(self, text: str) -> None:
        print(f"\n\n=== {text}\n", flush=True)

    def note(self, text: str) -> None:
        print(text, flush=True)

    def table(self, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        lines = [list(heads), *map(list, rows)]
        widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
        for first, *rest in lines:
            cells = (f"{cell:>{width}}" for cell, width in zip(rest, widths[1:], strict=True))
            print("   ".join([f"{first:{widths[0]}}", *cells]))
        print(flush=True)

    def target(
        self, name: str, figure: float, limit: float, unit: str = "×", *, least: bool = False
    ) -> None:
        target = Target(name, figure, limit, unit, least)
        self._targets.append(target)
        print(target, flush=True)

    def summary(self) -> None:
        if self._targets:
            self.title("the targets")
            for target in self._targets:
                print(target)
