"""The documentation can't lie: its code runs, its answers are compared, its links are followed.

A test that takes ``block`` runs for each fenced block in one of its module's ``LANGUAGES``; one
that takes ``page`` for each page. docs/authentication.md is the documented API itself;
``tests/test_demo.py`` compares its answers.
"""

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from bearer_auth.stores.sqlite import SQLiteDatabase

ROOT = Path(__file__).parents[2]
PAGES = {
    str(path.relative_to(ROOT)): path.read_text()
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("sdk/*/README.md")]
    if path.name != "authentication.md"
}

Names = dict[str, Any]
Step = Callable[[Names], None]


class Block(NamedTuple):
    """A fenced block, with the heading above it and the line that it starts on."""

    page: str
    heading: str
    line: int
    language: str
    text: str


def _blocks_of(page: str) -> list[Block]:
    found: list[Block] = []
    heading, language, lines, start = "", None, list[str](), 0
    for number, line in enumerate(PAGES[page].splitlines(), 1):
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


BLOCKS = [block for page in PAGES for block in _blocks_of(page)]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "block" in metafunc.fixturenames:
        chosen = [block for block in BLOCKS if block.language in metafunc.module.LANGUAGES]
        names = [f"{block.page}:{block.line}" for block in chosen]
        metafunc.parametrize("block", chosen, ids=names)
    if "page" in metafunc.fixturenames:
        metafunc.parametrize("page", PAGES)


@pytest.fixture
def pages() -> Mapping[str, str]:
    return PAGES


@pytest.fixture
def code_of() -> Callable[[str], list[str]]:
    """The Python of a page."""
    return lambda page: [b.text for b in BLOCKS if b.page == page and b.language == "python"]


@pytest.fixture
def run_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., None]]:
    """Runs the Python of a page, top to bottom, in one namespace, in an empty folder.

    Its third and fourth argument are what to do before a block and what must be so after it, each
    named by something that the block holds; the fifth says which texts stand for others.
    """
    monkeypatch.chdir(tmp_path)
    opened: list[SQLiteDatabase] = []  # pages close nothing, and some of it has no name
    make = SQLiteDatabase.__init__

    def make_and_remember(database: SQLiteDatabase, *args: Any, **options: Any) -> None:
        opened.append(database)
        make(database, *args, **options)

    monkeypatch.setattr(SQLiteDatabase, "__init__", make_and_remember)

    def run(
        page: str,
        names: Names,
        before: Mapping[str, Step],
        after: Mapping[str, Step],
        standing_for: Mapping[str, str] | None = None,
    ) -> None:
        names.update(__name__="documented", _same=_same)
        left = [*before, *after]
        for block in BLOCKS:
            if block.page != page or block.language != "python":
                continue
            held = [text for text in left if text in block.text]
            for text in held:
                before.get(text, _nothing)(names)
            source = "\n".join(map(_compared_with_its_comment, block.text.split("\n")))
            for shown, real in (standing_for or {}).items():
                source = source.replace(shown, real)
            # The line numbers of a traceback are those of the page.
            exec(compile("\n" * block.line + source, str(ROOT / page), "exec"), names)
            for text in held:
                after.get(text, _nothing)(names)
            left = [text for text in left if text not in held]
        assert left == [], "no block holds these any more"

    yield run
    for database in opened:
        database.close()


def _nothing(names: Names) -> None:
    pass


def _compared_with_its_comment(line: str) -> str:
    """``expression  # value``, where the comment is a value and nothing else, becomes a check."""
    code, hash_, comment = line.partition("  # ")
    if hash_ and re.fullmatch(r"True|False|None|[\d.]+|[(\[{\"'].*", comment.strip()):
        indent = code[: len(code) - len(code.lstrip())]
        return f"{indent}_same({code.strip()}, {comment.strip()})"
    return line


def _same(value: object, shown: object) -> None:
    assert value == shown
