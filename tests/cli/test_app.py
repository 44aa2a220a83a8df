"""The command as a process: what a shell, a pipe and a terminal see."""

import os
import pty
import signal
import sqlite3
import subprocess
from contextlib import closing
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from bearer_auth import KeyRecord, __version__
from bearer_auth.cli.app import commands
from bearer_auth.cli.errors import CODES
from bearer_auth.token import parse

CREATE = 'KEY=$(bearer-auth keys create --user user_123 --plan pro --name CI) && echo "[$KEY]"'


def test_the_documented_line_of_shell_works(shell, url):
    result = shell(CREATE + '; printf %s "$KEY" | bearer-auth verify')
    token, verdict = result.stdout.splitlines()
    minted = parse(token[1:-1])
    assert minted is not None
    assert minted.checksum_ok
    assert verdict == f"valid: key {minted.key_id} of user_123 (pro, production); scopes: none"
    assert result.returncode == 0


def test_python_m_and_the_version(shell):
    assert shell("bearer-auth --version").stdout == f"bearer-auth, version {__version__}\n"


def test_the_help_lists_commands_and_exit_codes(run):
    alone, asked = run().stdout, run("--help").stdout
    assert "doctor" in alone
    assert alone == asked
    for code, text in CODES.items():
        assert f"{code:<4}{text}" in alone


def test_a_pipe_gets_no_escape_sequence(shell, issued):
    result = shell("bearer-auth keys list | cat; bearer-auth doctor --store env: | cat")
    assert issued.key_id in result.stdout
    assert "warning" in result.stdout
    assert "\x1b" not in result.stdout


def at_a_terminal(child_env, command, **env):
    """What a command prints at a terminal, of 100 columns if COLUMNS doesn't say otherwise."""
    leader, follower = pty.openpty()
    try:
        env = child_env | {"TERM": "xterm-256color", "COLUMNS": "100"} | env
        with subprocess.Popen(
            ["sh", "-c", command], env=env, stdin=follower, stdout=follower, stderr=follower
        ) as process:
            os.close(follower)
            shown = b""
            while True:
                try:
                    data = os.read(leader, 65_536)
                except OSError:  # Linux: nobody holds the other end any more
                    break
                if not data:
                    break
                shown += data
            assert process.wait() == 0
    finally:
        os.close(leader)
    return shown.decode()


def test_a_terminal_gets_a_table_in_colour(child_env, issued):
    shown = at_a_terminal(child_env, "bearer-auth keys list")
    assert issued.key_id in shown
    assert "\x1b[32mactive" in shown
    assert "Tenant" not in shown  # nobody has one
    assert "Environment" not in shown  # all are production
    assert "\t" not in shown


def test_a_narrow_terminal_gets_whole_words_and_is_told_what_is_left_out(child_env, keyring):
    key_id = keyring.create(
        user_id="auth0|507f1f77bcf86cd799439011",
        tenant_id="acme-corporation",
        plan="enterprise",
        name="CI of the search team",
        scopes=["ensembles:execute", "jobs:read"],
        expires_at=datetime(2199, 1, 31, 12, tzinfo=UTC),
    ).key_id
    shown = at_a_terminal(child_env, "bearer-auth keys list", NO_COLOR="1", COLUMNS="80")
    header, *rows, left_out = shown.splitlines()
    assert header.split() == ["Id", "Name", "User", "Tenant", "Plan", "State", "Expires"]
    assert left_out == "Left out, for want of room: scopes."
    whole = (
        f"{key_id} CI of the search team auth0|507f1f77bcf86cd799439011 acme-corporation "
        "enterprise active 2199-01-31"
    ).split()
    for word in " ".join(rows).split():
        start = word.removesuffix("…")
        assert word in whole or (start != word and any(w.startswith(start) for w in whole))


def test_no_color_means_no_escape_sequence_at_all(child_env, issued):
    for command in ("keys list", "doctor --store env:"):
        shown = at_a_terminal(child_env, f"bearer-auth {command}", NO_COLOR="1")
        assert "\x1b" not in shown
    assert "warning" in shown


