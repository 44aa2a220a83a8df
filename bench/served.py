"""What gunicorn serves: the app, and the same one with a check."""

from __future__ import annotations

import os
import time
from typing import Any

from request import app

from bearer_auth import BearerAuth
from bearer_auth.stores.sql import SQLStore

WORK_S = float(os.environ["BENCH_WORK_S"])
"""Seconds that the app waits for something, as for a database of its own."""


def working(environ: dict[str, Any], start_response: Any) -> Any:
    time.sleep(WORK_S)
    return app(environ, start_response)


bare = working if WORK_S else app

checked = BearerAuth(
    bare, SQLStore(os.environ["BENCH_STORE"], table_prefix=os.environ["BENCH_PREFIX"])
)
