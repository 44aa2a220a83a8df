"""The table of ``sdk/conformance/`` itself: it is long enough, it covers what it must, and a wrong
row is refused."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "conformance"))
from rows import WrongRow, check, load

Row = dict[str, Any]
ROWS: list[Row] = load()
STATUSES = [400, 401, 403, 408, 409, 422, 429, 500, 502, 503, 504]
CONDITIONS = {
    *(f"status-{status}" for status in STATUSES),
    "retry-after-seconds",
    "retry-after-date",
    "retry-after-nonsense",
    "truncated-json",
    "html",
    "redirect",
    "slow-body",
    "reset",
    "rotated-key",
    "clock-skew",
}


def test_there_are_enough_rows() -> None:
    assert len(ROWS) >= 60


@pytest.mark.parametrize(
    "condition", sorted(CONDITIONS.union(*(row["conditions"] for row in ROWS)))
)
def test_a_condition_has_two_outcomes(condition: str) -> None:
    rows = [row for row in ROWS if condition in row["conditions"]]
    outcomes = {
        json.dumps([row["expect"][name] for name in ("tries", "waits")])
        + json.dumps(row["expect"].get("error", "a result"))
        for row in rows
    }
    assert len(outcomes) >= 2


GOOD: Row = {
    "name": "good",
    "why": "It is.",
    "conditions": [],
    "call": {"do": "health"},
    "answers": [{"status": 200}],
    "expect": {"tries": 1, "waits": [], "result": {"status": "healthy"}},
}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"expects": {}}, "unknown field expects"),
        ({"why": "no sentence"}, "why is a sentence"),
        ({"name": "Two words"}, "lower-case"),
        ({"call": {"do": "health", "input": 1}}, "unknown field input"),
        ({"answers": [{"stall": "for ever"}]}, "stall may not be"),
        ({"options": {"max_retries": True}}, "max_retries may not be"),
        ({"expect": {"tries": 1, "waits": []}}, "either result or error"),
        ({"expect": {"tries": 1, "result": {}}}, "tries and waits"),
        ({"expect": {"tries": 2, "waits": [], "result": {}}}, "2 tries have 1 answers"),
        ({"expect": {"tries": 1, "waits": [], "error": {"type": "E"}}}, "type is one of"),
        ({"expect": {"tries": 1, "waits": [], "error": {}}}, "type is one of"),
        ({"expect": {"tries": 1, "waits": [], "requests": [], "result": {}}}, "one a try"),
    ],
)
def test_a_wrong_row_is_refused(change: Row, said: str) -> None:
    check(GOOD, "here")
    with pytest.raises(WrongRow, match=said):
        check(GOOD | change, "here")
