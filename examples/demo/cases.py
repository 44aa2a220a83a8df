"""The curl lines and the answers, read out of docs/authentication.md."""

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from email.parser import Parser
from pathlib import Path
from typing import Any, NamedTuple

from bearer_auth import Keyring, MemoryStore
from dashboard import problem_at
from keys import DemoKeys

DOCUMENTATION = Path(__file__).parents[2] / "docs" / "authentication.md"
HEADER = '-H "Authorization: Bearer YOUR_API_KEY" \\\n  '


class Case(NamedTuple):
    title: str
    line: str
    status: int
    body: Any = None
    """The documented JSON; ``None`` where the documentation shows none."""
    request_id: str | None = None


def documented_cases(address: str, keys: DemoKeys) -> list[Case]:
    """One line for each answer, with real keys and a real address in it."""
    text = DOCUMENTATION.read_text()
    execute, health = re.findall(r"```bash\n(curl .*?)\n```", text, re.DOTALL)
    unauthorized, forbidden, healthy = (
        json.loads(block) for block in re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    )
    wrong = Keyring(MemoryStore()).create(user_id="someone").token
    with_id = execute.replace("curl ", 'curl -i -H "X-Request-ID: unique-request-id" \\\n  ')

    def fill(line: str, key: str = "") -> str:
        return line.replace("YOUR_API_KEY", key).replace("https://api.example.com", address)

    return [
        Case("200: a key that may execute", fill(execute, keys.user_123), 200),
        Case("200: who am I?", fill(health, keys.user_123), 200, healthy),
        Case("401: no key", fill(execute.replace(HEADER, "")), 401, unauthorized),
        Case("401: a key that was never issued here", fill(execute, wrong), 401, unauthorized),
        Case("403: a key without scopes", fill(execute, keys.without_scopes), 403, forbidden),
        Case(
            "200: the X-Request-ID comes back in the headers",
            fill(with_id, keys.user_123),
            200,
            request_id="unique-request-id",
        ),
    ]


def check(cases: Iterable[Case], dashboard: str) -> int:
    """Run each line in a shell, compare, say so in one line each; then see whether the dashboard
    answers at its address. 0 if all are as documented."""
    failed = 0
    for title, problem in _found(cases, dashboard):
        failed += bool(problem)
        print(f"{'FAIL' if problem else 'ok  '} {title}{problem}", flush=True)
    print("Not as documented." if failed else "All as documented.", flush=True)
    return 1 if failed else 0


def _found(cases: Iterable[Case], dashboard: str) -> Iterator[tuple[str, str]]:
    """What was looked at, and what is wrong with it, if anything."""
    for case in cases:
        yield case.title, _problem(case, _answer_to(case.line))
    yield "the dashboard asks who you are", problem_at(dashboard)


class Answer(NamedTuple):
    status: int
    headers: list[tuple[str, str]]
    body: str


def _answer_to(line: str) -> Answer | str:
    """What real curl gets, with status and headers; or what it says when it gets nothing.

    The line stays as it was printed: curl is told to show the headers by a ``.curlrc``. The shell
    reads the line from a pipe, so that no key is among its arguments.
    """
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, ".curlrc").write_text("include\nsilent\nshow-error\nmax-time = 30\n")
        done = subprocess.run(
            ["sh"],
            input=line,
            env={**os.environ, "CURL_HOME": folder, "no_proxy": "127.0.0.1"},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        return done.stderr.strip() or f"exit code {done.returncode}"
    head, _, body = done.stdout.replace("\r\n", "\n").partition("\n\n")
    status_line, _, headers = head.partition("\n")
    return Answer(int(status_line.split()[1]), Parser().parsestr(headers).items(), body)


def _problem(case: Case, answer: Answer | str) -> str:
    if isinstance(answer, str):
        return f": {answer}"
    try:
        body = json.loads(answer.body)
    except ValueError:
        return f": {answer.status} and a body that is no JSON"
    ids = [value for name, value in answer.headers if name.lower() == "x-request-id"]
    if answer.status != case.status:
        return f": the status is {answer.status}"
    if case.body is None and not (body.keys() == {"success", "output"} and body["success"] is True):
        return f": the body is {body}"
    if case.body is not None and body != case.body:
        return f": the body is {body}"
    if case.request_id is not None and ids != [case.request_id]:
        return f": X-Request-ID is {ids}"
    return ""
