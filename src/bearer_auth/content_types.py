"""Which bodies are taken: media types, compared with a Content-Type header."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .errors import ConfigurationError
from .header import TCHAR
from .values import listed

# media-type = type "/" subtype parameters (RFC 9110 §8.3.1), both tokens. Parameters are not looked
# at. A comma means that a server joined two lines, so it is refused wherever it stands.
_MEDIA_TYPE = re.compile(
    rf"[ \t]*([{TCHAR}]+/[{TCHAR}]+)[ \t]*"
    r"(?:;[^,\x00-\x08\x0a-\x1f\x7f]*)?"
)

# "*" is a token character as well, but in a name it could only be a mistake.
_NO_STAR = TCHAR.replace("*", "")
_NAME = re.compile(rf"[{_NO_STAR}]+/(?:[{_NO_STAR}]+|\*)")


class ContentTypes:
    """The media types that a request's body may have.

    Args:
        names: ``type/subtype`` or ``type/*``. ``application/json`` also takes
            ``application/*+json`` (RFC 6839 §3.1). Parameters such as a charset are always taken.

    Attributes:
        names: The same, in lower case and without repeats.

    Raises:
        TypeError: Not a list, or something in it isn't text.
        ConfigurationError: No name at all, or one that isn't a media type.
    """

    __slots__ = ("_exact", "_json", "_types", "names")

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(dict.fromkeys(_check(name) for name in listed("content_types", names)))
        if not self.names:
            raise ConfigurationError(
                "content_types is empty, so no body could be sent; write None to accept any"
            )
        self._exact = frozenset(name for name in self.names if not name.endswith("/*"))
        self._types = tuple(name[:-1] for name in self.names if name.endswith("/*"))
        self._json = "application/json" in self._exact

    def accepts(self, content_type: str) -> bool:
        """Whether a body with this Content-Type header is taken; never with an empty one."""
        if content_type in self._exact:
            return True
        match = _MEDIA_TYPE.fullmatch(content_type)
        if match is None:
            return False
        name = match[1].lower()
        return (
            name in self._exact
            or name.startswith(self._types)
            or (self._json and name.startswith("application/") and name.endswith("+json"))
        )

    def __repr__(self) -> str:
        return f"ContentTypes({self.names!r})"


def _check(name: str) -> str:
    if not isinstance(name, str):
        raise TypeError(f"a content type must be text, not {type(name).__name__}")
    lower = name.lower()
    if not _NAME.fullmatch(lower):
        raise ConfigurationError(
            f"not a content type: {name!r}; write 'type/subtype' or 'type/*', without parameters, "
            "or None in place of the list to accept any"
        )
    return lower
