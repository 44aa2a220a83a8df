"""The pages on which operators sign in, and the button by which they sign out."""

from __future__ import annotations

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from .next_page import inside
from .operators import COOKIE, Answer, Client, Operators, cookie_of
from .texts import OperatorTexts

ACCOUNT = "operator"
"""The account that is meant unless another one is named."""


def sign_in_pages(operators: Operators, texts: OperatorTexts) -> Blueprint:
    """The pages, as a blueprint."""
    pages = Blueprint("sign_in", __name__)

    @pages.get("/sign-in")
    def form() -> str:
        return _form(texts)

    @pages.post("/sign-in")
    def with_password() -> Response:
        account = request.form.get("account", "")
        answer = operators.sign_in(account, request.form.get("password", ""), _client())
        if answer.token is not None:
            return _welcome(operators, answer.token)
        return _refused(texts, account, answer)

    @pages.get("/sign-in/link")
    def link() -> Response:
        token = request.args.get("token", "")
        return _link(texts, token if operators.is_live_link(token) else "")

    @pages.post("/sign-in/link")
    def by_link() -> Response:
        answer = operators.sign_in_by_link(request.form.get("link", ""), _client())
        return _link(texts, "") if answer.token is None else _welcome(operators, answer.token)

    @pages.post("/sign-out")
    def sign_out() -> Response:
        operators.sign_out(cookie_of(request.environ), _client())
        return _set_cookie(redirect(url_for("sign_in.form"), 303), "")

    return pages


def _client() -> Client:
    return Client(request.remote_addr, request.environ.get("bearer_auth.request_id"))


def _form(texts: OperatorTexts, account: str = ACCOUNT, problem: str = "") -> str:
    return render_template(
        "operator/sign_in.html",
        s=texts,
        account=account,
        problem=problem,
        next=request.values.get("next", ""),
    )


def _refused(texts: OperatorTexts, account: str, answer: Answer) -> Response:
    if answer.wait_s is None:
        return make_response(_form(texts, account, texts.wrong), 403)
    response = make_response(_form(texts, account, texts.wait(answer.wait_s)), 429)
    response.headers["Retry-After"] = str(answer.wait_s)
    return response


def _link(texts: OperatorTexts, token: str) -> Response:
    """A page with a button, so that a preview of the link in a chat doesn't use it up."""
    page = render_template("operator/sign_in_link.html", s=texts, link=token)
    return make_response(page, 200 if token else 403)


def _welcome(operators: Operators, token: str) -> Response:
    """Go on with a new session; one that came with the request ends."""
    operators.end_session(cookie_of(request.environ))
    next_page = inside(request.form.get("next", ""), request.script_root)
    return _set_cookie(redirect(next_page or url_for("keys.index"), 303), token)


def _set_cookie(response: Response, token: str) -> Response:
    """Set the cookie, or with no token delete it."""
    response.set_cookie(
        COOKIE,
        token,
        max_age=None if token else 0,
        path=request.script_root or "/",
        secure=request.is_secure,
        httponly=True,
        samesite="Strict",
    )
    return response
