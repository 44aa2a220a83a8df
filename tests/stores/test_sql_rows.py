"""Records as rows."""

from datetime import UTC, datetime

import pytest

from bearer_auth.errors import StoreUnavailable
from bearer_auth.records import KeyRecord, Secret
from bearer_auth.stores.sql_rows import COLUMNS, decode, encode
from bearer_auth.stores.sql_tables import make_tables

NOW = datetime(2030, 1, 1, tzinfo=UTC)
HASH = "$sha256$ASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4mrze8"


def key(letter, **fields):
    secrets = (Secret(hash=HASH, created_at=NOW),)
    fields = {"user_id": "user_123", "created_at": NOW, "secrets": secrets, **fields}
    return KeyRecord(key_id=letter * 16, **fields)


def unavailable(call, *arguments):
    with pytest.raises(StoreUnavailable) as caught:
        call(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("scopes", "nonsense", "scopes can't be read"),
        ("scopes", '"admin"', "scopes can't be read"),
        ("scopes", "[1]", "scopes can't be read"),
        ("scopes", '["a b"]', "not a scope"),
        ("allowed_ips", '["999.1.1.1"]', "allowed_ips"),
        ("allowed_ips", "{", "allowed_ips can't be read"),
        ("metadata", "[", "metadata can't be read"),
        ("metadata", "[]", "metadata must be a JSON object"),
        ("metadata", "[" * 100_000, "metadata can't be read"),
        ("secrets", "[{}]", "secrets can't be read"),
        ("secrets", "5", "secrets can't be read"),
        ("secrets", "[5]", "secrets can't be read"),
        ("secrets", '[{"hash": 5, "sieve": null}]', "secrets can't be read"),
        ("secrets", '[{"hash": "hunter2", "sieve": null}]', "secrets can't be read"),
        ("created_at", "yesterday", "created_at can't be read"),
        ("expires_at", 1 << 62, "expires_at can't be read"),
        ("revoked_at", b"\0", "revoked_at can't be read"),
        ("status", "paused", "status must be"),
        ("user_id", "", "user_id must have"),
        ("environment", "Prod!", "not an environment"),
    ],
)
def test_a_row_that_was_edited_by_hand_names_the_key_and_the_column(
    store, sql, column, value, reason
):
    store.add([key("a"), key("b")])
    sql(f"UPDATE bearer_auth_keys SET {column} = ? WHERE key_id = ?", value, "a" * 16)
    for call in (
        lambda: store.get("a" * 16),
        lambda: store.replace([(key("a"), key("a", name="new"))]),
    ):
        message = unavailable(call)
        assert message.startswith("the row of key aaaaaaaaaaaaaaaa: ")
        assert reason in message
        assert "hunter2" not in message
    assert store.get("b" * 16) == key("b")
    assert store.delete(["a" * 16]) == 1


def test_the_columns_stand_in_the_order_of_the_fields():
    columns = make_tables("bearer_auth_", None).keys.columns.keys()
    assert tuple(columns) == (*COLUMNS, "search")


def test_a_row_is_written_out_by_column():
    record = key(
        "a",
        tenant_id="acme",
        plan="pro",
        name="CI",
        scopes=("a", "b:*"),
        environment="staging",
        status="revoked",
        created_by="user_1",
        expires_at=NOW,
        revoked_at=NOW,
        revoked_reason="lost",
        allowed_ips=("192.0.2.7",),
        limit="1/minute",
        metadata={"team": [1, None]},
    )
    row = encode(record)
    assert row == {
        "key_id": "aaaaaaaaaaaaaaaa",
        "user_id": "user_123",
        "tenant_id": "acme",
        "plan": "pro",
        "name": "CI",
        "scopes": '["a","b:*"]',
        "environment": "staging",
        "status": "revoked",
        "created_at": 1_893_456_000_000_000,
        "created_by": "user_1",
        "expires_at": 1_893_456_000_000_000,
        "revoked_at": 1_893_456_000_000_000,
        "revoked_reason": "lost",
        "allowed_ips": '["192.0.2.7"]',
        "rate_limit": "1/minute",
        "metadata": '{"team":[1,null]}',
        "secrets": (
            f'[{{"hash":"{HASH}","sieve":null,"created_at":1893456000000000,"expires_at":null}}]'
        ),
        "search": "ci\nuser_123",
    }
    assert decode([row[column] for column in COLUMNS]) == record


def test_what_is_searched_fits_its_column_and_holds_no_capitals():
    assert encode(key("a", name="Straße İ"))["search"] == "strasse i̇\nuser_123"
    longest = encode(key("a", name="\u0390" * 255, user_id="u" * 255))["search"]
    assert longest == "\u03b9\u0308\u0301" * 170 + "\u03b9"
