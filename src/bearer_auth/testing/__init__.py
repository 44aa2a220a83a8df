"""For other people's tests: requests as anyone, a clock that stands still, and the suite that every
store must pass.

``acting_as`` and ``FakeClock`` work with any test runner; the contract of stores needs pytest, so
it is imported when it is first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .acting import acting_as
from .clock import FakeClock

if TYPE_CHECKING:
    from .contract import KeyStoreContract, WritableKeyStoreContract

__all__ = ["FakeClock", "KeyStoreContract", "WritableKeyStoreContract", "acting_as"]


def __getattr__(name: str) -> Any:
    if name in ("KeyStoreContract", "WritableKeyStoreContract"):
        from . import contract

        return getattr(contract, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
