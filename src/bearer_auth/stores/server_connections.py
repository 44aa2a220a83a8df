"""Connections to a database server: from a URL or an engine, each opened within a time limit."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from types import ModuleType
from typing import Any, Protocol, TypeVar, cast

from sqlalchemy import URL, Engine, create_engine
from sqlalchemy.exc import NoSuchModuleError
from sqlalchemy.pool import NullPool

from ..errors import ConfigurationError, StoreUnavailable
from . import mysql, postgresql
from .database_errors import reason_of

T = TypeVar("T")


class Driver(Protocol):
    """What ``postgresql.py`` and ``mysql.py`` say of their drivers."""

    DRIVER: str
    IS_PRIMARY: str
    LOCK: str
    PATIENCE: str

    def connect_args(self, timeout_s: float) -> dict[str, Any]:
        """What a connection is made with, beside its address."""
        ...

    def prepare(self, connection: Any, *, kept: bool) -> None:
        """Make a new connection ready."""
        ...

    @property
    def bulk_insert(self) -> Callable[[Any, str, Sequence[Mapping[str, Any]]], None] | None:
        """Adds many rows to a table faster than an INSERT does; ``None`` if nothing does."""
        ...

    def limit(self, connection: Any, seconds: float) -> None:
        """Let no call on a connection wait longer for the server."""
        ...

    def has_rows(self, cursor: Any) -> bool:
        """Whether the last statement was one that returns rows."""
        ...

    def is_lost(self, connection: Any, error: BaseException) -> bool:
        """Whether an error means that the connection is gone."""
        ...


_DRIVERS: dict[str, ModuleType] = {"postgresql": postgresql, "mysql": mysql, "mariadb": mysql}


class Connections:
    """Opens connections that nobody else has.

    Args:
        source: A URL, or an engine whose way of connecting is used (its arguments, its events), and
            none of its connections.
        timeout_s: How long opening one may take at most; what is left behind ends then.

    Attributes:
        name: What to call the database in messages.
        driver: The module of its driver.
        engine: Of the same dialect; not connected.

    Raises:
        ConfigurationError: No such database or driver is known here.
        ImportError: The driver is not installed; the message names the extra.
    """

    def __init__(self, source: URL | Engine, timeout_s: float) -> None:
        url = source.url if isinstance(source, Engine) else source
        backend = url.get_backend_name()
        if backend not in _DRIVERS:
            raise ConfigurationError(
                f"SQLStore knows SQLite, PostgreSQL, MariaDB and MySQL, not {backend!r}"
            )
        self.driver = cast(Driver, _DRIVERS[backend])
        self.name = f"{backend} database {url.database!r} at {url.host or 'the local socket'}"
        if isinstance(source, Engine):
            if source.dialect.driver != self.driver.DRIVER.partition("+")[2]:
                raise ConfigurationError(
                    f"the engine uses the driver {source.dialect.driver}, and SQLStore needs "
                    f"{self.driver.DRIVER}, whose waiting it can bound; pass such an engine or URL"
                )
            self.engine = source
        else:
            self.engine = _engine(url, self.driver, timeout_s)
        # The same way of connecting and no connection of the engine's own.
        self._source = self.engine.pool.recreate()

    def open(self, limit_s: float, *, within_s: float, kept: bool = False) -> Any:
        """A connection of the driver's own, in autocommit, whose calls wait so long at most.

        Args:
            limit_s: The seconds.
            within_s: Seconds that opening it may take.
            kept: Whether it will run the same statements many times.

        Raises:
            StoreUnavailable: The database can't be reached; the detail says why.
        """

        def connect() -> Any:
            fairy = self._source.connect()
            connection: Any = fairy.dbapi_connection
            fairy.detach()
            try:
                self.driver.limit(connection, within_s)
                self.driver.prepare(connection, kept=kept)
                self.driver.limit(connection, limit_s)
            except BaseException:
                connection.close()  # not the fairy, which would ask for a rollback first
                raise
            return connection

        try:
            return _within(within_s, connect)
        except StoreUnavailable:
            raise
        except Exception as error:
            cause = getattr(error, "orig", None) or error
            raise StoreUnavailable(f"{self.name}: {reason_of(cause)}") from None


def _engine(url: URL, driver: Driver, timeout_s: float) -> Engine:
    backend, _, name = driver.DRIVER.partition("+")
    if "+" in url.drivername and url.get_driver_name() != name:
        raise ConfigurationError(
            f"SQLStore uses {driver.DRIVER} here, not {url.drivername}; write {driver.DRIVER}://…"
        )
    try:
        return create_engine(
            url.set(drivername=driver.DRIVER),
            poolclass=NullPool,
            connect_args=driver.connect_args(timeout_s),
        )
    except (ImportError, NoSuchModuleError):
        raise ImportError(
            f'SQLStore needs {name} for this database: pip install "bearer_auth[{backend}]"'
        ) from None


def _within(seconds: float, connect: Callable[[], T]) -> T:
    """Connect in a thread of its own, and leave it behind if it takes too long.

    Nothing else bounds all of it: looking up the name, TCP, TLS, the greeting of the server.
    """
    future: Future[T] = Future()

    def run() -> None:
        try:
            connection = connect()
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(connection)

    try:
        threading.Thread(target=run, daemon=True, name="bearer_auth connect").start()
    except RuntimeError:  # as at the exit of a process, when the last usage times are written
        return connect()
    try:
        return future.result(seconds)
    except TimeoutError:
        future.add_done_callback(_close)
        raise


def _close(future: Future[Any]) -> None:
    if future.exception() is None:
        future.result().close()
