import pytest

from bearer_auth import BearerAuth, MemoryStore


@pytest.fixture(autouse=True)
def _quick_argon2(monkeypatch):
    monkeypatch.setattr("bearer_auth.cli.checks.hash_token", lambda *_: None)


def checks_of(report, severity):
    return {finding["check"] for finding in report["findings"] if finding["severity"] == severity}


def test_a_sound_deployment_exits_with_0(run, answer, keyring):
    report = answer("doctor")
    assert report["ok"] is True
    assert checks_of(report, "ok") == {
        "environment",
        "process_list",
        "extras",
        "peppers",
        "argon2",
        "store_file",
        "expiry",
        "store",
        "journal_mode",
        "clock",
    }
    assert "error" not in run("doctor").stdout


def test_a_finding_has_a_severity_a_place_and_a_fix(answer, run, issued):
    report = answer("doctor")
    (finding,) = (found for found in report["findings"] if found["severity"] == "warning")
    assert finding == {
        "severity": "warning",
        "check": "expiry",
        "where": issued.key_id,
        "what": "1 of 1 active keys have no end, so one that leaks works for ever",
        "fix": f"bearer-auth keys update {issued.key_id} --expires-in 90d",
    }
    last = run("doctor").stdout.splitlines()[-2:]
    assert last == [
        f"warning  expiry: {issued.key_id}: {finding['what']}",
        f"         fix: {finding['fix']}",
    ]


def test_an_error_exits_with_1(answer, monkeypatch, url, keyring):
    monkeypatch.setenv("HTTP_AUTHORIZATION", "Bearer hunter2")
    report = answer("doctor", code=1)
    assert report["ok"] is False
    assert checks_of(report, "error") == {"environment"}


def test_without_a_store_the_rest_is_still_looked_at(answer):
    assert checks_of(answer("doctor"), "warning") == {"store"}


@pytest.mark.parametrize(
    "url", ["postgresql://me:hunter2@host/db", "sqlite:///missing.db", "nothing"]
)
def test_a_store_that_cannot_be_opened_is_a_finding_without_its_password(run, answer, url):
    assert "store" in checks_of(answer("doctor", "--store", url, code=1), "error")
    assert "hunter2" not in run("doctor", "--store", url, code=1).output


def test_a_store_in_the_environment_is_looked_at(answer, monkeypatch):
    monkeypatch.setenv("BEARER_AUTH_KEY_CI", "legacy-key-0123456789")
    assert "store" in checks_of(answer("doctor", "--store", "env:"), "ok")
    monkeypatch.setenv("BEARER_AUTH_KEY_CI", "short")
    assert "store" in checks_of(answer("doctor", "--store", "env:", code=1), "error")


def test_a_store_without_a_variable_is_a_warning(answer, run, monkeypatch):
    (finding,) = (
        found
        for found in answer("doctor", "--store", "env:")["findings"]
        if found["severity"] == "warning"
    )
    assert (finding["check"], finding["where"]) == ("store", "variables BEARER_AUTH_KEY_…")
    assert finding["what"] == "there are none, so no key is accepted"
    monkeypatch.setenv("BEARER_AUTH_KEY_CI", "legacy-key-0123456789")
    shown = run("doctor", "--store", "env:").stdout
    assert "store: variables BEARER_AUTH_KEY_…: it answers" in shown
    assert "warning" not in shown


def test_argon2_is_not_measured_where_no_key_needs_it(answer):
    assert "argon2" not in checks_of(answer("doctor", "--store", "env:"), "ok")


def test_a_path_that_depends_on_the_working_directory_is_a_warning(
    answer, keyring, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    findings = answer("doctor", "--store", "sqlite:///keys.db")["findings"]
    (finding,) = (found for found in findings if found["severity"] == "warning")
    assert (finding["check"], finding["where"]) == ("store_path", f"{tmp_path}/keys.db")
    assert finding["fix"] == f"write sqlite:///{tmp_path}/keys.db"
    assert "relative to the working directory of each process" in finding["what"]
    named = [found["where"] for found in findings if "keys.db" in found["where"]]
    assert set(named) == {f"{tmp_path}/keys.db"}


def test_peppers_that_cannot_be_read_are_one_finding_among_others(answer, keyring, monkeypatch):
    monkeypatch.setenv("BEARER_AUTH_PEPPERS_FILE", "/nowhere")
    assert "peppers" in checks_of(answer("doctor", code=1), "error")


def test_a_running_server_is_asked(answer, keyring, serve):
    app = BearerAuth(lambda environ, start_response: [], MemoryStore())
    assert {"envelope", "header"} <= checks_of(answer("doctor", "--url", serve(app)), "ok")


def test_the_configuration_of_apache_is_looked_at(answer, keyring, tmp_path):
    file = tmp_path / "app.conf"
    file.write_text("WSGIScriptAlias / /srv/app.py\n")
    report = answer("doctor", "--apache-config", str(file), code=1)
    assert checks_of(report, "error") == {"mod_wsgi"}


@pytest.mark.parametrize(
    "url",
    [
        "ftp://host/",
        "file:///etc/passwd",
        "host:8000",
        "http://me:hunter2@host/",
        "http:///x",
        "http://host/a b",
        "http://host/\n",
        "http://[::1/",
        "http://host:port/",
    ],
)
def test_what_is_no_address_of_a_server_is_a_usage_error(run, url):
    result = run("doctor", "--url", url, code=2)
    assert "hunter2" not in result.output
