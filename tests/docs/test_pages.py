"""The Python of the pages under docs/, and what it makes true."""

import os
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from prometheus_client import REGISTRY
from werkzeug.test import Client, TestResponse

from bearer_auth import BearerAuth, Keyring, MemoryStore, require_scopes
from bearer_auth.flask import FlaskBearerAuth
from bearer_auth.testing import acting_as
from bearer_auth.token import mint

Names = dict[str, Any]

ROOT = Path(__file__).parents[2]


def echo(environ: Any, start_response: Any) -> list[bytes]:
    """An app that says who asks."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [environ["bearer_auth.principal"].user_id.encode()]


def ask(app: Any, token: str | None = None) -> TestResponse:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return Client(app).get("/", headers=headers)


def test_the_page_of_the_architecture(run_page: Callable[..., None]) -> None:
    """Its values stand in comments, which are compared."""
    run_page("docs/architecture.md", {}, {}, {})


def test_the_page_of_errors(run_page: Callable[..., None]) -> None:
    app = Flask("documented")
    FlaskBearerAuth(app, MemoryStore())
    app.add_url_rule("/admin", "admin", require_scopes("admin")(lambda: "never"))

    def a_view_can_refuse(names: Names) -> None:
        client = Client(acting_as(BearerAuth(names["wsgi_app"], MemoryStore()), tenant_id="acme"))
        assert client.get("/").status_code == 204
        assert client.get("/", headers={"X-Tenant": "other"}).status_code == 400

    def the_handler_answers(names: Names) -> None:
        with acting_as(app):
            response = app.test_client().get("/admin")
        assert (response.status_code, response.json) == (403, {"upgrade": "/plans"})

    after = {"raise InvalidRequest(": a_view_can_refuse, "@app.errorhandler(": the_handler_answers}
    run_page("docs/errors.md", {"app": app}, {}, after)


def test_the_page_of_events(run_page: Callable[..., None]) -> None:
    def refusals_are_counted(names: Names) -> None:
        assert ask(names["app"]).status_code == 401
        names["keyring"].create(user_id="user_123")
        assert names["counted"] == {"missing": 1}

    names = {"app": echo, "store": MemoryStore(), "counted": Counter[str]()}
    run_page("docs/events.md", names, {}, {"class Refusals": refusals_are_counted})


def test_the_page_of_seeing_it(
    run_page: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "metrics").mkdir()
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path / "metrics"))
    store = MemoryStore()

    def all_three_are_told(names: Names) -> None:
        counted = ("bearer_auth_requests_total", {"outcome": "refused"})
        labels = {**counted[1], "reason": "missing", "status": "401"}
        before = REGISTRY.get_sample_value(counted[0], labels) or 0
        assert ask(names["app"]).status_code == 401
        assert REGISTRY.get_sample_value(counted[0], labels) == before + 1
        issued = names["keyring"].create(user_id="user_123")
        names["audit"].close()
        with closing(sqlite3.connect("keys.db")) as connection:
            rows = connection.execute("SELECT name, key_id FROM bearer_auth_events").fetchall()
        assert rows == [("request.refused", None), ("key.created", issued.key_id)]

    def a_page_is_served(names: Names) -> None:
        assert Client(names["metrics_page"]).get("/metrics").status_code == 200

    def refusals_were_counted(names: Names) -> None:
        assert list(names["everybodys"].values()) == [1]
        assert (names["of_an_owner"], names["attacked"], names["events"]) == ({}, [], [])
        names["audit"].close()

    after = {
        "app = BearerAuth(": all_three_are_told,
        "metrics_page =": a_page_is_served,
        "everybodys =": refusals_were_counted,
    }
    run_page("docs/observability.md", {"app": echo, "store": store}, {}, after)


def test_the_page_of_rate_limits(run_page: Callable[..., None]) -> None:
    store = MemoryStore()
    keyring = Keyring(store)
    token = keyring.create(user_id="user_123", plan="pro").token

    def the_plan_is_limited(names: Names) -> None:
        said = ask(names["app"], token).headers["RateLimit-Policy"]
        assert said == '"second";q=20;w=1, "minute";q=1000;w=60'

    def costs_count(names: Names) -> None:
        client = Client(names["limited"])
        sent = {"Authorization": f"Bearer {token}"}
        answers = [client.get("/execute/x", headers=sent) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]

    def the_key_has_its_own(names: Names) -> None:
        said = ask(names["app"], names["partner"].token).headers["RateLimit-Policy"]
        assert said == '"minute";q=9000;w=60'

    def nothing_was_counted(names: Names) -> None:
        (count,) = names["limits"].count("10000/month", user_id="user_123")
        assert (count.remaining, count.retry_after_s) == (10000, 0)

    def wrong_keys_are_limited(names: Names) -> None:
        def status(token: str, address: str) -> int:
            sent = {"Authorization": f"Bearer {token}", "X-Forwarded-For": address}
            return Client(names["guarded"]).get("/", headers=sent).status_code

        assert status(token, "2001:db8::1") == 200
        assert {status("wrong", f"2001:db8::{n}") for n in range(20)} == {401}
        assert 429 in {status("wrong", "2001:db8::1") for _ in range(3)}  # a minute may end
        assert status(token, "2001:db8::1") == 200
        assert status("wrong", "2001:db8:0:1::1") == 401

    after = {
        'default="100/minute",': the_plan_is_limited,
        "cost=5": costs_count,
        "partner =": the_key_has_its_own,
        "limits.reset(": nothing_was_counted,
        "ProxyFix(": wrong_keys_are_limited,
    }
    names = {"wsgi_app": echo, "store": store, "keyring": keyring}
    run_page("docs/rate-limits.md", names, {}, after)


def test_the_page_of_moving_in(
    run_page: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    store = MemoryStore()
    issued = Keyring(store).create(user_id="user_123")

    def other_headers_are_read(names: Names) -> None:
        for header, value in (("X-API-Key", issued.token), ("Authorization", "Token wrong")):
            response = Client(names["app"]).get("/", headers={header: value})
            assert response.status_code == (401 if "wrong" in value else 200)

    def uses_are_shown(names: Names) -> None:
        assert capsys.readouterr().out == f"{issued.key_id} 1\n"

    after = {"header_alias(BearerAuth(": other_headers_are_read, "app.uses.items()": uses_are_shown}
    run_page("docs/moving-in.md", {"app": echo, "store": store}, {}, after)


DATABASE = f"""
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


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Names:
    """What the page takes for granted."""
    monkeypatch.chdir(tmp_path)
    names: Names = {}
    exec(DATABASE, names)
    return names


