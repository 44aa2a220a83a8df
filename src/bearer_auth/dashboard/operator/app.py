"""create_operator_dashboard: all keys, for whoever signs in with a password or by a link."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Flask, redirect, request, url_for
from werkzeug.exceptions import Unauthorized
from werkzeug.wrappers import Response

from ...events import EventSink
from ...keyring import Keyring
from ...stores import KeyStore
from ..app import create_dashboard
from ..grants import Grants, GrantsFor
from ..texts import Texts
from .operators import Operators
from .texts import OperatorTexts
from .views import sign_in_pages

if TYPE_CHECKING:
    from ...audit import History


def create_operator_dashboard(
    store: KeyStore,
    *,
    keyring: Keyring | None = None,
    operators: Operators | None = None,
    grants: Grants | GrantsFor = Grants(),  # noqa: B008 (frozen)
    events: History | None = None,
    event_sink: EventSink | None = None,
    api_url: str | None = None,
    texts: Texts = Texts(),  # noqa: B008 (holds nothing but text)
    sign_in_texts: OperatorTexts = OperatorTexts(),  # noqa: B008 (holds nothing but text)
) -> Flask:
    """The dashboard with all keys, for operators. Accounts and passwords are made by
    ``bearer-auth dashboard set-password``.

    Behind a proxy it needs werkzeug's ProxyFix around it: else all people have the proxy's address
    when attempts to sign in are counted, and over https the cookie isn't ``Secure``.

    Args:
        store: A store that keeps its keys in a database. Passwords, sessions and the rest are there
            too.
        keyring: What makes and changes keys; by default one over the store, with ``event_sink``.
        operators: Who may sign in; by default those of the store.
        grants: As for ``create_dashboard``.
        events: The audit trail, such as ``SQLEventSink``.
        event_sink: Where changes of keys and sign-ins are told; by default the logger
            ``bearer_auth``.
        api_url: As for ``create_dashboard``.
        texts: As there.
        sign_in_texts: The text of the pages to sign in on.

    Returns:
        A WSGI app.

    Raises:
        ConfigurationError: The store is in no database.
        ReadOnlyStore: The store can't be written to.
        StoreUnavailable: Tables are missing: ``bearer-auth db upgrade`` makes them.

    .. versionadded:: 0.1
    """
    operators = operators or Operators(store, event_sink=event_sink)
    app = create_dashboard(
        keyring or Keyring(store, event_sink=event_sink),
        operators.identify,
        grants=grants,
        events=events,
        api_url=api_url,
        texts=texts,
    )
    app.register_blueprint(sign_in_pages(operators, sign_in_texts))
    app.register_error_handler(Unauthorized, _to_sign_in)
    return app


def _to_sign_in(_: Any) -> Response:
    # Not by create_dashboard's login_url, which doesn't know where this is mounted.
    back = request.script_root + request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("sign_in.form", next=back), 303)
