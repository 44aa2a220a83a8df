"""The options of a client, checked once."""

import os
import sys
from dataclasses import dataclass, replace
from typing import Any, TypedDict, cast

from ._key import AsyncKey, ConfigurationError, KeySource
from ._url import DEFAULT, VARIABLE, BaseURL, base_url


class Options(TypedDict, total=False):
    """What ``with_options`` takes: any option of the client but ``http_client``."""

    api_key: AsyncKey
    base_url: str
    max_retries: int
    timeout: float
    deadline: float | None
    allow_http: bool


@dataclass(frozen=True, slots=True)
class Settings:
    """Options that are right. Times are seconds."""

    key: KeySource
    base: BaseURL
    max_retries: int
    timeout: float
    deadline: float | None
    allow_http: bool

    def __post_init__(self) -> None:
        self.key.check()
        retries: Any = self.max_retries
        if not isinstance(retries, int) or isinstance(retries, bool) or retries < 0:
            raise ConfigurationError("max_retries must be an int, 0 or more")
        if self.deadline is not None:
            check_seconds("deadline", self.deadline)
        self.limit(self.timeout)

    def limit(self, timeout: float) -> float:
        """``timeout``, if it is one. Raises ConfigurationError."""
        check_seconds("timeout", timeout)
        if self.deadline is not None and timeout > self.deadline:
            raise ConfigurationError(
                f"timeout ({timeout:g} s, one try) is longer than deadline "
                f"({self.deadline:g} s, the whole call): raise deadline too, or make it None"
            )
        return timeout

    def changed(self, changes: Options) -> "Settings":
        """The same with some other values. ``changes`` is used up: no traceback shows its key."""
        rest = cast(dict[str, Any], changes)
        unknown = rest.keys() - Options.__annotations__.keys()
        if unknown:
            rest.clear()  # what is misspelt may be the key's name
            known = ", ".join(Options.__annotations__)
            raise TypeError(f"unknown option {min(unknown)!r}: known are {known}")
        key = KeySource(changes.pop("api_key")) if "api_key" in changes else self.key
        allow_http = changes.pop("allow_http", self.allow_http)
        base = base_url(changes.pop("base_url", self.base.url), allow_http=allow_http)
        return replace(self, key=key, base=base, allow_http=allow_http, **rest)


def base_from(given: str | None, *, allow_http: bool) -> BaseURL:
    """The address that was given, else the environment's, else the documented one."""
    # An empty one that was given is a mistake: the key must not go to the default because of it.
    if given is not None:
        return base_url(given, allow_http=allow_http)
    return base_url(os.environ.get(VARIABLE) or DEFAULT, allow_http=allow_http, source=VARIABLE)


def check_seconds(name: str, value: Any) -> None:
    """Raises ConfigurationError: ``value`` is not a length of time."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigurationError(f"{name} must be a number of seconds")
    # compared, for an int may be too large to become a float
    if not 0 < value <= sys.float_info.max:
        raise ConfigurationError(f"{name} must be more than 0 seconds, and finite")
