"""What the Python SDK adds to a bare call of httpx2 that sends the same header and reads the JSON.

Against a transport in memory, where nothing else costs anything, and against a server in another
process over a connection that stays open. Both clients are httpx2's, made the same way.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Generator, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

import httpx2
from databases import Databases
from report import Report
from sdk_server import ANSWERS
from timing import Block, in_turns, medians, repeated

from conductor_sdk import AsyncConductorClient, ConductorClient

KEY = "bench_production_key"
INPUT = {"text": "a sentence of a usual length", "options": {"limit": 10, "language": "en"}}
MOST_US = 50.0


def run(databases: Databases, report: Report, rounds: int, calls: int) -> None:
    report.title("what the Python SDK adds to a call of httpx2, in µs")
    report.note(f"with opentelemetry-api {version('opentelemetry-api')}, no span open")
    rows = []
    with _server() as address, asyncio.Runner() as runner:
        for where, base_url in {"in memory": "https://api.example.com", "server": address}.items():
            transport = None if where == "server" else httpx2.MockTransport(_answer)
            with _blocks(base_url, transport, runner) as blocks:
                rows += _measure(where, blocks, rounds, calls)
    heads = (f"median of {rounds} rounds", "bare", "SDK", "added")
    report.table(heads, [(name, *(f"{us:,.1f}" for us in figures)) for name, *figures in rows])
    for name, _, _, added in rows:
        report.target(f"the SDK, {name}", added, MOST_US, "µs added")


def _measure(
    where: str, blocks: dict[tuple[str, bool], Block], rounds: int, calls: int
) -> Iterator[tuple[str, float, float, float]]:
    seen = in_turns(blocks, rounds, calls)
    middle = medians(seen)
    for name in dict.fromkeys(name for name, _ in blocks):
        pairs = zip(seen[name, False], seen[name, True], strict=True)
        added = medians({name: [ours - bare for bare, ours in pairs]})[name]
        yield f"{where}, {name}", middle[name, False], middle[name, True], added


@contextmanager
def _blocks(
    base_url: str, transport: httpx2.MockTransport | None, runner: asyncio.Runner
) -> Generator[dict[tuple[str, bool], Block], None, None]:
    """By name, and whether it is the SDK."""
    headers = {"Authorization": f"Bearer {KEY}"}
    options: dict[str, Any] = {"api_key": KEY, "base_url": base_url}
    execute = {"input": INPUT}

    bare = httpx2.Client(base_url=base_url, transport=transport)
    mine = httpx2.Client(transport=transport)
    ours = ConductorClient(**options, http_client=mine)
    bare_async = httpx2.AsyncClient(base_url=base_url, transport=transport)
    mine_async = httpx2.AsyncClient(transport=transport)
    ours_async = AsyncConductorClient(**options, http_client=mine_async)

    async def health() -> Any:
        return (await bare_async.get("/health", headers=headers)).json()

    async def post() -> Any:
        return (await bare_async.post("/execute/demo", headers=headers, json=execute)).json()

    def awaited(call: Callable[[], Awaitable[Any]]) -> Block:
        async def block(calls: int) -> float:
            begin = time.perf_counter()
            for _ in range(calls):
                await call()
            return time.perf_counter() - begin

        return lambda calls: runner.run(block(calls))

    yield {
        ("health", False): repeated(lambda: bare.get("/health", headers=headers).json()),
        ("health", True): repeated(ours.health),
        ("execute", False): repeated(
            lambda: bare.post("/execute/demo", headers=headers, json=execute).json()
        ),
        ("execute", True): repeated(lambda: ours.execute("demo", INPUT)),
        ("health, async", False): awaited(health),
        ("health, async", True): awaited(ours_async.health),
        ("execute, async", False): awaited(post),
        ("execute, async", True): awaited(lambda: ours_async.execute("demo", INPUT)),
    }
    bare.close()
    mine.close()
    runner.run(bare_async.aclose())
    runner.run(mine_async.aclose())


def _answer(request: httpx2.Request) -> httpx2.Response:
    return httpx2.Response(200, json=json.loads(ANSWERS[request.method]))


@contextmanager
def _server() -> Generator[str, None, None]:
    program = Path(__file__).with_name("sdk_server.py")
    with Popen([sys.executable, program], stdout=PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.terminate()
