"""Each row of ``sdk/conformance/``, with both clients, against the scripted server."""

import asyncio
import json
import logging
import os
import re
import subprocess
import sys
import traceback
import uuid
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

import conductor_sdk
from conductor_sdk import AsyncConductorClient, ConductorClient

CONFORMANCE = Path(__file__).parents[2] / "conformance"
sys.path.insert(0, str(CONFORMANCE))
from rows import load  # noqa: E402 - it is beside the rows

Row = dict[str, Any]
ROWS: list[Row] = load()
KEY = "conformance-key-1"
UUID4 = "{uuid4}"
UUID4_TEXT = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
CONTROL = httpx2.Client(trust_env=False)
# read once: it is most of what a client costs
CERTIFICATES = httpx2.create_ssl_context()


@pytest.fixture(scope="session")
def origins() -> Iterator[dict[str, str]]:
    command = [sys.executable, str(CONFORMANCE / "server.py")]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as server:
        assert server.stdout is not None
        yield json.loads(server.stdout.readline())
        assert server.stdin is not None
        server.stdin.close()
        assert server.wait(10) == 0


class Timing:
    """Waits are written down, and only move the clocks."""

    def __init__(self, row: Row, real: Any, after_wait: Callable[[], None]) -> None:
        self.waits: list[float] = []
        self._real, self._after_wait = real, after_wait
        self._chances = list(row.get("random", [0.5]))
        now = row.get("now", "Thu, 26 Nov 2026 12:00:00 GMT")
        self._now = parsedate_to_datetime(now).timestamp()

    def monotonic(self) -> float:
        return float(self._real.monotonic()) + sum(self.waits)

    def time(self) -> float:
        return self._now + sum(self.waits)

    def random(self) -> float:
        return float(self._chances.pop(0) if len(self._chances) > 1 else self._chances[0])

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self._after_wait()

    async def async_sleep(self, seconds: float) -> None:
        self.sleep(seconds)


