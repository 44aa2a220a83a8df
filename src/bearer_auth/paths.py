"""A path in each form that a server or a router may read it in, and patterns for paths.

PATH_INFO is bytes, decoded as latin-1 (PEP 3333). Servers and frameworks disagree on the rest: one
merges slashes, one drops bytes that aren't UTF-8, one decodes once more. A path on which all of
them agree is *normal*. Any other is also read as N and as N cut, what the most lenient reader
would make of it:

    N        scheme and authority cut off; percent-decoded until stable; bytes that aren't UTF-8
             and control characters dropped; ``\\`` to ``/``; each segment cut at ``;``; one ``/``
             in front; empty and ``.`` segments dropped, ``..`` resolved; no final ``/``
    N cut    the same, after also cutting the decoded text at the first ``?`` or ``#``

N undoes every oddity. A router undoes some and leaves others: Flask takes ``//execute/..`` for the
ensemble ``..``. So what only such a reader would see is looked at too (``readings``).

Letter case counts. A router that ignores it (none of the usual ones does by default) needs each
spelling as a rule, or a rule for the folder above.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from urllib.parse import unquote_to_bytes

from .errors import ConfigurationError

MAX_NORMAL = 8192
"""Characters of a normal path; a longer one is not normal."""

MAX_READ = 1024
"""Characters of a path that isn't normal, of which each reading is looked at."""

MAX_READINGS = 128
"""Readings of one path that are looked at. Honest ones have a handful."""

MAX_ROUNDS = 8
"""Times that a path is decoded before it counts as unreadable. Honest ones need two."""

