"""At the start each table and column is looked for that is needed."""

import pytest
import sqlalchemy
from sqlalchemy.pool import NullPool

from bearer_auth.errors import StoreUnavailable
from bearer_auth.stores.sql import SQLStore

pytestmark = pytest.mark.once

OLDER = "the tables are of an older bearer_auth; run 'bearer-auth db upgrade'"


@pytest.mark.parametrize(
    "damage",
    [
        "ALTER TABLE bearer_auth_keys DROP COLUMN metadata",
        "ALTER TABLE bearer_auth_meta DROP COLUMN wait_ms",
        "ALTER TABLE bearer_auth_usage DROP COLUMN last_address",
        "DROP TABLE bearer_auth_usage",
        "DROP TABLE bearer_auth_usage_days",
    ],
)
def test_a_table_or_column_that_is_missing_is_said_at_the_start(empty_url, damage):
    SQLStore(empty_url, create=True).close()
    engine = sqlalchemy.create_engine(empty_url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(damage)
    with pytest.raises(StoreUnavailable, match=OLDER):
        SQLStore(empty_url, create=False)
    if "usage" in damage:
        SQLStore(empty_url, create=False, usage=None).close()