def test_without_rich_a_terminal_gets_the_plain_form(child_env, issued, tmp_path):
    (tmp_path / "rich").mkdir()
    (tmp_path / "rich" / "__init__.py").write_text("raise ImportError")
    path = f"{tmp_path}:{child_env['PYTHONPATH']}"
    shown = at_a_terminal(child_env, "bearer-auth keys list", PYTHONPATH=path)
    assert f"{issued.key_id}\tCI\t" in shown


def test_a_pipe_that_closes_is_silent(shell, store):
    # More than a pipe holds, so that some of it is written after the reader has gone.
    ids = (f"{number:016}" for number in range(500))
    store.add(KeyRecord(key_id=key_id, user_id="u", name="n" * 250) for key_id in ids)
    result = shell(
        "bearer-auth keys list --all | head -1; bearer-auth keys list --all --json | true"
    )
    assert result.stderr == ""
    assert result.stdout.startswith("ID\tNAME")


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("bearer-auth keys list >/dev/full", "Error: No space left on device\n"),
        ("bearer-auth keys create --user u >&-", "Error: standard output is closed\n"),
    ],
)
def test_output_that_goes_nowhere_is_one_line(shell, issued, script, message):
    result = shell(script)
    assert result.stderr == message
    assert result.returncode != 0


def test_a_token_that_could_not_be_written_is_to_be_revoked(shell, url):
    result = shell("bearer-auth keys create --user u >/dev/full")
    assert "revoke that key" in result.stderr
    assert "Traceback" not in result.stderr
    assert result.returncode == 1


def test_closed_standard_input_is_empty_input(shell, issued):
    assert "standard input is empty" in shell("bearer-auth verify <&-").stderr
    assert "--yes" in shell("bearer-auth keys revoke --user user_123 <&-").stderr


def test_a_name_that_the_encoding_lacks_is_shown_somehow(shell, keyring):
    keyring.create(user_id="u", name="鍵")
    result = shell("bearer-auth keys list", PYTHONIOENCODING="latin-1")
    assert "\\u9375" in result.stdout
    assert result.returncode == 0


def test_a_locked_database_is_one_line(run, store, url, monkeypatch):
    monkeypatch.setattr("bearer_auth.stores.sqlite.BUSY_S", 0.05)
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        result = run("keys", "create", "--user", "u", code=4)
    assert "locked by another process" in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


@pytest.mark.parametrize(
    "words",
    [
        "keys list --store bogus://me:hunter2@host/db",
        "keys list --store sqlite:///missing.db",
        "keys create --user u --store sqlite:///missing/keys.db",
        "keys list --store sqlite:////dev/null",
        "keys create --user u --store env:",
        "BEARER_AUTH_STORE= keys list",
        "keys show nothing",
        "keys frobnicate",
        "--frobnicate",
        "keys revoke --user u --store sqlite:///missing.db --yes",
        "BEARER_AUTH_PEPPERS_FILE=/nowhere verify --store env:",
        "BEARER_AUTH_KEY_CI=hunter2 verify --store env:",
    ],
)
def test_no_failure_is_an_exception_or_more_than_three_lines(url, tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    variable, *rest = words.split() if "=" in words.split()[0] else ("X=", *words.split())
    name, _, value = variable.partition("=")
    result = CliRunner().invoke(commands, rest, env={name: value})
    assert isinstance(result.exception, SystemExit)
    assert result.exit_code != 0
    assert result.stderr.count("\n") <= 3
    assert "hunter2" not in result.stderr


def test_a_failure_of_the_process_is_no_traceback(shell):
    result = shell("bearer-auth keys show nothing")
    assert result.stderr.startswith("Error: ")
    assert "Traceback" not in result.stderr
    assert result.returncode == 2


def test_ctrl_c_is_silent_and_exits_with_130(child_env, issued):
    leader, follower = pty.openpty()
    try:
        process = subprocess.Popen(
            ["bearer-auth", "verify"],
            env=child_env,
            stdin=follower,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        with process:
            assert process.stderr is not None
            assert process.stdout is not None
            prompt = process.stderr.read(len("Token:"))  # it waits for somebody to type now
            process.send_signal(signal.SIGINT)
            rest, out = process.stderr.read(), process.stdout.read()
            assert process.wait() == 130
    finally:
        os.close(leader)
        os.close(follower)
    assert prompt == b"Token:"
    assert (rest.strip(), out) == (b"", b"")
