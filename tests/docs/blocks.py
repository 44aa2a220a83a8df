"""The fenced blocks of the pages."""

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGES = {
    str(path.relative_to(ROOT)): path.read_text()
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("sdk/*/README.md")]
    if path.name != "authentication.md"
}


class Block(NamedTuple):
    """A fenced block, with the heading above it and the line that it starts on."""

    page: str
    heading: str
    line: int
    language: str
    text: str


def blocks_of(page: str, text: str) -> list[Block]:
    found: list[Block] = []
    heading, language, lines, start = "", None, list[str](), 0
    for number, line in enumerate(text.splitlines(), 1):
        fence = re.fullmatch(r"```(\w*)", line)
        if fence and language is None:
            language, lines, start = fence[1], [], number
        elif fence:
            found.append(Block(page, heading, start, language or "", "\n".join(lines) + "\n"))
            language = None
        elif language is not None:
            lines.append(line)
        elif line.startswith("#"):
            heading = line.lstrip("# ")
    return found


# A block with such commands is run by test_sdks.py.
OF_THE_SDKS = re.compile(r"sdk/|conductor")

BLOCKS = [block for page, text in PAGES.items() for block in blocks_of(page, text)]


def comparing(source: str) -> str:
    """Python in which ``expression  # value`` is a check.

    Only where the comment is a value and nothing else. ``_same`` must be among the names.
    """
    return "\n".join(map(_comparing, source.split("\n")))


def _comparing(line: str) -> str:
    code, hash_, comment = line.partition("  # ")
    if hash_ and re.fullmatch(r"True|False|None|[\d.]+|[(\[{\"'].*", comment.strip()):
        indent = code[: len(code) - len(code.lstrip())]
        return f"{indent}_same({code.strip()}, {comment.strip()})"
    return line


def same(value: object, shown: object) -> None:
    """What ``_same`` is."""
    assert value == shown
