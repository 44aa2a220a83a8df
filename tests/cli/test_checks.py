import os
import sys
from pathlib import Path

import pytest

from bearer_auth import ConfigurationError
from bearer_auth.cli import checks
from bearer_auth.cli.checks import Finding


def only(findings) -> Finding:
    (finding,) = findings
    return finding


def test_an_exported_http_authorization_is_an_error_and_its_value_not_shown():
    """THREATS.md, Reading the credential: variables of the operating system in the environ."""
    finding = only(checks.environment({"HTTP_AUTHORIZATION": "Bearer hunter2"}))
    assert (finding.severity, finding.check) == ("error", "environment")
    assert "unset HTTP_AUTHORIZATION" in finding.fix
    assert "hunter2" not in repr(finding)
    assert only(checks.environment({"HOME": "/"})).severity == "ok"


@pytest.mark.parametrize(
    ("text", "severity"),
    [
        ("WSGIPassAuthorization On\n", "ok"),
        ("  wsgipassauthorization on\n", "ok"),
        ("WSGIScriptAlias / app.py\nWSGIPassAuthorization \\\n  On\n", "ok"),
        ("WSGIScriptAlias / app.py\n", "error"),
        ("# WSGIPassAuthorization On\n", "error"),
        ("WSGIPassAuthorization Off\n", "error"),
        ("WSGIPassAuthorization On\n<Location />\nWSGIPassAuthorization Off\n</Location>", "error"),
    ],
)
def test_the_configuration_of_apache(tmp_path: Path, text, severity):
    file = tmp_path / "app.conf"
    file.write_text(text)
    finding = only(checks.mod_wsgi(file))
    assert finding.severity == severity
    assert ("WSGIPassAuthorization On" in finding.fix) == (severity == "error")


def test_a_configuration_that_cannot_be_read_is_an_error(tmp_path: Path):
    finding = only(checks.mod_wsgi(tmp_path / "missing.conf"))
    assert finding.severity == "error"
    assert "No such file" in finding.what


def test_apache_without_its_configuration_is_a_warning_that_says_what_to_do(monkeypatch):
    assert list(checks.mod_wsgi(None)) == []
    monkeypatch.setenv("APACHE_CONFDIR", "/etc/apache2")
    finding = only(checks.mod_wsgi(None))
    assert finding.severity == "warning"
    assert "--apache-config" in finding.fix


URL = "postgresql://me:hunter2@host/db"


@pytest.mark.parametrize(
    ("url", "lines", "where"),
    [
        (URL, {1: ["gunicorn", URL], 2: ["sh"]}, "process 1"),
        (URL, {1: ["psql", "password=hunter2"], 7: ["x", URL]}, "process 1, process 7"),
    ],
)
def test_a_password_in_the_list_of_processes_is_an_error(url, lines, where):
    finding = only(checks.process_list(url, lambda: lines))
    assert (finding.severity, finding.where) == ("error", where)
    assert "hunter2" not in repr(finding)


def test_any_password_of_a_url_in_its_own_command_line_is_an_error():
    lines = {os.getpid(): ["doctor", "--store", URL]}
    assert only(checks.process_list("sqlite:///keys.db", lambda: lines)).severity == "error"


@pytest.mark.parametrize("url", [None, "sqlite:///keys.db", URL])
def test_no_password_in_the_list_of_processes_is_fine(url):
    lines = {1: ["gunicorn", "app:app"], 2: ["curl", "http://host/a@b"]}
    assert only(checks.process_list(url, lambda: lines)).severity == "ok"


def test_the_command_line_of_this_process_is_read():
    assert sys.argv[-1] in checks.command_lines()[os.getpid()]


def test_short_peppers_are_counted_and_not_shown():
    finding = only(checks.peppers(lambda: ["x" * 32, "hunter2", b"y" * 31]))
    assert finding.severity == "warning"
    assert "number 2, 3 " in finding.what
    assert "hunter2" not in repr(finding)
    assert only(checks.peppers(lambda: ["é" * 16])).severity == "ok"
    assert only(checks.peppers(list)).severity == "ok"


def test_peppers_that_cannot_be_read_are_an_error():
    def unreadable():
        raise ConfigurationError("BEARER_AUTH_PEPPERS_FILE: can't read the file")

    assert only(checks.peppers(unreadable)).severity == "error"


@pytest.mark.parametrize(("seconds", "severity"), [(0.04, "ok"), (0.6, "warning")])
def test_the_cost_of_argon2_is_measured(monkeypatch, seconds, severity):
    monkeypatch.setattr(checks, "hash_token", lambda *_: None)
    times = iter([10.0, 19.0, 20.0, 20.0 + seconds, 30.0, 39.0])
    finding = only(checks.argon2_cost(lambda: next(times)))
    assert finding.severity == severity
    assert f"{seconds * 1000:.0f} ms" in finding.what


def test_a_missing_extra_is_an_error_only_if_the_store_needs_it(monkeypatch):
    assert only(checks.extras("sqlite:///keys.db")).what == "all are installed"
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    needed, rest = checks.extras("sqlite:///keys.db")
    assert (needed.severity, needed.fix) == ("error", 'pip install "bearer_auth[sql]"')
    assert rest.what == "not installed: sql, flask, cli"
    assert only(checks.extras("env:")).severity == "ok"
