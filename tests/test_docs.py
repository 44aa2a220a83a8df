"""The documentation can't lie: its code runs, its answers are compared, its links are followed.

docs/authentication.md is the documented API itself; ``tests/test_demo.py`` compares its answers.
"""

import ast
import json
import os
import re
import subprocess
import sys
import threading
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from flask import Flask
from werkzeug.serving import make_server
from werkzeug.test import Client, TestResponse

import bearer_auth
import bearer_auth.flask
import bearer_auth.stores.sql
import bearer_auth.testing
from bearer_auth import (
    BearerAuth,
    InvalidRequest,
    IssuedKey,
    KeyRecord,
    Keyring,
    MemoryStore,
    Rule,
    StoreUnavailable,
    errors,
    events,
)
from bearer_auth.stores.sql import SQLStore
from bearer_auth.token import mint

ROOT = Path(__file__).parents[1]
PAGES = {
    str(path.relative_to(ROOT)): path.read_text()
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    if path.name != "authentication.md"
}
ALL_TEXT = "\n".join(PAGES.values())


class Block(NamedTuple):
    """A fenced block, with the heading above it and the line that it starts on."""

    page: str
    heading: str
    line: int
    language: str
    text: str


def blocks_of(page: str, *languages: str) -> Iterator[Block]:
    heading, language, lines, start = "", None, list[str](), 0
    for number, line in enumerate(PAGES[page].splitlines(), 1):
        fence = re.fullmatch(r"```(\w*)", line)
        if fence and language is None:
            language, lines, start = fence[1], [], number
        elif fence:
            if language in languages:
                yield Block(page, heading, start, language or "", "\n".join(lines) + "\n")
            language = None
        elif language is not None:
            lines.append(line)
        elif line.startswith("#"):
            heading = line.lstrip("# ")


def pages_with(*languages: str) -> list[str]:
    return [page for page in PAGES if any(blocks_of(page, *languages))]


# ---- Python ----

Names = dict[str, Any]


def echo(environ: Any, start_response: Any) -> list[bytes]:
    """An app that says who it is asked by."""
    principal = environ.get("bearer_auth.principal")
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"nobody" if principal is None else principal.user_id.encode()]


def ask(
    app: Any, path: str = "/", key: IssuedKey | str | None = None, **options: Any
) -> TestResponse:
    token = key.token if isinstance(key, IssuedKey) else key
    if token is not None:
        options["headers"] = {"Authorization": f"Bearer {token}", **options.get("headers", {})}
    return Client(app).open(path, **options)


def answer(response: TestResponse) -> dict[str, Any]:
    return dict(json.loads(response.text))


def status_with_own_key(names: Names, path: str, *scopes: str, **options: Any) -> int:
    key = Keyring(names["store"]).create(user_id="user_123", scopes=scopes)
    return ask(names["app"], path, key, **options).status_code


def readme(names: Names) -> None:
    store = MemoryStore()
    names |= {
        "app": Flask("before"),
        "store": store,
        "wsgi_app": echo,
        "flask_app": Flask("documented"),
        "TABLE": dict[str, KeyRecord](),
        "USERS": {"user_123": "Ada"},
        "audit": [],
        "token": Keyring(store).create(user_id="worker", scopes=["jobs:*"]).token,
    }
    names["flask_app"].secret_key = "only here"


def errors_page(names: Names) -> None:
    names["app"] = Flask("documented")
    names["store"] = MemoryStore()
    bearer_auth.flask.FlaskBearerAuth(names["app"], names["store"])


def events_page(names: Names) -> None:
    names |= {"app": echo, "store": MemoryStore(), "counted": Counter()}


