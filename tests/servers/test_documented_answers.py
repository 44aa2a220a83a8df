"""The documented answers, as bytes on a socket, from every server."""

import json
import re
import shutil
import subprocess

import pytest

pytestmark = pytest.mark.once

UNAUTHORIZED = (
    b'{"success": false, "error": {"code": "UNAUTHORIZED", "message": "Invalid API key"}}'
)
FORBIDDEN = (
    b'{"success": false, "error": {"code": "FORBIDDEN", '
    b'"message": "Insufficient permissions for this resource"}}'
)
HEALTHY = b'{"status": "healthy", "authenticated": true, "user": {"id": "user_123", "plan": "pro"}}'
JSON = "Content-Type: application/json"
SENT_ID = "X-Request-ID: sent-by-me"


def headers(reply):
    """The headers that are ours, each as often as it was sent; servers add Date and the like."""
    names = ("Content-Type", "Content-Length", "Cache-Control", "WWW-Authenticate", "X-Request-ID")
    return {name: reply.values(name) for name in names if reply.values(name)}


def test_200_the_app_knows_who_it_is_and_the_header_is_gone(server):
    reply = server.send("/x", SENT_ID, key=server.keys.user)
    assert reply.status == 200
    assert json.loads(reply.body) == {
        "method": "GET",
        "path": "/x",
        "user": "user_123",
        "id": "sent-by-me",
        "header": None,
    }


@pytest.mark.parametrize(
    ("line", "challenge"),
    [
        (None, b'Bearer realm="api"'),
        ("Authorization: Basic dXNlcjpwdw==", b'Bearer realm="api"'),
        ("Authorization: Bearer wrong", b'Bearer realm="api", error="invalid_token"'),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_401(server, line, challenge, method):
    reply = server.send("/x", SENT_ID, *([line] if line else []), method=method)
    assert (reply.status, headers(reply), reply.body) == (
        401,
        {
            "Content-Type": [b"application/json"],
            "Content-Length": [b"83"],
            "Cache-Control": [b"no-store"],
            "WWW-Authenticate": [challenge],
            "X-Request-ID": [b"sent-by-me"],
        },
        b"" if method == "HEAD" else UNAUTHORIZED,
    )


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
def test_403(server, method):
    reply = server.send("/admin/users", SENT_ID, method=method, key=server.keys.user)
    assert (reply.status, headers(reply), reply.body) == (
        403,
        {
            "Content-Type": [b"application/json"],
            "Content-Length": [b"107"],
            "Cache-Control": [b"no-store"],
            "WWW-Authenticate": [b'Bearer realm="api", error="insufficient_scope", scope="admin"'],
            "X-Request-ID": [b"sent-by-me"],
        },
        b"" if method == "HEAD" else FORBIDDEN,
    )


def test_415(server):
    for lines in (["Content-Type: text/plain"], ["Content-Type: application/json, text/plain"], []):
        reply = server.send(
            "/body",
            "Content-Length: 5",
            *lines,
            method="POST",
            key=server.keys.user,
            body=b"hello",
        )
        assert reply.status == 415
        assert reply.values("Content-Length") == [b"115"]
        assert json.loads(reply.body)["error"] == {
            "code": "UNSUPPORTED_MEDIA_TYPE",
            "message": "Content-Type must be application/json",
        }


@pytest.mark.parametrize(("method", "body"), [("GET", HEALTHY), ("HEAD", b"")])
def test_health(server, method, body):
    reply = server.send("/health", SENT_ID, method=method, key=server.keys.user)
    assert (reply.status, headers(reply), reply.body) == (
        200,
        {
            "Content-Type": [b"application/json"],
            "Content-Length": [b"87"],
            "Cache-Control": [b"no-store"],
            "X-Request-ID": [b"sent-by-me"],
        },
        body,
    )


def test_health_without_a_key(server):
    assert server.send("/health").status == 401


@pytest.mark.parametrize("app", ["tiny", "flask"])
@pytest.mark.parametrize("path", ["/docs", "/x", "/health", "/admin/x"])
def test_the_request_id_is_in_each_answer_exactly_once(server, app, path):
    for key in (server.keys.user, None):
        for sent in ("sent-by-me", "not kept", None):
            lines = [f"X-App: {app}"] + ([f"X-Request-ID: {sent}"] if sent else [])
            (value,) = server.send(path, *lines, key=key).values("X-Request-ID")
            if sent == "sent-by-me":
                assert value == b"sent-by-me"
            else:
                assert re.fullmatch(rb"[0-9a-f]{16}-[1-9][0-9]*", value)


def test_a_body_reaches_the_app(server):
    reply = server.send(
        "/body",
        JSON,
        "Content-Length: 14",
        method="POST",
        key=server.keys.user,
        body=b'{"input": "x"}',
    )
    assert (reply.status, reply.body) == (200, b'{"input": "x"}')


CHUNKED = b"5\r\nhello\r\n1\r\n,\r\n6\r\n world\r\n0\r\n\r\n"


def test_a_chunked_body_reaches_the_app(server):
    chunked = "Transfer-Encoding: chunked"
    sent = {"method": "POST", "key": server.keys.user, "body": CHUNKED}
    reply = server.send("/body", JSON, chunked, **sent)
    assert (reply.status, reply.body) == (200, b"hello, world")
    assert server.send("/body", "Content-Type: text/plain", chunked, **sent).status == 415
    reply = server.send("/upload", "Content-Type: text/plain", chunked, **sent)
    assert (reply.status, reply.body) == (200, b"hello, world")


def curl(server, *arguments):
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    url = f"http://127.0.0.1:{server.port}"
    command = ["curl", "--silent", "--noproxy", "*", "--write-out", "\n%{http_code}"]
    done = subprocess.run(
        [*command, *(argument.replace("URL", url) for argument in arguments)],
        capture_output=True,
        check=True,
        timeout=60,
    )
    body, _, status = done.stdout.rpartition(b"\n")
    return int(status), body


def test_the_documented_curl_lines(server):
    key = ["-H", f"Authorization: Bearer {server.keys.user}"]
    assert curl(server, *key, "URL/health") == (200, HEALTHY)
    assert curl(server, "URL/health") == (401, UNAUTHORIZED)
    assert curl(server, *key, "URL/admin") == (403, FORBIDDEN)
    assert curl(server, *key, "--head", "URL/admin")[0] == 403
    posted = curl(server, *key, "-H", "Content-Type: application/json", "-d", "{}", "URL/body")
    assert posted == (200, b"{}")


def test_no_key_is_in_the_servers_log(server):
    server.send("/x", key=server.keys.user)
    server.send("/x", key=server.keys.user + "x")
    server.send("/admin", key=server.keys.user)
    log = server.log.read_text()
    assert server.keys.user[-49:-6] not in log
    assert server.keys.admin[-49:-6] not in log
