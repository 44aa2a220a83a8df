"""curl, as a customer has it."""

import subprocess
from typing import NamedTuple


class Answer(NamedTuple):
    """What curl got."""

    status: int
    challenge: str
    body: str


def run(line):
    """What a line prints that somebody has pasted into a shell."""
    command = ["sh", "-c", line]
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout


def call(url, token):
    """Call the API with a key."""
    form = "%{http_code}\n%header{www-authenticate}"
    line = ["curl", "--silent", "--write-out", f"\n{form}", "-H", f"Authorization: Bearer {token}"]
    done = subprocess.run([*line, url], capture_output=True, text=True, timeout=20, check=True)
    body, status, challenge = done.stdout.rsplit("\n", 2)
    return Answer(int(status), challenge, body)
