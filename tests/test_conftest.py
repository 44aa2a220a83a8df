"""The guard against skips, tried on a small suite of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

CONFTEST = Path(__file__).with_name("conftest.py").read_text()


def run_suite(folder: Path, *, ci: bool, test: str) -> tuple[int, str]:
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "test_it.py").write_text(test)
    environ = {name: value for name, value in os.environ.items() if name != "CI"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", folder, folder],
        env=environ | ({"CI": "true"} if ci else {}),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


SKIPPED_TEST = "import pytest\n\ndef test_it():\n    pytest.skip('no coffee')\n"
MARKED_TEST = "import pytest\n\n@pytest.mark.skip('no coffee')\ndef test_it(): pass\n"
SKIPPED_MODULE = "import pytest\n\npytest.importorskip('a_module_that_is_not_there')\n"
ALLOWED = "import pytest\n\ndef test_it():\n    pytest.skip('needs root: for ports below 1024')\n"
EXPECTED_FAILURE = "import pytest\n\n@pytest.mark.xfail\ndef test_it(): assert False\n"


@pytest.mark.parametrize(
    "test", [SKIPPED_TEST, MARKED_TEST, SKIPPED_MODULE], ids=["called", "marked", "module"]
)
def test_in_ci_an_unexpected_skip_is_a_failure(tmp_path: Path, test: str) -> None:
    code, output = run_suite(tmp_path, ci=True, test=test)
    assert code != 0
    assert "skipped in CI for a reason that tests/conftest.py doesn't list" in output


@pytest.mark.parametrize("test", [ALLOWED, EXPECTED_FAILURE], ids=["listed", "xfail"])
def test_in_ci_a_listed_reason_and_an_expected_failure_pass(tmp_path: Path, test: str) -> None:
    code, output = run_suite(tmp_path, ci=True, test=test)
    assert code == 0, output


def test_elsewhere_a_skip_is_a_skip(tmp_path: Path) -> None:
    code, output = run_suite(tmp_path, ci=False, test=SKIPPED_TEST)
    assert code == 0
    assert "1 skipped" in output
