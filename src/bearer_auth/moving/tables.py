"""Keys in the tables of others: djangorestframework-api-key, django-rest-knox, plain digests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ..formats import Digest, DigestFormat, DRFAPIKeyFormat
from ..records import KeyRecord, Secret
from .rows import Row, row

if TYPE_CHECKING:
    from sqlalchemy import URL, Engine

_AT_A_TIME = 1000


def read_drf_api_keys(
    source: str | URL | Engine,
    *,
    user_id: str | None = None,
    table: str = "rest_framework_api_key_apikey",
    **fields: Any,
) -> Iterator[Row]:
    """The keys of djangorestframework-api-key 3, for ``DRFAPIKeyFormat``.

    Those that an older version hashed with PBKDF2, and that were not used since, are problems.

    Args:
        source: Its database.
        user_id: The owner; these keys have none, so by default each one's name.
        table: The table, if the site has one of its own.
        **fields: What else is said of each key, such as ``plan`` or ``environment``.

    Raises:
        StoreUnavailable: The table can't be read.

    .. versionadded:: 0.1
    """

    def make(found: Mapping[str, Any]) -> KeyRecord:
        algorithm, _, digest = found["hashed_key"].partition("$$")
        phc = f"$sha512${digest}" if algorithm == "sha512" else found["hashed_key"]
        revoked = bool(found["revoked"])
        return KeyRecord(
            key_id=DRFAPIKeyFormat.id_of(found["prefix"]),
            user_id=user_id or found["name"],
            name=found["name"],
            status="revoked" if revoked else "active",
            revoked_at=datetime.now(UTC) if revoked else None,
            created_at=_utc(found["created"]),
            expires_at=_utc(found["expiry_date"]),
            secrets=(Secret(hash=phc, created_at=_utc(found["created"])),),
            metadata={"imported_from": "djangorestframework-api-key", "prefix": found["prefix"]},
            **fields,
        )

    columns = ("prefix", "hashed_key", "name", "revoked", "created", "expiry_date")
    return _rows(source, table, columns, "prefix", make)


def read_knox(
    source: str | URL | Engine,
    *,
    algorithm: Digest = "sha512",
    table: str = "knox_authtoken",
    **fields: Any,
) -> Iterator[Row]:
    """The tokens of django-rest-knox 5, for ``KnoxFormat``. The owner is the user's primary key.

    Args:
        source: Its database.
        algorithm: The site's ``SECURE_HASH_ALGORITHM``.
        table: The table, if the site has one of its own.
        **fields: As for ``read_drf_api_keys``.

    Raises:
        StoreUnavailable: The table can't be read.

    .. versionadded:: 0.1
    """

    def make(found: Mapping[str, Any]) -> KeyRecord:
        return KeyRecord(
            key_id=DigestFormat.id_of(found["digest"]),
            user_id=str(found["user_id"]),
            created_at=_utc(found["created"]),
            expires_at=_utc(found["expiry"]),
            secrets=(
                Secret(hash=f"${algorithm}${found['digest']}", created_at=_utc(found["created"])),
            ),
            metadata={"imported_from": "django-rest-knox"},
            **fields,
        )

    columns = ("digest", "user_id", "created", "expiry")
    return _rows(source, table, columns, "user_id", make)


def read_digests(
    source: str | URL | Engine,
    table: str,
    *,
    digest: str = "digest",
    user_id: str = "user_id",
    algorithm: Digest = "sha256",
    **fields: Any,
) -> Iterator[Row]:
    """The tokens of a plain table of hexadecimal digests, for ``DigestFormat``.

    Args:
        source: Its database.
        table: The table.
        digest: The column of the digests.
        user_id: The column of the owners.
        algorithm: The digests' algorithm.
        **fields: As for ``read_drf_api_keys``.

    Raises:
        StoreUnavailable: The table can't be read.

    .. versionadded:: 0.1
    """

    def make(found: Mapping[str, Any]) -> KeyRecord:
        return KeyRecord(
            key_id=DigestFormat.id_of(found[digest]),
            user_id=str(found[user_id]),
            secrets=(Secret(hash=f"${algorithm}${found[digest]}"),),
            metadata={"imported_from": table},
            **fields,
        )

    return _rows(source, table, (digest, user_id), user_id, make)


def _rows(
    source: str | URL | Engine,
    table: str,
    columns: tuple[str, ...],
    shown: str,
    make: Callable[[Mapping[str, Any]], KeyRecord],
) -> Iterator[Row]:
    """Each row of a table, streamed; named by its number and a column that is no secret."""
    import sqlalchemy as sa
    from sqlalchemy.exc import SQLAlchemyError

    from ..errors import StoreUnavailable

    times = ("created", "expiry", "expiry_date")
    selected = [sa.column(name, sa.DateTime if name in times else None) for name in columns]
    statement = sa.select(*selected).select_from(sa.table(table))
    engine = source if isinstance(source, sa.Engine) else sa.create_engine(source)
    try:
        with engine.connect() as connection:
            found = connection.execution_options(yield_per=_AT_A_TIME).execute(statement)
            for number, values in enumerate(found.mappings(), 1):
                where = f"row {number} ({shown} {values[shown]!r})"
                # mypy gives no type to a lambda with a default, which keeps this round's value
                yield row(where, lambda values=values: make(values))  # type: ignore[misc]
    except SQLAlchemyError as error:
        # The driver's text may quote the address.
        raise StoreUnavailable(f"{table} can't be read ({type(error).__name__})") from None
    finally:
        if engine is not source:
            engine.dispose()


def _utc(value: datetime | None) -> Any:
    """Django stores UTC; some databases give it back without saying so."""
    return value if value is None or value.tzinfo else value.replace(tzinfo=UTC)
