"""For other people's tests: requests as anyone, a clock that stands still, and the suite that every
store must pass.

``acting_as`` and ``FakeClock`` work with any test runner; the contract of stores needs pytest, so
it is imported when it is first asked for. As a pytest plug-in,
``pytest_plugins = ["bearer_auth.testing"]`` in your ``conftest.py``, it has the fixtures
``bearer_clock``, ``bearer_store`` and ``bearer_keyring``.

PYTEST_DONT_REWRITE (or pytest warns if the ``conftest.py`` has imported this before)
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from .acting import acting_as
from .clock import FakeClock

if sys.modules.get("pytest"):  # it reads the fixtures of a plug-in off the module
    from .fixtures import bearer_clock as bearer_clock
    from .fixtures import bearer_keyring as bearer_keyring
    from .fixtures import bearer_store as bearer_store

if TYPE_CHECKING:
    from .contract import KeyStoreContract, WritableKeyStoreContract
    from .contract_idempotency import IdempotencyStoreContract

__all__ = [
    "FakeClock",
    "IdempotencyStoreContract",
    "KeyStoreContract",
    "WritableKeyStoreContract",
    "acting_as",
]


def __getattr__(name: str) -> Any:
    if name in ("KeyStoreContract", "WritableKeyStoreContract"):
        from . import contract

        return getattr(contract, name)
    if name == "IdempotencyStoreContract":
        from .contract_idempotency import IdempotencyStoreContract

        return IdempotencyStoreContract
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
