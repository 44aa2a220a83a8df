"""Text that people wrote, made so that nobody can hide anything in it."""

from __future__ import annotations

import re

from markupsafe import Markup

# Letters and marks that fonts show as nothing (Unicode: Default_Ignorable_Code_Point; variation
# selectors; U+2800, U+1D159). Other combining marks belong to the letters of many languages.
_SHOWN_AS_NOTHING = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U0001d159\U000e0100-\U000e01ef]"
)


def visible(value: object) -> object:
    """What a template writes: characters that can't be seen, or that turn the text around them,
    are written as their numbers. Escaping comes after."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    if value.isprintable() and not _SHOWN_AS_NOTHING.search(value):
        return value
    return "".join(f"[U+{ord(c):04X}]" if _is_hidden(c) else c for c in value)


def _is_hidden(character: str) -> bool:
    # Not printable are controls, bidirectional ones among them, zero-width characters, tags, what
    # is not assigned, and all blanks but the plain one. Line breaks are in JSON that we indent.
    if _SHOWN_AS_NOTHING.fullmatch(character):
        return True
    return not character.isprintable() and character not in "\n\t"
