"""create_dashboard: the pages as a WSGI app."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from flask import Flask, current_app, g, redirect, request
from jinja2 import StrictUndefined
from markupsafe import Markup, escape
from werkzeug.exceptions import Unauthorized
from werkzeug.wrappers import Response

from ..errors import ConfigurationError
from ..keyring import Keyring
from .chart import bars
from .error_pages import ERROR_PAGES, NO_HOST
from .grants import Grants, GrantsFor, granting
from .guard import Forms, add_headers
from .once import Once
from .people import DashboardUser, Identify
from .signing import signing_secret
from .site import EXTENSION, Site, site
from .texts import Texts
from .views import blueprints
from .visible import visible

if TYPE_CHECKING:
    from ..audit import History

MAX_FORM = 64 * 1024
"""Bytes of a form."""


def create_dashboard(
    keyring: Keyring,
    identify: Identify,
    *,
    grants: Grants | GrantsFor = Grants(),  # noqa: B008 (frozen)
    events: History | None = None,
    login_url: str | None = None,
    api_url: str | None = None,
    texts: Texts = Texts(),  # noqa: B008 (holds nothing but text)
) -> Flask:
    """Pages on which people make, rotate and revoke their keys. Mount it where you like.

    Args:
        keyring: What makes and changes keys. Give it the same ``event_sink`` as ``events``, so that
            what is done here is in the history.
        identify: Called with the environ of each request; says who sent it, from your own session,
            or ``None``. What it raises is a 500: nobody gets in by it.
        grants: What people may hand out; or a function of the ``DashboardUser`` that says so.
        events: The audit trail, such as ``SQLEventSink``: the history of keys and refusals.
        login_url: Where people sign in, a path of your site; they come back by its parameter
            ``next``. Without one they are told that they aren't signed in.
        api_url: The address in the line for curl; by default ``/health`` of this server.
        texts: All text of the pages; for another language.

    Returns:
        A WSGI app.

    Raises:
        ConfigurationError: An argument is out of bounds.
        ReadOnlyStore: The keyring's store can't be written to.
        StoreUnavailable: The store's tables are missing, or it can't be reached.
        TypeError: An argument is of the wrong type.

    .. versionadded:: 0.1
    """
    if not isinstance(keyring, Keyring):
        raise TypeError(f"keyring must be a Keyring, not {type(keyring).__name__}")
    if not callable(identify):
        raise TypeError("identify must be a function of the environ")
    for name, url in (("login_url", login_url), ("api_url", api_url)):
        if url is not None and not isinstance(url, str):
            raise TypeError(f"{name} must be text, not {type(url).__name__}")
    if login_url is not None and not _is_local(login_url):
        raise ConfigurationError(f"login_url must be a path of this site: {login_url!r}")
    if api_url is not None and not api_url.startswith(("http://", "https://")):
        raise ConfigurationError(f"api_url must begin with https:// or http://: {api_url!r}")
    if not isinstance(texts, Texts):
        raise TypeError(f"texts must be Texts(), or of a subclass, not {texts!r}")
    for method in ("history", "refusals_by_day", "most_refused"):
        if events is not None and not callable(getattr(events, method, None)):
            # It may be a URL with a password in it, so it is not quoted.
            raise TypeError(
                f"events must have a method {method}, as SQLEventSink has, not be of "
                f"{type(events).__name__}"
            )
    store = keyring.writable_store()
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = MAX_FORM
    app.url_map.merge_slashes = False  # its redirects name the host that the client has sent
    app.jinja_env.undefined = StrictUndefined  # else a condition on a wrong name is just false
    app.jinja_env.finalize = visible
    app.jinja_env.filters.update(
        as_json=_as_json,
        exactly=escape,  # for fields that come back with the form
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.extensions[EXTENSION] = Site(
        keyring=keyring,
        store=store,
        identify=identify,
        grants=granting(grants),
        history=events,
        forms=Forms(
            partial(signing_secret, store),
            Once(store, lambda: keyring.now().timestamp()),
            keyring.now,
        ),
        login_url=login_url,
        api_url=api_url,
        texts=texts,
    )
    app.before_request(_admit)
    app.after_request(add_headers)
    app.context_processor(_in_templates)
    for error, page in ERROR_PAGES.items():
        app.register_error_handler(error, page)
    for blueprint in blueprints:
        app.register_blueprint(blueprint)
    return app


def _as_json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _is_local(url: str) -> bool:
    parts = urlsplit(url)
    plain = url.isprintable() and not url.startswith("//") and "\\" not in url
    return plain and url.startswith("/") and not parts.scheme and not parts.netloc


def _admit() -> Response | None:
    """Before every request: who is it, and did a page of ours send this form?"""
    g.dashboard_user = None
    if isinstance(request.routing_exception, NO_HOST):
        raise request.routing_exception
    if request.endpoint == "static":
        return None
    user = site().identify(request.environ)
    if user is not None and not isinstance(user, DashboardUser):
        raise TypeError(f"identify must return a DashboardUser or None, not {type(user).__name__}")
    if user is None and not _is_sign_in(request.endpoint):
        return _to_login()
    g.dashboard_user = user
    if request.method not in ("GET", "HEAD", "OPTIONS"):
        site().forms.check(request, user)
    return None


def _is_sign_in(endpoint: str | None) -> bool:
    return endpoint is not None and endpoint.startswith("sign_in.")


def _to_login() -> Response:
    login_url = site().login_url
    if login_url is None:
        raise Unauthorized
    # Only a page can be gone back to: a form is not sent a second time. Browsers read "//…" and
    # "/\\…" as another site, so the path begins with one slash, and is encoded once more.
    path = request.path if request.method == "GET" else "/"
    back = "/" + quote(request.script_root + path).lstrip("/")
    if request.method == "GET" and request.query_string:
        back += "?" + request.query_string.decode("ascii", "replace")
    return redirect(f"{login_url}{'&' if '?' in login_url else '?'}next={quote(back)}", 303)


def _in_templates() -> dict[str, Any]:
    here = site()
    user: DashboardUser | None = g.get("dashboard_user")
    return {
        "t": here.texts,
        "user": user,
        "now": here.keyring.now(),
        "can_sign_out": "sign_in.sign_out" in current_app.view_functions,
        "bars": bars,
        "field": lambda: Markup('<input type="hidden" name="token" value="{}">').format(
            here.forms.token(user)
        ),
    }
