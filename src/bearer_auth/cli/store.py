"""Which store the commands work on, and with which peppers."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

from ..errors import ConfigurationError, StoreUnavailable
from ..events import EventSink
from ..hashing import Hashing, Pepper
from ..keyring import Keyring
from ..stores import KeyStore
from ..stores.beside import database_of
from ..stores.env import PREFIX
from ..stores.url import open_store
from .errors import Code, Failure, one_line
from .output import note

if TYPE_CHECKING:
    from ..audit.table import EventTable

_SQLITE = re.compile(r"sqlite(?:\+\w+)?:///([^:?][^?]*)(?:\?.*)?", re.IGNORECASE)


@dataclass(slots=True)
class Context:
    """What the commands work on.

    A program that mounts them in a group of its own sets one as ``ctx.obj``; without one, the store
    comes from ``--store`` or ``BEARER_AUTH_STORE`` and the peppers from ``BEARER_AUTH_PEPPERS``.

    Attributes:
        store: The store. ``--store`` takes precedence.
        url: The store's URL, if it has one; ``doctor`` looks at the file it names.
        peppers: As for ``Keyring``; ``None`` reads the environment.
        prefix: As for ``Keyring``.
        hashing: As for ``Keyring``.
        environments: What ``verify`` accepts, as for ``Authenticator``.
        event_sink: As for ``Keyring``; by default the table of events beside the keys.
        refusal: Why no key of ``store`` can be changed from here; empty if they can.
    """

    store: KeyStore | None = None
    url: str | None = field(default=None, repr=False)  # it may hold a password
    peppers: Sequence[Pepper] | None = field(default=None, repr=False)
    prefix: str = "ba"
    hashing: Hashing = "sha256"
    environments: Sequence[str] = ("production",)
    event_sink: EventSink | None = None
    refusal: str = ""

    def open(self, *, create: bool = False, tables: bool = False) -> KeyStore:
        """The store; opened now, and closed when the command ends, if it is not the program's.

        Args:
            create: Whether to make a file that doesn't exist yet.
            tables: Whether to make the tables on a server.
        """
        if self.store is None:
            if self.url is None:
                raise Failure("no store: pass --store URL or set BEARER_AUTH_STORE", Code.USAGE)
            self.store = _open(self.url, create, tables)
            close = getattr(self.store, "close", None)
            if close is not None:
                click.get_current_context().call_on_close(close)
        return self.store

    def keyring(self, *, change: bool = False, create: bool = False) -> Keyring:
        """A keyring over the store.

        Args:
            change: Whether keys are to be changed.
            create: Whether to make a database that doesn't exist yet.
        """
        if change and self.refusal:
            raise Failure(self.refusal, Code.STORE)
        return Keyring(
            self.open(create=create),
            self.prefix,
            peppers=self.read_peppers(),
            hashing=self.hashing,
            event_sink=self.sink() if change else self.event_sink,
        )

    def sink(self) -> EventSink | None:
        """Where changes of keys are told: the program's sink, or the table of events beside the
        keys; there they are when the command ends."""
        if self.event_sink is None and self.store is not None:
            found = database_of(self.store)
            if found is not None:
                from ..audit.table_sink import TableSink

                sink = TableSink(*found)  # it deletes nothing: how long is the app's to say
                click.get_current_context().call_on_close(sink.close)
                self.event_sink = sink
        return self.event_sink

    def read_peppers(self) -> Sequence[Pepper]:
        """The peppers, newest first."""
        if self.peppers is None:
            self.peppers = peppers_from(os.environ)
        return self.peppers


def _open(url: str, create: bool, tables: bool) -> KeyStore:
    two = re.fullmatch(r"sqlite://([^/@]+)", url)
    if two:
        raise Failure(f"write three slashes: sqlite:///{two[1]}", Code.STORE)
    path = sqlite_path(url)
    missing = path is not None and not os.path.exists(path)
    if missing and not create:
        raise Failure(
            f"{path}: there is no such file; 'bearer-auth keys create' makes it", Code.STORE
        )
    try:
        store = open_store(url, create=create if path is not None else tables)
    except (ConfigurationError, StoreUnavailable, ImportError) as error:
        raise Failure(one_line(str(error)), Code.STORE) from None
    if missing:
        note(f"Made {path}.")
    return store


def event_table(store: KeyStore) -> EventTable | None:
    """The table of events beside the keys, if they are in a database."""
    found = database_of(store)
    if found is None:
        return None
    from ..audit.table import EventTable

    return EventTable(*found)


def sqlite_path(url: str) -> str | None:
    """The absolute path of an ``sqlite:`` URL's file, ``None`` for other URLs."""
    match = _SQLITE.fullmatch(url)
    return os.path.abspath(match[1]) if match else None


def is_relative(url: str) -> bool:
    """Whether it depends on the working directory which file an ``sqlite:`` URL names."""
    match = _SQLITE.fullmatch(url)
    return match is not None and not os.path.isabs(match[1])


def env_prefix(url: str) -> str | None:
    """What the variables of an ``env:`` URL begin with, ``None`` for other URLs."""
    scheme, colon, prefix = url.partition(":")
    return prefix or PREFIX if scheme == "env" and colon else None


def peppers_from(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The peppers in ``BEARER_AUTH_PEPPERS``, or in the file that ``BEARER_AUTH_PEPPERS_FILE``
    names: newest first, with white space between them.

    Raises:
        ConfigurationError: The file can't be read, or both are set, or the text is not UTF-8.
    """
    text, path = environ.get("BEARER_AUTH_PEPPERS"), environ.get("BEARER_AUTH_PEPPERS_FILE")
    if text is not None and path is not None:
        raise ConfigurationError("set BEARER_AUTH_PEPPERS or BEARER_AUTH_PEPPERS_FILE, not both")
    if path is not None:
        try:
            with open(path, encoding="utf-8") as file:
                text = file.read()
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or "not UTF-8 text"
            raise ConfigurationError(
                f"BEARER_AUTH_PEPPERS_FILE: can't read the file: {why}"
            ) from None
    peppers = tuple((text or "").split())
    try:
        for pepper in peppers:
            pepper.encode()
    except UnicodeEncodeError:
        raise ConfigurationError("BEARER_AUTH_PEPPERS is not UTF-8 text") from None
    return peppers
