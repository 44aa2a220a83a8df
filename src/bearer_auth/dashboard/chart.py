"""A chart of use by day: SVG without style or script; the colours are for the CSS of the page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup

_SLOT = 20
_BAR = 14
_HIGHEST = 100
_LEAST = 2
"""Height of what is not nothing, however little it is beside the rest."""

_HEIGHT = _HIGHEST + 2 * _LEAST + 1  # both parts of the highest bar may be lifted to the least

_CHART = Markup(
    '<svg class="chart" role="img" aria-labelledby="chart-title chart-desc"'
    ' viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">'
    '<title id="chart-title">{title}</title><desc id="chart-desc">{description}</desc>'
    "{bars}"
    '<rect class="chart-base" x="0" y="{base}" width="{width}" height="1"/>'
    "</svg>"
)

# The first rect is what a pointer meets on a day without a bar.
_DAY = Markup(
    "<g><title>{label}</title>"
    '<rect x="{left}" y="0" width="{slot}" height="{height}" fill="none" pointer-events="all"/>'
    "{parts}</g>"
)

_PART = Markup('<rect class="{name}" x="{x}" y="{y}" width="{width}" height="{height}"/>')


@dataclass(frozen=True, slots=True)
class Day:
    """What happened on one day, in UTC.

    Attributes:
        date: The day.
        uses: Requests that a key was accepted for.
        refusals: Requests that were refused.
    """

    date: date
    uses: int = 0
    refusals: int = 0

    @property
    def total(self) -> int:
        """Both together. A row that was edited may hold less than nothing."""
        return max(0, self.uses) + max(0, self.refusals)


def bars(
    days: Sequence[Day], *, title: str, description: str, label: Callable[[Day], str]
) -> Markup:
    """A bar for each day: its uses, and its refusals on top of them.

    The bars are as wide as what they stand in. CSS gives ``.bar-used``, ``.bar-refused`` and
    ``.chart-base`` their ``fill``; text is escaped. One chart a page: it has ids.

    Args:
        days: The days, from left to right.
        title: What the chart shows.
        description: All of the days in words, for who doesn't see the bars.
        label: One day in words, shown when a pointer rests on it.
    """
    highest = max((day.total for day in days), default=0)
    return _CHART.format(
        title=title,
        description=description,
        width=max(1, len(days)) * _SLOT,
        height=_HEIGHT + 1,
        base=_HEIGHT,
        bars=Markup("").join(
            _bar(day, index * _SLOT, highest, label(day)) for index, day in enumerate(days)
        ),
    )


def _bar(day: Day, left: int, highest: int, label: str) -> Markup:
    used, refused = _height(day.uses, highest), _height(day.refusals, highest)
    parts = Markup("")
    if used:
        parts += _part("bar-used", left, _HEIGHT - used, used)
    if refused:
        gap = 1 if used else 0  # so that the two are told apart without their colours
        parts += _part("bar-refused", left, _HEIGHT - used - gap - refused, refused)
    return _DAY.format(label=label, left=left, slot=_SLOT, height=_HEIGHT, parts=parts)


def _part(name: str, left: int, y: int, height: int) -> Markup:
    return _PART.format(name=name, x=left + (_SLOT - _BAR) // 2, y=y, width=_BAR, height=height)


def _height(count: int, highest: int) -> int:
    return max(_LEAST, count * _HIGHEST // highest) if count > 0 else 0
