"""Moving in and out: keys from files and from the tables of others, and keys into a file.

A reader yields a ``Row`` for each key that it finds; ``import_rows`` puts them into a store. Tokens
keep working where their format is known (``bearer_auth.formats``).
"""

from __future__ import annotations

from .files import read_csv, read_jsonl, to_json
from .importer import Outcome, import_rows
from .rows import Row
from .tables import read_digests, read_drf_api_keys, read_knox

__all__ = [
    "Outcome",
    "Row",
    "import_rows",
    "read_csv",
    "read_digests",
    "read_drf_api_keys",
    "read_jsonl",
    "read_knox",
    "to_json",
]
