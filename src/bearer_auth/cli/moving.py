"""``bearer-auth import`` and ``bearer-auth export``: keys from and into files, and from tables."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

import click

from ..errors import BearerAuthError
from ..stores import MAX_PAGE
from .errors import Code, Command, Failure, one_line
from .options import examples, json_option, pass_context, store_option
from .output import note, write_json
from .store import Context

if TYPE_CHECKING:
    from ..moving import Outcome, Row

_SHOWN = 20  # rows that are told one by one


@click.command(
    "import",
    cls=Command,
    epilog=examples(
        "bearer-auth import keys.jsonl",
        "bearer-auth import keys.csv --dry-run",
        "bearer-auth import --from drf-api-key --source sqlite:///db.sqlite3 --plan pro",
    ),
)
@click.argument("file", metavar="[FILE]", required=False, type=click.Path(allow_dash=True))
@click.option(
    "--from",
    "origin",
    type=click.Choice(["drf-api-key", "knox", "digests"]),
    help="Read the table of djangorestframework-api-key or django-rest-knox, or a plain one of "
    "digests, in place of a file.",
)
@click.option(
    "--source",
    metavar="URL",
    envvar="BEARER_AUTH_SOURCE",
    help="The database of that table. Also BEARER_AUTH_SOURCE, which other users can't read.",
)
@click.option("--table", metavar="NAME", help="That table, if it has another name.")
@click.option("--user", "user_id", metavar="ID", help="The owner of keys that have none.")
@click.option("--plan", metavar="PLAN", help="The plan of keys from a table.")
@click.option("--environment", metavar="NAME", help="The environment of keys from a table.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@store_option
@json_option
@pass_context
def import_(
    context: Context,
    /,
    file: str | None,
    origin: str | None,
    source: str | None,
    dry_run: bool,
    as_json: bool,
    **fields: str | None,
) -> None:
    """Take in keys of which only hashes are known, from FILE (.csv, .jsonl) or a table.

    A key that is there stays as it is, so an import that broke off is simply run again. What can't
    be taken in is told by line, and the exit code is 1 then.
    """
    from ..moving import import_rows

    if (file is None) == (origin is None):
        raise Failure("give a FILE, or --from and --source", Code.USAGE)
    store = context.keyring(change=True, create=not dry_run).writable_store()
    told = _Told()
    with _rows_of(file, origin, source, fields) as rows, _bar() as bar:
        outcome = import_rows(
            store, rows, dry_run=dry_run, tell=told, progress=bar, event_sink=context.sink()
        )
    told.rest()
    if as_json:
        write_json({"added": outcome.added, "present": outcome.present, "refused": outcome.refused})
    would = "Would add" if dry_run else "Added"
    there = f"; {outcome.present} were there already" if outcome.present else ""
    refused = f"; {outcome.refused} were refused" if outcome.refused else ""
    note(f"{would} {outcome.added} keys{there}{refused}.")
    if outcome.refused:
        click.get_current_context().exit(Code.REFUSED)


@click.command(
    "export",
    cls=Command,
    epilog=examples(
        "bearer-auth export --output keys.jsonl --with-hashes",
        "bearer-auth export > keys-without-hashes.jsonl",
    ),
)
@click.option("--output", metavar="FILE", help="Write to a new file that only you can read.")
@click.option(
    "--with-hashes",
    is_flag=True,
    help="With the hashes of the secrets, which an import elsewhere needs.",
)
@store_option
@json_option
@pass_context
def export(context: Context, /, output: str | None, with_hashes: bool, as_json: bool) -> None:
    """Write all keys as JSON lines, the way out; with --with-hashes it can be imported again."""
    from ..moving import to_json

    keyring = context.keyring()
    count, after = 0, None
    with _opened(output) as out:
        while True:
            page = keyring.list(limit=MAX_PAGE, after=after)
            for record in page:
                click.echo(json.dumps(to_json(record, with_hashes=with_hashes)), file=out)
            count += len(page)
            after = page.next_cursor
            if after is None:
                break
    note(f"Wrote {count} keys" + ("." if with_hashes else ", without their hashes."))
    if as_json and output is not None:
        write_json({"keys": count})


@contextmanager
def _rows_of(
    file: str | None, origin: str | None, source: str | None, fields: dict[str, str | None]
) -> Generator[Iterator[Row]]:
    from .. import moving

    if file is not None:
        if not file.endswith((".csv", ".jsonl")) and file != "-":
            raise Failure("the file's name must end in .csv or .jsonl", Code.USAGE)
        read = moving.read_csv if file.endswith(".csv") else moving.read_jsonl
        try:
            with click.open_file(file, encoding="utf-8-sig") as lines:
                yield read(lines)
        except UnicodeDecodeError:
            raise Failure(f"{file}: this is no UTF-8 text", Code.USAGE) from None
        except OSError as error:
            raise Failure(f"{file}: {error.strerror}", Code.USAGE) from None
        return
    if source is None:
        raise Failure("--from needs --source URL, or BEARER_AUTH_SOURCE", Code.USAGE)
    given: dict[str, Any] = {name: value for name, value in fields.items() if value is not None}
    user_id = given.pop("user_id", None)
    if user_id is not None and origin != "drf-api-key":
        raise Failure("--user is for --from drf-api-key; these keys have owners", Code.USAGE)
    if origin == "digests" and "table" not in given:
        raise Failure("--from digests needs --table NAME", Code.USAGE)
    try:
        if origin == "drf-api-key":
            yield moving.read_drf_api_keys(source, user_id=user_id, **given)
        elif origin == "knox":
            yield moving.read_knox(source, **given)
        else:
            yield moving.read_digests(source, **given)
    except BearerAuthError as error:
        raise Failure(one_line(str(error)), Code.STORE) from None


class _Told:
    """Says what can't be taken in, the first of them one by one."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, row: Row) -> None:
        self.count += 1
        if self.count <= _SHOWN:
            note(one_line(f"{row.where}: {row.problem}"))

    def rest(self) -> None:
        if self.count > _SHOWN:
            note(f"… and {self.count - _SHOWN} more.")


@contextmanager
def _bar() -> Generator[Callable[[Outcome], None]]:
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.completed:,.0f} keys"), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=None)

        def update(outcome: Outcome) -> None:
            done = outcome.added + outcome.present + outcome.refused
            progress.update(task, completed=done)

        yield update


@contextmanager
def _opened(output: str | None) -> Generator[IO[str]]:
    if output is None:
        yield sys.stdout
        return
    # For its owner only, from the start, and never in the place of a file that is there.
    try:
        descriptor = os.open(output, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except OSError as error:
        raise Failure(f"{output}: {error.strerror}", Code.USAGE) from None
    with open(descriptor, "w", encoding="utf-8") as file:
        yield file
