"""The example with keys beside a session login, through a real server."""

from typing import Any

EXAMPLE = "session_and_keys"

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def log_in(example: Any) -> dict[str, str]:
    answer = example.ask("POST", "/login", body="user=ada&password=correct+horse", headers=FORM)
    assert (answer.status, answer.headers["location"]) == (302, "/reports")
    return {"Cookie": answer.headers["set-cookie"].partition(";")[0]}


def test_a_key_reads_the_reports(example: Any) -> None:
    answer = example.ask("GET", "/reports", token=example.reader)
    assert (answer.status, answer.json["user"]) == (200, "ada")


def test_whoever_has_logged_in_reads_the_reports(example: Any) -> None:
    answer = example.ask("GET", "/reports", headers=log_in(example))
    assert (answer.status, answer.json["user"]) == (200, "ada")


def test_whoever_has_neither_is_sent_to_the_login(example: Any) -> None:
    answer = example.ask("GET", "/reports")
    assert (answer.status, answer.headers["location"]) == (302, "/login")
    assert example.ask("GET", "/login").status == 200


def test_a_wrong_password_gets_no_session(example: Any) -> None:
    answer = example.ask("POST", "/login", body="user=ada&password=x", headers=FORM)
    assert answer.status == 403
    assert "set-cookie" not in answer.headers


def test_a_wrong_key_is_a_401_also_beside_a_session(example: Any) -> None:
    answer = example.ask("GET", "/reports", token="ba_nonsense", headers=log_in(example))
    assert (answer.status, answer.json["error"]["code"]) == (401, "UNAUTHORIZED")


def test_only_a_key_changes_something(example: Any) -> None:
    body = '{"title": "Q2"}'
    assert example.ask("POST", "/reports", body=body, headers=log_in(example)).status == 401
    answer = example.ask("POST", "/reports", token=example.writer, body=body)
    assert (answer.status, answer.json) == (200, {"user": "user_123", "reports": ["Q2"]})
