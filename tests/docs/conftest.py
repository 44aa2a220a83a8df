"""The documentation can't lie: its code runs, its answers are compared, its links are followed.

A test that takes ``block`` runs for each fenced block in one of its module's ``LANGUAGES``; one
that takes ``page`` for each page. docs/authentication.md is the documented API itself;
``tests/test_demo.py`` compares its answers.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from bearer_auth.stores.sqlite import SQLiteDatabase

from .blocks import BLOCKS, PAGES, ROOT, comparing, same
from .documented_api import DocumentedAPI, serving
from .packages import INSTALL, install, make

Names = dict[str, Any]
Step = Callable[[Names], None]


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
def run_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
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
        names.update(__name__="documented", _same=same)
        left = [*before, *after]
        for block in BLOCKS:
            if block.page != page or block.language != "python":
                continue
            held = [text for text in left if text in block.text]
            for text in held:
                before.get(text, _nothing)(names)
            source = comparing(block.text)
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


@pytest.fixture
def documented_api(monkeypatch: pytest.MonkeyPatch) -> Iterator[DocumentedAPI]:
    """The documented API, whose address and key are in the environment."""
    with serving() as api:
        monkeypatch.setenv("CONDUCTOR_BASE_URL", api.url)
        monkeypatch.setenv("API_KEY", api.token)
        monkeypatch.delenv("CONDUCTOR_API_KEY", raising=False)
        yield api


@pytest.fixture(scope="session")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that ``sdk`` is in, after the commands that make the npm package."""
    folder = tmp_path_factory.mktemp("clone")
    make(folder)
    return folder


@pytest.fixture
def project(clone: Path, tmp_path: Path) -> Path:
    """An empty project in which the package was installed by the page's command."""
    return install(clone, INSTALL, tmp_path / "project")
