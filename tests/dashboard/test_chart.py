"""The chart of use by day: what is drawn, for eyes and for ears, and nothing that CSP forbids."""

from datetime import date
from xml.etree import ElementTree

import pytest

from bearer_auth.dashboard import Texts
from bearer_auth.dashboard.chart import Day, bars

SVG = "{http://www.w3.org/2000/svg}"
FIRST = date(2030, 1, 1)
SECOND = date(2030, 1, 2)
HOSTILE = "\"'><script>alert(1)</script>&"


def chart(*days, title="Use", description="Two days", label=lambda day: f"{day.uses} uses"):
    return bars(days, title=title, description=description, label=label)


def drawn(*days, **texts):
    """The chart as a tree of elements; it must be well-formed XML."""
    return ElementTree.fromstring(chart(*days, **texts))


def rects(svg, name):
    """x, y, width and height of the rectangles of a class."""
    found = svg.findall(f".//{SVG}rect[@class='{name}']")
    return [tuple(int(each.get(side)) for side in ("x", "y", "width", "height")) for each in found]


def titles(svg):
    return [each.text for each in svg.findall(f"{SVG}g/{SVG}title")]


def test_the_highest_day_fills_the_chart_and_the_others_are_in_proportion():
    svg = drawn(Day(FIRST, uses=200), Day(SECOND, uses=50))
    assert svg.get("viewBox") == "0 0 40 106"
    assert rects(svg, "bar-used") == [(3, 5, 14, 100), (23, 80, 14, 25)]
    assert rects(svg, "bar-refused") == []


def test_refusals_stand_on_top_of_the_uses_with_a_gap_between():
    svg = drawn(Day(FIRST, uses=30, refusals=70), Day(SECOND, refusals=10))
    assert rects(svg, "bar-used") == [(3, 75, 14, 30)]
    assert rects(svg, "bar-refused") == [(3, 4, 14, 70), (23, 95, 14, 10)]


def test_one_refusal_among_a_million_uses_is_seen_and_stays_inside():
    svg = drawn(Day(FIRST, uses=1_000_000, refusals=1))
    assert rects(svg, "bar-refused") == [(3, 3, 14, 2)]
    svg = drawn(Day(FIRST, uses=10**400, refusals=10**400))
    assert rects(svg, "bar-refused") == [(3, 4, 14, 50)]


def test_days_without_anything_have_no_bar_and_say_so():
    svg = drawn(Day(FIRST), Day(SECOND, uses=-5))
    assert rects(svg, "bar-used") == []
    assert titles(svg)[0] == "0 uses"


def test_no_days_at_all_are_a_chart_too():
    svg = drawn()
    assert svg.get("viewBox") == "0 0 20 106"


def test_a_screen_reader_is_told_what_the_bars_show():
    svg = drawn(Day(FIRST, 1200), Day(SECOND, 1), title="Use by day", description="1,201 uses")
    assert svg.get("role") == "img"
    assert svg.get("aria-labelledby") == "chart-title chart-desc"
    title, description = svg.find(f"{SVG}title"), svg.find(f"{SVG}desc")
    assert (title.get("id"), title.text) == ("chart-title", "Use by day")
    assert (description.get("id"), description.text) == ("chart-desc", "1,201 uses")
    assert titles(svg) == ["1200 uses", "1 uses"]


def test_injected_markup_is_shown_as_text():
    svg = drawn(Day(FIRST, 1), title=HOSTILE, description=HOSTILE, label=lambda _: HOSTILE)
    assert svg.find(f"{SVG}title").text == HOSTILE
    assert svg.find(f"{SVG}desc").text == HOSTILE
    assert titles(svg) == [HOSTILE]
    assert svg.find(f".//{SVG}script") is None


@pytest.mark.parametrize("forbidden", ["style", "script", "onload", "href", "url("])
def test_a_strict_csp_has_nothing_to_refuse_in_it(forbidden):
    assert forbidden not in chart(Day(FIRST, 1, 1))


def test_a_chart_of_a_month_is_small():
    days = [Day(FIRST, 10**9, 10**9)] * 30
    assert len(chart(*days, label=Texts().chart_day)) < 12_000
