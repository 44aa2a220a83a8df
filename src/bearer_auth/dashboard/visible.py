"""Text that people wrote, made so that nobody can hide anything in it."""

from __future__ import annotations

import unicodedata

from markupsafe import Markup


def visible(value: object) -> object:
    """What a template writes: characters that can't be seen, or that turn the text around them,
    are written as their numbers. Escaping comes after."""
    if not isinstance(value, str) or isinstance(value, Markup) or value.isascii():
        return value
    return "".join(f"[U+{ord(c):04X}]" if _is_hidden(c) else c for c in value)


def _is_hidden(character: str) -> bool:
    # Cf: bidirectional controls, zero-width characters, tags. Zs beside the plain blank: blanks of
    # other widths. Mn stays: combining marks belong to letters of many languages.
    if character in _BLANK_LETTERS:
        return True
    category = unicodedata.category(character)
    return category in ("Cf", "Cc", "Co", "Cs", "Zl", "Zp") or (
        category == "Zs" and character != " "
    )


_BLANK_LETTERS = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
"""Letters and marks that fonts show as nothing (Unicode: Default_Ignorable_Code_Point; U+2800)."""
