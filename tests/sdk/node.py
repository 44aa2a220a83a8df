"""The TypeScript SDK, built, in a process of Node for each client; ``driver.mjs`` is its other end.

The package is built when it isn't there, or is older than its sources.
"""

import fcntl
import itertools
import json
import shutil
import subprocess
import threading
from concurrent.futures import Future
from pathlib import Path

import pytest

from ..servers.process import SECONDS
from .callers import PATIENCE_S, Log, Outcome

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PACKAGE = ROOT / "sdk" / "typescript"
BUILD_S = 300
NAMES = {"max_retries": "maxRetries", "timeout": "timeout", "deadline": "deadline"}


def install(folder):
    """Make a folder in which ``@your-org/conductor-sdk`` can be imported, with our scripts."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            pytest.skip(f"needs {program}: install Node.js 18 or newer")
    build()
    scope = folder / "node_modules" / "@your-org"
    scope.mkdir(parents=True)
    (scope / "conductor-sdk").symlink_to(PACKAGE, target_is_directory=True)
    for script in HERE.glob("*.mjs"):
        shutil.copy(script, folder)


def build():
    with (PACKAGE / "package.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two workers of xdist
        if not _is_built():
            _run(ROOT / "tools" / "node", PACKAGE)
            _run("npm", "run", "build")


def _is_built():
    built = [path.stat().st_mtime for path in (PACKAGE / "dist").rglob("*.*js")]
    sources = [*PACKAGE.glob("*.json"), PACKAGE / "build.mjs", *(PACKAGE / "src").rglob("*.ts")]
    return bool(built) and min(built) >= max(path.stat().st_mtime for path in sources)


def _run(*command):
    done = subprocess.run(
        command, cwd=PACKAGE, capture_output=True, text=True, timeout=BUILD_S, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


class NodeCaller:
    """A ``ConductorClient`` of TypeScript; arguments and options are those of ``Caller``."""

    def __init__(self, folder, base_url, api_key, **options):
        self.log = Log()
        self._calls, self._numbers = {}, itertools.count()
        self._said = threading.Lock()
        self._process = subprocess.Popen(
            ["node", "driver.mjs"],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        key = {"apiKey": api_key} if isinstance(api_key, str) else {"keyFile": str(api_key)}
        translated = {
            NAMES[name]: value if name == "max_retries" else value * 1000
            for name, value in options.items()
        }
        self._say(key | {"options": {"baseURL": base_url} | translated})

    def health(self, **options):
        return self._outcome("health", [], options)

    def execute(self, ensemble, input=None, **options):
        return self._outcome("execute", [ensemble], options | {"input": input})

    def request(self, method, path, **options):
        return self._outcome("request", [method, path], options)

    def close(self):
        self._process.stdin.close()
        self._process.wait(SECONDS)
        self._reader.join(SECONDS)
        errors = self._process.stderr.read()
        for stream in (self._process.stdout, self._process.stderr):
            stream.close()
        assert (self._process.returncode, errors) == (0, "")

    def _outcome(self, name, arguments, options):
        number = next(self._numbers)
        call = self._calls[number] = Future()
        self._say({"id": number, "do": name, "arguments": arguments, "options": options})
        return Outcome(**call.result(PATIENCE_S))

    def _say(self, line):
        with self._said:
            self._process.stdin.write(json.dumps(line) + "\n")
            self._process.stdin.flush()

    def _read(self):
        for line in self._process.stdout:
            told = json.loads(line)
            if "log" in told:
                self.log.add(told["log"])
            else:
                self._calls.pop(told["id"]).set_result(told["outcome"])
        for call in self._calls.values():
            call.set_exception(RuntimeError(f"Node ended: {self._process.stderr.read()}"))
