"""``bearer-auth db``: the tables that keys are kept in."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import click

from ..errors import BearerAuthError
from .errors import Code, Command, Failure, Group, one_line
from .options import examples, json_option, pass_context, store_option
from .output import note, write_json
from .store import Context

if TYPE_CHECKING:
    from ..stores.sql import SQLStore
    from ..stores.sql_database import Database
    from ..stores.sql_tables import Tables


@click.group("db", cls=Group)
def db() -> None:
    """Create and upgrade the tables of a database.

    The tables are those of the store. A prefix or a schema stands in its URL:
    postgresql://user@host/name?schema=auth&table_prefix=acme_
    """


@db.command("upgrade", cls=Command, epilog=examples("bearer-auth db upgrade"))
@click.option(
    "--lease-ms",
    type=click.IntRange(0, 60_000),
    help="For how long a process trusts the server's answer that no key was changed; each change "
    "of a key waits for as long. 500 by default.",
)
@store_option
@json_option
@pass_context
def upgrade(context: Context, /, lease_ms: int | None, as_json: bool) -> None:
    """Create the tables, or bring them up to date.

    Servers may go on working meanwhile: upgrade first, then start the new version of your app.
    """
    store = context.open(create=True, tables=True)
    if not callable(getattr(store, "upgrade", None)):
        raise Failure(_NO_TABLES, Code.STORE)
    sql = cast("SQLStore", store)
    sql.upgrade()
    if lease_ms is not None:
        sql.set_lease(lease_ms)
    note("The tables are up to date.")
    if as_json:
        _write(*_migrations(context))


@db.command("current", cls=Command, epilog=examples("bearer-auth db current"))
@store_option
@json_option
@pass_context
def current(context: Context, /, as_json: bool) -> None:
    """Show the last migration that the tables have seen."""
    applied, known = _migrations(context)
    if as_json:
        _write(applied, known)
    else:
        click.echo(applied or "none")


@db.command("check", cls=Command, epilog=examples("bearer-auth db check"))
@store_option
@json_option
@pass_context
def check(context: Context, /, as_json: bool) -> None:
    """Find out whether the tables are up to date; the exit code says so.

    It is 0 if they are, and 1 if there are none, or if they lack a migration or have seen one that
    this version doesn't know.
    """
    applied, known = _migrations(context)
    if as_json:
        _write(applied, known)
    if applied == known[-1]:
        note(f"The tables are up to date: migration {applied}.")
        return
    if applied is None:
        what = "The tables have seen no migration. Run: bearer-auth db upgrade"
    elif applied in known:
        what = f"The tables lack {', '.join(known[known.index(applied) + 1 :])}. "
        what += "Run: bearer-auth db upgrade"
    else:
        what = f"The tables have seen the migration {applied}, which this version doesn't know."
    raise Failure(what, Code.REFUSED)


@db.command(
    "sql",
    cls=Command,
    epilog=examples("bearer-auth db sql > tables.sql", "bearer-auth db sql --since 0001"),
)
@click.option("--since", metavar="MIGRATION", help="The last one that the tables have seen.")
@store_option
@json_option
@pass_context
def sql(context: Context, /, since: str | None, as_json: bool) -> None:
    """Print the statements that create the tables, for who runs them by hand.

    No connection is made; the URL of the store says for which database they are.
    """
    from ..stores.sql_migrate import statements

    database, tables = _database(context)
    text = statements(database.dialect, tables, since)
    if as_json:
        write_json({"sql": text})
    else:
        click.echo(text, nl=False)


_NO_TABLES = "this store keeps its keys in no database, so it has no tables"


def _write(applied: str | None, known: list[str]) -> None:
    write_json({"current": applied, "head": known[-1], "up_to_date": applied == known[-1]})


def _migrations(context: Context) -> tuple[str | None, list[str]]:
    from ..stores.sql_migrate import current, known_revisions

    database, tables = _database(context)
    return current(database, tables), known_revisions()


def _database(context: Context) -> tuple[Database, Tables]:
    """The database of the store, whatever is in it."""
    if context.url is None or "://" not in context.url:
        if context.store is None and context.url is None:
            raise Failure("no store: pass --store URL or set BEARER_AUTH_STORE", Code.USAGE)
        raise Failure(_NO_TABLES, Code.STORE)
    try:
        from ..stores.sql_open import open_database
        from ..stores.sql_tables import make_tables
        from ..stores.url import split_url

        url, options = split_url(context.url)
        prefix = options.get("table_prefix", "bearer_auth_")
        tables = make_tables(prefix, options.get("schema"))
        database = open_database(url, tables)
    except (BearerAuthError, ImportError) as error:
        raise Failure(one_line(str(error)), Code.STORE) from None
    click.get_current_context().call_on_close(database.close)
    return database, tables
