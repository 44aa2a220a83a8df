"""The contract suite, over stores that other people might write."""

import pytest

from bearer_auth.records import KeyRecord
from bearer_auth.testing import KeyStoreContract

RECORD = KeyRecord(key_id="AbCdEfGh01234567", user_id="user_123")


class ThreeLines:
    def get(self, key_id):
        return RECORD if key_id == "AbCdEfGh01234567" else None


class TestAStoreOfThreeLines(KeyStoreContract):
    @pytest.fixture
    def store(self):
        return ThreeLines()

    @pytest.fixture
    def known(self):
        return [RECORD]
