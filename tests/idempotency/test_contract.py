"""The contract of idempotency stores, on each of ours."""

import pytest

from bearer_auth.testing import IdempotencyStoreContract


class TestIdempotencyStore(IdempotencyStoreContract):
    @pytest.fixture
    def make(self, world):
        return world.make

    @pytest.fixture
    def later(self, world):
        return world.later
