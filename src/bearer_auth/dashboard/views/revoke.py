"""Ending keys: one, or all of an owner."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from ...errors import ConfigurationError
from ...stores import Query
from ..site import site, user
from ..visible import visible

revoke = Blueprint("revoke", __name__)

COUNTED = 100
"""Keys of an owner that are counted; beyond, the page says "more than"."""


@revoke.get("/keys/<key_id>/revoke")
def ask(key_id: str) -> str:
    """Whether they are sure."""
    return _form(key_id)


@revoke.post("/keys/<key_id>/revoke")
def end(key_id: str) -> Response | tuple[str, int]:
    """End the key. Once the next page is there, no process accepts it any more."""
    here = site()
    described = here.row(here.own(key_id), here.keyring.usage(key_id))
    word = request.form.get("confirm", "").strip()
    if described.used_lately(here.keyring.now()) and word != here.texts.confirm_word:
        return _form(key_id, here.texts.confirm_wrong), 400
    try:
        here.acting().revoke(key_id, _reason())
    except ConfigurationError as error:  # of the reason
        return _form(key_id, str(error)), 400
    return redirect(url_for("key.show", key_id=key_id, done="revoked"), 303)


@revoke.get("/owners/revoke")
def ask_all() -> str:
    """Whether they are sure of a whole owner."""
    return _owner_form(_owner(request.args.get("user_id", "")))


@revoke.post("/owners/revoke")
def end_all() -> str | tuple[str, int]:
    """End all keys of an owner."""
    here = site()
    owner = _owner(request.form.get("user_id", ""))
    typed = request.form.get("confirm", "")
    if not typed or typed.strip() not in (owner.strip(), str(visible(owner)).strip()):
        return _owner_form(owner, here.texts.confirm_owner_wrong), 400
    here.forms.use(request)  # sent again by Reload, it would end keys that were made since
    try:
        count = here.acting().revoke_all(user_id=owner, reason=_reason())
    except ConfigurationError as error:  # of the reason
        return _owner_form(owner, str(error)), 400
    return _owner_form(owner, ended=count)


def _owner(user_id: str) -> str:
    if not user().may_manage_all or not user_id:
        raise NotFound
    return user_id


def _reason() -> str:
    return request.form.get("reason", "").strip()[:500]


def _form(key_id: str, problem: str = "") -> str:
    here = site()
    described = here.row(here.own(key_id), here.keyring.usage(key_id))
    confirm = described.used_lately(here.keyring.now())
    return render_template("revoke.html", row=described, confirm=confirm, problem=problem)


def _owner_form(owner: str, problem: str = "", ended: int | None = None) -> str:
    here = site()
    live, more = 0, False
    for state in ("active", "suspended", "expired"):
        query = Query(now=here.keyring.now(), state=state, user_id=owner, limit=COUNTED)
        page = here.store.find(query)
        live, more = live + len(page), more or page.next_cursor is not None
    return render_template(
        "revoke_all.html", owner=owner, live=live, more=more, problem=problem, ended=ended
    )
