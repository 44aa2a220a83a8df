"""The version of this package, which is also in the User-Agent."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("conductor-sdk")
except PackageNotFoundError:  # run from its source
    __version__ = "0.1.0"
