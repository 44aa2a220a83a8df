"""``bearer-auth dashboard``."""

import re
import signal
import sqlite3
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import contextmanager

import click
import pytest
from werkzeug.test import Client as Browser

from bearer_auth import Keyring
from bearer_auth.cli import dashboard
from bearer_auth.cli.errors import Code
from bearer_auth.dashboard.operator import Operators
from bearer_auth.dashboard.operator.operators import COOKIE, Client

PASSWORD = "correct horse battery"
HERE = Client("192.0.2.7")


@pytest.fixture
def operators(store):
    return Operators(store)


def token_in(link):
    return link.strip().partition("/sign-in/link?token=")[2]


def can_sign_in(operators, account, password):
    return operators.sign_in(account, password, HERE).token is not None


@contextmanager
def served(child_env, tmp_path, *words):
    """Runs the command until the block ends; gives the process and its first two lines."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bearer_auth.cli", "dashboard", "--port", "0", *words],
        env=child_env,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process, [process.stdout.readline() for _ in range(2)]
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def status_of(url):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_a_password_comes_from_standard_input(run, operators):
    result = run("dashboard", "set-password", input=f"{PASSWORD}\n")
    assert result.stdout == ""
    assert result.stderr == (
        "The password of operator is set; whoever was signed in as operator is signed out.\n"
    )
    assert can_sign_in(operators, "operator", PASSWORD)


def test_a_password_of_somebody_by_name_with_blanks_and_letters_of_any_kind(answer, operators):
    password = " câblé  \U0001f40e et pile "
    told = answer("dashboard", "set-password", "alice", input=password.encode() + b"\r\n")
    assert told == {"account": "alice"}
    assert can_sign_in(operators, "alice", password)
    assert not can_sign_in(operators, "operator", password)


def test_at_a_terminal_it_is_asked_for_twice(run, operators, monkeypatch):
    asked = {}

    def prompt(text, **options):
        asked.update(options, text=text)
        return PASSWORD

    monkeypatch.setattr(dashboard, "interactive", lambda: True)
    monkeypatch.setattr(click, "prompt", prompt)
    run("dashboard", "set-password")
    assert asked == {
        "text": "Password",
        "hide_input": True,
        "confirmation_prompt": "Once more",
        "err": True,
    }
    assert can_sign_in(operators, "operator", PASSWORD)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (b"", "standard input is empty"),
        (b"\n", "standard input is empty"),
        (b"short\n", "a password must have 12 to 1024 characters"),
        (b"a" * 1025, "a password must have 12 to 1024 characters"),
        (b"a" * 70_000, "standard input must be one line"),
        (b"correct horse\nbattery staple\n", "standard input must be one line"),
        (b"\xff" * 12, "standard input must be text in UTF-8"),
    ],
)
def test_what_is_no_password_is_refused_and_not_quoted(run, store, given, said):
    result = run("dashboard", "set-password", code=Code.USAGE, input=given)
    assert said in result.stderr
    assert "correct" not in result.stderr
    assert "short" not in result.stderr


@pytest.mark.parametrize("command", ["set-password", "link"])
def test_what_is_no_name_is_refused_and_not_quoted(run, store, command):
    result = run("dashboard", command, PASSWORD, code=Code.USAGE, input=PASSWORD)
    assert "the name of an account must be 1 to 64 letters" in result.stderr
    assert PASSWORD not in result.stderr


def test_a_link_stands_alone_on_standard_output_and_signs_in(run, operators):
    result = run("dashboard", "link")
    assert re.fullmatch(r"http://127\.0\.0\.1:8765/sign-in/link\?token=[\w.-]+\n", result.stdout)
    assert result.stderr == "It signs operator in once, within ten minutes:\n"
    assert operators.sign_in_by_link(token_in(result.stdout), HERE).token is not None
    assert operators.sign_in_by_link(token_in(result.stdout), HERE).token is None


def test_a_link_of_somebody_to_somewhere(answer, operators):
    told = answer("dashboard", "link", "alice", "--url", "https://keys.example.com/admin")
    assert told["account"] == "alice"
    assert told["link"].startswith("https://keys.example.com/admin/sign-in/link?token=")
    token = operators.sign_in_by_link(token_in(told["link"]), HERE).token
    assert operators.identify({"HTTP_COOKIE": f"bearer_auth_session={token}"}).user_id == "alice"


@pytest.mark.parametrize(
    "address",
    ["", "127.0.0.1:8765", "ftp://x/", "http://", "http://x/?a", "http://x/#a", "http://[x"],
)
def test_a_link_needs_an_address(run, store, address):
    result = run("dashboard", "link", "--url", address, code=Code.USAGE)
    assert "--url must be an address such as http://127.0.0.1:8765/" in result.stderr


def test_it_is_served_with_a_link_until_ctrl_c(child_env, tmp_path, store):
    with served(child_env, tmp_path) as (process, (first, second)):
        address = re.fullmatch(
            r"Dashboard: (http://127\.0\.0\.1:\d+/) \(Ctrl-C ends it\)\n", first
        )[1]
        link = re.fullmatch(r"Sign in, once and within ten minutes: (\S+)\n", second)[1]
        assert link.startswith(f"{address}sign-in/link?token=")
        status, page = status_of(address)
        assert (status, "<h1>Sign in</h1>" in page) == (200, True)
        status, page = status_of(link)
        assert (status, "This link signs you in once." in page) == (200, True)
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=30) == ("", "")
        assert process.returncode == 0


def test_what_happened_is_written_when_it_is_told_to_end(child_env, tmp_path, store, url):
    with served(child_env, tmp_path) as (process, (first, _)):
        address = first.split()[1]
        page = status_of(f"{address}sign-in")[1]
        token = re.search(r'name="token" value="([^"]+)"', page)[1]
        request = urllib.request.Request(
            f"{address}sign-in",
            data=f"token={token}&account=x&password=y".encode(),
            headers={"Origin": address.rstrip("/")},
        )
        assert status_of(request)[0] == 403
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=30) == ("", "")
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        rows = connection.execute("SELECT name, reason, address FROM bearer_auth_events").fetchall()
    connection.close()
    assert rows == [("operator.sign_in_refused", "password", "127.0.0.1")]


def test_what_an_operator_does_is_in_the_history_of_the_key(run, store, operators, monkeypatch):
    made = {}
    monkeypatch.setattr(dashboard, "_listen", lambda host, port: Listening())
    monkeypatch.setattr("waitress.server.create_server", lambda app, **_: made.update(app=app))
    monkeypatch.setattr(dashboard, "_run", lambda _: made.update(page=rotated(made["app"])))
    key_id = Keyring(store).create(user_id="user_123").key_id

    def rotated(app):
        client = Browser(app)
        link = operators.make_link("operator")
        client.set_cookie(COOKIE, operators.sign_in_by_link(link, HERE).token)
        page = client.get(f"/keys/{key_id}/rotate").text
        token = re.search(r'name="token" value="([^"]+)"', page)[1]
        headers = {"Sec-Fetch-Site": "same-origin"}
        form = {"token": token, "grace": "0"}
        assert client.post(f"/keys/{key_id}/rotate", data=form, headers=headers).status_code == 200
        return client.get(f"/keys/{key_id}").text

    run("dashboard")
    assert re.search(r'Rotated <span class="quiet">by</span> operator', made["page"])


class Listening:
    def getsockname(self):
        return "127.0.0.1", 8765


@pytest.fixture
def listening(monkeypatch):
    """What a server would be made with; nothing listens and nothing is served."""
    import waitress.server

    class Socket:
        def __init__(self, address):
            self.address = address

        def getsockname(self):
            return self.address

    class Server:
        def run(self):
            made["ran"] = True

        def close(self):
            made["closed"] = True

    made = {}

    def listen(host, port):
        made.update(host=host, port=port)
        return Socket((host, port))

    def create_server(app, *, sockets, **options):
        made.update(options)
        return Server()

    monkeypatch.setattr(dashboard, "_listen", listen)
    monkeypatch.setattr(waitress.server, "create_server", create_server)
    return made


def test_only_this_machine_unless_it_is_told_otherwise(run, store, listening):
    result = run("dashboard")
    assert listening == {
        "host": "127.0.0.1",
        "port": 8765,
        "ident": None,
        "max_request_body_size": 65_536,
        "ran": True,
        "closed": True,
    }
    assert result.stderr == ""
    assert result.stdout.startswith("Dashboard: http://127.0.0.1:8765/ (Ctrl-C ends it)\n")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.2", "::1"])
def test_no_warning_on_this_machine(run, store, listening, host):
    assert run("dashboard", "--host", host).stderr == ""


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("0.0.0.0", "http://127.0.0.1:8765/"),
        ("::", "http://[::1]:8765/"),
        ("192.0.2.7", "http://192.0.2.7:8765/"),
        ("2001:db8::1", "http://[2001:db8::1]:8765/"),
        ("keys.internal", "http://keys.internal:8765/"),
    ],
)
def test_a_warning_where_others_can_reach_it_without_https(run, store, listening, host, address):
    result = run("dashboard", "--host", host)
    assert "without https passwords, keys and sessions can be read on the way" in result.stderr
    assert result.stdout.startswith(f"Dashboard: {address} ")


def test_in_json_it_is_one_object(answer, store, listening):
    told = answer("dashboard", "--port", "9000")
    assert told.keys() == {"url", "link"}
    assert told["url"] == "http://127.0.0.1:9000/"
    assert told["link"].startswith(f"{told['url']}sign-in/link?token=")


def test_a_port_that_is_taken(run, store, serve):
    port = serve(lambda *_: []).rpartition(":")[2]
    result = run("dashboard", "--port", port, code=Code.USAGE)
    assert f"can't listen on 127.0.0.1, port {port}: " in result.stderr
    assert result.stdout == ""


def test_a_host_that_is_none(run, store):
    result = run("dashboard", "--host", "nowhere.invalid", code=Code.USAGE)
    assert "can't listen on nowhere.invalid, port 8765: " in result.stderr


@pytest.mark.parametrize(
    ("missing", "words", "said"),
    [
        ("flask", (), "bearer_auth.dashboard needs flask"),
        ("limits", ("set-password",), "the sign-in of operators needs limits"),
        ("limits", ("link",), "the sign-in of operators needs limits"),
        ("waitress", (), "the dashboard needs waitress"),
    ],
)
def test_what_is_not_installed_is_named(child_env, tmp_path, store, words, missing, said):
    code = (
        f"import sys; sys.modules[{missing!r}] = None; sys.argv[1:] = {['dashboard', *words]!r}\n"
        "from bearer_auth.cli.app import run; sys.exit(run())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=child_env,
        cwd=tmp_path,
        input=PASSWORD,
        capture_output=True,
        text=True,
    )
    assert done.stderr.startswith(f'Error: {said}: pip install "bearer_auth[dashboard]"')
    assert (done.stderr.count("\n"), done.returncode) == (1, Code.STORE)


@pytest.mark.parametrize("words", [(), ("set-password",), ("link",)])
def test_keys_in_the_environment_have_no_operators(run, words, monkeypatch):
    monkeypatch.setenv("BEARER_AUTH_STORE", "env:")
    result = run("dashboard", *words, code=Code.STORE, input=PASSWORD)
    assert "a dashboard whose store is in a database" in result.stderr


@pytest.mark.parametrize("words", [(), ("set-password",), ("link",)])
def test_missing_tables_are_named_with_what_makes_them(run, url, store, words):
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        connection.execute("DROP TABLE bearer_auth_sessions")
    connection.close()
    result = run("dashboard", *words, code=Code.STORE, input=PASSWORD)
    assert "run 'bearer-auth db upgrade'" in result.stderr
