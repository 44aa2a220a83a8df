"""What holds for the whole suite: in CI a test may be skipped only for a reason listed here."""

import os
import re
from collections.abc import Generator
from typing import Any

import hypothesis
import pytest

# A reason must match one of these in full.
ALLOWED_SKIPS: tuple[str, ...] = (
    r"\.\./shared/spec is not beside this clone",
    r"needs root: .*",
    r"must not be root: .*",
)

# How long an example takes says something about the machine, nothing about the code. In CI the same
# examples run each time, so that a change is red for what it changes.
hypothesis.settings.register_profile("local", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "local")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    return _refuse_unexpected_skip((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, Any, Any]:
    return _refuse_unexpected_skip((yield))


def _refuse_unexpected_skip(report: Any) -> Any:
    if not os.environ.get("CI") or not report.skipped or hasattr(report, "wasxfail"):
        return report
    reason = report.longrepr[2].removeprefix("Skipped: ")
    if not any(re.fullmatch(allowed, reason) for allowed in ALLOWED_SKIPS):
        report.outcome = "failed"
        report.longrepr = (
            f"skipped in CI for a reason that tests/conftest.py doesn't list: {reason}"
        )
    return report
