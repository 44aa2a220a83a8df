"""One key."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from ...errors import ConfigurationError
from ...events import Event
from ..rows import row
from ..site import site, user

key = Blueprint("key", __name__)

DONE = ("revoked", "grace")


@key.get("/keys/<key_id>")
def show(key_id: str) -> str | Response:
    """What is known of a key: its secrets, its use, its history."""
    here = site()
    record = here.own(key_id)
    now = here.keyring.now()
    events: Sequence[Event] = ()
    older = None
    if here.history is not None:
        before = request.args.get("before")
        try:
            events, older = here.history.history(key_id, limit=20, before=before)
        except ConfigurationError:  # a cursor that somebody has altered
            return redirect(url_for("key.show", key_id=key_id), 303)
    done = request.args.get("done")
    return render_template(
        "key.html",
        row=row(record, here.keyring.usage(key_id), here.keyring.prefix, now),
        live=[s for s in record.secrets if s.expires_at is None or s.expires_at > now],
        days=here.days(key_id),
        events=events,
        older=older,
        done=done if done in DONE else None,
        manages=user().may_manage_all,
    )
