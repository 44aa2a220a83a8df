from datetime import UTC, datetime, timedelta

import click
import pytest

from bearer_auth.cli import options
from bearer_auth.cli.options import duration, json_object, key_id, moment
from bearer_auth.token import mint


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("90d", timedelta(days=90)),
        ("12h", timedelta(hours=12)),
        ("30m", timedelta(minutes=30)),
        ("45s", timedelta(seconds=45)),
        ("2w", timedelta(weeks=2)),
        ("0", timedelta(0)),
        ("36525d", timedelta(days=36525)),
    ],
)
def test_durations(text, value):
    assert duration(text) == value


@pytest.mark.parametrize(
    "text",
    ["", "d", "90", "-1d", "1.5h", "90D", " 90d", "90d\n", "36526d", "999999999w", "٣d", "1y"],
)
def test_what_is_no_duration(text):
    with pytest.raises(click.BadParameter):
        duration(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2030-01-31", datetime(2030, 1, 31, tzinfo=UTC)),
        ("2030-01-31T12:00:00Z", datetime(2030, 1, 31, 12, tzinfo=UTC)),
        ("2030-01-31T12:00+01:00", datetime(2030, 1, 31, 11, tzinfo=UTC)),
    ],
)
def test_dates(text, value):
    assert moment(text) == value


@pytest.mark.parametrize(
    "text",
    ["", "tomorrow", "2030-02-30", "2030-01-31T12:00:00", "9999-12-31T23:59-05:00", "31.1.30"],
)
def test_what_is_no_date_with_a_zone(text):
    with pytest.raises(click.BadParameter):
        moment(text)


@pytest.mark.parametrize("text", ["", "[]", "1", "null", "{", "[" * 100_000])
def test_what_is_no_json_object(text):
    with pytest.raises(click.BadParameter):
        json_object(text)


def test_an_id_is_taken_and_a_token_is_not_shown():
    assert key_id("3fQ7mZ0aKx9LpR2T") == "3fQ7mZ0aKx9LpR2T"
    token = mint("ba", "production", "3fQ7mZ0aKx9LpR2T")
    with pytest.raises(click.BadParameter, match="3fQ7mZ0aKx9LpR2T") as raised:
        key_id(token)
    assert token not in str(raised.value)
    with pytest.raises(click.BadParameter) as raised:
        key_id(token[:-1])
    assert "3fQ7" not in str(raised.value)


def test_more_input_than_any_token_has_is_refused(run, store):
    assert "must be one line" in run("verify", input="a" * 70_000, code=2).stderr


def typed(what):
    def prompt(*_, **__):
        return what.decode()

    return prompt


@pytest.mark.parametrize(
    ("what", "message"),
    [
        (b"  ", "nothing was typed; the token is read from here"),
        (b"\xff\xfe", "what was typed is no text; a token is"),
    ],
)
def test_blanks_and_what_is_no_text_at_a_prompt_are_usage_errors(
    run, store, monkeypatch, what, message
):
    monkeypatch.setattr(options, "interactive", lambda: True)
    monkeypatch.setattr(click, "prompt", typed(what))
    assert run("verify", code=2).stderr.splitlines()[0] == f"Error: {message}"
