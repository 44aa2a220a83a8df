import socket

import pytest

from bearer_auth import BearerAuth, MemoryStore, StoreUnavailable
from bearer_auth.cli.probe import server


def hello(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]


PROTECTED = BearerAuth(hello, MemoryStore())


def answering(status, *headers, body=b"{}"):
    """An app that always says this."""

    def app(environ, start_response):
        start_response(status, list(headers))
        return [body]

    return app


def outcome(findings):
    return [(finding.check, finding.severity) for finding in findings]


def test_a_protected_app_is_fine(serve):
    findings = list(server(serve(PROTECTED) + "/health"))
    assert outcome(findings) == [("envelope", "ok"), ("header", "ok")]


def test_a_header_that_is_lost_on_the_way_is_found(serve):
    def losing(environ, start_response):
        environ.pop("HTTP_AUTHORIZATION", None)
        return PROTECTED(environ, start_response)

    findings = list(server(serve(losing)))
    assert outcome(findings) == [("envelope", "ok"), ("header", "error")]
    assert "WSGIPassAuthorization On" in findings[1].fix


def test_an_app_that_is_not_protected_is_found(serve):
    (finding,) = server(serve(hello))
    assert finding.severity == "error"
    assert "answered with 200" in finding.what


def test_https_to_a_server_of_http_asks_whether_it_is_http(serve):
    (finding,) = server(serve(hello).replace("http:", "https:"))
    assert (finding.severity, finding.fix) == ("error", "is this its address, or is it http?")


def test_a_redirect_is_reported_and_not_followed(serve):
    asked = []

    def elsewhere(environ, start_response):
        asked.append(environ["PATH_INFO"])
        start_response("200 OK", [])
        return []

    other = serve(elsewhere)
    (finding,) = server(serve(answering("302 Found", ("Location", other + "/login?secret=1"))))
    assert finding.severity == "error"
    assert "redirects to http://127.0.0.1 (302), which was not followed" in finding.what
    assert asked == []
    (finding,) = server(serve(answering("308 Permanent Redirect", ("Location", "/x"))))
    assert "redirects to another path (308)" in finding.what
    (finding,) = server(serve(answering("300 Multiple Choices", ("Location", "http://[x"))))
    assert "redirects to what is no address (300)" in finding.what


def test_a_401_of_something_else_is_found(serve):
    basic = ("WWW-Authenticate", 'Basic realm="Bearer"')
    (finding,) = server(serve(answering("401 Unauthorized", basic)))
    assert "no Bearer challenge" in finding.what


@pytest.mark.parametrize("body", [b"<h1>no</h1>", b"[" * 60_000, b'{"success": false}'])
def test_an_envelope_that_something_replaced_is_a_warning(serve, body):
    def replacing(environ, start_response):
        token = environ.get("HTTP_AUTHORIZATION")
        challenge = 'Bearer realm="x"' + (', error="invalid_token"' if token else "")
        start_response("401 Unauthorized", [("WWW-Authenticate", challenge)])
        return [body]

    assert outcome(server(serve(replacing))) == [("envelope", "warning"), ("header", "ok")]


def test_a_store_that_is_down_is_found(serve):
    class Down:
        def get(self, key_id):
            raise StoreUnavailable

    findings = list(server(serve(BearerAuth(hello, Down()))))
    assert outcome(findings) == [("envelope", "ok"), ("header", "error")]
    assert "503" in findings[1].what


def test_a_server_that_does_not_answer_is_found():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nobody else gets the port
        (finding,) = server(f"http://127.0.0.1:{taken.getsockname()[1]}/")
    assert finding.severity == "error"
    assert "Connection refused" in finding.what


def test_a_server_that_speaks_something_else_is_found():
    import threading

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()

        def talk():
            connection, _ = listening.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(b"220 mail.example.com ready\r\n")

        thread = threading.Thread(target=talk)
        thread.start()
        (finding,) = server(f"http://127.0.0.1:{listening.getsockname()[1]}/")
        thread.join()
    assert finding.severity == "error"
    assert "BadStatusLine" in finding.what


@pytest.mark.parametrize(
    ("url", "warned"),
    [
        ("http://api.example.com/x", True),
        ("http://192.0.2.1/x", True),
        ("http://localhost:8000/x", False),
        ("http://[::1]/x", False),
        ("https://api.example.com/x", False),
    ],
)
def test_http_to_another_machine_is_a_warning(monkeypatch, url, warned):
    from bearer_auth.cli import probe

    monkeypatch.setattr(probe, "_get", lambda *_: probe.Answer(200, "", "", b""))
    assert (("server", "warning") in outcome(server(url))) == warned
