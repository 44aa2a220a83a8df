import click
import pytest

from bearer_auth import (
    BearerAuthError,
    ConfigurationError,
    Conflict,
    KeyExists,
    KeyInactive,
    KeyNotFound,
    ReadOnlyStore,
    RotationInProgress,
    StoreUnavailable,
)
from bearer_auth.cli.errors import Failure, printable, redacted, translated
from bearer_auth.token import mint


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (KeyNotFound("x"), 3),
        (StoreUnavailable("x"), 4),
        (ReadOnlyStore("x"), 4),
        (KeyExists("x"), 5),
        (KeyInactive("x"), 5),
        (RotationInProgress("x"), 5),
        (Conflict("x"), 5),
        (ConfigurationError("x"), 2),
        (click.UsageError("x"), 2),
        (BearerAuthError("x"), 1),
    ],
)
def test_each_error_has_its_exit_code(error, code):
    with pytest.raises(Failure) as raised, translated():
        raise error
    assert raised.value.exit_code == code
    assert raised.value.message == "x"


def test_a_message_is_one_line_whatever_it_was():
    with pytest.raises(Failure) as raised, translated():
        raise StoreUnavailable("several\nlines\n\tof text")
    assert raised.value.message == "several lines of text"


def test_other_errors_are_not_hidden():
    with pytest.raises(ZeroDivisionError), translated():
        raise ZeroDivisionError


def test_tokens_and_passwords_are_taken_out_of_messages():
    token = mint("ba", "production", "3fQ7mZ0aKx9LpR2T")
    assert redacted(f"no such option {token}!") == "no such option ba_production_3fQ7…!"
    assert redacted("at postgresql://me:s3:cr@t@host/db now") == "at postgresql://me:…@host/db now"
    assert redacted("sqlite:///keys.db") == "sqlite:///keys.db"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain [red]text[/]", "plain [red]text[/]"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("left\u202etfel", "left\\u202etfel"),
        ("tab\tand\x07", "tab\\tand\\x07"),
        ("Zoë 鍵", "Zoë 鍵"),
    ],
)
def test_a_terminal_shows_text_and_obeys_none_of_it(text, shown):
    assert printable(text) == shown


def test_a_message_holds_nothing_that_a_terminal_obeys():
    with pytest.raises(Failure) as raised, translated():
        raise StoreUnavailable("the row of key \x1b[2J")
    assert raised.value.message == "the row of key \\x1b[2J"


@pytest.mark.parametrize("words", [(), ("keys",)])
def test_a_store_before_the_command_is_told_its_place(run, words):
    result = run(*words, "--store", "sqlite:///keys.db", "list", code=2)
    assert result.stderr.startswith(
        "Error: --store goes after the command, as in: bearer-auth keys list --store URL\n"
    )


def test_a_command_without_its_group_is_told_where_it_is(run):
    result = run("create", "--user", "u", code=2)
    assert result.stderr.startswith("Error: write 'bearer-auth keys create'\n")


@pytest.mark.parametrize("word", ["--plan={}", "--{}", "--status={}"])
def test_a_token_anywhere_on_the_command_line_is_not_echoed(run, store, word):
    token = mint("ba", "production")
    result = run("keys", "list", word.format(token), code=2)
    assert token not in result.output
