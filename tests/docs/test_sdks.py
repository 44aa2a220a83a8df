"""The pages of the SDKs: each block runs against the documented API, each command does what it is
there for."""

import logging
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider

from .blocks import BLOCKS, OF_THE_SDKS, ROOT, blocks_of, comparing, same
from .documented_api import DocumentedAPI
from .packages import INSTALL, MAKE, PIP, RENAME, install
from .typescript import program_of, run, run_blocks

Names = dict[str, Any]
Pages = Mapping[str, str]

PAGE = "docs/sdks.md"
WITH_TYPESCRIPT = ("README.md", PAGE, "sdk/typescript/README.md")

pytestmark = pytest.mark.xdist_group("sdks")
needs_node = pytest.mark.skipif(shutil.which("npm") is None, reason="no Node here: make node")


@pytest.fixture
def secret(documented_api: DocumentedAPI, tmp_path: Path) -> str:
    """The file that the page reads a rotated key from."""
    (tmp_path / "secret").write_text(f"{documented_api.token}\n")
    return str(tmp_path / "secret")


@pytest.fixture
def tracer() -> Iterator[Any]:
    provider = TracerProvider()
    yield provider.get_tracer("documented")
    provider.shutdown()


def test_the_pages_python_does_what_it_says(
    documented_api: DocumentedAPI,
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
        assert is_the_documented_line(said[-1], documented_api.url)
        logging.getLogger("conductor_sdk").setLevel(logging.NOTSET)

    def the_span_is_carried(names: Names) -> None:
        assert "TRACEPARENT" in documented_api.seen[-1]

    after = {
        "print(error)\n": the_wrong_address_is_explained,
        "setLevel(logging.DEBUG)": tries_are_logged,
        "start_as_current_span": the_span_is_carried,
    }
    run_page(PAGE, {"tracer": tracer}, {}, after, {"/run/secrets/conductor": secret})


def is_the_documented_line(said: str, url: str) -> bool:
    line = rf"GET {re.escape(url)}/health: 200 in [0-9.]+ s \(request id nightly-43\)"
    return re.fullmatch(line, said) is not None


def test_the_python_packages_page_does_what_it_says(
    documented_api: DocumentedAPI, run_page: Callable[..., None]
) -> None:
    run_page("sdk/python/README.md", {}, {}, {})


def compiler(sdk: Path) -> Path:
    return sdk / "typescript" / "node_modules" / "typescript" / "bin" / "tsc"


@needs_node
@pytest.mark.once
@pytest.mark.parametrize("name", WITH_TYPESCRIPT)
def test_the_pages_typescript_does_what_it_says(
    name: str,
    pages: Pages,
    documented_api: DocumentedAPI,
    secret: str,
    clone: Path,
    project: Path,
) -> None:
    text = pages[name].replace("/run/secrets/conductor", secret)
    assert program_of(text).count("same(") >= 2
    said = run_blocks(text, project, compiler(clone / "sdk"), {}).splitlines()
    if name == PAGE:
        assert [line for line in said if is_the_documented_line(line, documented_api.url)] != []
        assert [line for line in said if "http://api.example.com" in line] != []
        assert "TRACEPARENT" in {name for headers in documented_api.seen for name in headers}


def test_each_page_with_typescript_is_run() -> None:
    assert {b.page for b in BLOCKS if b.language == "typescript"} == set(WITH_TYPESCRIPT)


def test_the_packages_pages_have_the_same_commands() -> None:
    """Each command with an SDK in it, wherever it stands, is one that is run here."""
    commands = [b.text for b in BLOCKS if b.language in ("bash", "sh", "console")]
    assert set(filter(OF_THE_SDKS.search, commands)) == {PIP, MAKE, INSTALL, RENAME}


@pytest.mark.once
def test_the_python_package_is_installed_by_the_command(tmp_path: Path) -> None:
    run(sys.executable, "-m", "venv", str(tmp_path / "venv"), cwd=tmp_path)
    shutil.copytree(ROOT / "sdk" / "python", tmp_path / "sdk" / "python")
    path = f"{tmp_path / 'venv' / 'bin'}:/usr/bin:/bin"
    run("sh", "-ec", PIP, cwd=tmp_path, environ={"PATH": path, "PYTHONPATH": ""})
    program = "import conductor_sdk; print(conductor_sdk.ConductorClient(api_key='k'))"
    where = {"PATH": path, "PYTHONPATH": "", "CONDUCTOR_BASE_URL": ""}
    said = run("python", "-I", "-c", program, cwd=tmp_path, environ=where)
    assert said == "<ConductorClient: https://api.example.com>\n"


@pytest.fixture
def acme(clone: Path, tmp_path: Path) -> Path:
    """What the commands that change the name make of ``sdk``, built again."""
    shutil.copytree(clone / "sdk", tmp_path / "sdk", symlinks=True)
    run("sh", "-ec", RENAME, cwd=tmp_path)
    made_anew = MAKE.replace("sdk/typescript", "acme/typescript").partition("\n")[2]
    run("sh", "-ec", made_anew, cwd=tmp_path)
    return tmp_path / "acme"


@needs_node
@pytest.mark.once
def test_both_packages_work_under_another_name(
    acme: Path,
    documented_api: DocumentedAPI,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("CONDUCTOR_BASE_URL")
    monkeypatch.setenv("ACME_BASE_URL", documented_api.url)
    monkeypatch.syspath_prepend(acme / "python" / "src")
    page = (acme / "python" / "README.md").read_text()
    names: Names = {"_same": same}
    for block in blocks_of("", page):
        if block.language == "python":
            exec(comparing(block.text), names)
    assert repr(names["client"]) == f"<AcmeClient: {documented_api.url}>"
    assert names["client"].health.__module__ == "acme_sdk.client"

    page = (acme / "typescript" / "README.md").read_text()
    assert "import { AcmeClient } from '@acme/acme-sdk';" in page
    project = install(tmp_path, "npm install ./acme-acme-sdk-0.1.0.tgz", tmp_path / "project")
    run_blocks(page, project, compiler(acme), {})


@needs_node
@pytest.mark.once
def test_nothing_of_the_old_name_is_left(acme: Path) -> None:
    left = [
        str(path.relative_to(acme))
        for path in acme.rglob("*")
        if path.is_file()
        and not {"node_modules", "__pycache__"} & set(path.parts)
        and re.search(rb"(?i)conductor|your-org|api\.example\.com|\.bak$", path.read_bytes())
    ]
    assert left == []
