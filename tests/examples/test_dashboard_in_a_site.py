"""The dashboard in a site with a login of its own, Flask's and Django's, through a real server."""

import re
from html import unescape
from typing import Any
from urllib.parse import quote, urlencode

import pytest

pytestmark = pytest.mark.parametrize(
    "example", ["dashboard_flask", "dashboard_django"], indirect=True
)

LOGINS = ("/login", "/accounts/login/")


class Visitor:
    """What a browser does: it keeps cookies, and sends the hidden fields of the form it shows."""

    def __init__(self, example: Any) -> None:
        self._example = example
        self._cookies: dict[str, str] = {}
        self._shown: Any = None

    def open(self, path: str) -> Any:
        self._shown = self._ask("GET", path)
        return self._shown

    def send(self, path: str, **fields: str) -> Any:
        """Send a form of the page that is shown to a path."""
        for tag in re.findall(r"<input [^>]*hidden[^>]*>", self._shown.text):
            found = dict(re.findall(r'(name|value)="([^"]*)"', tag))
            fields.setdefault(found["name"], unescape(found["value"]))
        self._shown = self._ask(
            "POST",
            path,
            body=urlencode(fields),
            headers={
                "Content-Type": "application/x-www-form-urlencoded",
                "Sec-Fetch-Site": "same-origin",
            },
        )
        return self._shown

    def log_in(self, name: str, password: str = "correct horse", *, next_page: str = "") -> Any:
        login = self.open("/keys/").headers["location"]
        if next_page:
            login = login.replace("/keys/", quote(next_page, safe=""))
        self.open(login)
        return self.send(login, username=name, password=password)

    def log_out(self) -> None:
        (path,) = re.findall(r'action="?(/[\w/]+)', self.open("/").text)
        assert self.send(path).headers["location"] == "/"

    def create_key(self, **fields: str) -> str:
        self.open("/keys/keys/new")
        form = {"name": "nightly", "environment": "production", "lifetime": "90", **fields}
        answer = self.send("/keys/keys", **form)
        assert (answer.status, answer.headers["cache-control"]) == (200, "no-store")
        (token,) = re.findall(r'id="key"[^>]* value="(\w+)"', answer.text)
        return token

    def _ask(self, method: str, path: str, *, headers: Any = None, **options: Any) -> Any:
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        sent = {**(headers or {}), **({"Cookie": cookies} if cookies else {})}
        answer = self._example.ask(method, path, headers=sent, **options)
        for name, value in re.findall(
            r"(?:^|, )(\w+)=([^;]*); ", answer.headers.get("set-cookie", "")
        ):
            self._cookies[name] = value
        return answer


@pytest.fixture
def ada(example: Any) -> Visitor:
    visitor = Visitor(example)
    assert visitor.log_in("ada").status == 302
    return visitor


@pytest.fixture
def bob(example: Any) -> Visitor:
    visitor = Visitor(example)
    assert visitor.log_in("bob").status == 302
    return visitor


def test_whoever_isnt_logged_in_is_sent_to_the_sites_login_and_comes_back(example: Any) -> None:
    visitor = Visitor(example)
    answer = visitor.open("/keys/overview")
    login, _, query = answer.headers["location"].partition("?")
    assert (answer.status, login in LOGINS, query) == (303, True, "next=/keys/overview")
    answer = visitor.log_in("ada", next_page="/keys/overview")
    assert (answer.status, answer.headers["location"]) == (302, "/keys/overview")
    assert visitor.open("/keys/overview").status == 200


@pytest.mark.parametrize("page", ["https://evil.example/", "//evil.example/", "/\\evil.example/"])
def test_the_login_leads_to_no_other_site(example: Any, page: str) -> None:
    answer = Visitor(example).log_in("ada", next_page=page)
    assert (answer.status, answer.headers["location"]) == (302, "/")


def test_a_wrong_password_opens_no_dashboard(example: Any) -> None:
    visitor = Visitor(example)
    visitor.log_in("ada", "wrong")
    assert visitor.open("/keys/").status == 303


def test_a_made_up_session_opens_no_dashboard(example: Any) -> None:
    cookies = "session=eyJ1c2VyIjoiYWRhIn0.aa.bb; sessionid=0123456789abcdefghijklmnopqrstuv"
    assert example.ask("GET", "/keys/", headers={"Cookie": cookies}).status == 303


def test_a_key_that_is_made_there_opens_the_api(example: Any, ada: Visitor) -> None:
    token = ada.create_key(scopes="reports:write")
    answer = example.ask("GET", "/me", token=token)
    assert (answer.status, answer.json) == (200, {"user": "ada"})
    answer = example.ask("POST", "/reports", token=token, body='{"title": "Q3"}')
    assert (answer.status, answer.json) == (200, {"title": "Q3", "author": "ada"})


def test_a_key_without_the_scope_may_not_do_it(example: Any, ada: Visitor) -> None:
    answer = example.ask("POST", "/reports", token=ada.create_key(), body='{"title": "Q3"}')
    assert (answer.status, answer.json["error"]["code"]) == (403, "FORBIDDEN")


def test_a_scope_that_the_site_doesnt_hand_out_is_no_ones(example: Any, ada: Visitor) -> None:
    ada.open("/keys/keys/new")
    answer = ada.send("/keys/keys", environment="production", lifetime="90", scopes="admin")
    assert (answer.status, "That choice is not open to you" in answer.text) == (400, True)


def test_the_key_is_shown_once(ada: Visitor) -> None:
    token = ada.create_key()
    page = ada.open(f"/keys/keys/{key_id(token)}")
    assert (page.status, "nightly" in page.text, token in page.text) == (200, True, False)


def test_nobody_else_sees_or_changes_it(example: Any, ada: Visitor, bob: Visitor) -> None:
    token = ada.create_key(name="only ada's")
    path = f"/keys/keys/{key_id(token)}"
    assert [bob.open(f"{path}{page}").status for page in ("", "/rotate", "/revoke")] == [404] * 3
    assert "No keys yet" in bob.open("/keys/").text
    bob.open("/keys/keys/new")  # for a token of his own
    assert bob.send(f"{path}/revoke").status == 404
    assert example.ask("GET", "/me", token=token).status == 200


def test_a_revoked_key_is_refused_at_once(example: Any, ada: Visitor) -> None:
    token = ada.create_key()
    path = f"/keys/keys/{key_id(token)}"
    ada.open(f"{path}/revoke")
    answer = ada.send(f"{path}/revoke")
    assert (answer.status, answer.headers["location"]) == (303, f"{path}?done=revoked")
    assert example.ask("GET", "/me", token=token).status == 401


def test_a_key_opens_no_dashboard(example: Any, ada: Visitor) -> None:
    assert example.ask("GET", "/keys/", token=ada.create_key()).status == 303


def test_the_sites_logout_ends_the_dashboard(ada: Visitor) -> None:
    assert ada.open("/keys/").status == 200
    ada.log_out()
    assert ada.open("/keys/").status == 303


def key_id(token: str) -> str:
    return token.split("_")[2][:16]
