"""Key formats: what recognises keys that others have issued, so that they keep working.

A format is an object with ``key_ids_for``. Pass it as ``formats=[…]`` to ``BearerAuth`` or
``Authenticator``, and take the keys in under the same ids (``bearer_auth.moving``). Formats come
after the tokens of our own shape and before the imported ones; the first that returns ids decides.

An id is public, so a format derives it from what is public already, or from a digest of a token
that nobody can guess.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from typing import Literal, Protocol

from .errors import ConfigurationError
from .token import base62
from .values import listed

Digest = Literal["sha256", "sha512"]


class KeyFormat(Protocol):
    """Recognises a text as a key.

    .. versionadded:: 0.1
    """

    def key_ids_for(self, text: str) -> Sequence[str]:
        """The ids under which its record may stand; none if it is not of this format.

        It is asked for any text that a client sends (b64token, 4,000 characters at most), so it
        takes linear time and raises nothing.
        """
        ...


class DRFAPIKeyFormat:
    """Keys of djangorestframework-api-key: ``prefix.secret``, of which the prefix is public.

    Args:
        prefix_length: As in the ``KeyGenerator`` of the site.
        secret_length: The same.

    .. versionadded:: 0.1
    """

    def __init__(self, prefix_length: int = 8, secret_length: int = 32) -> None:
        self._shape = re.compile(
            rf"([A-Za-z0-9]{{{prefix_length}}})\.[A-Za-z0-9]{{{secret_length}}}"
        )

    def key_ids_for(self, text: str) -> Sequence[str]:
        """The id of the key with this prefix."""
        match = self._shape.fullmatch(text)
        return (self.id_of(match[1]),) if match else ()

    @staticmethod
    def id_of(prefix: str) -> str:
        """The id under which the key with this prefix is kept."""
        return derived_id("djangorestframework-api-key", prefix)


class DigestFormat:
    """Tokens of which a plain table holds the SHA-256 or SHA-512 of the whole text.

    Only for tokens that nobody can guess (128 random bits and more): the id is derived from the
    digest, and the digest is all that is kept.

    Args:
        pattern: A regular expression that these tokens match in full, and no other keys.
        algorithm: The digest in the table.

    Raises:
        ConfigurationError: The pattern is no regular expression, or the algorithm is another.

    .. versionadded:: 0.1
    """

    def __init__(self, pattern: str, algorithm: Digest = "sha256") -> None:
        if algorithm not in ("sha256", "sha512"):
            raise ConfigurationError(f"algorithm must be 'sha256' or 'sha512': {algorithm!r}")
        try:
            self._shape = re.compile(pattern)
        except re.error as error:
            raise ConfigurationError(f"pattern is no regular expression: {error}") from None
        self._algorithm: Digest = algorithm

    def key_ids_for(self, text: str) -> Sequence[str]:
        """The id of the token with this digest."""
        if not self._shape.fullmatch(text):
            return ()
        return (self.id_of(hashlib.new(self._algorithm, text.encode()).hexdigest()),)

    @staticmethod
    def id_of(hexdigest: str) -> str:
        """The id under which the token with this digest is kept."""
        return derived_id("digest", hexdigest.lower())


class KnoxFormat(DigestFormat):
    """Tokens of django-rest-knox: 64 hexadecimal digits.

    Args:
        token_prefix: The site's ``TOKEN_PREFIX``.
        length: The site's ``AUTH_TOKEN_CHARACTER_LENGTH``.
        algorithm: The site's ``SECURE_HASH_ALGORITHM``; others than these two can't be taken over.

    .. versionadded:: 0.1
    """

    def __init__(
        self, token_prefix: str = "", length: int = 64, algorithm: Digest = "sha512"
    ) -> None:
        super().__init__(f"{re.escape(token_prefix)}[0-9a-f]{{{length}}}", algorithm)


def check_formats(formats: Iterable[KeyFormat]) -> tuple[KeyFormat, ...]:
    """The formats, if that is what they are.

    Raises:
        TypeError: One of them has no ``key_ids_for``, or is a class.
    """
    checked = tuple(listed("formats", formats))
    for one in checked:
        if isinstance(one, type):
            raise TypeError(
                f"formats must hold objects: write {one.__name__}(), not {one.__name__}"
            )
        if not callable(getattr(one, "key_ids_for", None)):
            raise TypeError(
                f"formats must hold objects with a method key_ids_for, not {type(one).__name__}"
            )
    return checked


def derived_id(kind: str, text: str) -> str:
    """An id of 16 base62 characters that stands for a text."""
    digest = hashlib.sha256(f"bearer_auth {kind}\0{text}".encode()).digest()
    return base62(int.from_bytes(digest), 16)
