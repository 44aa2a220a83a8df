"""For a server: ``gunicorn --chdir examples conductor.wsgi:app``, and in BEARER_AUTH_STORE the URL
of the keys, such as ``sqlite:////var/lib/conductor/keys.db``."""

import os

from bearer_auth.idempotency import SQLIdempotencyStore
from bearer_auth.ratelimit import RateLimits
from bearer_auth.stores.sql import SQLStore
from conductor import PLANS, create_app

url = os.environ["BEARER_AUTH_STORE"]
app = create_app(
    SQLStore(url),
    idempotency=SQLIdempotencyStore(url),
    rate_limits=RateLimits(PLANS, default="100/minute", storage=url),
)
