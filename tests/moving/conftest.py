"""Databases that djangorestframework-api-key and django-rest-knox have written themselves."""

import json
import subprocess
import sys

import pytest

# In a process of its own: Django is configured once and for all.
SITE = """
import json, sys
import pymysql
pymysql.install_as_MySQLdb()
from datetime import timedelta
import django
from django.conf import settings

settings.configure(
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "rest_framework",
                    "rest_framework_api_key", "knox"],
    DATABASES={"default": json.loads(sys.argv[1])},
    USE_TZ=True, DEFAULT_AUTO_FIELD="django.db.models.AutoField", SECRET_KEY="x",
    PASSWORD_HASHERS=["django.contrib.auth.hashers.PBKDF2PasswordHasher"],
)
django.setup()
from django.core.management import call_command
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.utils import timezone
from rest_framework_api_key.models import APIKey
from knox.models import AuthToken

call_command("migrate", verbosity=0)
day = timedelta(days=1)
keys = {}
for name, fields in {
    "CI": {}, "gone": {"revoked": True}, "ended": {"expiry_date": timezone.now() - day},
    "ends": {"expiry_date": timezone.now() + day},
}.items():
    keys[name] = APIKey.objects.create_key(name=name, **fields)[1]
old, keys["old"] = APIKey.objects.create_key(name="old")
old.hashed_key = make_password(keys["old"])
old.save()
user = User.objects.create(username="jane", id=7)
tokens = {
    "endless": AuthToken.objects.create(user, expiry=None)[1],
    "day": AuthToken.objects.create(user, expiry=day)[1],
    "over": AuthToken.objects.create(user, expiry=-day)[1],
    "prefixed": AuthToken.objects.create(user, expiry=None, prefix="acme_")[1],
}
print(json.dumps({"keys": keys, "tokens": tokens}))
"""


@pytest.fixture(scope="session", params=["sqlite", "postgresql", "mariadb"])
def site(request, tmp_path_factory, servers):
    """The URL of the database of such a site, and the keys and tokens that its users have."""
    if request.param == "sqlite":
        name = str(tmp_path_factory.mktemp("site") / "db.sqlite3")
        url, config = f"sqlite:///{name}", {"ENGINE": "django.db.backends.sqlite3", "NAME": name}
    elif request.param == "postgresql":
        url = servers.database("postgresql")
        config = {"ENGINE": "django.db.backends.postgresql", "USER": "postgres", "PORT": 5432}
    else:
        url = servers.database("mariadb")
        config = {"ENGINE": "django.db.backends.mysql", "USER": "root", "PORT": 3306}
    if request.param != "sqlite":
        config |= {"HOST": "127.0.0.1", "NAME": url.rpartition("/")[2]}
    done = subprocess.run(
        [sys.executable, "-c", SITE, json.dumps(config)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return url, json.loads(done.stdout.splitlines()[-1])
