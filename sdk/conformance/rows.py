"""Reads the rows of this folder, strictly.

    python3 rows.py

prints all of them as one JSON array, for a runner in another language, or says what is wrong with
which row and exits with 1.
"""

import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Row = dict[str, Any]
FOLDER = Path(__file__).parent

TEXT, NUMBER, FLAG, LIST, OBJECT = str, (int, float), bool, list, dict
NONE = type(None)

ROW = {
    "name": TEXT,
    "why": TEXT,
    "conditions": LIST,
    "except": OBJECT,
    "options": OBJECT,
    "env": OBJECT,
    "env_after_wait": OBJECT,
    "random": LIST,
    "now": TEXT,
    "call": OBJECT,
    "answers": LIST,
    "expect": OBJECT,
}
REQUIRED = ("name", "why", "conditions", "call", "answers", "expect")
OPTIONS = {
    "max_retries": NUMBER,
    "timeout": NUMBER,
    "deadline": (*NUMBER, NONE),
    "api_key": TEXT,
    "api_keys": LIST,
    "base_url": TEXT,
}
SENT = {"idempotency_key": (str, bool, NONE), "request_id": (str, NONE), "timeout": NUMBER}
CALLS = {
    "health": {"request_id": (str, NONE), "timeout": NUMBER},
    "execute": {"ensemble": TEXT, "input": object, **SENT},
    "request": {
        "method": TEXT,
        "path": TEXT,
        "json": object,
        "content": TEXT,
        "params": OBJECT,
        "headers": OBJECT,
        **SENT,
    },
}
ANSWER = {
    "status": int,
    "headers": LIST,
    "json": object,
    "body": TEXT,
    "body_base64": TEXT,
    "repeat": int,
    "chunked": FLAG,
    "gzip": FLAG,
    "until_close": FLAG,
    "interim": int,
    "raw": TEXT,
    "cut": int,
    "reset": ("before_headers", "in_body"),
    "close": ("before_headers",),
    "stall": ("before_headers", "in_body"),
    "drip": ("headers", "body"),
}
EXPECT = {
    "tries": int,
    "waits": LIST,
    "requests": LIST,
    "every_request": OBJECT,
    "result": OBJECT,
    "error": OBJECT,
    "info": LIST,
    "debug": LIST,
}
REQUEST = {
    "method": TEXT,
    "path": TEXT,
    "query": LIST,
    "headers": OBJECT,
    "absent": LIST,
    "json": object,
    "body": TEXT,
}
RESULT = {
    "execute": {"output": object, "replayed": FLAG, "request_id": (str, NONE)},
    "health": {
        "status": TEXT,
        "authenticated": FLAG,
        "user": OBJECT,
        "request_id": (str, NONE),
    },
    "request": {"http_status": int, "json": object, "text": TEXT},
}
ERROR = {
    "type": TEXT,
    "status": (int, NONE),
    "code": (str, NONE),
    "message": TEXT,
    "message_starts": TEXT,
    "request_id": (str, NONE),
    "retry_after": (*NUMBER, NONE),
    "limit": (int, NONE),
    "remaining": (int, NONE),
    "reset": (int, NONE),
    "idempotency_key": (str, NONE),
}
ERRORS = {
    "APIConnectionError",
    "APIResponseError",
    "APIStatusError",
    "APITimeoutError",
    "ArgumentError",
    "AuthenticationError",
    "BadRequestError",
    "ConfigurationError",
    "ConflictError",
    "PermissionDeniedError",
    "RateLimitError",
    "ServiceUnavailableError",
    "UnprocessableEntityError",
}


class WrongRow(ValueError):
    """A row that says something else than a row may say."""


def load(folder: Path = FOLDER) -> list[Row]:
    """All rows, checked, in the order of the files' names. Raises WrongRow."""
    rows: list[Row] = []
    for path in sorted(folder.glob("*.json")):
        for row in json.loads(path.read_text(encoding="utf-8")):
            check(row, f"{path.name}: {row.get('name')}")
            rows.append(row)
    names = [row["name"] for row in rows]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise WrongRow(f"two rows have the name {', '.join(twice)}")
    return rows


def check(row: Row, place: str) -> None:
    """Raises WrongRow, which names the place."""
    _fields(row, ROW, place)
    for name in REQUIRED:
        if name not in row:
            raise WrongRow(f"{place} lacks {name}")
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", row["name"]):
        raise WrongRow(f"{place}: a name is lower-case words with hyphens")
    if not re.fullmatch(r"\S.*\.", row["why"]):
        raise WrongRow(f"{place}: why is a sentence")
    _fields(row.get("options", {}), OPTIONS, f"{place}, options")
    do = row["call"].get("do")
    if do not in CALLS:
        raise WrongRow(f"{place}: do is one of {', '.join(CALLS)}")
    _fields(row["call"], {"do": TEXT, **CALLS[do]}, f"{place}, call")
    for answer in row["answers"]:
        _fields(answer, ANSWER, f"{place}, answers")
    _check_expect(row["expect"], do, len(row["answers"]), f"{place}, expect")


def _check_expect(expect: Row, do: str, answers: int, place: str) -> None:
    _fields(expect, EXPECT, place)
    if "tries" not in expect or "waits" not in expect:
        raise WrongRow(f"{place} must say tries and waits")
    if ("result" in expect) == ("error" in expect):
        raise WrongRow(f"{place} must hold either result or error")
    if expect["tries"] > answers:
        raise WrongRow(f"{place}: {expect['tries']} tries have {answers} answers")
    if len(expect.get("requests", [None] * expect["tries"])) != expect["tries"]:
        raise WrongRow(f"{place}: requests is one a try")
    for request in [*expect.get("requests", []), expect.get("every_request", {})]:
        _fields(request, REQUEST, f"{place}, requests")
    _fields(expect.get("result", {}), RESULT[do], f"{place}, result")
    error = expect.get("error", {})
    _fields(error, ERROR, f"{place}, error")
    if "error" in expect and error.get("type") not in ERRORS:
        raise WrongRow(f"{place}: type is one of {', '.join(sorted(ERRORS))}")
    if error.get("type") in ("ArgumentError", "ConfigurationError") and len(error) > 1:
        raise WrongRow(f"{place}: the text of {error['type']} is each language's own")


def _fields(given: Any, known: dict[str, Any], place: str) -> None:
    if not isinstance(given, dict):
        raise WrongRow(f"{place} is no object")
    for name, value in given.items():
        if name not in known:
            raise WrongRow(f"{place}: unknown field {name}")
        if not _may_be(value, known[name]):
            raise WrongRow(f"{place}: {name} may not be {value!r}")


def _may_be(value: Any, known: Any) -> bool:
    if isinstance(known, tuple) and isinstance(known[0], str):
        return value in known
    # True is an int to Python, and to nobody else
    kinds: Iterable[Any] = known if isinstance(known, tuple) else (known,)
    return any(
        kind is object or (isinstance(value, kind) and (kind is bool) == isinstance(value, bool))
        for kind in kinds
    )


if __name__ == "__main__":
    try:
        sys.stdout.write(json.dumps(load()) + "\n")
    except WrongRow as wrong:
        sys.exit(str(wrong))
