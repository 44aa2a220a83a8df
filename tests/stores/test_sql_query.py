"""Lists: the plan that serves them."""

from datetime import UTC, datetime

NOW = datetime(2030, 1, 1, tzinfo=UTC)
HASH = "$sha256$ASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4mrze8"


def test_a_list_is_served_by_an_index(store, sql):
    for filters, index in [
        ("", "bearer_auth_keys_listed"),
        ("WHERE user_id = 'u'", "bearer_auth_keys_user"),
        ("WHERE tenant_id = 't'", "bearer_auth_keys_tenant"),
    ]:
        plan = sql(
            "EXPLAIN QUERY PLAN SELECT * FROM bearer_auth_keys "
            f"{filters} ORDER BY created_at DESC, key_id DESC LIMIT 51"
        )
        assert len(plan) == 1
        assert index in plan[0][3]
