"""Every command has --store, --json, an example, and its place in docs/cli.md, whose commands
tests/docs runs."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from bearer_auth.cli.app import commands
from bearer_auth.cli.errors import CODES, Command

PAGE = (Path(__file__).parents[2] / "docs" / "cli.md").read_text()


def leaves(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from leaves(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


COMMANDS = dict(leaves(commands))


def examples_of(command: click.Command) -> list[str]:
    _, _, lines = (command.epilog or "").partition("Example:\n")
    return [line.strip() for line in lines.splitlines()]


def test_the_commands_are_the_ones_of_the_design():
    assert set(COMMANDS) == {
        "keys create",
        "keys import",
        "keys list",
        "keys show",
        "keys update",
        "keys rotate",
        "keys suspend",
        "keys resume",
        "keys revoke",
        "keys purge",
        "dashboard set-password",
        "dashboard link",
        "limits show",
        "limits reset",
        "verify",
        "doctor",
        "env",
        "events",
        "sweep",
        "import",
        "export",
        "db upgrade",
        "db current",
        "db check",
        "db sql",
    }


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_store_json_and_help_for_each_option(name, run):
    command = COMMANDS[name]
    assert isinstance(command, Command)
    options = [param for param in command.params if isinstance(param, click.Option)]
    names = {name for option in options for name in option.opts}
    assert {"--store", "--json"} <= names
    assert [option.opts for option in options if not option.help] == []
    shown = run(*name.split(), "--help").stdout
    assert examples_of(command)
    for line in examples_of(command):
        assert f"  {line}\n" in shown


def section(title: str) -> str:
    match = re.search(
        rf"^## `bearer-auth {title}`$(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL
    )
    assert match is not None, f"docs/cli.md has no section for {title}"
    return match[1]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_documented(name):
    text = section(name)
    for param in COMMANDS[name].params:
        if isinstance(param, click.Option) and param.opts[0] not in ("--store", "--json"):
            assert f"`{param.opts[0]}" in text, f"{param.opts[0]} of {name}"
    for line in examples_of(COMMANDS[name]):
        assert line in text


def test_no_option_is_documented_that_is_not_there():
    for name, command in COMMANDS.items():
        known = {option for param in command.params for option in param.opts}
        assert set(re.findall(r"`(--[a-z-]+)", section(name))) - known == set()


def test_what_holds_for_all_commands_is_documented():
    for text in (
        "--store",
        "--json",
        "BEARER_AUTH_STORE",
        "BEARER_AUTH_PEPPERS",
        "BEARER_AUTH_PEPPERS_FILE",
        "NO_COLOR",
    ):
        assert f"`{text}" in PAGE
    for code in CODES:
        assert f"| {code:d} |" in PAGE
