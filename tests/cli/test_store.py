import os
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from bearer_auth import ConfigurationError, Keyring, MemoryStore
from bearer_auth.cli.app import commands
from bearer_auth.cli.store import Context, peppers_from, sqlite_path


def test_no_store_is_a_usage_error_that_names_both_ways(run):
    result = run("keys", "list", code=2)
    assert "--store URL or set BEARER_AUTH_STORE" in result.stderr


def test_the_option_wins_over_the_variable(run, issued, tmp_path):
    other = f"sqlite:///{tmp_path}/other.db"
    run("keys", "create", "--user", "u", "--store", other)
    assert issued.key_id not in run("keys", "list", "--store", other).stdout
    assert issued.key_id in run("keys", "list").stdout


def test_a_program_that_mounts_the_commands_brings_its_store_along():
    store = MemoryStore()
    issued = Keyring(store).create(user_id="user_123")
    group = click.Group("mine")
    group.add_command(commands)
    obj = Context(store=store, peppers=["a-pepper"], prefix="acme", environments=["staging"])
    words = ["bearer-auth", "keys", "list"]
    result = CliRunner().invoke(group, words, obj=obj)
    assert issued.key_id in result.stdout
    made = CliRunner().invoke(
        group, ["bearer-auth", "keys", "create", "--user", "u", "--environment", "staging"], obj=obj
    )
    assert made.stdout.startswith("acme_staging_")
    checked = CliRunner().invoke(group, ["bearer-auth", "verify"], obj=obj, input=made.stdout)
    assert checked.exit_code == 0
    imported = ["bearer-auth", "keys", "import", "--user", "u"]
    assert CliRunner().invoke(group, imported, obj=obj, input="legacy-0123456789").exit_code == 0
    refused = CliRunner().invoke(group, ["bearer-auth", "keys", "show", "0" * 16], obj=obj)
    assert (refused.exit_code, refused.stderr) == (3, "Error: no key has the id 0000000000000000\n")


def test_neither_a_pepper_nor_a_password_is_in_its_repr():
    context = Context(url="postgresql://me:hunter2@host/db", peppers=["a-pepper"], prefix="acme")
    assert "prefix='acme'" in repr(context)
    assert "hunter2" not in repr(context)
    assert "a-pepper" not in repr(context)


def test_the_option_wins_over_the_store_of_the_program(url, keyring, issued):
    obj = Context(store=MemoryStore())
    result = CliRunner().invoke(commands, ["keys", "list", "--store", url], obj=obj)
    assert issued.key_id in result.stdout
    assert obj.url is None


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("keys.db", "must be the URL of a database"),
        ("sqlite://keys.db", "Error: write three slashes: sqlite:///keys.db\n"),
        ("bogus://host/db", "MariaDB and MySQL, not 'bogus'"),
        ("postgresql://me:hunter2@127.0.0.1:1/db", "the database can't be reached"),
        ("sqlite:///{folder}/missing.db", "there is no such file; 'bearer-auth keys create' or"),
        ("sqlite:///{folder}/missing/keys.db", "there is no such file"),
        ("sqlite:///{folder}", "this is a folder"),
        ("sqlite:///{folder}/text", "not an SQLite database"),
        ("sqlite:///{folder}/empty", "tables are missing"),
        ("sqlite:///:memory:", "MemoryStore"),
        ("env:not-a-prefix", "not the beginning of a variable's name"),
    ],
)
def test_a_store_that_cannot_be_opened_is_one_line(run, tmp_path: Path, url, message):
    (tmp_path / "text").write_text("this is no database, but it is long enough to be one" * 100)
    (tmp_path / "empty").touch()
    result = run("keys", "list", "--store", url.format(folder=tmp_path), code=4)
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert "hunter2" not in result.output
    assert not (tmp_path / "missing.db").exists()


def test_a_database_that_is_made_or_missing_is_named_by_its_whole_path(
    run, tmp_path: Path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    words = ("--store", "sqlite:///keys.db")
    missing = run("keys", "list", *words, code=4).stderr
    assert missing.startswith(f"Error: {tmp_path}/keys.db: there is no such file")
    create = ("keys", "create", "--user", "u", *words)
    assert run(*create).stderr.startswith(f"Made {tmp_path}/keys.db.\n")
    assert "Made" not in run(*create).stderr


def test_a_store_of_variables_says_why_it_has_no_list(run):
    result = run("keys", "list", "--store", "env:", code=4)
    assert result.stderr == (
        "Error: EnvStore has no list of its keys: each is a variable of the environment\n"
    )


def test_a_folder_that_does_not_exist_is_not_made(run, tmp_path: Path):
    url = f"sqlite:///{tmp_path}/missing/keys.db"
    result = run("keys", "create", "--user", "u", "--store", url, code=4)
    assert "its folder does not exist" in result.stderr
    assert not (tmp_path / "missing").exists()
    assert result.stderr.count("\n") == 1


def test_a_store_that_only_reads_says_so(run):
    result = run("keys", "create", "--user", "u", "--store", "env:", code=4)
    assert "EnvStore is read-only" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_wrong_variable_of_an_env_store_is_one_line_without_its_value(run, monkeypatch):
    monkeypatch.setenv("BEARER_AUTH_KEY_CI", "hunter2")
    result = run("keys", "show", "0" * 16, "--store", "env:", code=4)
    assert "BEARER_AUTH_KEY_CI" in result.stderr
    assert "hunter2" not in result.output


def test_without_sqlalchemy_the_extra_is_named(run, url, keyring, monkeypatch):
    def missing(url, create):
        raise ImportError('SQLStore needs SQLAlchemy: pip install "bearer_auth[sql]"')

    monkeypatch.setattr("bearer_auth.cli.store.open_store", missing)
    result = run("keys", "list", code=4)
    assert 'pip install "bearer_auth[sql]"' in result.stderr


def test_peppers_are_separated_by_white_space(tmp_path: Path):
    assert peppers_from({}) == ()
    assert peppers_from({"BEARER_AUTH_PEPPERS": "new old\noldest"}) == ("new", "old", "oldest")
    file = tmp_path / "peppers"
    file.write_text("new\nold\n")
    assert peppers_from({"BEARER_AUTH_PEPPERS_FILE": str(file)}) == ("new", "old")


@pytest.mark.parametrize(
    "environ",
    [
        {"BEARER_AUTH_PEPPERS": "hunter2", "BEARER_AUTH_PEPPERS_FILE": "/dev/null"},
        {"BEARER_AUTH_PEPPERS_FILE": "/nowhere/peppers"},
        {"BEARER_AUTH_PEPPERS": "hunter2\udcff"},
    ],
)
def test_wrong_peppers_are_refused_unseen(environ):
    with pytest.raises(ConfigurationError, match="BEARER_AUTH_PEPPERS") as raised:
        peppers_from(environ)
    assert "hunter2" not in str(raised.value)


def test_peppers_in_a_file_that_is_no_text_are_refused(tmp_path: Path):
    file = tmp_path / "peppers"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="not UTF-8"):
        peppers_from({"BEARER_AUTH_PEPPERS_FILE": str(file)})


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///keys.db", os.path.join(os.getcwd(), "keys.db")),
        ("sqlite:////var/keys.db", "/var/keys.db"),
        ("sqlite+pysqlite:////var/keys.db?timeout=1", "/var/keys.db"),
        ("sqlite:///:memory:", None),
        ("sqlite://", None),
        ("env:", None),
        ("postgresql://host/db", None),
    ],
)
def test_the_file_of_a_url(url, path):
    assert sqlite_path(url) == path
