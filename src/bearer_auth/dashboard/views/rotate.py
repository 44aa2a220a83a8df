"""Giving a key a new secret, and ending the earlier one."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response

from ..site import site
from .create import issued_page

rotate = Blueprint("rotate", __name__)


@rotate.get("/keys/<key_id>/rotate")
def ask(key_id: str) -> str:
    """For how long the present secret is to live on."""
    here = site()
    return render_template("rotate.html", row=here.row(here.own(key_id)))


@rotate.post("/keys/<key_id>/rotate")
def change(key_id: str) -> str:
    """Rotate, and show the new secret: in this answer and nowhere else."""
    here = site()
    here.own(key_id)
    grace = request.form.get("grace", "")
    if grace not in map(str, here.texts.graces):
        raise BadRequest
    here.forms.use(request)
    issued = here.acting().rotate(key_id, timedelta(seconds=int(grace)))
    return issued_page(issued, here.texts.key_rotated)


@rotate.post("/keys/<key_id>/finish-rotation")
def finish(key_id: str) -> Response:
    """End the grace of the earlier secret."""
    here = site()
    here.own(key_id)
    here.acting().finish_rotation(key_id)
    return redirect(url_for("key.show", key_id=key_id, done="grace"), 303)
