"""What holds for every page: forms that only our own pages can send, and headers.

A form is checked twice, as OWASP's cheat sheet on cross-site request forgery advises: by a token
that only our page knows, and by what the browser says of where the form comes from.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cached_property
from hashlib import sha256
from typing import Any

from flask import Request, Response
from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug.exceptions import BadRequest, Conflict, Forbidden

from .once import Once
from .people import DashboardUser

FORM_LIFE = timedelta(hours=12)
"""How long a page may stay open before its form is sent."""

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",  # with no-referrer, forms would come with "Origin: null"
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def add_headers(response: Response) -> Response:
    """Put the headers of safety on an answer."""
    for name, value in HEADERS.items():
        response.headers[name] = value
    return response


class Forms:
    """The tokens in forms: each for one person and, where it matters, for one use.

    Args:
        secret: Gives what they are signed with.
        once: What was used already.
        now: The time, aware.
    """

    def __init__(
        self, secret: Callable[[], bytes], once: Once, now: Callable[[], datetime]
    ) -> None:
        self._secret = secret
        self._once = once
        self._now = now

    @cached_property
    def _signer(self) -> URLSafeTimedSerializer:
        # Made when the first page is: a worker may start while the database is away.
        return URLSafeTimedSerializer(
            self._secret(),
            salt="bearer_auth.dashboard.form",
            signer_kwargs={"digest_method": sha256},
        )

    def token(self, user: DashboardUser | None) -> str:
        """A new token for a form on this person's page."""
        return self._signer.dumps([*_who(user), secrets.token_urlsafe(16)])

    def check(self, request: Request, user: DashboardUser | None) -> None:
        """Let a form through that this person sent from a page of ours.

        Raises:
            Forbidden: It came from elsewhere, or nothing says from where.
            BadRequest: Its token is missing, wrong, old, or somebody else's.
        """
        site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
        if site is not None:
            ours = site == "same-origin"
        else:  # a browser sends it to https and to localhost only
            ours = origin == f"{request.scheme}://{request.host}"
        if not ours:
            raise Forbidden
        if self._read(request)[:-1] != _who(user):
            raise BadRequest

    def use(self, request: Request) -> None:
        """Use the form up, so that it can't be sent again by Reload or Back.

        Raises:
            Conflict: It was sent before.
        """
        digest = sha256(self._read(request)[-1].encode()).hexdigest()
        if not self._once.use(digest, self._now() + FORM_LIFE):
            raise Conflict

    def _read(self, request: Request) -> list[Any]:
        try:
            value = self._signer.loads(
                request.form.get("token", ""), max_age=int(FORM_LIFE.total_seconds())
            )
        except BadData:
            raise BadRequest from None
        return list(value)


def _who(user: DashboardUser | None) -> list[Any]:
    return (
        ["", None, False] if user is None else [user.user_id, user.tenant_id, user.may_manage_all]
    )
