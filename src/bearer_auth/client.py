"""The other end of the wire: ``APIKeyAuth`` puts a key on requests to one origin, and on no others.

::

    from bearer_auth.client import APIKeyAuth

    auth = APIKeyAuth(env="API_KEY", origin="https://api.example.com")
    httpx2.get("https://api.example.com/health", auth=auth)
    requests.get("https://api.example.com/health", auth=auth)

It imports neither library.
"""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Callable
from typing import NoReturn, Protocol, Self, TypeVar
from urllib.request import getproxies_environment

from .errors import ConfigurationError
from .header import B64TOKEN, MAX_HEADER
from .origin import check_origin, host_in, origin_of

__all__ = ["APIKeyAuth"]

MAX_KEY = MAX_HEADER - len("Bearer ")
"""Characters of a key; the header of a longer one would be refused unread."""

# A key that was given as the name of a variable by mistake doesn't look like this.
_TELLABLE = re.compile(r"[A-Z_]{1,64}[0-9]?")


class _Headers(Protocol):
    def __setitem__(self, name: str, value: str, /) -> object: ...


class _Request(Protocol):
    """What a request of httpx2, httpx and requests has in common."""

    @property
    def url(self) -> object: ...
    @property
    def headers(self) -> _Headers: ...


_R = TypeVar("_R", bound=_Request)


class APIKeyAuth:
    """Sends ``Authorization: Bearer`` and a key with each request to one origin.

    It is the ``auth=`` of httpx2 (``Client`` and ``AsyncClient``), httpx and requests. A request
    to any other scheme, host or port goes out without the key, and so does what a redirect makes
    of one that had it. On its own origin the key takes the place of an Authorization header that
    is there already; to others that header goes as it is.

    A callable, or the variable, is asked for each request, so a rotated key is picked up without
    a restart. The key is in no ``repr``, error or log, and in no variable of a traceback's frames
    of ours; the object can't be pickled.

    Plain http goes to ``localhost``, 127.0.0.0/8 and ``[::1]`` only, unless ``allow_http``. Should
    the environment (``HTTP_PROXY``, ``ALL_PROXY``) send even that through a proxy, the request
    fails. A proxy that was given to the client in code can't be seen from here.

    One thing is up to the libraries: on a redirect from port 80 to https on port 443 of the same
    host they keep the header, though the origin is another.

    Args:
        key: The key, or a function without arguments that returns it and doesn't wait for long.
        origin: Where the key may go, such as ``https://api.example.com``.
        env: The name of the environment variable that holds the key, instead of ``key``.
        allow_http: Whether the key may go over plain http to another host than this one.

    Raises:
        TypeError: An argument is of the wrong type.
        ConfigurationError: The origin is none or needs ``allow_http``, the variable isn't set, or
            the key is no bearer token (RFC 6750 §2.1). For a callable, and for a variable that
            was changed, the same is raised by the request.

    .. versionadded:: 0.1
    """

    # for who prints the variables of a frame in which it was refused
    _name = "<APIKeyAuth, refused>"

    def __init__(
        self,
        key: str | Callable[[], str] | None = None,
        *,
        origin: str,
        env: str | None = None,
        allow_http: bool = False,
    ) -> None:
        hidden = _hide(key)
        del key  # tools that print the variables of a traceback's frames don't find it here
        if not isinstance(allow_http, bool):
            raise TypeError(f"allow_http must be True or False, not {type(allow_http).__name__}")
        self._allow_http = allow_http
        self._origin = check_origin(origin, allow_http)
        self._ask, self._place = _source(hidden, env)
        self._name = f"<APIKeyAuth for {self._origin}, key from {self._place}>"
        if not callable(hidden()):
            self._credentials()

    def __call__(self, request: _R) -> _R:
        """Put the key on a request, if it goes to the origin.

        Raises:
            ConfigurationError: The key that was asked for is none, or a proxy would read it.
        """
        url = str(request.url)
        if origin_of(url) == self._origin:
            host = host_in(url)
            if self._origin.scheme == "http" and not self._allow_http and _goes_to_a_proxy(host):
                raise ConfigurationError(
                    f"HTTP_PROXY or ALL_PROXY is set, so the key for {host} would go to the proxy "
                    f"in plain text: add {host} to NO_PROXY, or pass allow_http=True"
                )
            request.headers["Authorization"] = self._credentials()
        return request

    def _credentials(self) -> str:
        key = self._ask()
        if isinstance(key, str) and len(key) <= MAX_KEY and B64TOKEN.fullmatch(key):
            return "Bearer " + key
        problem = _problem(key)
        del key
        raise ConfigurationError(f"the key from {self._place} {problem}")

    def __repr__(self) -> str:
        return self._name

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "an APIKeyAuth may hold a key and can't be pickled; make it where it's used"
        )


def _hide(value: object) -> Callable[[], object]:
    return lambda: value


def _source(hidden: Callable[[], object], env: str | None) -> tuple[Callable[[], object], str]:
    """What to ask for the key, and what it is called. The key itself gets no name in here."""
    if env is None and hidden() is None:
        raise ConfigurationError('APIKeyAuth has no key: key is None; write env="API_KEY", say')
    if env is not None:
        if hidden() is not None:
            raise ConfigurationError("APIKeyAuth has two keys: give key= or env=, not both")
        if not isinstance(env, str):
            raise TypeError(f"env must be the name of a variable, not {type(env).__name__}")
        return lambda: _variable(env), f"the variable {env!r}"
    if isinstance(hidden(), str):
        return hidden, "a string"
    if inspect.iscoroutinefunction(hidden()):
        raise TypeError("key must be a function that returns the key, not one to be awaited")
    if callable(hidden()):
        return lambda: hidden()(), "a callable"  # type: ignore[operator]  # just looked
    raise TypeError(f"key must be str or a function that returns it, not {type(hidden()).__name__}")


def _variable(name: str) -> str:
    value = os.environ.get(name)
    if value is not None:
        return value
    if _TELLABLE.fullmatch(name):
        raise ConfigurationError(
            f"the variable {name!r} is not set: export {name}=… before the program starts"
        )
    raise ConfigurationError(
        "env is not the name of a variable that is set: give the name, such as API_KEY, not the "
        "key, and export the variable before the program starts"
    )


def _problem(key: object) -> str:
    """What is wrong with a key, without its text."""
    if not isinstance(key, str):
        return f"is {type(key).__name__}, not str"
    if not key:
        return "is empty: give the key as it was issued"
    if key != key.strip():
        return "has white space at an end, such as the newline of a file: strip it"
    if key[:7].lower() == "bearer ":
        return 'begins with "Bearer ", which is added by itself: give the key alone'
    if len(key) > MAX_KEY:
        return f"has more than {MAX_KEY:,} characters: give the key alone, as it was issued"
    return (
        "is no bearer token: give the key as it was issued, of letters, digits and - . _ ~ + / "
        "only, with = at the end if any"
    )


def _goes_to_a_proxy(host: str) -> bool:
    """Whether the environment sends plain http for this machine to another one first.

    Each library reads NO_PROXY in its own way; about the exact name, and a lone star, they agree.
    """
    proxies = getproxies_environment()
    if not (proxies.get("http") or proxies.get("all")):
        return False
    spared = [entry.strip().lower() for entry in proxies.get("no", "").split(",")]
    return host not in spared and spared != ["*"]
