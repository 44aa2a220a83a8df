"""When keys were used, in each database: a full buffer of uses, and rows that can't be read."""

from datetime import UTC, date, datetime, timedelta

import pytest

from bearer_auth import Keyring
from bearer_auth.records import KeyRecord
from bearer_auth.stores import Use
from bearer_auth.stores.sql import SQLStore

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


@pytest.mark.once
def test_a_full_buffer_is_written(empty_url):
    """Within the two seconds that a statement has on a server."""
    store = SQLStore(empty_url, create=True)
    ids = [f"{number:016}" for number in range(65_536)]
    store.add([KeyRecord(key_id=key_id, user_id="user_123", created_at=NOW) for key_id in ids])
    secret = "0011223344556677"
    store.record_used([Use(key_id, secret, LATER, 2, "192.0.2.7") for key_id in ids])
    store.record_used([Use(key_id, secret, NOW, 3) for key_id in ids])
    usage = store.usage_of(ids)
    store.close()
    assert len(usage) == 65_536
    assert {used.last_used_at for used in usage.values()} == {LATER}
    assert {used.last_address for used in usage.values()} == {"192.0.2.7"}
    assert {tuple(used.days.items()) for used in usage.values()} == {((date(2030, 1, 1), 5),)}


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("day", "someday"),
        ("day", b"\0"),
        ("day", 1 << 40),
        ("day", -(1 << 31)),
        ("uses", "many"),
        ("uses", 9e999),
    ],
)
def test_a_day_of_use_that_can_not_be_read_hides_no_other(store, sql, caplog, column, value):
    store.add([KeyRecord(key_id="a" * 16, user_id="user_123", created_at=NOW)])
    for at, uses in ((NOW, 2), (NOW - timedelta(days=1), 3)):
        store.record_used([Use("a" * 16, "0011223344556677", at, uses)])
    sql(f"UPDATE bearer_auth_usage_days SET {column} = ? WHERE uses = 3", value)
    assert Keyring(store).usage("a" * 16).days == {date(2030, 1, 1): 2}
    assert caplog.messages == ["SQLStore: a day of use of key aaaaaaaaaaaaaaaa can't be read"]
