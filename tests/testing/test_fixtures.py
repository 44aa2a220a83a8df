"""The pytest plug-in, in a project of somebody else's."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SRC = Path(__file__).parents[2] / "src"

TESTS = """
from datetime import timedelta
from werkzeug.test import Client
from bearer_auth import BearerAuth
from app import app

def status(wrapped, token):
    return Client(wrapped).get("/", headers={"Authorization": f"Bearer {token}"}).status_code

def test_a_key_ends_when_the_clock_says_so(bearer_store, bearer_keyring, bearer_clock):
    wrapped = BearerAuth(app, bearer_store, clock=bearer_clock)
    issued = bearer_keyring.create(user_id="user_123", expires_in=timedelta(days=1))
    assert status(wrapped, issued.token) == 200
    bearer_clock.advance(timedelta(days=1))
    assert status(wrapped, issued.token) == 401
    wrapped.close()

def test_each_test_has_a_store_of_its_own(bearer_keyring):
    assert len(bearer_keyring.list()) == 0
"""

APP = """
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]
"""

PLUGIN = 'pytest_plugins = ["bearer_auth.testing"]\n'


@pytest.mark.parametrize(
    "conftest",
    [PLUGIN, "from bearer_auth.testing import acting_as\n" + PLUGIN],
    ids=["plugin", "imported before"],
)
def test_the_plugin_gives_a_clock_a_store_and_a_keyring(tmp_path: Path, conftest: str) -> None:
    (tmp_path / "conftest.py").write_text(conftest)
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "test_theirs.py").write_text(TESTS)
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(SRC), str(tmp_path)])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "2 passed" in ran.stdout


def test_without_the_contract_pytest_is_not_loaded() -> None:
    code = (
        "import sys; from bearer_auth.testing import acting_as, FakeClock;"
        "print(FakeClock(), 'pytest' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ran.stdout, ran.stderr) == ("FakeClock(2030-01-01T12:00:00+00:00) False\n", "")