# A final "/" is allowed. The possessive quantifier keeps a failed match linear.
_NORMAL = re.compile(
    r"(?:/(?!\.\.?(?:/|\Z))[^/\\%;?#\x00-\x1f\x7f-\x9f]++)++/?|/",
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")

# absolute-form (RFC 9112 §3.2.2) starts with scheme "://" authority (RFC 3986 §3.1, §3.2). The
# authority ends at "\" as well, which N reads as "/".
_ORIGIN = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*+://[^/\\?#]*+")

_NAME = re.compile(r"\{[A-Za-z_][A-Za-z0-9_]*\}")


def decode(path: str) -> str | None:
    """The text of a PATH_INFO; ``None`` if its bytes aren't UTF-8.

    A server that puts in characters beyond latin-1 breaks PEP 3333: ``None`` as well.
    """
    if path.isascii():
        return path
    try:
        return path.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return None


def is_normal(text: str) -> bool:
    """Whether all servers and routers agree on this decoded path.

    It starts with ``/``, has no empty, ``.`` or ``..`` segment (one final ``/`` is allowed), no
    control character and none of ``\\ % ; ? #``, also after NFKC; and at most 8,192 characters.
    """
    if len(text) > MAX_NORMAL or _NORMAL.fullmatch(text) is None:
        return False
    return text.isascii() or _NORMAL.fullmatch(unicodedata.normalize("NFKC", text)) is not None


def normalise(path: str) -> tuple[str, str] | None:
    """N and N cut of a PATH_INFO, as text; ``None`` if it isn't stable after 8 rounds.

    The time is linear in the path's length.
    """
    try:
        data = path.encode("latin-1")
    except UnicodeEncodeError:
        data = path.encode("utf-8", "surrogatepass")  # surrogates are dropped again below
    origin = _ORIGIN.match(data)
    text = _plain(data[origin.end() :] if origin else data)
    if text is None:
        return None
    return _resolve(text), _resolve(re.split("[?#]", text, maxsplit=1)[0])


def readings(path: str) -> set[str] | None:
    """The texts that readers make of a PATH_INFO who undo any of its oddities, in any order.

    ``None`` if there are more than 128 of them, or more than 1,024 characters: then all that can
    be said is that somebody is trying.
    """
    if len(path) > MAX_READ:
        return None
    forms = new = {
        path.encode("latin-1" if max(path, default="") < "\u0100" else "utf-8", "ignore")
    }
    while new:
        new = {undo(form) for form in new for undo in _UNDOINGS} - forms
        forms = forms | new
        if len(forms) > MAX_READINGS:
            return None
    return {
        form.decode(encoding, errors)
        for form in forms
        for encoding, errors in (("utf-8", "ignore"), ("utf-8", "replace"), ("latin-1", "strict"))
    }


def _plain(data: bytes) -> str | None:
    for _ in range(MAX_ROUNDS):
        decoded = unquote_to_bytes(data)
        if decoded == data:
            text = _CONTROL.sub("", data.decode("utf-8", "ignore"))
            decoded = text.encode()
            if decoded == data or b"%" not in data:
                return text
            # What was dropped may have stood inside an escape: "%\n41".
        data = decoded
    return None


def _resolve(text: str) -> str:
    kept: list[str] = []
    for segment in text.replace("\\", "/").split("/"):
        name = segment.partition(";")[0]
        if name == "..":
            del kept[-1:]
        elif name not in ("", "."):
            kept.append(name)
    return "/" + "/".join(kept)


def _dots(data: bytes) -> bytes:
    kept: list[bytes] = []
    for segment in data.split(b"/"):
        if segment == b"..":
            del kept[-1:]
        elif segment != b".":
            kept.append(segment)
    return b"/".join(kept)


_UNDOINGS: tuple[Callable[[bytes], bytes], ...] = (
    lambda data: _ORIGIN.sub(b"", data),
    unquote_to_bytes,
    lambda data: data.decode("utf-8", "ignore").encode(),
    lambda data: re.sub(rb"[\x00-\x1f\x7f]|\xc2[\x80-\x9f]", b"", data),  # control characters
    lambda data: data.removesuffix(b"\n"),  # "$" in a router's pattern
    lambda data: data.replace(b"\\", b"/"),
    lambda data: re.split(rb"[?#]", data, maxsplit=1)[0],
    lambda data: re.sub(rb";[^/]*", b"", data),
    lambda data: b"/" + data.lstrip(b"/"),
    lambda data: re.sub(rb"//+", b"/", data),
    _dots,
)
"""What a server or a router may do to a path before it is compared."""


class Pattern:
    """Which paths a rule is about.

    ``/docs`` is that path alone, ``/static/*`` everything below that folder, and ``{name}`` stands
    for exactly one segment. A final slash counts: ``/docs/`` is not ``/docs``.

    Raises:
        TypeError: Not text.
        ConfigurationError: Not a pattern; the message has the fix.
    """

    __slots__ = ("_below", "_covers", "_final", "_matches", "_segments")

    def __init__(self, text: str) -> None:
        if not isinstance(text, str):
            raise TypeError(f"a path must be text, not {type(text).__name__}")
        if not is_normal(text):
            raise ConfigurationError(
                f"not a path: {text!r}; write the decoded path, starting with '/', without empty, "
                "'.' or '..' segments, control characters, '\\', '%', ';', '?' and '#'"
            )
        segments = text.strip("/").split("/") if text != "/" else []
        self._below = bool(segments) and segments[-1] == "*" and not text.endswith("/")
        if self._below:
            segments.pop()
        for segment in segments:
            if re.search(r"[*{}<>]", segment) and not _NAME.fullmatch(segment):
                raise ConfigurationError(
                    f"not a path: {text!r}; '*' may only be the whole last segment, as in "
                    "'/static/*', and '{name}' only a whole segment, as in '/users/{id}'"
                )
        # A name stands for any segment, so which name it is doesn't matter: None.
        self._segments = tuple(None if _NAME.fullmatch(s) else s for s in segments)
        self._final = text.endswith("/")
        one = "".join("/" + ("[^/]+" if s is None else re.escape(s)) for s in self._segments)
        rest = "/(?s:.+)" if self._below else "/" if self._final else ""
        self._matches = re.compile(one + rest)
        # Falcon takes an empty segment for a name's value.
        any_ = "".join("/" + ("[^/]*" if s is None else re.escape(s)) for s in self._segments)
        self._covers = re.compile(any_ + ("(?:/(?s:.*))?" if self._below else "/?"))

    def matches(self, text: str) -> bool:
        """Whether this is a path that the pattern stands for, to the letter."""
        return self._matches.fullmatch(text) is not None

    def covers(self, text: str) -> bool:
        """The same, with or without a final slash, with the folder itself, a name left empty."""
        return self._covers.fullmatch(text) is not None

    def within(self, other: Pattern, *, wide: bool) -> bool:
        """Whether ``other`` matches (``wide``: covers) every path that this pattern matches."""
        mine, theirs = self._segments, other._segments
        if any(b is not None and a != b for a, b in zip(mine, theirs, strict=False)):
            return False
        if not other._below:
            same = len(mine) == len(theirs) and not self._below
            return same and (wide or self._final == other._final)
        least = len(theirs) if wide or self._below else len(theirs) + 1
        return len(mine) >= least
