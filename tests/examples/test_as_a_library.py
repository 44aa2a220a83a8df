"""The example without a web server."""

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "examples" / "as_a_library.py"


def test_it_runs_and_prints_what_happened() -> None:
    ran = subprocess.run([sys.executable, str(SCRIPT)], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.splitlines() == [
        "issued to user_123",
        "accepted: user_123 pro jobs:run",
        "not allowed: jobs:delete",
        "the new token works: user_123",
        "the old one still does: user_123",
        "refused: revoked",
        "refused: revoked",
    ]


def test_it_loads_no_web_framework() -> None:
    code = f"import runpy, sys; runpy.run_path({str(SCRIPT)!r}); print(*sorted(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(ran.stdout.split())
    assert "bearer_auth" in loaded
    assert loaded.isdisjoint({"flask", "django", "wsgiref.simple_server", "sqlalchemy"})
