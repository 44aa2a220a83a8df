"""Peers in Django's database: djangorestframework-api-key and django-rest-knox.

Each as its documentation sets it up, in one Django that has no other middleware, and with the
connections kept open (``CONN_MAX_AGE``), which is the fastest that Django knows. One Django serves
both databases: a router sends each request to the one that its app stands for.
"""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import django
from databases import NAMES, Databases
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import call_command
from django.db import connections
from request import App, Contender, environ_with
from sqlalchemy import make_url

_current = "default"


class Router:
    """Sends everything to the database of the request that is running."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return _current

    db_for_write = db_for_read

    def allow_relation(self, *models: Any, **hints: Any) -> bool:
        return True


@contextmanager
def contenders(databases: Databases) -> Generator[dict[str, Contender], None, None]:
    """Both peers, on each database that Django has a driver for here."""
    aliases = {"sqlite": "default"}
    aliases |= {"postgresql": "postgresql"} if "postgresql" in databases.servers else {}
    _configure({alias: databases.empty(backend) for backend, alias in aliases.items()})

    handler = WSGIHandler()
    found: dict[str, Contender] = {}
    for backend, alias in aliases.items():
        served = _on(alias, handler)
        for name, (path, *credentials) in _keys(alias).items():
            found[f"{name}, {NAMES[backend]}"] = Contender(
                _at("/plain", served),
                _at(path, served),
                (
                    environ_with(HTTP_AUTHORIZATION=credentials[0]),
                    environ_with(HTTP_AUTHORIZATION=credentials[1]),
                    environ_with(),
                ),
            )
    yield found
    connections.close_all()


def _configure(urls: dict[str, str]) -> None:
    settings.configure(
        SECRET_KEY="of the benchmark",
        ALLOWED_HOSTS=["*"],
        DATABASES={alias: _database(url) for alias, url in urls.items()},
        DATABASE_ROUTERS=[Router()],
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "rest_framework",
            "rest_framework_api_key",
            "knox",
        ],
        MIDDLEWARE=[],
        ROOT_URLCONF="peer_django_views",
        USE_TZ=True,
        LOGGING_CONFIG=None,
    )
    django.setup()
    logging.getLogger("django.request").setLevel(logging.ERROR)  # a line for each refusal
    for alias in urls:
        _switch(alias)
        call_command("migrate", database=alias, verbosity=0)


def _database(url: str) -> dict[str, Any]:
    address = make_url(url)
    engine = "sqlite3" if address.get_backend_name() == "sqlite" else "postgresql"
    return {
        "ENGINE": f"django.db.backends.{engine}",
        "NAME": address.database,
        "USER": address.username or "",
        "PASSWORD": address.password or "",
        "HOST": address.host or "",
        "PORT": address.port or "",
        "CONN_MAX_AGE": None,
    }


def _keys(alias: str) -> dict[str, tuple[str, str, str]]:
    """A path, the header of a key that is valid there, and of one that was deleted."""
    from django.contrib.auth import get_user_model
    from knox.models import get_token_model
    from rest_framework_api_key.models import APIKey

    _switch(alias)
    user = get_user_model().objects.create_user("user_123")
    _, key = APIKey.objects.create_key(name="CI")
    gone, wrong_key = APIKey.objects.create_key(name="gone")
    gone.delete()
    _, token = get_token_model().objects.create(user=user)
    gone, wrong_token = get_token_model().objects.create(user=user)
    gone.delete()
    return {
        "DRF API Key": ("/api-key", f"Api-Key {key}", f"Api-Key {wrong_key}"),
        "knox": ("/knox", f"Token {token}", f"Token {wrong_token}"),
    }


def _switch(alias: str) -> None:
    global _current
    _current = alias


def _on(alias: str, app: App) -> App:
    def served(environ: dict[str, Any], start_response: Any) -> Any:
        _switch(alias)
        return app(environ, start_response)

    return served


def _at(path: str, app: App) -> App:
    def served(environ: dict[str, Any], start_response: Any) -> Any:
        environ["PATH_INFO"] = path
        return app(environ, start_response)

    return served
