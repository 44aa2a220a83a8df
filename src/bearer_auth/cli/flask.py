"""``flask bearer-auth …``: the terminal's commands, on the keys of a Flask app."""

from __future__ import annotations

from typing import cast

import click
from flask.cli import ScriptInfo

from ..errors import BearerAuthError
from ..middleware import BearerAuth
from ..stores import KeyStore

_ONE_PROCESS = "these keys live in one process, and this command is another; use SQLStore"


class _Commands(click.Group):
    # Every `flask …` loads this group, so what is in it is imported when it is used.
    def list_commands(self, ctx: click.Context) -> list[str]:
        from .app import commands as terminal

        return terminal.list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        from .app import commands as terminal

        return terminal.get_command(ctx, cmd_name)

    def invoke(self, ctx: click.Context) -> object:
        if not set(ctx.help_option_names) & set(ctx.args):  # help needs no app
            _use_keys_of_app(ctx)
        return super().invoke(ctx)


@click.group("bearer-auth", cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
def commands() -> None:
    """Issue, list, rotate and revoke the API keys of this app."""


def _use_keys_of_app(ctx: click.Context) -> None:
    from ..stores.memory import MemoryStore
    from .store import Context

    try:
        app = ctx.ensure_object(ScriptInfo).load_app()
    except BearerAuthError as error:
        raise click.ClickException(str(error)) from None
    bearer_auth = cast(BearerAuth | None, app.extensions.get("bearer_auth"))
    if bearer_auth is None:
        raise click.ClickException(f"{app!r} has no keys: call FlaskBearerAuth(app, store)")
    ctx.with_resource(app.app_context())  # a store may live in the app's own database session
    store = bearer_auth.store
    ctx.obj = Context(
        store=store,
        url=_url_of(store),
        peppers=bearer_auth.authenticator.peppers,
        environments=tuple(bearer_auth.authenticator.environments),
        event_sink=bearer_auth.event_sink,
        refusal=_ONE_PROCESS if isinstance(store, MemoryStore) else "",
    )


def _url_of(store: KeyStore) -> str | None:
    from ..stores.env import EnvStore

    # Told by its looks: SQLStore's module may lack SQLAlchemy, which takes long to import too.
    render = getattr(getattr(store, "_url", None), "render_as_string", None)
    if render is not None:
        return str(render(hide_password=False))
    return f"env:{getattr(store, '_prefix', '')}" if isinstance(store, EnvStore) else None