STORE_PAGE = f"""
import hashlib, hmac, sqlite3
from contextlib import closing
from datetime import UTC, datetime

def app(environ, start_response):
    start_response("200 OK", [])
    return [environ["bearer_auth.principal"].user_id.encode()]

TOKEN = {mint("ba", "production", "3fQ7mZ0aKx9LpR2T")!r}
LAUNCH = datetime(2030, 1, 1, tzinfo=UTC)
LOOKUP_KEY = b"a key for digests"
LEGACY = {{hmac.digest(LOOKUP_KEY, b"their-old-token", "sha256").hex(): "Zz9876543210AbCd"}}
current_revision = int
with closing(sqlite3.connect("app.db")) as connection:
    connection.execute("DROP TABLE IF EXISTS api_keys")
    connection.execute("CREATE TABLE api_keys (id PRIMARY KEY, sha256, user_id, scopes, revoked)")
    for id, token in (("3fQ7mZ0aKx9LpR2T", TOKEN), ("Zz9876543210AbCd", "their-old-token")):
        digest = hashlib.sha256(token.encode()).hexdigest()
        row = (id, digest, "user_123", "admin jobs:run", 0)
        connection.execute("INSERT INTO api_keys VALUES (?, ?, ?, ?, ?)", row)
    connection.commit()
"""


def store_page(names: Names) -> None:
    exec(STORE_PAGE, names)


SETUP: dict[str, Callable[[Names], None]] = {
    "README.md": readme,
    "docs/errors.md": errors_page,
    "docs/events.md": events_page,
    "docs/writing-a-store.md": store_page,
}


def plain_app(names: Names) -> None:
    names["app"] = echo


def a_key(names: Names) -> None:
    names["key_id"] = names["keyring"].create(user_id="user_123").key_id


# What is made ready before a block, and what must be so after it, by something that it holds.
BEFORE: dict[str, Callable[[Names], None]] = {
    'app = BearerAuth(app, SQLStore("sqlite:///keys.db"))': plain_app,
    "keyring.rotate(key_id": a_key,
}


def flask_asks_for_keys(names: Names) -> None:
    with closing(names["app"].extensions["bearer_auth"].store) as store:
        key = Keyring(store).create(user_id="user_123", plan="pro")
        user = answer(ask(names["app"], "/health", key))["user"]
        assert user == {"id": "user_123", "plan": "pro"}
        assert ask(names["app"], "/health").status_code == 401


def wsgi_asks_for_keys(names: Names) -> None:
    with closing(names["app"].store) as store:
        key = Keyring(store).create(user_id="user_456")
        assert ask(names["app"], "/anything", key).text == "user_456"
        assert ask(names["app"], "/anything").status_code == 401


def the_token_is_as_described(names: Names) -> None:
    assert re.fullmatch(r"ba_production_[0-9A-Za-z]{65}", names["issued"].token)


def only_staging_is_let_in(names: Names) -> None:
    assert ask(names["app"], key=names["staging"]).status_code == 200
    assert ask(names["app"], key=names["issued"]).status_code == 401


def the_key_is_revoked(names: Names) -> None:
    assert names["keyring"].get(names["issued"].key_id).revoked_reason == "found in a log"


def the_old_key_works(names: Names) -> None:
    assert ask(names["app"], key="their-old-key").text == "user_456"


def rules_need_scopes(names: Names) -> None:
    assert status_with_own_key(names, "/admin") == 403
    assert status_with_own_key(names, "/admin/users", "admin") == 200
    assert status_with_own_key(names, "/execute/x", method="POST") == 403
    assert status_with_own_key(names, "/execute/x", "ensembles:*", method="POST") == 200


def code_needs_scopes(names: Names) -> None:
    app = BearerAuth(lambda environ, start: names["show_invoice"](environ), names["store"])
    assert ask(app, key=Keyring(names["store"]).create(user_id="u")).status_code == 403


def named_paths_are_public(names: Names) -> None:
    statuses = [ask(names["app"], path).status_code for path in ("/docs", "/docs/", "/static/a/b")]
    assert statuses == [200, 401, 200]


def the_environment_is_read(names: Names) -> None:
    assert ask(names["app"], key="a-token-of-somebody").text == "ci"


def the_table_is_read(names: Names) -> None:
    key = Keyring(MemoryStore()).create(user_id="in_a_table")
    names["TABLE"][key.key_id] = key.record
    assert ask(names["app"], key=key).text == "in_a_table"


