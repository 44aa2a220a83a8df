"""The chart of use by day: what is drawn, for eyes and for ears, and nothing that CSP forbids."""

from datetime import date
from xml.etree import ElementTree

import pytest

from bearer_auth.dashboard.chart import Day, bars, in_sum, in_words

SVG = "{http://www.w3.org/2000/svg}"
FIRST = date(2030, 1, 1)
SECOND = date(2030, 1, 2)
HOSTILE = "\"'><script>alert(1)</script>&"


def drawn(*days, **options):
    """The chart as a tree of elements; it must be well-formed XML."""
    return ElementTree.fromstring(bars(days, **options))


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
    assert titles(svg)[0] == "2030-01-01 (UTC): 0 uses, 0 refusals"


def test_no_days_at_all_are_a_chart_too():
    svg = drawn()
    assert svg.get("viewBox") == "0 0 20 106"
    assert svg.find(f"{SVG}desc").text == "No day is shown."


def test_a_screen_reader_is_told_what_the_bars_show():
    svg = drawn(Day(FIRST, 1200, 1), Day(SECOND, 1, 3), identifier="use", title="Use of this key")
    assert svg.get("role") == "img"
    assert svg.get("aria-labelledby") == "use-title use-desc"
    title, description = svg.find(f"{SVG}title"), svg.find(f"{SVG}desc")
    assert (title.get("id"), title.text) == ("use-title", "Use of this key")
    assert description.get("id") == "use-desc"
    assert description.text == (
        "2030-01-01 to 2030-01-02 (UTC): 1,201 uses, 4 refusals. "
        "Most on 2030-01-01 (UTC): 1,200 uses, 1 refusal."
    )
    assert titles(svg) == [
        "2030-01-01 (UTC): 1,200 uses, 1 refusal",
        "2030-01-02 (UTC): 1 use, 3 refusals",
    ]


def test_words_can_be_those_of_another_language():
    svg = drawn(
        Day(FIRST, 5),
        title="Nutzung je Tag",
        describe=lambda days: f"{len(days)} Tag",
        label=lambda day: f"{day.uses}-mal",
    )
    assert svg.find(f"{SVG}title").text == "Nutzung je Tag"
    assert svg.find(f"{SVG}desc").text == "1 Tag"
    assert titles(svg) == ["5-mal"]


def test_injected_markup_is_shown_as_text():
    options = {"describe": lambda days: HOSTILE, "label": lambda day: HOSTILE}
    svg = drawn(Day(FIRST, 1), title=HOSTILE, identifier=HOSTILE, **options)
    assert svg.find(f"{SVG}title").text == HOSTILE
    assert svg.find(f"{SVG}desc").text == HOSTILE
    assert titles(svg) == [HOSTILE]
    assert svg.find(f".//{SVG}script") is None
    assert svg.find(f"{SVG}title").get("id") == f"{HOSTILE}-title"


@pytest.mark.parametrize("forbidden", ["style", "script", "onload", "href", "url("])
def test_a_strict_csp_has_nothing_to_refuse_in_it(forbidden):
    assert forbidden not in bars([Day(FIRST, 1, 1)])


def test_a_chart_of_a_month_is_small():
    assert len(bars([Day(FIRST, 10**9, 10**9)] * 30)) < 12_000


def test_days_in_words():
    assert in_words(Day(FIRST, 1, 0)) == "2030-01-01 (UTC): 1 use, 0 refusals"
    assert in_sum([Day(FIRST)]) == "2030-01-01 to 2030-01-01 (UTC): 0 uses, 0 refusals."
