"""The operator's dashboard beside the demo's API: ``bearer-auth dashboard``, over the same keys."""

import json
import subprocess
import sys
import urllib.error
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from keys import store_url
from server import START_S, CannotStart, opener, stop


class Dashboard(NamedTuple):
    url: str
    link: str
    """Signs in once, within ten minutes."""


@contextmanager
def opened(folder: Path, api: str) -> Iterator[Dashboard]:
    """The dashboard, on a port that is free, until the end of the block."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "bearer_auth.cli", "dashboard", "--port", "0", "--json"),
            *("--store", store_url(folder), "--api-url", f"{api}/health"),
        ],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # as the server of the API
    )
    try:
        yield Dashboard(**json.loads(_object_from(process)))
    finally:
        stop(process)
        assert process.stdout is not None
        process.stdout.close()


def problem_at(url: str) -> str:
    """What is wrong with the dashboard there; nothing if it shows its page to sign in on."""
    try:
        with opener.open(url, timeout=START_S) as answer:
            page = answer.read().decode()
    except (urllib.error.URLError, ConnectionError) as error:
        return f": {error}"
    return "" if 'name="password"' in page else ": there is no field for a password"


def _object_from(process: "subprocess.Popen[str]") -> str:
    """The JSON that it prints once it listens."""
    assert process.stdout is not None
    text = ""
    while not text.endswith("}\n"):
        line = process.stdout.readline()
        if not line:
            raise CannotStart(f"The dashboard could not start; exit code {process.wait()}.")
        text += line
    return text
