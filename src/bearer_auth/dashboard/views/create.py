"""Making a key."""

from __future__ import annotations

from datetime import timedelta
from shlex import quote

from flask import Blueprint, make_response, render_template, request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response

from ...errors import ConfigurationError
from ...issuer import KeyFields
from ...records import IssuedKey
from ...stores import Query
from ...token import parse
from ..grants import Grants
from ..people import DashboardUser
from ..site import site, user

create = Blueprint("create", __name__)


class NotGranted(Exception):
    """Somebody asks for what isn't theirs to give; holds what to say."""


@create.get("/keys/new")
def new() -> str:
    """The form."""
    return _form(MultiDict({"owner": request.args.get("owner", "")}))


@create.post("/keys")
def make() -> str | tuple[str, int]:
    """Make the key, and show it: in this answer and nowhere else."""
    here, who, form = site(), user(), request.form
    granted = here.grants(who)
    try:
        owner, fields = _asked(who, granted)
    except (NotGranted, ConfigurationError) as error:
        return _form(form, str(error)), 400
    here.forms.use(request)
    try:
        issued = here.acting().create(user_id=owner, **fields)
    except ConfigurationError as error:
        return _form(form, str(error)), 400
    if not who.may_manage_all and _has_more(who, granted.max_keys):
        # Others of theirs were made since they were counted. None of them was shown yet.
        here.acting().revoke(issued.key_id, "max_keys")
        return _form(form, here.texts.too_many), 400
    return issued_page(issued, here.texts.key_created)


@create.post("/keys/env")
def download() -> Response:
    """The key that the page of a moment ago shows, as a file: it comes with the form."""
    token = request.form.get("key", "")
    if parse(token) is None:
        raise BadRequest
    answer = make_response(f"API_KEY={token}\n")
    answer.headers["Content-Type"] = "text/plain; charset=utf-8"
    # Browsers take the dot off the front of a name.
    answer.headers["Content-Disposition"] = 'attachment; filename="api_key.env"'
    return answer


def issued_page(issued: IssuedKey, title: str) -> str:
    """The one page that shows a key."""
    here = site()
    api_url = quote(here.api_url or f"{request.host_url}health")
    return render_template("issued.html", issued=issued, title=title, api_url=api_url)


def _form(given: MultiDict[str, str], problem: str = "") -> str:
    here, who = site(), user()
    return render_template("create.html", given=given, problem=problem, granted=here.grants(who))


def _asked(who: DashboardUser, granted: Grants) -> tuple[str, KeyFields]:
    """Whose key it is to be, and what it may do; nothing beyond what this person may give."""
    t, form = site().texts, request.form
    scopes = form.getlist("scopes")
    if who.may_manage_all:
        scopes = " ".join(scopes).split()
    environment = form.get("environment", "")
    lifetime = form.get("lifetime", "")
    if lifetime == "never":
        if not granted.never and not who.may_manage_all:
            raise NotGranted(t.not_granted)
        if form.get("never_sure") != "yes":
            raise NotGranted(t.never_unsure)
    fields: KeyFields = {
        "name": form.get("name", "").strip(),
        "environment": environment,
        "scopes": scopes,
        "expires_in": None if lifetime == "never" else _days(lifetime, granted),
        "created_by": who.user_id,
    }
    if who.may_manage_all:
        fields["plan"] = form.get("plan", "").strip() or "default"
        return form.get("owner", "").strip(), fields
    if environment not in granted.environments or not set(scopes) <= set(granted.scopes):
        raise NotGranted(t.not_granted)
    if _has_more(who, granted.max_keys - 1):
        raise NotGranted(t.too_many)
    fields["plan"], fields["tenant_id"] = who.plan, who.tenant_id
    return who.user_id, fields


def _days(lifetime: str, granted: Grants) -> timedelta:
    if lifetime not in map(str, granted.days):
        raise NotGranted(site().texts.not_granted)
    return timedelta(days=int(lifetime))


def _has_more(who: DashboardUser, most: int) -> bool:
    """Whether they have more keys than that, not counting revoked and expired ones."""
    here = site()
    live = 0
    for state in ("active", "suspended"):
        query = Query(now=here.keyring.now(), state=state, limit=max(1, most), **who.key_filter)
        page = here.store.find(query)
        live += len(page) + (page.next_cursor is not None)
    return live > most