def the_old_secret_has_ended(names: Names) -> None:
    assert len(names["keyring"].get(names["key_id"]).secrets) == 1


def the_users_test_passes(names: Names) -> None:
    names["test_reports"]()
    app = names["flask_app"]
    key = Keyring(names["store"]).create(user_id="user_123")
    assert answer(ask(app, "/account", key)) == {"user": "user_123"}
    assert answer(ask(app, "/account")) == {"error": "log in first"}
    assert answer(ask(app, "/account", "wrong"))["error"]["code"] == "UNAUTHORIZED"
    client = app.test_client()
    with client.session_transaction() as session:
        session["user"] = "in_a_browser"
    assert client.get("/account").json == {"user": "in_a_browser"}


def the_sink_is_told(names: Names) -> None:
    assert ask(names["app"], key="wrong").status_code == 401
    assert names["audit"] == [("request.refused", None, "unknown")]


def the_proxy_is_believed(names: Names) -> None:
    key = Keyring(names["store"]).create(user_id="u", allowed_ips=["192.0.2.7"])
    for address, status in (("192.0.2.7", 200), ("192.0.2.8", 403)):
        response = ask(names["app"], key=key, headers={"X-Forwarded-For": address})
        assert response.status_code == status


def uploads_are_taken(names: Names) -> None:
    form: dict[str, Any] = {"method": "POST", "data": "x", "content_type": "multipart/form-data"}
    image = {**form, "content_type": "image/png"}
    assert status_with_own_key(names, "/files", **form) == 200
    assert status_with_own_key(names, "/photos", **image) == 200
    assert status_with_own_key(names, "/files", **image) == 415


def the_balancer_needs_no_key(names: Names) -> None:
    assert ask(names["app"], "/livez").status_code == 200
    assert ask(names["app"], "/health").status_code == 401


def the_app_can_refuse(names: Names) -> None:
    app = BearerAuth(names["wsgi_app"], MemoryStore())
    with bearer_auth.testing.acting_as(app, tenant_id="acme"):
        assert ask(app).status_code == 204
        assert ask(app, headers={"X-Tenant": "other"}).status_code == 400


def the_handler_answers(names: Names) -> None:
    names["app"].add_url_rule(
        "/admin", "admin", bearer_auth.require_scopes("admin")(lambda: "never")
    )
    with bearer_auth.testing.acting_as(names["app"]):
        response = names["app"].test_client().get("/admin")
    assert (response.status_code, response.json) == (403, {"upgrade": "/plans"})


def refusals_are_counted(names: Names) -> None:
    assert ask(names["app"]).status_code == 401
    names["keyring"].create(user_id="user_123")
    assert names["counted"] == {"missing": 1}


def the_database_is_asked(names: Names) -> None:
    assert ask(names["app"], key=names["TOKEN"]).text == "user_123"
    assert ask(names["app"], key=mint("ba", "production", "3fQ7mZ0aKx9LpR2T")).status_code == 401
    Path("app.db").rename("moved.db")
    assert ask(names["app"], key=names["TOKEN"]).status_code == 503
    Path("app.db").unlink()
    Path("moved.db").rename("app.db")


def the_revision_is_asked(names: Names) -> None:
    app = BearerAuth(echo, names["FasterStore"]("app.db"))
    assert ask(app, key=names["TOKEN"]).text == "user_123"


def other_tokens_are_found(names: Names) -> None:
    app = BearerAuth(echo, names["LegacyStore"]("app.db"))
    assert ask(app, key="their-old-token").text == "user_123"
    assert ask(app, key="their-old-tokem").status_code == 401


def the_suite_passes(names: Names) -> None:
    """The blocks of the whole page, as a user's test file."""
    blocks = [block.text for block in blocks_of("docs/writing-a-store.md", "python")]
    Path("test_store.py").write_text("\n".join([STORE_PAGE, *blocks]))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_store.py"]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )
    assert done.returncode == 0, done.stdout


