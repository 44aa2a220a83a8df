"""One key."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, render_template, request
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from ...errors import ConfigurationError
from ...events import Event
from ..site import site

key = Blueprint("key", __name__)


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
        except ConfigurationError:  # the text in the address is no cursor
            raise NotFound from None
    live = [secret for secret in record.secrets if secret.live_at(now)]
    said = request.args.get("done", "")
    # The address says it, which anybody can write: only if it is so.
    done = {"revoked": record.status == "revoked", "grace": len(live) == 1}
    row = here.row(record, here.keyring.usage(key_id))
    return render_template(
        "key.html",
        row=row,
        live=live,
        days=here.days_of(row),
        events=events,
        older=older,
        done=said if done.get(said) else None,
    )
