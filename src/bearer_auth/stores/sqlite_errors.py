"""What SQLite's failures mean, in one line each, with the mend."""

from __future__ import annotations

import os
import sqlite3

NO_FOLDER = "its folder does not exist"

_LOOK_FIRST = (
    "if there were keys, look for them first: is the disk mounted, was the file moved, is there a "
    "backup? Only for a new, empty store: SQLStore(url, create=True)"
)
"""Who makes a new file over a lost one has no keys, and may overlook that the old ones exist."""

_REASONS = {
    "SQLITE_BUSY": "the database is locked by another process",
    "SQLITE_LOCKED": "the database is locked by another process",
    "SQLITE_NOTADB": "the file is not an SQLite database",
    "SQLITE_CORRUPT": "the database is damaged; restore a backup",
    "SQLITE_READONLY": "the file is read-only; check its permissions and those of its folder",
    "SQLITE_FULL": "the disk is full",
    "SQLITE_IOERR": "reading or writing the file failed; is the disk full or broken?",
}
"""By the primary result code; extended ones begin with its name."""


def reason_of(error: BaseException | None, path: str) -> str:
    """Why the file at this path could not be used."""
    if no_such_table(error):
        return f"the tables are missing; {_LOOK_FIRST}"
    if is_code(error, "SQLITE_CANTOPEN"):
        return _why_it_does_not_open(path)
    for name, reason in _REASONS.items():
        if is_code(error, name):
            return reason
    return f"the database failed ({getattr(error, 'sqlite_errorname', type(error).__name__)})"


def is_code(error: BaseException | None, name: str) -> bool:
    """Whether the error has this result code, or an extended one of it."""
    found: str = getattr(error, "sqlite_errorname", "")
    return found == name or found.startswith(f"{name}_")


def no_such_table(error: BaseException | None) -> bool:
    """Whether a table is missing."""
    return isinstance(error, sqlite3.OperationalError) and "no such table" in str(error)


def no_such_column(error: BaseException | None) -> bool:
    """Whether a column is missing."""
    return isinstance(error, sqlite3.OperationalError) and "no such column" in str(error)


def _why_it_does_not_open(path: str) -> str:
    if not os.path.isdir(os.path.dirname(path)):
        return NO_FOLDER
    if not os.path.exists(path):
        return f"the file does not exist; {_LOOK_FIRST}"
    if os.path.isdir(path):
        return "this is a folder; write the path of a file"
    return "the file can't be opened; check the permissions of the file and its folder"