AFTER: dict[str, Callable[[Names], None]] = {
    "FlaskBearerAuth(app, SQLStore(": flask_asks_for_keys,
    'app = BearerAuth(app, SQLStore("sqlite:///keys.db"))': wsgi_asks_for_keys,
    "issued = keyring.create(": the_token_is_as_described,
    'environments=["staging"]': only_staging_is_let_in,
    "keyring.purge(": the_key_is_revoked,
    "keyring.import_token(": the_old_key_works,
    'Rule("/admin/*", scopes=["admin"]),  #': rules_need_scopes,
    "def show_invoice": code_needs_scopes,
    'public=["/docs", "/static/*"])\n': named_paths_are_public,
    "EnvStore()": the_environment_is_read,
    "return TABLE.get(": the_table_is_read,
    "keyring.rotate(key_id": the_old_secret_has_ended,
    "def test_reports": the_users_test_passes,
    "class AuditTrail": the_sink_is_told,
    "ProxyFix(BearerAuth(": the_proxy_is_believed,
    'content_types=["image/*"]': uploads_are_taken,
    'public=["/livez"]': the_balancer_needs_no_key,
    "raise InvalidRequest(": the_app_can_refuse,
    "@app.errorhandler(": the_handler_answers,
    "class Refusals": refusals_are_counted,
    "class TableStore:\n    def __init__": the_database_is_asked,
    "class FasterStore": the_revision_is_asked,
    "class LegacyStore": other_tokens_are_found,
    "class TestTableStore": the_suite_passes,
}


