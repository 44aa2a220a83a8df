"""For other people's tests."""

from __future__ import annotations

from .acting import acting_as

__all__ = ["acting_as"]