class Run:
    """One row: what was set up for it, and what came of it."""

    def __init__(self, row: Row, origins: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.row, self.monkeypatch = row, monkeypatch
        self.id = uuid.uuid4().hex
        self.places = {"{" + name + "}": origin for name, origin in origins.items()}
        self.places["{id}"] = self.id
        self.api = origins["api"]
        self.timing: Timing | None = None
        self.result: Any = None
        self.error: Exception | None = None
        self.bound: str | None = None
        script = {"id": self.id, "answers": row["answers"]}
        CONTROL.post(f"{self.api}/_/script", content=json.dumps(script)).raise_for_status()

    def set_environment(self, variables: dict[str, str]) -> None:
        for name, value in variables.items():
            self.monkeypatch.setenv(name, value)

    def client(self, kind: Callable[..., Any], http: httpx2.Client | httpx2.AsyncClient) -> Any:
        self.set_environment(self.row.get("env", {}))
        options = {"timeout": 5, "base_url": "{api}/{id}", **self.row.get("options", {})}
        options["base_url"] = self.filled(options["base_url"])
        keys = options.pop("api_keys", None)
        if keys is not None:
            left = list(keys)
            options["api_key"] = lambda: left.pop(0)
        elif "env" not in self.row:
            options.setdefault("api_key", KEY)
        client = kind(**options, http_client=http)
        later = self.row.get("env_after_wait", {})
        self.timing = Timing(self.row, client._timing, lambda: self.set_environment(later))
        client._timing = self.timing
        return client

    def call(self, client: Any) -> Any:
        arguments = dict(self.row["call"])
        do = arguments.pop("do")
        names = {"execute": ["ensemble"], "request": ["method", "path"], "health": []}[do]
        positional = [arguments.pop(name) for name in names]
        return getattr(client, do)(*positional, **arguments)

    def run(self) -> None:
        try:
            with httpx2.Client(verify=CERTIFICATES, trust_env=False) as http:
                self.result = self.call(self.client(ConductorClient, http))
        except Exception as error:
            self.error = error

    async def run_async(self) -> None:
        try:
            async with httpx2.AsyncClient(verify=CERTIFICATES, trust_env=False) as http:
                self.result = await self.call(self.client(AsyncConductorClient, http))
        except Exception as error:
            self.error = error

    def filled(self, value: Any) -> Any:
        if isinstance(value, str):
            for name, text in self.places.items():
                value = value.replace(name, text)
        return value

    def keys(self) -> list[str]:
        options = self.row.get("options", {})
        environments = [self.row.get("env", {}), self.row.get("env_after_wait", {})]
        fixed = [options.get("api_key", KEY), *options.get("api_keys", [])]
        return [*fixed, *(key for environment in environments for key in environment.values())]

    def same(self, expected: Any, actual: Any) -> None:
        if expected == UUID4:
            assert UUID4_TEXT.fullmatch(actual)
            assert actual == (self.bound or actual)
            self.bound = actual
        else:
            assert actual == self.filled(expected)

    def check(self, caplog: pytest.LogCaptureFixture) -> None:
        seen = CONTROL.get(f"{self.api}/_/seen", params={"id": self.id}).json()
        expect = self.row["expect"]
        if expect.get("error") is None and self.error is not None:
            raise self.error
        assert seen["other"] == []
        self.check_outcome(expect)
        assert len(seen["requests"]) == expect["tries"]
        waits = self.timing.waits if self.timing else []
        assert waits == pytest.approx(expect["waits"], abs=1e-9)
        every = [expect.get("every_request", {})] * expect["tries"]
        for expected in (every, expect.get("requests", every)):
            for one, request in zip(expected, seen["requests"], strict=True):
                self.check_request(one, request)
        lines = [r for r in caplog.records if r.name == "conductor_sdk"]
        for level in ("info", "debug"):
            if level in expect:
                texts = [r.getMessage() for r in lines if r.levelname == level.upper()]
                self.check_lines(expect[level], texts)
        self.check_leaks(caplog)

    def check_outcome(self, expect: Row) -> None:
        for name, value in expect.get("result", {}).items():
            match name:
                case "http_status":
                    assert self.result.status_code == value
                case "json":
                    assert self.result.json() == value
                case "text":
                    assert self.result.text == value
                case "user":
                    assert {"id": self.result.user.id, "plan": self.result.user.plan} == value
                case _:
                    self.same(value, getattr(self.result, name))
        error = dict(expect.get("error", {}))
        if not error:
            return
        kind = error.pop("type")
        assert self.error is not None, f"{kind} expected"
        if kind == "ArgumentError":
            assert isinstance(self.error, ValueError | TypeError), repr(self.error)
        else:
            assert type(self.error) is getattr(conductor_sdk, kind), repr(self.error)
        for name, value in error.items():
            if name == "message_starts":
                assert self.error.message.startswith(self.filled(value))
            else:
                self.same(value, getattr(self.error, name))

    def check_request(self, expected: Row, request: Row) -> None:
        headers = {name.lower(): value for name, value in request["headers"]}
        assert len(headers) == len(request["headers"])
        assert headers["authorization"] in [f"Bearer {key}" for key in self.keys()]
        assert headers["user-agent"].startswith("conductor-sdk-python/")
        for name, value in expected.get("headers", {}).items():
            self.same(value, headers.get(name.lower()))
        for name in expected.get("absent", []):
            assert name.lower() not in headers
        for name in ("method", "path", "query", "body"):
            if name in expected:
                assert request[name] == expected[name]
        if "json" in expected:
            assert json.loads(request["body"]) == expected["json"]

    def check_lines(self, expected: list[str], lines: list[str]) -> None:
        number = re.escape("{seconds}")
        patterns = [
            re.escape(self.filled(line)).replace(number, r"[0-9]+\.[0-9]{3}") for line in expected
        ]
        assert len(lines) == len(patterns), lines
        for pattern, line in zip(patterns, lines, strict=True):
            assert re.fullmatch(pattern, line)

    def check_leaks(self, caplog: pytest.LogCaptureFixture) -> None:
        records = caplog.records
        heads = [[answer.get("headers"), answer.get("raw")] for answer in self.row["answers"]]
        if "{key}" in json.dumps(heads):
            # what a server writes into a header, the transport's own DEBUG log shows
            records = [r for r in records if not r.name.startswith(("httpcore2", "httpx2"))]
        shown = [r.getMessage() + repr(r.args) for r in records] + [repr(self.result)]
        if self.result is not None:
            response = getattr(self.result, "response", self.result)
            shown += [repr(response), repr(response.headers), repr(response.request.headers)]
        if self.error is not None:
            shown += [str(self.error), repr(self.error), repr(vars(self.error))]
            shown += told(self.error)
            if getattr(self.error, "response", None) is not None:
                response = self.error.response
                shown += [repr(response.headers.raw), repr(response.request.headers.raw)]
        # a key of some letters is part of other words
        for key in filter(lambda key: len(key) > 12, self.keys()):
            assert [text for text in shown if key in text] == []


def told(error: BaseException) -> list[str]:
    """The stack of an error and its causes with the variables of each frame, but for this file's,
    which know the row."""
    texts: list[str] = []
    links, link = [], error
    while link is not None:
        links.append(link)
        link = link.__cause__ or link.__context__
    for link in links:
        summary = traceback.TracebackException.from_exception(link, capture_locals=True)
        texts += summary.format_exception_only()
        texts += [str(f.locals) + str(f.line) for f in summary.stack if f.filename != __file__]
    return texts


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        pytest.param(row, kind, id=f"{row['name']}-{kind}")
        for row in ROWS
        for kind in ("sync", "async")
        if f"python-{kind}" not in row.get("except", {})
    ],
)
def test_a_row(
    row: Row,
    kind: str,
    origins: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    for name in [name for name in os.environ if re.fullmatch("(CONDUCTOR_|API_KEY).*", name)]:
        monkeypatch.delenv(name)
    caplog.set_level(logging.DEBUG)
    run = Run(row, origins, monkeypatch)
    if kind == "sync":
        run.run()
    else:
        asyncio.run(run.run_async())
    run.check(caplog)
