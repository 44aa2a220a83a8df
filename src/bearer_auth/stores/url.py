"""A store from one line of text, as configuration files and command lines hold it."""

from __future__ import annotations

from ..errors import ConfigurationError
from . import KeyStore


def open_store(url: str, *, create: bool | None = None) -> KeyStore:
    """Open the store that a URL names.

    ``env:`` is an ``EnvStore`` (``env:PREFIX_`` one with that prefix); anything with ``://`` is
    the URL of a database, such as ``sqlite:///keys.db``, and an ``SQLStore``.

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
    if "://" in url:
        from .sql import SQLStore

        return SQLStore(url, create=create)
    raise ConfigurationError(
        "the store must be the URL of a database, such as sqlite:///keys.db, or env: for the keys "
        "in the environment"
    )
