"""``flask bearer-auth …``: the terminal's commands, on the keys of a Flask app."""

import json
import subprocess
import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from flask import Flask, current_app
from flask.cli import FlaskGroup

from bearer_auth import Event, Keyring, MemoryStore
from bearer_auth.flask import FlaskBearerAuth, commands
from bearer_auth.stores.env import EnvStore
from bearer_auth.stores.sql import SQLStore


class Sink:
    def __init__(self) -> None:
        self.events: list[Event] = []

    def emit(self, event: Event) -> None:
        self.events.append(event)


def run(app: Any, *words: str, **options: Any) -> Result:
    """Run ``flask bearer-auth …`` for an app, or for a factory."""
    group = FlaskGroup(create_app=app if not isinstance(app, Flask) else lambda: app)
    group.add_command(commands)
    return CliRunner().invoke(group, ["bearer-auth", *words], prog_name="flask", **options)


def test_a_key_is_issued_in_the_apps_own_store(store: SQLStore) -> None:
    app, sink = Flask("shop"), Sink()
    FlaskBearerAuth(app, store, event_sink=sink)
    result = run(app, "keys", "create", "--user", "user_123")
    assert result.exit_code == 0, result.stderr
    answer = app.test_client().get(
        "/health", headers={"Authorization": f"Bearer {result.stdout.strip()}"}
    )
    assert answer.json is not None
    assert answer.json["user"] == {"id": "user_123", "plan": "default"}
    assert sink.events[0].name == "key.created"


@pytest.mark.parametrize(
    "words",
    [
        ["create", "--user", "u"],
        ["import", "--user", "u"],
        *([name, "0" * 16] for name in ("rotate", "suspend", "resume")),
        ["update", "0" * 16, "--name", "x"],
        ["revoke", "0" * 16, "--yes"],
        ["purge", "--yes"],
    ],
    ids=lambda words: words[0],
)
def test_keys_in_the_memory_of_another_process_are_not_changed(words: list[str]) -> None:
    app = Flask("shop")
    FlaskBearerAuth(app, MemoryStore())
    result = run(app, "keys", *words, input="a-legacy-key-of-theirs")
    assert result.exit_code == 4
    assert result.stderr == (
        "Error: these keys live in one process, and this command is another; use SQLStore\n"
    )


def test_the_option_names_another_store_than_the_memory_of_a_process(url: str) -> None:
    app = Flask("shop")
    FlaskBearerAuth(app, MemoryStore())
    assert run(app, "keys", "create", "--user", "u", "--store", url).exit_code == 0


def test_the_doctor_looks_at_the_file_of_the_apps_store(
    store: SQLStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bearer_auth.cli.checks.hash_token", lambda *_: None)
    app = Flask("shop")
    FlaskBearerAuth(app, store)
    key_id = Keyring(store, event_sink=Sink()).create(user_id="u").key_id
    result = run(app, "doctor", "--json")
    assert result.exit_code == 0, result.stderr
    findings = {finding["check"]: finding for finding in json.loads(result.stdout)["findings"]}
    assert {"store_file", "journal_mode", "clock"} <= findings.keys()
    fix = f"flask bearer-auth keys update {key_id} --expires-in 90d"
    assert findings["expiry"]["fix"] == fix


def test_the_doctor_looks_at_the_variables_of_the_apps_store(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bearer_auth.cli.checks.hash_token", lambda *_: None)
    app = Flask("shop")
    FlaskBearerAuth(app, EnvStore("SHOP_KEY_"))
    result = run(app, "doctor")
    assert (
        "warning  store: variables SHOP_KEY_…: there are none, so no key is accepted\n"
        in result.stdout
    )


def test_its_keys_are_listed() -> None:
    app, store = Flask("shop"), MemoryStore()
    FlaskBearerAuth(app, store)
    issued = Keyring(store, event_sink=Sink()).create(user_id="user_123")
    result = run(app, "keys", "list", "--json")
    assert result.exit_code == 0, result.stderr
    assert issued.key_id in json.dumps(json.loads(result.stdout))


def test_verify_accepts_what_the_app_accepts() -> None:
    app, store = Flask("shop"), MemoryStore()
    FlaskBearerAuth(app, store, environments=["staging"])
    issued = Keyring(store, event_sink=Sink()).create(user_id="u", environment="staging")
    assert run(app, "verify", input=issued.token).exit_code == 0
    other = Keyring(store, event_sink=Sink()).create(user_id="u")
    assert run(app, "verify", input=other.token).exit_code == 1


def test_keys_are_imported_with_the_apps_peppers(store: SQLStore) -> None:
    app = Flask("shop")
    FlaskBearerAuth(app, store, peppers=["a pepper of thirty-two characters"])
    result = run(app, "keys", "import", "--user", "user_123", input="a-legacy-key-of-theirs")
    assert result.exit_code == 0, result.stderr
    header = {"Authorization": "Bearer a-legacy-key-of-theirs"}
    assert app.test_client().get("/health", headers=header).status_code == 200


def test_a_store_may_use_the_apps_context() -> None:
    class Store(MemoryStore):
        def find(self, query: Any) -> Any:
            assert current_app.name == "shop"
            return super().find(query)

    app = Flask("shop")
    FlaskBearerAuth(app, Store())
    assert run(app, "keys", "list").exit_code == 0


def test_an_app_without_keys_is_one_clear_line() -> None:
    result = run(Flask("shop"), "keys", "list")
    assert result.exit_code == 1
    assert result.stderr == (
        "Error: <Flask 'shop'> has no keys: call FlaskBearerAuth(app, store)\n"
    )


def test_an_app_without_a_store_is_one_clear_line() -> None:
    def create_app() -> Flask:
        app = Flask("shop")
        FlaskBearerAuth(app)
        return app

    result = run(create_app, "keys", "list")
    assert result.exit_code == 1
    assert result.stderr == (
        "Error: <Flask 'shop'> has no store for its keys: pass one to FlaskBearerAuth, or set "
        "BEARER_AUTH_STORE to a URL such as sqlite:///keys.db\n"
    )


@pytest.mark.parametrize(
    "words", [["--help"], ["-h"], ["keys", "list", "--help"], ["verify", "-h"]], ids=str
)
def test_help_needs_no_app(words: list[str]) -> None:
    def create_app() -> Flask:
        raise AssertionError("the app is not needed")

    result = run(create_app, *words)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("Usage: flask bearer-auth")


def test_it_has_the_terminals_commands() -> None:
    from bearer_auth.cli.app import commands as terminal

    ctx = click.Context(commands)
    assert commands.list_commands(ctx) == terminal.list_commands(ctx)
    for name in commands.list_commands(ctx):
        assert commands.get_command(ctx, name) is terminal.get_command(ctx, name)


def test_the_entry_point_names_it() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    named = project["entry-points"]["flask.commands"]["bearer-auth"]
    assert EntryPoint("bearer-auth", named, "flask.commands").load() is commands


def test_loading_the_group_loads_none_of_the_commands() -> None:
    code = (
        "import sys, bearer_auth.flask;"
        "print([n for n in sys.modules if n.startswith('bearer_auth.cli')])"
    )
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert output == "['bearer_auth.cli', 'bearer_auth.cli.flask']\n"
