"""What people install: the built wheel, in an environment of its own, the source out of reach."""

import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

pytestmark = [pytest.mark.once, pytest.mark.xdist_group("wheel")]

ROOT = Path(__file__).parents[1]

PROGRAM = """
import json, sys
from wsgiref.util import setup_testing_defaults
import bearer_auth

def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [bearer_auth.get_principal(environ).user_id.encode()]

store = bearer_auth.MemoryStore()
issued = bearer_auth.Keyring(store).create(user_id="user_123")
wrapped = bearer_auth.BearerAuth(app, store)

def ask(**headers):
    environ, answer = headers, []
    setup_testing_defaults(environ)
    body = wrapped(environ, lambda status, headers, exc_info=None: answer.append(status))
    return [answer[0], b"".join(body).decode()]

print(json.dumps({
    "file": bearer_auth.__file__,
    "without": ask(),
    "with": ask(HTTP_AUTHORIZATION=f"Bearer {issued.token}"),
}))
"""

DASHBOARD = """
import json
from werkzeug.test import Client
import bearer_auth
from bearer_auth.dashboard import DashboardUser, create_dashboard
from bearer_auth.dashboard.operator import create_operator_dashboard
from bearer_auth.stores.sql import SQLStore

store = SQLStore("sqlite:///keys.db")
keyring = bearer_auth.Keyring(store)
mine = Client(create_dashboard(keyring, lambda environ: DashboardUser("user_123")))
operators = Client(create_operator_dashboard(store))

key_id = keyring.create(user_id="user_123").key_id
pages = ["/", "/keys/new", f"/keys/{key_id}", f"/keys/{key_id}/rotate", "/overview"]
files = ["/static/style.css", "/static/script.js", "/static/icon.svg"]
print(json.dumps({
    "file": bearer_auth.__file__,
    "mine": [mine.get(path).status_code for path in pages + files],
    "operators": operators.get("/sign-in").status_code,
}))
"""


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sdist, and the wheel that is built from it."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT)
    return folder


@pytest.fixture(scope="module")
def installed(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ``bin`` of an environment with the wheel and what it depends on, no more."""
    return install(dist, "", tmp_path_factory.mktemp("installed"))


def install(dist: Path, extras: str, folder: Path) -> Path:
    pins = (ROOT / "requirements-dev.txt").read_text()
    constraints = folder / "constraints.txt"
    constraints.write_text("\n".join(re.findall(r"^[^\s=]+==[^\\]+", pins, re.MULTILINE)))
    run(sys.executable, "-m", "venv", folder / "venv")
    bin_folder = folder / "venv" / "bin"
    (wheel,) = dist.glob("*.whl")
    wanted = f"{wheel}{extras}"
    run(bin_folder / "python", "-m", "pip", "install", "-qq", "-c", constraints, wanted)
    return bin_folder


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        command, cwd=cwd, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_wheel_holds_the_package_and_says_that_it_is_typed(dist: Path) -> None:
    (wheel,) = dist.glob("*.whl")
    assert wheel.name == "bearer_auth-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert "bearer_auth/__init__.py" in names
    assert "bearer_auth/py.typed" in names
    migrations = "bearer_auth/stores/migrations/"
    assert {name.removeprefix(migrations) for name in names if name.startswith(migrations)} == {
        "__init__.py",
        "env.py",
        "words.py",
        "versions/__init__.py",
        "versions/v0001_keys_usage_meta.py",
        "versions/v0002_leases_and_days.py",
        "versions/v0003_requests_limits_events.py",
        "versions/v0004_dashboard.py",
    }
    assert {name.split("/")[0] for name in names} == {
        "bearer_auth",
        "bearer_auth-0.1.0.dist-info",
    }


def test_wheel_and_sdist_hold_what_the_pages_of_the_dashboard_are_made_of(dist: Path) -> None:
    source = ROOT / "src" / "bearer_auth" / "dashboard"
    made_of = {
        str(path.relative_to(source.parents[1]))
        for folder in ("templates", "static")
        for path in (source / folder).rglob("*.*")
    }
    assert {
        "bearer_auth/dashboard/templates/base.html",
        "bearer_auth/dashboard/templates/operator/sign_in.html",
        "bearer_auth/dashboard/static/style.css",
    } <= made_of
    (wheel,), (sdist,) = dist.glob("*.whl"), dist.glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as archive:
        assert made_of - set(archive.namelist()) == set()
    with tarfile.open(sdist) as archive:
        names = {name.partition("/src/")[2] for name in archive.getnames()}
    assert made_of - names == set()


def test_the_dashboard_opens_from_the_installed_wheel(dist: Path, tmp_path: Path) -> None:
    installed = install(dist, "[dashboard]", tmp_path)
    (tmp_path / "program.py").write_text(DASHBOARD)
    answer = json.loads(run(installed / "python", "-I", "program.py", cwd=tmp_path))
    assert Path(answer["file"]).is_relative_to(installed.parent)
    assert answer["mine"] == [200] * 8
    assert answer["operators"] == 200


def test_the_sdist_brings_its_tests_and_nothing_that_was_made_here(dist: Path) -> None:
    (sdist,) = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames()}
    assert {"pyproject.toml", "src/bearer_auth/py.typed", "tests/test_wheel.py"} <= names
    made = re.compile(r"__pycache__|^\.venv|node_modules|/dist/")
    assert [name for name in names if made.search(name)] == []


def test_the_installed_wheel_refuses_without_a_key_and_lets_a_key_in(
    installed: Path, tmp_path: Path
) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    output = run(installed / "python", "-I", "program.py", cwd=tmp_path)
    answer = json.loads(output)
    assert Path(answer["file"]).is_relative_to(installed.parent)
    assert answer["without"] == [
        "401 Unauthorized",
        '{"success": false, "error": {"code": "UNAUTHORIZED", "message": "Invalid API key"}}',
    ]
    assert answer["with"] == ["200 OK", "user_123"]


def test_the_command_names_the_extra_that_it_needs(installed: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [installed / "bearer-auth", "--help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert 'pip install "bearer_auth[cli]"' in done.stderr
    assert "Traceback" not in done.stderr
