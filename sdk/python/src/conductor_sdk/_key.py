"""Where the API key comes from, and what its text may be."""

import os
import re
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import Any

import anyio

VARIABLES = ("CONDUCTOR_API_KEY", "API_KEY")

# RFC 6750, section 2.1: b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="
B64TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
LONGEST = 4096 - len("Bearer ")

Key = str | Callable[[], str]
AsyncKey = str | Callable[[], str | Awaitable[str]]


class ConfigurationError(ValueError):
    """An option is wrong, or there is no usable API key. The text never holds a key.

    .. versionadded:: 0.1.0
    """


class KeySource:
    """Gives out the key for each try, so that a new one is used without a restart.

    The text is in a closure: no attribute and no repr holds it. Making one never raises, so that no
    frame with the text in it is ever in a traceback; ``check`` does.
    """

    __slots__ = ("_ask", "_fixed", "_place")

    def __init__(self, key: AsyncKey | None) -> None:
        self._fixed = key is not None and not callable(key)
        self._place = "api_key"
        self._ask: Callable[[], Any]
        if key is None:
            self._place, self._ask = "the environment", _from_environment
        elif callable(key):
            self._place, self._ask = "what api_key() returned", key
        else:
            self._ask = lambda: key

    def __repr__(self) -> str:
        return f"<KeySource: {self._place}>"

    def check(self) -> None:
        """Raise ConfigurationError if there is no key. A callable is not asked before a call."""
        if self._fixed or self._ask is _from_environment:
            self.get()

    def get(self) -> str:
        """The key as it is now.

        Raises:
            ConfigurationError: there is none, or it can't be one.
        """
        return self._usable(self._ask())

    async def get_async(self, seconds: float | None) -> str | None:
        """``get``, where a callable may also return an awaitable; None if that takes longer."""
        asked = [self._ask()]
        if isawaitable(asked[0]):
            with anyio.move_on_after(seconds):
                asked.append(await asked.pop())
        # taken out of the list, so that no traceback shows it
        return self._usable(asked.pop()) if asked else None

    def _usable(self, key: Any) -> str:
        if isinstance(key, str) and len(key) <= LONGEST and B64TOKEN.fullmatch(key):
            return key
        problem = _problem(key)
        place = self._place
        if self._ask is _from_environment:
            place = next((name for name in VARIABLES if os.environ.get(name)), place)
        del key  # no traceback shows it
        raise ConfigurationError(problem.format(place=place))


def _from_environment() -> str | None:
    for name in VARIABLES:
        if key := os.environ.get(name):
            return key
    return None


def _problem(key: Any) -> str:
    if key is None or key == "":
        first, second = VARIABLES
        return (
            f"there is no API key in {{place}}: "
            f"set the variable {first} (or {second}), or pass api_key="
        )
    if not isinstance(key, str):
        return f"{{place}} is not an API key: a str is needed, not {type(key).__name__}"
    if key[:7].lower() == "bearer ":
        return "the API key in {place} begins with 'Bearer ': leave that out"
    if key != key.strip():
        return (
            "the API key in {place} has white space or a newline at an end: "
            "take it off, as with .strip() after reading a file"
        )
    if len(key) > LONGEST:
        return f"the API key in {{place}} is longer than {LONGEST} characters: is it a key?"
    return (
        "the API key in {place} has a character that no key has "
        "(RFC 6750 allows letters, digits and -._~+/): copy it again"
    )
