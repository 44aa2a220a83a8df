"""The browser of this machine."""

import os
import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome")

# Chromium's sandbox can't be set up by root, as which containers run.
OPTIONS = ["--no-sandbox"] if os.geteuid() == 0 else []


def find():
    """The path of a Chromium, or ``None``."""
    return next(filter(None, map(shutil.which, NAMES)), None)
