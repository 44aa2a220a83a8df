"""For a server: ``gunicorn --chdir examples conductor.wsgi:app``, and in BEARER_AUTH_STORE the URL
of the keys, such as ``sqlite:////var/lib/conductor/keys.db``."""

import os

from bearer_auth.stores.sql import SQLStore
from conductor import create_app

app = create_app(SQLStore(os.environ["BEARER_AUTH_STORE"]))
