"""A gunicorn on a free port, and wrk, which sends it requests and says how that went."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import psutil
from databases import Databases, Keys
from report import Report

HERE = Path(__file__).parent

WORKERS = {
    "2 sync workers": ("--worker-class", "sync", "--workers", "2"),
    "4 gthread threads": ("--worker-class", "gthread", "--workers", "1", "--threads", "4"),
}

_MS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


class Gunicorn(NamedTuple):
    """A server that runs."""

    address: str
    process: psutil.Process

    def cpu_s(self) -> float:
        """Seconds of the processor that its workers have had."""
        return sum(sum(worker.cpu_times()[:2]) for worker in self.process.children())


class Traffic(NamedTuple):
    """What wrk saw."""

    requests: int
    requests_s: float
    p99_ms: float
    refused: int


def can_run(databases: Databases, report: Report) -> bool:
    """Whether there is what these sections need."""
    able = shutil.which("wrk") is not None and "postgresql" in databases.servers
    if not able:
        report.note("left out: this needs wrk (Debian: apt install wrk) and PostgreSQL")
    return able


@contextmanager
def gunicorn(
    app: str, options: Sequence[str], keys: Keys, work_s: float = 0.0
) -> Generator[Gunicorn, None, None]:
    """Serves ``served.py``'s app of this name."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/execute/demo"
        command = [sys.executable, "-m", "gunicorn", *options, f"served:{app}"]
        command += ["--bind", f"fd://{listener.fileno()}", "--chdir", str(HERE)]
        process = subprocess.Popen(
            [*command, "--no-control-socket", "--log-level", "error"],
            env=os.environ
            | {"BENCH_STORE": keys.url, "BENCH_PREFIX": keys.prefix, "BENCH_WORK_S": str(work_s)},
            pass_fds=[listener.fileno()],
        )
        try:
            for _ in range(8):  # it answers, and each worker has connected
                request = urllib.request.Request(address, headers=_bearer(keys.tokens[0]))
                with urllib.request.urlopen(request, timeout=20) as answer:
                    assert answer.status == 200
            yield Gunicorn(address, psutil.Process(process.pid))
        finally:
            process.terminate()
            process.wait(20)


class Wrk:
    """wrk on its way: so many connections, each with a request as soon as it has an answer."""

    def __init__(self, address: str, tokens: Path, connections: int, seconds: int) -> None:
        command = ["wrk", "--latency", "-t1", f"-c{connections}", f"-d{seconds}s"]
        command += ["-s", str(HERE / "wrk.lua"), address, "--", str(tokens)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def wait(self) -> Traffic:
        said, _ = self._process.communicate()
        if self._process.returncode:
            raise RuntimeError(f"wrk failed: {said}")
        p99, unit = re.search(r"^ +99% +([\d.]+)(\w+)$", said, re.MULTILINE).groups()
        refused = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
        return Traffic(
            int(re.search(r"(\d+) requests in", said)[1]),
            float(re.search(r"Requests/sec: +([\d.]+)", said)[1]),
            float(p99) * _MS[unit],
            int(refused[1]) if refused else 0,
        )


def write_tokens(path: Path, tokens: Iterable[str]) -> Path:
    path.write_text("\n".join(tokens) + "\n")
    return path


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
