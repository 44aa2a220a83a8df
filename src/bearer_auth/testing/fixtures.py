"""pytest fixtures: ``pytest_plugins = ["bearer_auth.testing"]`` in your ``conftest.py``."""

from __future__ import annotations

import pytest

from ..keyring import Keyring
from ..stores.memory import MemoryStore
from .clock import FakeClock


@pytest.fixture
def bearer_clock() -> FakeClock:
    """A clock that stands still; ``BearerAuth`` takes it as ``clock``."""
    return FakeClock()


@pytest.fixture
def bearer_store() -> MemoryStore:
    """An empty store."""
    return MemoryStore()


@pytest.fixture
def bearer_keyring(bearer_store: MemoryStore, bearer_clock: FakeClock) -> Keyring:
    """A keyring over ``bearer_store``, by ``bearer_clock``."""
    return Keyring(bearer_store, clock=bearer_clock)
