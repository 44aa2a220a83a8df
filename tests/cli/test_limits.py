"""``bearer-auth limits``."""

import json
import sqlite3

import pytest
import redis
from click.testing import CliRunner
from flask import Flask
from flask.cli import FlaskGroup

from bearer_auth import Authenticator, Keyring, MemoryStore
from bearer_auth.cli.errors import Code
from bearer_auth.flask import FlaskBearerAuth
from bearer_auth.flask import commands as flask_commands
from bearer_auth.policy import Rule
from bearer_auth.ratelimit import RateLimits, parse_limits
from bearer_auth.ratelimit.sql import SQLStorage

REDIS = "redis://127.0.0.1:6379"


@pytest.fixture
def used(url, store):
    """``used(token, times, **options)``: requests that an app over this database counts."""
    storages = []

    def used(token, times, *, rule=None, storage=None, **options):
        if storage is None:
            storage = SQLStorage(url_or_engine=url)
            storages.append(storage)
        limits = RateLimits(storage=storage, **options)
        rules = () if rule is None else [(rule.name, parse_limits(rule.limit, "it"))]
        principal = Authenticator(store).authenticate(token)
        assert all(limits.check(principal, rules).retry_after is None for _ in range(times))

    yield used
    for storage in storages:
        storage.close()


def principal_of(user_id):
    store = MemoryStore()
    return Authenticator(store).authenticate(Keyring(store).create(user_id=user_id).token)


def left(answer, *words):
    return [each["remaining"] for each in answer("limits", "show", *words)["limits"]]


def test_what_an_owner_has_used_is_shown_and_forgotten(run, answer, used, issued):
    used(issued.token, 3, default="10000/month;20/day")
    words = ("--user", "user_123", "--limit", "10000/month;20/day")
    assert answer("limits", "show", *words) == {
        "user_id": "user_123",
        "tenant_id": None,
        "limits": [
            {"limit": "10000 per 1 month", "remaining": 9997, "retry_after_s": 0},
            {"limit": "20 per 1 day", "remaining": 17, "retry_after_s": 0},
        ],
    }
    assert run("limits", "show", *words).stdout.splitlines() == [
        "LIMIT\tREMAINING\tNEXT IN",
        "10000 per 1 month\t9997\t0 s",
        "20 per 1 day\t17\t0 s",
    ]
    assert run("limits", "reset", *words).stderr == "All of 10000/month;20/day is left again.\n"
    assert left(answer, *words) == [10000, 20]


def test_of_two_owners_and_tenants_each_has_their_own(run, answer, used, keyring):
    for tenant, times in ((None, 1), ("acme", 2)):
        token = keyring.create(user_id="user_123", tenant_id=tenant).token
        used(token, times, default="9/day")
    words = ("--user", "user_123", "--limit", "9/day")
    assert left(answer, *words) == [8]
    assert left(answer, *words, "--tenant", "acme") == [7]
    run("limits", "reset", *words)
    assert left(answer, *words, "--tenant", "acme") == [7]


def test_a_key_brings_its_own_limit_along(run, answer, used, keyring):
    issued = keyring.create(user_id="user_123", limit="5/day")
    used(issued.token, 5, default="9/day")
    (count,) = answer("limits", "show", "--key", issued.key_id)["limits"]
    assert (count["limit"], count["remaining"]) == ("5 per 1 day", 0)
    assert count["retry_after_s"] > 0
    told = answer("limits", "reset", "--key", issued.key_id)
    assert told == {"key_id": issued.key_id, "reset": "5/day"}
    assert left(answer, "--key", issued.key_id) == [5]


def test_a_key_of_an_app_that_limits_each_key(answer, used, issued):
    used(issued.token, 2, default="9/day", per="key")
    assert left(answer, "--key", issued.key_id, "--limit", "9/day") == [7]
    assert left(answer, "--user", "user_123", "--limit", "9/day") == [9]


def test_the_limit_of_a_rule(run, answer, used, issued):
    used(issued.token, 2, rule=Rule("/execute/*", methods=["POST"], limit="9/day"))
    words = ("--user", "user_123", "--limit", "9/day", "--rule", "POST /execute/*")
    assert left(answer, *words) == [7]
    assert left(answer, *words[:4]) == [9]
    run("limits", "reset", *words)
    assert left(answer, *words) == [9]


