"""The list of keys, and its search."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from ...errors import ConfigurationError
from ..filters import PAGE, SCAN, Filters, key_id_in
from ..site import site, user

keys = Blueprint("keys", __name__)


@keys.get("/")
def index() -> str | Response:
    """One page of the keys that are theirs to see."""
    here, who = site(), user()
    filters = Filters.of(request.args, who)
    after = request.args.get("after")
    try:
        page = here.store.find(filters.query(who, here.keyring.now(), after))
    except ConfigurationError:  # a cursor of another order, or an altered one
        return redirect(filters.address(), 303)
    rows = [here.row(record, page.usage.get(record.key_id)) for record in page]
    granted = here.grants(who)
    return render_template(
        "keys.html",
        rows=rows,
        filters=filters,
        after=after,
        next_cursor=page.next_cursor,
        searched=SCAN if page.next_cursor and filters.narrowing() and len(rows) < PAGE else None,
        environments={each: each for each in granted.environments},
        scopes={each: each for each in granted.scopes},
    )


@keys.post("/search")
def search() -> Response:
    """To the list that a form asks for, or to the one key that it names.

    A form by POST, since people paste whole keys: an address is kept in histories and logs.
    """
    here, who = site(), user()
    filters = Filters.of(request.form, who)
    key_id = key_id_in(filters.q)
    text = request.form.get("q", "").strip()
    # An imported key has no form of its own: it is known by a digest.
    for each in here.keyring.ids_of(text) if key_id is None else [key_id]:
        record = here.keyring.get(each)
        if record is not None and who.may_see(record):
            return redirect(url_for("key.show", key_id=each), 303)
    return redirect(filters.address(), 303)
