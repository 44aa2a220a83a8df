"""What people install: the built wheel, in an environment of its own, the source out of reach."""

import email
import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

pytestmark = [pytest.mark.once, pytest.mark.xdist_group("sdk_wheel")]

SDK = Path(__file__).parents[1]
ROOT = SDK.parents[1]

AFTERWARDS = """
import json
from importlib.metadata import version
import conductor_sdk

print(json.dumps({
    "file": conductor_sdk.__file__,
    "versions": [conductor_sdk.__version__, version("conductor-sdk")],
    "repr": repr(client),
}))
"""

TYPED = """
from typing import assert_type

from conductor_sdk import Execution, Health, RateLimitError

health = client.health()
assert_type(health, Health)
assert_type(health.user.plan, str | None)
assert_type(client.execute("your-ensemble", {"a": 1}), Execution)
try:
    client.request("GET", "/other")
except RateLimitError as error:
    assert_type(error.retry_after, float | None)
client.execute(5)
"""


@pytest.fixture(scope="module")
def documented() -> str:
    """The documented lines of Python, which stand below those of TypeScript."""
    page = (ROOT / "docs" / "authentication.md").read_text()
    block = re.search(r"^```typescript\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert block is not None
    lines = block[1].partition("// Python\n")[2]
    assert lines == (
        "from conductor_sdk import ConductorClient\n\n"
        "client = ConductorClient(api_key=os.environ['API_KEY'])\n"
    )
    return "import os\n\n" + lines


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sdist, and the wheel that is built from it."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, SDK)
    return folder


@pytest.fixture(scope="module")
def python(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with the wheel and what it depends on, no more."""
    folder = tmp_path_factory.mktemp("installed")
    pins = (ROOT / "requirements-dev.txt").read_text()
    constraints = folder / "constraints.txt"
    constraints.write_text("\n".join(re.findall(r"^[^\s=]+==[^\\]+", pins, re.MULTILINE)))
    run(sys.executable, "-m", "venv", folder / "venv")
    python = folder / "venv" / "bin" / "python"
    (wheel,) = dist.glob("*.whl")
    run(python, "-m", "pip", "install", "-qq", "-c", constraints, wheel)
    return python


def run(*command: str | Path, cwd: Path = SDK, **environ: str) -> str:
    done = attempt(*command, cwd=cwd, **environ)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def attempt(*command: str | Path, cwd: Path, **environ: str) -> "subprocess.CompletedProcess[str]":
    without = {"PYTHONPATH", "API_KEY", "CONDUCTOR_API_KEY", "CONDUCTOR_BASE_URL"}
    inherited = {name: value for name, value in os.environ.items() if name not in without}
    return subprocess.run(
        command, cwd=cwd, env=inherited | environ, capture_output=True, text=True, check=False
    )


def test_the_wheel_holds_the_package_and_says_that_it_is_typed(dist: Path) -> None:
    (wheel,) = dist.glob("*.whl")
    assert wheel.name == "conductor_sdk-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    source = SDK / "src"
    modules = {str(path.relative_to(source)) for path in source.rglob("*.py")}
    info = "conductor_sdk-0.1.0.dist-info/"
    assert "conductor_sdk/client.py" in modules
    assert names == modules | {
        "conductor_sdk/py.typed",
        info + "METADATA",
        info + "RECORD",
        info + "WHEEL",
        info + "licenses/LICENSE",
    }


def test_the_wheel_says_what_it_is(dist: Path) -> None:
    (wheel,) = dist.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read("conductor_sdk-0.1.0.dist-info/METADATA").decode()
    metadata = email.message_from_string(text)
    assert metadata["Name"] == "conductor-sdk"
    assert metadata["Version"] == "0.1.0"
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["License-Expression"] == "MIT"
    assert metadata.get_all("Requires-Dist") == ["anyio>=4.0", "httpx2>=2.0"]
    assert "Typing :: Typed" in metadata.get_all("Classifier", [])
    assert metadata.get_payload() == (SDK / "README.md").read_text()


def test_the_sdist_holds_what_the_wheel_is_made_of_and_no_more(dist: Path) -> None:
    (sdist,) = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames()}
    assert {name.split("/")[0] for name in names} == {
        ".gitignore",
        "LICENSE",
        "PKG-INFO",
        "README.md",
        "pyproject.toml",
        "src",
    }
    assert [name for name in names if "__pycache__" in name or "tests" in name] == []


def test_the_documented_lines_run_from_the_installed_wheel(
    python: Path, documented: str, tmp_path: Path
) -> None:
    (tmp_path / "program.py").write_text(documented + AFTERWARDS)
    key = "the-key-of-nobody"
    answer = json.loads(run(python, "-I", "program.py", cwd=tmp_path, API_KEY=key))
    assert Path(answer["file"]).is_relative_to(python.parents[1])
    assert answer["versions"] == ["0.1.0", "0.1.0"]
    assert "https://api.example.com" in answer["repr"]
    assert key not in answer["repr"]


def test_the_documented_lines_without_a_key_say_what_is_missing(
    python: Path, documented: str, tmp_path: Path
) -> None:
    (tmp_path / "program.py").write_text(documented.replace("os.environ['API_KEY']", "None"))
    done = attempt(python, "-I", "program.py", cwd=tmp_path)
    assert done.returncode == 1
    assert "ConfigurationError" in done.stderr.splitlines()[-1]
    assert "CONDUCTOR_API_KEY" in done.stderr.splitlines()[-1]


def test_mypy_reads_the_types_of_the_installed_wheel(
    python: Path, documented: str, tmp_path: Path
) -> None:
    program = documented + TYPED
    (tmp_path / "program.py").write_text(program)
    mypy = [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "--config-file="]
    done = attempt(*mypy, "--python-executable", python, "program.py", cwd=tmp_path)
    last = len(program.splitlines())
    assert done.stdout == (
        f'program.py:{last}: error: Argument 1 to "execute" of "ConductorClient" has incompatible '
        'type "int"; expected "str"  [arg-type]\nFound 1 error in 1 file (checked 1 source file)\n'
    )