def test_counts_in_redis(run, answer, used, keyring, monkeypatch):
    issued = keyring.create(user_id="user_123")
    used(issued.token, 2, default="9/day", per="key", storage=REDIS)
    words = ("--key", issued.key_id, "--limit", "9/day")
    try:
        assert left(answer, *words) == [9]  # the database of the store
        assert left(answer, *words, "--storage", REDIS) == [7]
        monkeypatch.setenv("BEARER_AUTH_LIMITS_STORAGE", REDIS)
        assert left(answer, *words) == [7]
        run("limits", "reset", *words)
        assert left(answer, *words) == [9]
    finally:
        client = redis.Redis.from_url(REDIS)
        for key in client.keys(f"*{issued.key_id}*"):
            client.delete(key)
        client.close()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((), Code.USAGE, "give --user or --key"),
        (("--user", "u", "--key", "a" * 16), Code.USAGE, "give --user or --key"),
        (("--key", "a" * 16, "--tenant", "t"), Code.USAGE, "--tenant goes with --user"),
        (("--user", "u"), Code.USAGE, "give --limit, as it stands in the app"),
        (("--key", "a" * 16), Code.NOT_FOUND, "no key has the id"),
        (
            ("--user", "u", "--limit", "ten"),
            Code.USAGE,
            "write one such as 60/minute or 1000/minute;20/second",
        ),
        (
            ("--user", "u", "--limit", "9/day", "--storage", "memory://"),
            Code.STORE,
            "what an app counts in its own memory can't be seen from here",
        ),
        (
            ("--user", "u", "--limit", "9/day", "--storage", "sqlite:////nowhere/keys.db"),
            Code.STORE,
            "/nowhere/keys.db: there is no such file",
        ),
        (("--user", "u", "--limit", "9/day", "--storage", "env:"), Code.USAGE, "--storage URL"),
        (
            (
                *("--user", "u", "--limit", "9/day"),
                *("--storage", "redis://:own_password@127.0.0.1:1"),
            ),
            Code.STORE,
            "Redis at 127.0.0.1:1 (rate limits): it can't be reached; check that it runs there",
        ),
    ],
)
@pytest.mark.parametrize("command", ["show", "reset"])
def test_what_can_not_be_told(run, store, command, words, code, said):
    result = run("limits", command, *words, code=code)
    assert said in result.stderr
    assert "own_password" not in result.output


@pytest.mark.parametrize("as_json", [(), ("--json",)])
def test_where_nothing_is_counted_it_says_so(run, used, issued, as_json):
    used(issued.token, 3, default="10000/month;20/day")
    words = ("limits", "show", "--user", "user_123", "--limit")
    assert run(*words, "10000/month;20/day", *as_json).stderr == ""
    assert run(*words, "20/day", *as_json).stderr == ""
    assert run(*words, "30/day", *as_json).stderr == (
        "Nothing is counted under 30/day in the database of the store. If there were requests: "
        "does the app count there, is --limit the text that stands in the app, and is it this "
        "owner's?\n"
    )


def test_where_it_looked_is_told_without_a_password(run, url, store, monkeypatch):
    words = ("limits", "show", "--user", "u", "--limit", "9/day")
    said = run(*words, "--storage", url).stderr
    assert "in the storage that --storage names. " in said
    monkeypatch.setenv("BEARER_AUTH_LIMITS_STORAGE", f"{REDIS}?password=")
    said = run(*words).stderr
    assert "in the storage that BEARER_AUTH_LIMITS_STORAGE names. " in said
    assert "password" not in said


def test_no_table_is_made(run, tmp_path):
    file = tmp_path / "empty.db"
    file.touch()
    words = ("--user", "u", "--limit", "9/day", "--storage", f"sqlite:///{file}")
    said = run("limits", "show", *words, code=Code.STORE).stderr
    assert "the tables are missing" in said
    assert "Does the app count here? Name its storage with --storage or BEARER_AUTH_LIM" in said
    connection = sqlite3.connect(file)
    assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    connection.close()


def test_a_prefix_stands_in_the_url(answer, tmp_path):
    url = f"sqlite:///{tmp_path}/keys.db"
    storage = SQLStorage(url_or_engine=url, table_prefix="acme_")
    RateLimits(storage=storage, default="9/day").check(principal_of("user_123"))
    storage.close()
    words = ("--user", "user_123", "--limit", "9/day")
    assert left(answer, *words, "--storage", f"{url}?table_prefix=acme_") == [8]


def test_the_apps_own_database_under_flask(store, used, issued):
    used(issued.token, 2, default="9/day")
    app = Flask("shop")
    FlaskBearerAuth(app, store)
    group = FlaskGroup(create_app=lambda: app)
    group.add_command(flask_commands)
    words = ["bearer-auth", "limits", "show", "--user", "user_123", "--limit", "9/day", "--json"]
    result = CliRunner(env={"BEARER_AUTH_STORE": None}).invoke(group, words, prog_name="flask")
    assert json.loads(result.stdout)["limits"][0]["remaining"] == 7


def test_a_key_without_a_limit_of_its_own_needs_one(run, issued):
    said = run("limits", "show", "--key", issued.key_id, code=Code.USAGE).stderr
    assert "give --limit, as it stands in the app: this key has none of its own" in said


def test_a_key_is_given_only_a_limit_that_can_be_read(run, store, issued):
    said = run("keys", "update", issued.key_id, "--limit", "ten", code=Code.USAGE).stderr
    assert "write one such as 60/minute" in said
    assert store.get(issued.key_id).limit is None
    run("keys", "create", "--user", "u", "--limit", "1/x", code=Code.USAGE)
