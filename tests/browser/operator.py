"""``bearer-auth dashboard``, as a process of its own over a database."""

import os
import subprocess
import sys
from pathlib import Path

from bearer_auth import Keyring
from bearer_auth.stores.sql import SQLStore

SOURCES = Path(__file__).parent.parent.parent / "src"
COMMAND = [sys.executable, "-m", "bearer_auth.cli", "dashboard"]


class Operator:
    """The dashboard that an operator starts.

    Args:
        folder: Where its database goes.

    Attributes:
        store: Its keys, as another process sees them.
        ring: Makes keys.
        url: Where the pages are, without a slash at the end.
        link: The link that it has printed.
    """

    def __init__(self, folder):
        url = f"sqlite:///{folder / 'keys.db'}"
        self._environ = os.environ | {"BEARER_AUTH_STORE": url, "PYTHONPATH": str(SOURCES)}
        self._environ["PYTHONUNBUFFERED"] = "1"
        self._log = folder / "log"
        self.store = SQLStore(url, create=True)
        self.ring = Keyring(self.store)
        self._process = None

    def start(self):
        """Serve; returns once it does."""
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*COMMAND, "--port", "0"],
                env=self._environ,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        lines = [self._process.stdout.readline() for _ in range(2)]
        assert lines[-1].startswith("Sign in"), self._log.read_text()
        self.url = lines[0].split()[1].rstrip("/")
        self.link = lines[1].split()[-1]

    def set_password(self, account, password):
        """As ``bearer-auth dashboard set-password`` does."""
        command = [*COMMAND, "set-password", account]
        subprocess.run(
            command, env=self._environ, input=password, text=True, check=True, capture_output=True
        )

    def new_link(self):
        """As ``bearer-auth dashboard link`` prints it."""
        command = [*COMMAND, "link", "--url", f"{self.url}/"]
        done = subprocess.run(
            command, env=self._environ, text=True, check=True, capture_output=True
        )
        return done.stdout.strip()

    def close(self):
        if self._process is not None:
            self._process.terminate()
            self._process.communicate(timeout=20)
        self.store.close()
