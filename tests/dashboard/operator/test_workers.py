"""Several workers, and restarts: who is signed in at one is signed in at all."""

import pytest


@pytest.fixture(params=["sqlite", "postgresql"])
def workers(request, make_url, opened, make_app):
    """Makes another worker over the same database."""
    url = make_url(request.param)
    return lambda: make_app(opened(url))


def test_two_workers_agree_about_passwords_sessions_and_forms(workers, browse):
    (first, operators), (second, _) = workers(), workers()
    operators.set_password("alice", "correct horse battery")
    browser, other = browse(first), browse(second)
    # The page of one worker, the form sent to the other.
    browser.client, there = other.client, browser.client
    page = there.get("/sign-in").text
    token = page.partition('name="token" value="')[2].partition('"')[0]
    answer = browser.client.post(
        "/sign-in",
        data={"token": token, "account": "alice", "password": "correct horse battery"},
        headers={"Sec-Fetch-Site": "same-origin"},
    )
    assert answer.status_code == 303
    browser.client = there
    browser.client.set_cookie("bearer_auth_session", other.cookie())
    assert browser.is_in
    browser.sign_out()
    assert not other.is_in


def test_a_link_of_one_worker_is_used_once_at_any(workers, browse):
    (first, operators), (second, _) = workers(), workers()
    link = operators.make_link("operator")
    assert browse(second).submit(f"/sign-in/link?token={link}").status_code == 303
    assert browse(first).submit("/sign-in", "/sign-in/link", link=link).status_code == 403
    assert browse(first).get(f"/sign-in/link?token={link}").status_code == 403


def test_a_restart_signs_no_one_out(workers, browse):
    app, operators = workers()
    operators.set_password("alice", "correct horse battery")
    browser = browse(app)
    browser.sign_in()
    after, _ = workers()
    again = browse(after)
    again.client.set_cookie("bearer_auth_session", browser.cookie())
    assert again.is_in


def test_a_new_password_holds_at_once_everywhere(workers, browse):
    (_, operators), (second, _) = workers(), workers()
    operators.set_password("alice", "correct horse battery")
    browser = browse(second)
    browser.sign_in()
    operators.set_password("alice", "another horse battery")
    assert not browser.is_in
    assert browser.sign_in().status_code == 403
