"""A store from one line of text, as configuration files and command lines hold it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from ..errors import ConfigurationError
from . import KeyStore

if TYPE_CHECKING:
    from sqlalchemy import URL


class TableNames(TypedDict, total=False):
    """The arguments of ``SQLStore`` that may stand in a URL."""

    table_prefix: str
    schema: str


def open_store(url: str, *, create: bool | None = None) -> KeyStore:
    """Open the store that a URL names.

    ``env:`` is an ``EnvStore`` (``env:PREFIX_`` one with that prefix); anything with ``://`` is
    the URL of a database, such as ``sqlite:///keys.db``, and an ``SQLStore``, whose arguments
    ``table_prefix`` and ``schema`` may stand behind a ``?``.

    Args:
        url: The URL.
        create: As for ``SQLStore``.

    Raises:
        ConfigurationError: It is neither. The text isn't quoted: there may be a password in it.
        ImportError: An extra is missing; the message names it.
        StoreUnavailable: The database can't be opened.
    """
    scheme, colon, rest = url.partition(":")
    if scheme == "env" and colon:
        from .env import EnvStore

        return EnvStore(rest) if rest else EnvStore()
    from .sql import SQLStore

    address, names = split_url(url)
    return SQLStore(address, create=create, **names)


def split_url(url: str) -> tuple[URL, TableNames]:
    """The URL of a database, and the arguments of ``SQLStore`` that stood in it.

    Raises:
        ConfigurationError: It is none.
        ImportError: The extra ``sql`` is missing.
    """
    if "://" not in url:
        raise ConfigurationError(
            "the store must be the URL of a database, such as sqlite:///keys.db, or env: for the "
            "keys in the environment"
        )
    from .sql_open import parse_url

    address = parse_url(url)
    names = TableNames()
    for name in ("table_prefix", "schema"):
        if name in address.query:
            names[name] = str(address.query[name])
    return address.difference_update_query(names), names
