"""SQLStore on PostgreSQL and MariaDB: the contract, and what differs from a file."""

import pytest

from bearer_auth.testing import WritableKeyStoreContract


class TestSQLStoreOnAServer(WritableKeyStoreContract):
    @pytest.fixture
    def store(self, server_store):
        return server_store
