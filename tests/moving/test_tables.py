"""Keys of other packages keep working: from databases that those packages wrote themselves."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy
from sqlalchemy.pool import NullPool

from bearer_auth import Authenticator, BearerAuth, InvalidToken, Keyring, MemoryStore
from bearer_auth.errors import StoreUnavailable
from bearer_auth.formats import DigestFormat, DRFAPIKeyFormat, KnoxFormat
from bearer_auth.moving import import_rows, read_digests, read_drf_api_keys, read_knox

pytestmark = pytest.mark.once

FORMATS = [DRFAPIKeyFormat(), KnoxFormat(), KnoxFormat("acme_")]


def why(authenticator, token):
    try:
        authenticator.authenticate(token)
    except InvalidToken as error:
        return error.reason
    return None


def test_keys_of_djangorestframework_api_key_keep_working(site, call):
    url, secrets = site
    store, told = MemoryStore(), []
    rows = read_drf_api_keys(url, plan="pro", environment="production")
    outcome = import_rows(store, rows, tell=told.append)
    assert (outcome.added, outcome.present, outcome.refused) == (4, 0, 1)
    assert "this hash is slow on purpose" in told[0].problem
    old_prefix = secrets["keys"]["old"][:8]
    assert told[0].where.endswith(f" (prefix {old_prefix!r})")
    assert "pbkdf2" not in repr(told)

    keyring, authenticator = Keyring(store), Authenticator(store, formats=FORMATS)
    keys = secrets["keys"]
    assert {name: why(authenticator, key) for name, key in keys.items()} == {
        "CI": None,
        "gone": "revoked",
        "ended": "expired",
        "ends": None,
        "old": "unknown",
    }
    principal = authenticator.authenticate(keys["CI"])
    assert (principal.user_id, principal.name, principal.plan) == ("CI", "CI", "pro")
    prefix = keys["CI"].partition(".")[0]
    assert principal.metadata == {
        "imported_from": "djangorestframework-api-key",
        "prefix": prefix,
    }
    for forged in (prefix + "." + "x" * 32, keys["CI"][:-1], keys["CI"] + "x", keys["CI"].upper()):
        assert why(authenticator, forged) in ("unknown", "wrong_secret")
    record = keyring.get(principal.key_id)
    assert datetime.now(UTC) - record.created_at < timedelta(hours=1)

    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"ok"]

    door = BearerAuth(app, store, formats=FORMATS)
    assert call(door, HTTP_AUTHORIZATION=f"Bearer {keys['CI']}").status == "200 OK"
    assert call(door, HTTP_AUTHORIZATION=f"Bearer {keys['gone']}").status[:3] == "401"
    door.close()

    minted = keyring.rotate(principal.key_id, timedelta(hours=1))
    assert why(authenticator, minted.token) is None
    assert why(authenticator, keys["CI"]) is None
    keyring.finish_rotation(principal.key_id)
    assert why(authenticator, keys["CI"]) == "wrong_secret"
    authenticator.close()


def test_tokens_of_django_rest_knox_keep_working(site):
    url, secrets = site
    store = MemoryStore()
    outcome = import_rows(store, read_knox(url))
    assert (outcome.added, outcome.refused) == (4, 0)
    authenticator = Authenticator(store, formats=FORMATS)
    tokens = secrets["tokens"]
    assert {name: why(authenticator, token) for name, token in tokens.items()} == {
        "endless": None,
        "day": None,
        "over": "expired",
        "prefixed": None,
    }
    principal = authenticator.authenticate(tokens["day"])
    assert principal.user_id == "7"
    left = Keyring(store).get(principal.key_id).expires_at - datetime.now(UTC)
    assert timedelta(hours=23) < left < timedelta(hours=24)
    without = Authenticator(store, formats=[KnoxFormat()])
    assert why(without, tokens["prefixed"]) == "unknown"
    authenticator.close()
    without.close()


def test_no_problem_quotes_a_part_of_a_token(site):
    url, secrets = site
    rows = [*read_drf_api_keys(url, plan=""), *read_knox(url, plan="")]
    assert len(rows) == 9
    for token in (*secrets["keys"].values(), *secrets["tokens"].values()):
        assert token not in repr(rows)
        assert token.rpartition(".")[2][:10] not in repr([row[::2] for row in rows])


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_a_plain_table_of_digests(empty_database, algorithm):
    digests = {
        "sha256": "7a1ba2a3dfb2b2c5ce6c3f4d9c25ddc6c08a8e4a1b1f4e3b8f0a1c2d3e4f5061",
        "sha512": "ab" * 64,
    }
    engine = sqlalchemy.create_engine(empty_database, poolclass=NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE tokens (hash VARCHAR(128), owner INTEGER)")
        connection.exec_driver_sql(
            f"INSERT INTO tokens VALUES ('{digests[algorithm]}', 7), ('hunter2', 8)"
        )
    rows = list(read_digests(engine, "tokens", digest="hash", user_id="owner", algorithm=algorithm))
    assert rows[0].record.user_id == "7"
    assert rows[0].record.key_id == DigestFormat.id_of(digests[algorithm])
    assert rows[1].record is None
    assert "not a hash that is understood here" in rows[1].problem
    assert "hunter2" not in rows[1].problem


@pytest.fixture
def empty_database(tmp_path):
    return f"sqlite:///{tmp_path}/plain.db"


def test_a_table_that_can_not_be_read_is_named_without_the_address(tmp_path):
    with pytest.raises(StoreUnavailable) as caught:
        list(read_knox(f"sqlite:///{tmp_path}/hunter2.db"))
    assert str(caught.value) == "knox_authtoken can't be read (OperationalError)"
