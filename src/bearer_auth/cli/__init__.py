"""The terminal's door: the command ``bearer-auth`` (extra: cli)."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command of ``sys.argv`` and exit with its code; see ``bearer-auth --help``."""
    try:
        try:
            from .app import run
        except ImportError as error:
            if (error.name or "").partition(".")[0] != "click":
                raise
            sys.exit('bearer-auth needs click and rich: pip install "bearer_auth[cli]"')
        code = run()
    except KeyboardInterrupt:  # while modules are still being imported
        code = 130
    sys.exit(code)
