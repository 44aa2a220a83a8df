"""``bearer-auth sweep``: events of keys that end soon or that nobody uses."""

from __future__ import annotations

from datetime import timedelta

import click

from .errors import Command
from .options import duration, examples, json_option, pass_context, store_option
from .output import note, write_json
from .store import Context


@click.command(
    "sweep",
    cls=Command,
    epilog=examples("bearer-auth sweep", "bearer-auth sweep --expiring 14d --unused 180d"),
)
@click.option(
    "--expiring",
    type=duration,
    metavar="DURATION",
    default="7d",
    show_default=True,
    help="Tell key.expiring of active keys that end within this time.",
)
@click.option(
    "--unused",
    type=duration,
    metavar="DURATION",
    default="90d",
    show_default=True,
    help="Tell key.idle of active keys that were not used for this long.",
)
@store_option
@json_option
@pass_context
def sweep(context: Context, /, expiring: timedelta, unused: timedelta, as_json: bool) -> None:
    """Tell the events key.expiring and key.idle, once a day from cron, say.

    It writes nothing, so the next one tells the same keys again. The events go where those of the
    app do under flask bearer-auth; otherwise each is a line on standard error.
    """
    import logging

    from ..events import LoggingSink
    from ..sweep import sweep

    sink = context.event_sink
    if sink is None:
        logger = logging.Logger("bearer_auth", logging.INFO)
        logger.addHandler(logging.StreamHandler())
        sink = LoggingSink(logger)
    swept = sweep(context.keyring(), expiring=expiring, unused=unused, event_sink=sink)
    if as_json:
        write_json({"expiring": swept.expiring, "idle": swept.idle})
    note(f"{swept.expiring} active keys end soon, {swept.idle} are idle.")