def test_the_page_of_stores(run_page: Callable[..., None], database: Names) -> None:
    def the_table_is_asked(names: Names) -> None:
        assert ask(names["app"], names["TOKEN"]).text == "user_123"
        other_secret = mint("ba", "production", "3fQ7mZ0aKx9LpR2T")
        assert ask(names["app"], other_secret).status_code == 401
        Path("app.db").rename("moved.db")
        assert ask(names["app"], names["TOKEN"]).status_code == 503
        Path("moved.db").rename("app.db")

    def the_revision_is_asked(names: Names) -> None:
        app = BearerAuth(echo, names["FasterStore"]("app.db"))
        assert ask(app, names["TOKEN"]).text == "user_123"

    def other_tokens_are_found(names: Names) -> None:
        app = BearerAuth(echo, names["LegacyStore"]("app.db"))
        assert ask(app, "their-old-token").text == "user_123"
        assert ask(app, "their-old-tokem").status_code == 401

    after = {
        "class TableStore": the_table_is_asked,
        "class FasterStore": the_revision_is_asked,
        "class LegacyStore": other_tokens_are_found,
    }
    run_page("docs/writing-a-store.md", database, {}, after)


def test_the_documented_store_passes_the_documented_suite(
    code_of: Callable[[str], list[str]], tmp_path: Path
) -> None:
    """The blocks of the page, as somebody's test file."""
    test_file = tmp_path / "test_store.py"
    test_file.write_text("\n".join([DATABASE, *code_of("docs/writing-a-store.md")]))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", test_file.name],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


def test_the_page_of_idempotency(run_page: Callable[..., None]) -> None:
    store = MemoryStore()
    token = Keyring(store).create(user_id="user_123").token
    runs: list[str] = []

    def wsgi_app(environ: Any, start_response: Any) -> list[bytes]:
        runs.append(environ["REQUEST_METHOD"])
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"%d" % len(runs)]

    def post(app: Any, method: str) -> str:
        headers = {"Authorization": f"Bearer {token}", "X-Idempotency-Key": method}
        return Client(app).open("/", method=method, headers=headers).text

    def a_repeat_is_not_done_again(names: Names) -> None:
        assert [post(names["app"], "PUT") for _ in range(2)] == ["1", "1"]

    def flask_remembers_too(names: Names) -> None:
        keys: list[str | None] = []

        def write_ticket(key: str | None) -> int:
            keys.append(key)
            return len(keys)

        names["write_ticket"] = write_ticket
        client = names["site"].test_client()
        headers = {"Authorization": f"Bearer {token}", "X-Idempotency-Key": "ticket"}
        for left, status, replayed in ((0, 409, None), (1, 200, None), (1, 200, "true")):
            names["tickets_left"] = lambda left=left: left
            answer = client.post("/tickets", headers=headers)
            assert answer.status_code == status
            assert answer.headers.get("Idempotent-Replayed") == replayed
        assert (answer.json, keys) == ({"ticket": 1}, ["ticket"])
        assert client.post(
            "/tickets", headers={"Authorization": headers["Authorization"]}
        ).json == {"ticket": 2}
        assert keys == ["ticket", None]

    def only_these_methods(names: Names) -> None:
        assert [post(names["app"], "PUT") for _ in range(2)] == ["2", "3"]
        assert [post(names["app"], "POST") for _ in range(2)] == ["4", "4"]

    def it_can_be_forgotten(names: Names) -> None:
        names["sold_out"] = lambda: True
        app = BearerAuth(names["order"], store, idempotency=names["remembered"])
        assert post(app, "POST") == "4"  # from above, as the requests are the same
        headers = {"Authorization": f"Bearer {token}", "X-Idempotency-Key": "new"}
        for _ in range(2):
            answer = Client(app).post("/", headers=headers)
            assert (answer.text, answer.headers.get("Idempotent-Replayed")) == ("sold out", None)

    run_page(
        "docs/idempotency.md",
        {"wsgi_app": wsgi_app, "store": store},
        {},
        {
            "app = BearerAuth(wsgi_app, store, idempotency=SQL": a_repeat_is_not_done_again,
            '@site.post("/tickets")': flask_remembers_too,
            'methods=["POST"]': only_these_methods,
            "sold_out()": it_can_be_forgotten,
        },
    )
