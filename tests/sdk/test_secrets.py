"""The key is in nothing that anybody writes: neither the programs of a client, in which all goes
wrong, nor the server."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ..faults.own_servers import free_port
from .site import Site

pytestmark = pytest.mark.once

HERE = Path(__file__).parent
PYTHON_SDK = HERE.parents[1] / "sdk" / "python" / "src"
SECONDS = 120

ERRORS = [
    "APIConnectionError",
    "APIStatusError",
    "APITimeoutError",
    "AuthenticationError",
    "PermissionDeniedError",
    "UnprocessableEntityError",
]
"""What the programs run into, so that what is searched is all there."""


@pytest.fixture
def site(tmp_path):
    site = Site(tmp_path)
    yield site
    site.close()


def mistyped(token):
    last = "0" if token[-1] != "0" else "1"
    return token[:-1] + last


def run(command, site, folder):
    token = site.issue().token
    environ = os.environ | {
        "CONDUCTOR_API_KEY": token,
        "MISTYPED_KEY": mistyped(token),
        "CONDUCTOR_BASE_URL": site.url,
        "PYTHONPATH": str(PYTHON_SDK),
        "NODE_DEBUG": "fetch,undici,http,net",
    }
    done = subprocess.run(
        [*command, str(free_port())],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 1
    written = done.stdout + done.stderr
    assert "PermissionDeniedError" in done.stderr  # the one that nobody caught
    assert [name for name in ERRORS if name not in written] == []
    logs = site.end()
    assert '"POST /execute/x HTTP/1.1" 422' in logs
    assert "request.refused" in logs
    secret = token[-49:-6]
    assert secret in token
    return [name for name, text in (("client", written), ("server", logs)) if secret in text]


@pytest.mark.xdist_group("sdk-python")
def test_python_writes_it_nowhere(site):
    assert run([sys.executable, "-X", "dev", "fails.py"], site, HERE) == []


@pytest.mark.xdist_group("sdk-typescript")
def test_typescript_writes_it_nowhere(site, node_folder):
    assert run(["node", "fails.mjs"], site, node_folder) == []
