"""The pages of the SDKs: each block runs against the documented API, each name is real, each command
does what it is there for."""

import logging
import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider

import conductor_sdk

from .documented_api import DocumentedAPI, serving
from . import typescript

Names = dict[str, Any]
Pages = Mapping[str, str]

ROOT = Path(__file__).parents[2]
PAGE = "docs/sdks.md"
TYPESCRIPT_PAGES = ("README.md", PAGE, "sdk/typescript/README.md")

pytestmark = pytest.mark.xdist_group("sdks")
needs_node = pytest.mark.skipif(
    shutil.which("npm") is None or not typescript.TSC.exists(),
    reason="no Node, or nothing in sdk/typescript/node_modules: make node",
)


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[DocumentedAPI]:
    with serving() as api:
        monkeypatch.setenv("CONDUCTOR_BASE_URL", api.url)
        monkeypatch.setenv("API_KEY", api.token)
        monkeypatch.delenv("CONDUCTOR_API_KEY", raising=False)
        yield api


@pytest.fixture
def secret(api: DocumentedAPI, tmp_path: Path) -> str:
    """The file that the page reads a rotated key from."""
    (tmp_path / "secret").write_text(f"{api.token}\n")
    return str(tmp_path / "secret")


@pytest.fixture
def tracer() -> Iterator[Any]:
    provider = TracerProvider()
    yield provider.get_tracer("documented")
    provider.shutdown()


def test_the_pages_python_does_what_it_says(
    api: DocumentedAPI,
    secret: str,
    tracer: Any,
    run_page: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    def the_wrong_address_is_explained(names: Names) -> None:
        assert "base_url is http://api.example.com" in capsys.readouterr().out

    def tries_are_logged(names: Names) -> None:
        said = [r.getMessage() for r in caplog.records if r.name == "conductor_sdk"]
        assert is_the_documented_line(said[-1], api.url)
        logging.getLogger("conductor_sdk").setLevel(logging.NOTSET)

    def the_span_is_carried(names: Names) -> None:
        assert "TRACEPARENT" in api.seen[-1]

    after = {
        "print(error)\n": the_wrong_address_is_explained,
        "setLevel(logging.DEBUG)": tries_are_logged,
        "start_as_current_span": the_span_is_carried,
    }
    run_page(PAGE, {"tracer": tracer}, {}, after, {"/run/secrets/conductor": secret})


def is_the_documented_line(said: str, url: str) -> bool:
    line = r"GET %s/health: 200 in [0-9.]+ s \(request id nightly-43\)" % re.escape(url)
    return re.fullmatch(line, said) is not None


def test_the_python_packages_page_does_what_it_says(
    api: DocumentedAPI, run_page: Callable[..., None]
) -> None:
    run_page("sdk/python/README.md", {}, {}, {})


@pytest.fixture(scope="session")
def tarball(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return typescript.build(ROOT / "sdk" / "typescript", tmp_path_factory.mktemp("typescript"))


@pytest.fixture
def project(tarball: Path, tmp_path: Path) -> Path:
    """An empty project that has the built package."""
    folder = tmp_path / "project"
    folder.mkdir()
    typescript.install(tarball, folder)
    return folder


@needs_node
@pytest.mark.parametrize("name", TYPESCRIPT_PAGES)
def test_the_pages_typescript_does_what_it_says(
    name: str, pages: Pages, api: DocumentedAPI, secret: str, project: Path
) -> None:
    text = pages[name].replace("/run/secrets/conductor", secret)
    assert typescript.values_in(text) >= 3
    said = typescript.run_blocks(project, text, {"CONDUCTOR_BASE_URL": api.url}).splitlines()
    if name == PAGE:
        assert [line for line in said if is_the_documented_line(line, api.url)] != []
        assert [line for line in said if "http://api.example.com" in line] != []
        assert "TRACEPARENT" in {name for headers in api.seen for name in headers}


def test_each_page_with_typescript_is_run(pages: Pages) -> None:
    assert {name for name, text in pages.items() if "```typescript" in text} == set(
        TYPESCRIPT_PAGES
    )
