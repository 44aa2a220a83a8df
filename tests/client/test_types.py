"""``auth=APIKeyAuth(…)`` passes mypy and pyright, both strict, with each library."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.once, pytest.mark.xdist_group("types")]

ROOT = Path(__file__).parents[2]

PROGRAM = """
import httpx2
import requests

from bearer_auth.client import APIKeyAuth

auth = APIKeyAuth(env="API_KEY", origin="https://api.example.com")
called = APIKeyAuth(lambda: "abc", origin="https://api.example.com", allow_http=False)

with httpx2.Client(auth=auth) as client:
    client.get("https://api.example.com", auth=called)
httpx2.get("https://api.example.com", auth=auth)

async def ask() -> int:
    async with httpx2.AsyncClient(auth=auth) as client:
        return (await client.get("https://api.example.com", auth=called)).status_code

requests.get("https://api.example.com", auth=auth)
with requests.Session() as session:
    session.auth = auth

request: httpx2.Request = auth(httpx2.Request("GET", "https://api.example.com"))
prepared: requests.PreparedRequest = auth(requests.PreparedRequest())

# both checkers say so where a comment like these is for nothing
APIKeyAuth(b"abc", origin="https://api.example.com")  # type: ignore[arg-type]
auth("https://api.example.com")  # type: ignore[type-var]
"""

SETTINGS = {
    "typeCheckingMode": "strict",
    "reportUnnecessaryTypeIgnoreComment": True,
    "extraPaths": [str(ROOT / "src")],
}


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_it_is_an_auth_of_each_library(checker: str, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(SETTINGS))
    options = {
        "mypy": ["--strict", "--config-file=", "program.py"],
        "pyright": ["--pythonpath", sys.executable, "--project", "."],
    }
    done = subprocess.run(
        [sys.executable, "-m", checker, *options[checker]],
        cwd=tmp_path,
        env=os.environ | {"MYPYPATH": str(ROOT / "src"), "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
