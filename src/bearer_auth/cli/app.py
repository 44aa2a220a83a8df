"""The command ``bearer-auth`` and how it runs as a process."""

from __future__ import annotations

import os
import sys

import click

from .dashboard import dashboard
from .db import db
from .doctor import doctor
from .env import env
from .errors import CODES, Code, Failure, Group, redacted
from .events import events
from .keys import keys
from .limits import limits
from .moving import export, import_
from .sweep import sweep
from .verify import verify

# Read from the package that stands above this floor, and is loaded already, rather than imported.
_VERSION = str(sys.modules[__name__.partition(".")[0]].__version__)

_EPILOG = "\b\nExit codes:\n" + "\n".join(f"  {code:<4}{text}" for code, text in CODES.items())


@click.group(
    "bearer-auth",
    cls=Group,
    invoke_without_command=True,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(_VERSION, prog_name="bearer-auth")
@click.pass_context
def commands(ctx: click.Context) -> None:
    """Issue, list, rotate and revoke API keys, and check what goes wrong in deployment.

    \b
    The store:    --store URL, or BEARER_AUTH_STORE: sqlite:///keys.db, postgresql://…,
                  mysql://…, env: or env:PREFIX
    The peppers:  BEARER_AUTH_PEPPERS, newest first with spaces between them, or
                  BEARER_AUTH_PEPPERS_FILE, which names a file that holds them
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


_ALL = (keys, dashboard, limits, verify, events, sweep, import_, export, db, doctor, env)

for _command in _ALL:
    commands.add_command(_command)


def run() -> int:
    """Run the command line of this process; gives its exit code."""
    if sys.stdout is None:  # a token would vanish, with the key made
        Failure("standard output is closed", Code.USAGE).show()
        return Code.USAGE
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # a name that the terminal's encoding lacks is no reason to fail
            # typed as a TextIO, which has no reconfigure; it is a TextIOWrapper
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        code = commands.main(prog_name="bearer-auth", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        return Code.INTERRUPTED
    except BrokenPipeError:  # as in `bearer-auth keys list | head -1`
        _drop_stdout()
        return Code.REFUSED
    except OSError as error:
        _drop_stdout()
        Failure(redacted(error.strerror or str(error)), Code.REFUSED).show()
        return Code.REFUSED
    return code if isinstance(code, int) else Code.OK


def _drop_stdout() -> None:
    # Else the interpreter tries to write the rest at its exit, and complains.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
