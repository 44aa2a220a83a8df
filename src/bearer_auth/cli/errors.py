"""What the terminal answers when something fails: one to three lines on stderr, and an exit code.

Nothing here quotes a secret: whole tokens and the passwords of URLs are taken out of every line.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import contextmanager
from enum import IntEnum
from typing import Any

import click

from ..errors import (
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
from ..token import redact


class Code(IntEnum):
    """Exit codes. They are stable; ``bearer-auth --help`` lists them."""

    OK = 0
    REFUSED = 1
    USAGE = 2
    NOT_FOUND = 3
    STORE = 4
    STATE = 5
    FOUND = 6
    INTERRUPTED = 130


CODES = {
    Code.OK: "done, or a positive answer",
    Code.REFUSED: "a negative answer: verify found the token invalid, doctor found an error, "
    "or a question was answered with no",
    Code.USAGE: "the command line or a value on it is wrong",
    Code.NOT_FOUND: "no such key",
    Code.STORE: "the store can't be opened, read or written",
    Code.STATE: "the key is in another state: revoked, expired, being rotated, there already",
    Code.FOUND: "keys list --exit-code found a key",
    Code.INTERRUPTED: "Ctrl-C",
}

_ERRORS: tuple[tuple[type[BearerAuthError], Code], ...] = (
    (KeyNotFound, Code.NOT_FOUND),
    (StoreUnavailable, Code.STORE),
    (ReadOnlyStore, Code.STORE),
    (KeyExists, Code.STATE),
    (KeyInactive, Code.STATE),
    (RotationInProgress, Code.STATE),
    (Conflict, Code.STATE),
    (ConfigurationError, Code.USAGE),
)

# What the messages call the arguments of Python, and what those are called here.
_OPTIONS = (
    (
        "finish the rotation, or rotate with a grace of zero or if_rotating='discard_new'",
        "end it with --finish or --grace 0, or replace the newest token with --discard-new",
    ),
    ("import_token needs", "an imported token needs"),
    (
        r"pass peppers=\[…\] to the keyring and to the middleware",
        "set BEARER_AUTH_PEPPERS, here and for the server",
    ),
    ("pass sieve=", "pass --sieve"),
    (
        r"can't list keys: EnvStore is read-only.*",
        "EnvStore has no list of its keys: each is a variable of the environment",
    ),
    (r"^allowed_ips: ('.*?': )?", "--allow-ip: "),
)

_LONG_WORD = re.compile(r"[0-9A-Za-z_]{60,}")  # a minted token has 68 characters and more
_PASSWORD = re.compile(r"(://[^\s:/@]*):\S*@")


class Failure(click.ClickException):
    """An error that is shown as it is, but for what a terminal would obey."""

    def __init__(self, message: str, code: Code) -> None:
        super().__init__(printable(message))
        self.exit_code = code  # type: ignore[misc]  # click's own classes have one each


def redacted(text: str) -> str:
    """The text without whole tokens and without the passwords of URLs."""
    text = _LONG_WORD.sub(lambda word: redact(word[0]), text)
    return _PASSWORD.sub(r"\1:…@", text)


@contextmanager
def translated() -> Generator[None, None, None]:
    """Turn our errors, and click's about the command line, into failures."""
    try:
        yield
    except click.UsageError as error:
        message = one_line(error.format_message())
        if isinstance(error, click.NoSuchOption) and error.option_name == "--store":
            message = "--store goes after the command, as in: bearer-auth keys list --store URL"
        if error.ctx is not None:
            message += f"\nSee {error.ctx.command_path} --help"
        raise Failure(message, Code.USAGE) from None
    except BearerAuthError as error:
        code = next((code for kind, code in _ERRORS if isinstance(error, kind)), Code.REFUSED)
        message = str(error)
        for python, terminal in _OPTIONS:
            message = re.sub(python, terminal, message)
        raise Failure(one_line(message), code) from None


def one_line(text: str) -> str:
    """The text in one line, redacted."""
    return redacted(" ".join(text.split()))


def printable(text: str) -> str:
    """The text, with what a terminal would obey instead of show written as ``\\x1b``."""
    return "".join(
        character
        if character.isprintable() or character == "\n"
        else character.encode("unicode_escape").decode()
        for character in text
    )


class Command(click.Command):
    """A command whose errors are short, wherever its group is mounted."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Read the arguments."""
        with translated():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        """Run."""
        with translated():
            return super().invoke(ctx)


class Group(Command, click.Group):
    """A group whose errors are short, wherever it is mounted."""

    command_class = Command
    group_class = type

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Find a command, or the group that has it."""
        for name, group in () if args[0] in self.commands else self.commands.items():
            if isinstance(group, click.Group) and args[0] in group.commands:
                raise click.UsageError(f"write '{ctx.command_path} {name} {args[0]}'", ctx)
        return super().resolve_command(ctx, args)
