"""What goes wrong, as pages: what happened, and what to do now; nothing of what was raised."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from flask import make_response, render_template, request
from werkzeug.exceptions import BadHost, Conflict, HTTPException, SecurityError
from werkzeug.wrappers import Response

from .. import errors
from .site import site

logger = logging.getLogger("bearer_auth")

Answer = tuple[str, int] | Response

NO_HOST = (BadHost, SecurityError)
"""The request's host can't be one, or is none of Flask's ``TRUSTED_HOSTS``."""


def _page(status: int, title: str, text: str) -> Answer:
    if isinstance(request.routing_exception, NO_HOST):  # then no link can be made
        return _plain(status, title, text)
    try:
        return render_template("error.html", title=title, text=text), status
    except errors.StoreUnavailable:  # nor can the button to sign out be
        return _plain(status, title, text)


def _plain(status: int, title: str, text: str) -> Response:
    answer = make_response(f"{title}\n\n{text}\n", status)
    answer.headers["Content-Type"] = "text/plain; charset=utf-8"
    return answer


def _refused(error: Any) -> Answer:
    status = error.code or 500
    return _page(status, *site().texts.errors.get(status, (error.name, "")))


def _away(error: Any) -> Answer:
    logger.error("dashboard: %s", error.detail or "the store can't answer")
    return _page(503, *site().texts.errors[503])


def _no_such_key(_: Any) -> Answer:
    return _page(404, *site().texts.errors[404])


def _sent_twice(_: Any) -> Answer:
    return _page(409, *site().texts.sent_twice)


def _inactive(_: Any) -> Answer:
    return _page(409, *site().texts.inactive)


def _rotating(_: Any) -> Answer:
    return _page(409, *site().texts.rotating)


def _changed(_: Any) -> Answer:
    return _page(409, *site().texts.changed)


ERROR_PAGES: Mapping[type[Exception], Callable[[Any], Answer]] = {
    errors.StoreUnavailable: _away,
    errors.KeyNotFound: _no_such_key,
    errors.KeyInactive: _inactive,
    errors.RotationInProgress: _rotating,
    errors.Conflict: _changed,
    Conflict: _sent_twice,
    HTTPException: _refused,
}
