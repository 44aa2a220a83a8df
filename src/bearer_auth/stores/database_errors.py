"""What failures of a database server mean, in one line each, with the mend.

Never the driver's own message: it may quote a value, a user or the address.
"""

from __future__ import annotations

from typing import Any

MISSING_TABLES = "the tables are missing; make them with 'bearer-auth db upgrade'"
REPLICA = "this is a replica or read-only; keys are checked on the primary only"

_STATES = {
    "28": "the database refused the user or the password",
    "3D000": "there is no such database",
    "3F000": "there is no such schema",
    "42P01": MISSING_TABLES,
    "42703": "a column is missing; bring the tables up to date with 'bearer-auth db upgrade'",
    "42501": "the database user lacks a right; see the GRANTs in docs/databases.md",
    "53300": "the database has no connection left",
    "53100": "the disk of the database is full",
    "53": "the database is out of resources",
    "57014": "the database ended the statement, which took too long",
    "57": "the database is shutting down or starting up",
    "25006": REPLICA,
    "40": "two changes stood in each other's way; try again",
    "55P03": "another transaction holds a lock on the tables",
}
"""By SQLSTATE of PostgreSQL, or the class of it (PostgreSQL's manual, appendix A)."""

_REFUSALS = {
    ("password",): "28",
    ("role", "does not exist"): "28",
    ("pg_hba.conf",): "28",
    ("database", "does not exist"): "3D000",
    ("connection slots",): "53300",
    ("too many",): "53300",
    ("starting up",): "57",
    ("shutting down",): "57",
}
"""libpq gives no SQLSTATE for a connection that was refused, only PostgreSQL's words."""

_NUMBERS = {
    1044: "the database refused the user or the password",
    1045: "the database refused the user or the password",
    1698: "the database refused the user or the password",
    1049: "there is no such database",
    1146: MISSING_TABLES,
    1054: "a column is missing; bring the tables up to date with 'bearer-auth db upgrade'",
    1142: "the database user lacks a right; see the GRANTs in docs/databases.md",
    1143: "the database user lacks a right; see the GRANTs in docs/databases.md",
    1040: "the database has no connection left",
    1203: "the database has no connection left",
    1021: "the disk of the database is full",
    1114: "the disk of the database is full",
    1053: "the database is shutting down or starting up",
    1290: REPLICA,
    1836: REPLICA,
    1205: "another transaction holds a lock on the tables",
    1213: "two changes stood in each other's way; try again",
    2003: "the database can't be reached",
    2006: "the connection to the database was lost",
    2013: "the connection to the database was lost",
}
"""By error number of MariaDB and MySQL (their manuals, error reference)."""


def reason_of(error: BaseException | None) -> str:
    """Why a database server could not be used."""
    # PyMySQL says of a time limit that the connection was lost, too.
    if isinstance(error, TimeoutError) or isinstance(
        getattr(error, "__context__", None), TimeoutError
    ):
        return "the database did not answer in time"
    number = number_of(error)
    if number is not None:
        return _NUMBERS.get(number, f"the database failed (error {number})")
    state = getattr(error, "sqlstate", None)
    if isinstance(state, str):
        found = _STATES.get(state) or _STATES.get(state[:2])
        return found or f"the database failed (SQLSTATE {state})"
    text = str(error)
    for words, state in _REFUSALS.items():
        if all(word in text for word in words):
            return _STATES[state]
    return f"the database can't be reached ({type(error).__name__})"


def tables_missing(error: BaseException | None) -> bool:
    """Whether a table is missing."""
    return getattr(error, "sqlstate", None) == "42P01" or number_of(error) == 1146


def column_missing(error: BaseException | None) -> bool:
    """Whether a column is missing."""
    return getattr(error, "sqlstate", None) == "42703" or number_of(error) == 1054


def is_locked(error: BaseException | None) -> bool:
    """Whether someone else's lock was in the way, so that trying again may help."""
    return getattr(error, "sqlstate", None) in ("55P03", "40P01") or number_of(error) in (
        1205,
        1213,
    )


def is_taken(error: BaseException | None) -> bool:
    """Whether a row with this key is there already."""
    return getattr(error, "sqlstate", None) == "23505"


def number_of(error: BaseException | None) -> int | None:
    """MariaDB's number for an error."""
    arguments: tuple[Any, ...] = getattr(error, "args", ())
    return arguments[0] if arguments and isinstance(arguments[0], int) else None