@pytest.mark.parametrize("page", pages_with("python"))
def test_the_code_of_a_page_runs(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Top to bottom, in one namespace, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PEPPER", "a pepper for the tests of the documentation")
    monkeypatch.setenv("BEARER_AUTH_KEY_CI", "a-token-of-somebody")
    names: Names = {"__name__": "documented"}
    SETUP.get(page, lambda names: None)(names)
    for block in blocks_of(page, "python"):
        for held, prepare in BEFORE.items():
            if held in block.text:
                prepare(names)
        # The line numbers of a traceback are those of the page.
        exec(compile("\n" * block.line + block.text, str(ROOT / page), "exec"), names)
        for line in block.text.splitlines():
            compare_with_its_comment(line, names)
        for held, check in AFTER.items():
            if held in block.text:
                check(names)


def compare_with_its_comment(line: str, names: Names) -> None:
    """``call()  # value``, where the comment is a value and nothing else."""
    code, hash_, comment = line.partition("  # ")
    if hash_ and re.fullmatch(r"True|False|None|[(\[\"'].*", comment.strip()):
        assert eval(code, names) == ast.literal_eval(comment.strip()), line


def test_no_check_of_a_block_is_left_over() -> None:
    """Each still finds its block."""
    code = [block.text for page in PAGES for block in blocks_of(page, "python")]
    for held in [*BEFORE, *AFTER]:
        assert sum(held in text for text in code) == 1, held


# ---- commands ----

EXAMPLE_ID = re.compile(r"\b(?=\w*[0-9])(?=\w*[a-z])(?=\w*[A-Z])[0-9A-Za-z]{16}\b")
RUNS = re.compile(r"(KEY=\$\()?(bearer-auth|printf|export|curl) ")


@pytest.fixture
def shell(tmp_path: Path) -> Callable[[Block], list[tuple[str, str]]]:
    """Runs the commands of a block in an empty folder, over a store of its own; gives each command
    with what it wrote to stdout."""
    program = tmp_path / "bin" / "bearer-auth"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m bearer_auth.cli "$@"\n')
    program.chmod(0o755)

    def run(block: Block) -> list[tuple[str, str]]:
        url = f"sqlite:///{tmp_path}/keys.db"
        with closing(SQLStore(url)) as store, serving(store) as address:
            store.add(
                KeyRecord(key_id=key_id, user_id="user_123", secrets=())
                for key_id in set(EXAMPLE_ID.findall(block.text))
            )
            commands = [command for command, _ in commands_of(block) if RUNS.match(command)]
            script = "".join(f"{command}\necho ====$?\n" for command in commands)
            done = subprocess.run(
                ["sh"],
                input=script.replace("http://127.0.0.1:8000", address),
                capture_output=True,
                text=True,
                check=False,
                cwd=tmp_path,
                env={
                    "PATH": f"{program.parent}:{os.environ['PATH']}",
                    "PYTHONPATH": str(ROOT / "src"),
                    "BEARER_AUTH_STORE": "sqlite:///keys.db",
                    "no_proxy": "127.0.0.1",
                },
            )
        *written, _ = re.split(r"====0\n", done.stdout)
        assert len(written) == len(commands), f"{script}{done.stdout}{done.stderr}"
        return list(zip(commands, written, strict=True))

    return run


@contextmanager
def serving(store: SQLStore) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, BearerAuth(echo, store), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def commands_of(block: Block) -> list[tuple[str, str]]:
    """Each command, and the output that is shown below it; then ``$`` marks the commands."""
    found: list[tuple[str, str]] = []
    for line in block.text.replace("\\\n", " ").splitlines():
        if block.language == "bash":
            found.append((line.split("  # ")[0].strip(), ""))
        elif line.startswith("$ "):
            found.append((line[2:], ""))
        else:
            command, output = found.pop()
            found.append((command, output + line + "\n"))
    return found


SHELL_BLOCKS = [block for page in PAGES for block in blocks_of(page, "bash", "console")]


@pytest.mark.parametrize(
    "block",
    [block for block in SHELL_BLOCKS if any(RUNS.match(line) for line, _ in commands_of(block))],
    ids=lambda block: f"{block.page}:{block.line}",
)
def test_the_commands_of_a_block_run(
    block: Block, shell: Callable[[Block], list[tuple[str, str]]]
) -> None:
    """In a real shell, with real curl and a real server."""
    written = dict(shell(block))
    for command, shown in commands_of(block):
        if shown.startswith("{"):
            assert json.loads(written[command]) == json.loads(shown)
        elif shown:
            pattern = re.escape(shown).replace("…", "[0-9A-Za-z+/]+")
            assert re.fullmatch(pattern, written[command])


@pytest.mark.parametrize("block", SHELL_BLOCKS, ids=lambda block: f"{block.page}:{block.line}")
def test_the_other_commands_exist(block: Block) -> None:
    """Targets of make, extras of the package."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for command, _ in commands_of(block):
        if match := re.fullmatch(r'pip install "\.\[([\w,]+)\]"', command):
            assert set(match[1].split(",")) <= extras.keys()
        elif match := re.match(r"make (\w+)", command):
            assert match[1] in targets
        else:
            assert RUNS.match(command), f"{block.page}: nobody checks this: {command}"


# ---- answers ----


class Down:
    """A store that can't answer."""

    def get(self, key_id: str) -> KeyRecord | None:
        raise StoreUnavailable


def malformed(environ: Any, start_response: Any) -> list[bytes]:
    raise InvalidRequest


def real_answer(heading: str) -> TestResponse:
    store = MemoryStore()
    keyring = Keyring(store)
    app = BearerAuth(echo, store, rules=[Rule("/admin", scopes=["admin"])])
    key = keyring.create(user_id="user_123", plan="pro")
    if heading == "401 without a key":
        return ask(app)
    if heading == "401 with a key that is not valid":
        return ask(app, key="no-such-key")
    if heading in ("403 without the scope", "Scopes"):
        return ask(app, "/admin", key)
    if heading == "403 from another address":
        return ask(app, key=keyring.create(user_id="u", allowed_ips=["192.0.2.7"]))
    if heading == "415":
        return ask(app, key=key, method="POST", data="x", content_type="text/plain")
    if heading == "503":
        return ask(BearerAuth(echo, Down()), key=key)
    if heading == "400":
        return ask(BearerAuth(malformed, store), key=key)
    raise AssertionError(f"nobody checks the answer under {heading!r}")


@pytest.mark.parametrize(
    "block",
    [block for page in PAGES for block in blocks_of(page, "json", "http")],
    ids=lambda block: f"{block.page}:{block.line}",
)
def test_an_answer_is_what_is_shown(block: Block) -> None:
    """To the letter; only the request's id differs each time."""
    response = real_answer(block.heading)
    if block.language == "json":
        assert json.loads(response.text) == json.loads(block.text)
        return
    head = "".join(f"{name}: {value}\n" for name, value in response.headers)
    head = re.sub(r"(X-Request-ID: ).+", r"\1…", head)
    assert f"HTTP/1.1 {response.status}\n{head}\n{response.text}\n" == block.text


# ---- names and links ----


def test_each_public_name_is_mentioned() -> None:
    assert [n for n in bearer_auth.__all__ if not re.search(rf"\b{n}\b", ALL_TEXT)] == []


def test_each_name_in_code_exists() -> None:
    """Classes, and methods of the keyring."""
    others = {"HTTPException", "ProxyFix", "TypeError", "LookupError", "ValueError"}
    modules = (bearer_auth, bearer_auth.flask, bearer_auth.stores.sql, bearer_auth.testing)
    known = {name for module in modules for name in dir(module)} | others
    known |= set(bearer_auth.testing.__all__)
    code = re.findall(r"`([^`\n]+)`", ALL_TEXT)
    for text in code:
        for name in re.findall(r"(?<![\w=-])[A-Z][a-z]+(?:[A-Z]\w*)+|\bSQLStore\b", text):
            assert name in known, text
    for method in re.findall(r"\bkeyring\.(\w+)", ALL_TEXT):
        assert hasattr(Keyring, method), method


def test_each_variable_exists() -> None:
    """``BEARER_AUTH_…``"""
    source = "".join(path.read_text() for path in (ROOT / "src").rglob("*.py"))
    known = set(bearer_auth.flask._CONFIG) | set(re.findall(r"BEARER_AUTH_\w+", source))
    mentioned = set(re.findall(r"BEARER_AUTH_\w+", ALL_TEXT))
    assert {name for name in mentioned - known if not name.startswith("BEARER_AUTH_KEY_")} == set()


@pytest.mark.parametrize("page", PAGES)
def test_each_link_leads_somewhere(page: str) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", PAGES[page]):
        if re.match(r"https?:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors_of(target.read_text()), link


def anchors_of(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_index_has_each_page() -> None:
    index = PAGES["docs/README.md"]
    pages = {str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md")}
    assert {page for page in pages - {"README.md"} if f"]({page})" not in index} == set()


def test_the_architecture_names_each_module() -> None:
    page = PAGES["docs/architecture.md"]
    modules = [path.name for path in (ROOT / "src" / "bearer_auth").iterdir()]
    ignored = {"__init__.py", "py.typed", "__pycache__"}
    assert [name for name in modules if name not in page and name not in ignored] == []


def test_the_tree_of_errors_is_that_of_the_module() -> None:
    (tree,) = blocks_of("docs/errors.md", "text")
    documented = "".join(f"    {line}\n" for line in tree.text.splitlines())
    assert documented in (errors.__doc__ or "")


def test_each_event_and_each_reason_is_explained() -> None:
    """By the names and words in the source."""
    source = "".join(path.read_text() for path in (ROOT / "src" / "bearer_auth").rglob("*.py"))
    in_source = set(re.findall(r'"((?:request|store|key)\.[a-z_]+)"', source))
    named = set(re.findall(r"``((?:request|store|key)\.[a-z_]+)``", events.__doc__ or ""))
    page = PAGES["docs/events.md"]
    assert {name for name in in_source | named if f"`{name}`" not in page} == set()
    reasons = set(re.findall(r'(?:InvalidToken\(|reason(?:: str)? ?= ?)"(\w+)"', source))
    assert {reason for reason in reasons - {"invalid"} if f"`{reason}`" not in page} == set()
