import math
import traceback
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bearer_auth.errors import ConfigurationError, InsufficientScope
from bearer_auth.hashing import is_slow
from bearer_auth.records import (
    IssuedKey,
    KeyRecord,
    Principal,
    Secret,
)

ID = "AbCdEfGh01234567"
TOKEN = "ba_staging_AbCdEfGh012345670123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg2N0EIa"
DIGEST = "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0"
HEX = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
PHC = "$sha256$" + DIGEST
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
BERLIN = timezone(timedelta(hours=1))


def record(**fields):
    return KeyRecord(**{"key_id": ID, "user_id": "user_123", "created_at": AT} | fields)


class TestSecret:
    def test_its_hash_has_one_spelling_and_its_times_are_utc(self):
        later = AT.astimezone(BERLIN) + timedelta(hours=1)
        secret = Secret(hash="$sha256$" + HEX, created_at=AT.astimezone(BERLIN), expires_at=later)
        assert secret.hash == PHC
        assert secret.created_at == AT
        assert secret.created_at.tzinfo is secret.expires_at.tzinfo is UTC

    def test_it_is_new_unless_told_otherwise(self):
        before = datetime.now(UTC)
        secret = Secret(hash=PHC)
        assert before <= secret.created_at <= datetime.now(UTC)
        assert secret.expires_at is None

    def test_it_lives_until_it_expires(self):
        secret = Secret(hash=PHC, expires_at=AT)
        assert secret.live_at(AT - timedelta(microseconds=1))
        assert not secret.live_at(AT)
        assert Secret(hash=PHC).live_at(datetime.max.replace(tzinfo=UTC))

    def test_its_id_is_fixed_and_no_part_of_its_hash(self):
        # sha256(b"secret id\0" + hash), 16 hexadecimal digits
        assert Secret(hash=PHC).id == "bbf72de38e1abb06"
        assert Secret(hash="$sha256$" + HEX).id == "bbf72de38e1abb06"
        assert "bbf72de38e1abb06" not in HEX

    def test_a_hash_is_text(self):
        with pytest.raises(TypeError, match="hash must be text, not int"):
            Secret(hash=5)

    def test_a_bad_hash_or_a_naive_time_is_refused(self):
        with pytest.raises(ConfigurationError, match="not a hash"):
            Secret(hash="plain text")
        with pytest.raises(ConfigurationError, match="created_at has no time zone"):
            Secret(hash=PHC, created_at=datetime(2026, 1, 1))
        with pytest.raises(ConfigurationError, match="expires_at has no time zone"):
            Secret(hash=PHC, expires_at=datetime(2026, 1, 1))


class TestNothingSecretIsShown:
    def test_reprs_have_neither_token_nor_hash(self):
        issued = IssuedKey(TOKEN, KeyRecord.from_token(TOKEN, user_id="user_123"))
        secret = issued.record.secrets[0]
        digest = secret.hash.removeprefix("$sha256$")
        for value in (issued, issued.record, secret, [issued], {"key": issued}):
            for text in (repr(value), str(value), f"{value}", f"{value!a}"):
                assert "0123456789ABC" not in text
                assert digest not in text
        assert "token='ba_staging_AbCd…'" in repr(issued)
        assert "hash='…'" in repr(secret)

    def test_a_sieve_is_not_shown(self):
        assert "ba7816" not in repr(Secret(hash=PHC, sieve="ba7816"))

    @given(st.text("0123456789ABCDEFabcdef-._~", min_size=40))
    def test_no_token_of_any_kind_is_shown(self, token):
        assert token not in repr(IssuedKey(token, record()))

    def test_a_token_in_a_local_variable_is_redacted_by_its_repr(self):
        issued = IssuedKey(TOKEN, record())
        try:
            assert issued.no_such_attribute
        except AttributeError as error:
            shown = traceback.TracebackException.from_exception(error, capture_locals=True)
            assert TOKEN not in "".join(shown.format())


class TestIssuedKey:
    def test_it_has_the_token_and_the_record(self):
        issued = IssuedKey(TOKEN, record())
        assert issued.token == TOKEN
        assert issued.key_id == ID
        with pytest.raises(AttributeError):
            issued.token = "other"


class TestKeyRecord:
    def test_what_is_left_out(self):
        made = KeyRecord(key_id=ID, user_id="user_123")
        assert (made.plan, made.environment, made.status) == ("default", "production", "active")
        assert (made.name, made.scopes, made.allowed_ips, made.secrets) == ("", (), (), ())
        assert made.tenant_id is made.expires_at is made.limit is made.created_by is None
        assert made.metadata == {}
        assert made.created_at.tzinfo is UTC

    def test_values_are_brought_to_one_form(self):
        made = record(
            scopes=["b", "a", "b"],
            allowed_ips=["::ffff:192.0.2.7", "10.0.0.0/8"],
            secrets=[Secret(hash=PHC, created_at=AT)],
            created_at=AT.astimezone(BERLIN),
            expires_at=AT.astimezone(BERLIN),
            revoked_at=AT.astimezone(BERLIN),
            metadata={"a": (1, 2)},
        )
        assert made.scopes == ("a", "b")
        assert made.allowed_ips == ("192.0.2.7", "10.0.0.0/8")
        assert made.secrets == (Secret(hash=PHC, created_at=AT),)
        assert made.metadata == {"a": [1, 2]}
        for time in (made.created_at, made.expires_at, made.revoked_at):
            assert time == AT
            assert time.tzinfo is UTC

    def test_records_are_frozen_hashable_and_compared_by_value(self):
        assert record(metadata={"a": 1}) == record(metadata={"a": 1})
        assert record(metadata={"a": 1}) != record(metadata={"a": 2})
        assert len({record(metadata={"a": 1}), record(metadata={"a": 1})}) == 1
        with pytest.raises(AttributeError):
            record().plan = "pro"

    def test_changing_the_metadata_that_was_passed_changes_nothing(self):
        passed = {"a": {"b": 1}}
        made = record(metadata=passed)
        passed["a"]["b"] = 2
        assert made.metadata == {"a": {"b": 1}}

    @pytest.mark.parametrize(
        ("fields", "message"),
        [
            ({"key_id": "short"}, "that is no key id"),
            ({"key_id": "AbCdEfGh0123456-"}, "that is no key id"),
            ({"key_id": "AbCdEfGh01234567\n"}, "that is no key id"),
            ({"user_id": ""}, "user_id must have 1 to 255 characters, not 0"),
            ({"user_id": "a" * 256}, "user_id must have 1 to 255 characters, not 256"),
            ({"user_id": "a\x00"}, "user_id has a control character"),
            ({"tenant_id": ""}, "tenant_id must have 1 to 255"),
            ({"tenant_id": "a\n"}, "tenant_id has a control character"),
            ({"plan": ""}, "plan must have 1 to 64"),
            ({"plan": "a" * 65}, "plan must have 1 to 64"),
            ({"name": "a" * 256}, "name must have 0 to 255"),
            ({"name": "\x1b[2J"}, "name has a control character"),
            ({"name": "a\u2028b"}, "name has a control character"),
            ({"name": "a\u0085b"}, "name has a control character"),
            ({"name": "\ud800"}, "name has a control character or a lone surrogate"),
            ({"revoked_reason": "a" * 501}, "revoked_reason must have 0 to 500"),
            ({"created_by": ""}, "created_by must have 1 to 255"),
            ({"limit": ""}, "limit must have 1 to 255"),
            ({"environment": "Prod"}, "not an environment"),
            ({"status": "expired"}, "status must be active, suspended or revoked"),
            ({"scopes": ["a b"]}, "not a scope"),
            ({"allowed_ips": ["10.0.0.1/8"]}, "allowed_ips: '10.0.0.1/8': .* has host bits set"),
            ({"created_at": datetime(2026, 1, 1)}, "created_at has no time zone"),
            ({"expires_at": datetime(2026, 1, 1)}, "expires_at has no time zone"),
            ({"revoked_at": datetime(2026, 1, 1)}, "revoked_at has no time zone"),
            ({"metadata": {"a": math.nan}}, "metadata must be a JSON object"),
            ({"metadata": {"a": {1, 2}}}, "metadata must be a JSON object"),
            ({"metadata": {"a": "b" * 8192}}, "metadata has 8200 bytes as JSON; at most 8192"),
        ],
    )
    def test_what_is_out_of_bounds_is_refused_by_name(self, fields, message):
        with pytest.raises(ConfigurationError, match=message):
            record(**fields)

    @pytest.mark.parametrize(
        ("fields", "message"),
        [
            ({"key_id": 5}, "key_id must be text, not int"),
            ({"environment": 5}, "environment must be text, not int"),
            ({"user_id": 7}, "user_id must be text, not int"),
            ({"user_id": None}, "user_id must be text, not NoneType"),
            ({"plan": b"pro"}, "plan must be text, not bytes"),
            ({"tenant_id": 7}, "tenant_id must be text, not int"),
            ({"scopes": "admin"}, "scopes must be a list; write"),
            ({"allowed_ips": "10.0.0.0/8"}, "allowed_ips must be a list; write"),
            ({"scopes": None}, "scopes must be a list, not NoneType"),
            ({"allowed_ips": None}, "allowed_ips must be a list, not NoneType"),
            ({"secrets": Secret(hash=PHC)}, "secrets must be a list, not Secret"),
            ({"created_at": date(2026, 1, 1)}, "created_at must be a datetime, not date"),
            ({"expires_at": 7}, "expires_at must be a datetime, not int"),
            ({"metadata": [("a", 1)]}, "metadata must be a JSON object, not list"),
        ],
    )
    def test_what_is_of_another_type_is_refused_by_name(self, fields, message):
        with pytest.raises(TypeError, match=message):
            record(**fields)

    def test_endless_metadata_is_refused(self):
        endless = {}
        endless["a"] = endless
        with pytest.raises(ConfigurationError, match="metadata must be a JSON object"):
            record(metadata=endless)

    def test_names_of_all_the_world_are_taken(self):
        made = record(name="Zoë's clé 🔑 \u200d مفتاح", metadata={"ключ": "\ud800"})
        assert made.name == "Zoë's clé 🔑 \u200d مفتاح"
        assert made.metadata == {"ключ": "\ud800"}

    @pytest.mark.parametrize(
        ("status", "expires_at", "state"),
        [
            ("active", None, "active"),
            ("active", AT + timedelta(microseconds=1), "active"),
            ("active", AT, "expired"),
            ("suspended", None, "suspended"),
            ("suspended", AT, "expired"),
            ("revoked", None, "revoked"),
            ("revoked", AT, "revoked"),
        ],
    )
    def test_its_state_counts_expiry_in(self, status, expires_at, state):
        assert record(status=status, expires_at=expires_at).state_at(AT) == state


class TestFromToken:
    def test_a_minted_token_brings_its_id_and_environment(self):
        made = KeyRecord.from_token(TOKEN, user_id="user_123", scopes=["a"])
        assert (made.key_id, made.environment, made.scopes) == (ID, "staging", ("a",))
        (secret,) = made.secrets
        assert secret.hash == "$sha256$qW9vSyXNn/wkn52WfKsB5LtyN3ftWRKZQEb/r/Gt3QQ"

    def test_the_environment_can_be_said(self):
        made = KeyRecord.from_token(TOKEN, user_id="user_123", environment="production")
        assert made.environment == "production"

    def test_a_token_of_others_needs_a_pepper(self):
        with pytest.raises(ConfigurationError, match=r"pass peppers=\[…\]") as caught:
            KeyRecord.from_token("legacy-key-of-someone", user_id="user_123")
        assert "legacy-key" not in str(caught.value)

    def test_a_token_of_others_gets_a_slow_hash_and_an_id_by_the_newest_pepper(self):
        token = "legacy-key-of-someone"
        made = KeyRecord.from_token(token, user_id="user_123", peppers=["new", "old"])
        assert made.key_id == "B2sDQqpoak6vdCmS"
        assert is_slow(made.secrets[0].hash)
        assert made.environment == "production"

    def test_a_truncated_token_is_no_token_of_others(self):
        with pytest.raises(ConfigurationError, match="wrong checksum; is it truncated") as caught:
            KeyRecord.from_token(TOKEN[:-1] + "0", user_id="user_123", peppers=["pepper"])
        assert "AbCdEfGh" not in str(caught.value)


class TestPrincipal:
    MADE = record(tenant_id="acme", plan="pro", name="CI", scopes=["jobs:*"], metadata={"a": [1]})

    def test_it_is_who_the_record_stands_for(self):
        assert Principal.of(self.MADE) == Principal(
            key_id=ID,
            user_id="user_123",
            tenant_id="acme",
            plan="pro",
            scopes=("jobs:*",),
            environment="production",
            name="CI",
            _metadata={"a": [1]},
        )

    def test_its_metadata_is_a_copy_each_time(self):
        principal = Principal.of(self.MADE)
        principal.metadata["a"].append(2)
        assert principal.metadata == {"a": [1]}
        assert self.MADE.metadata == {"a": [1]}

    def test_it_has_the_scopes_that_the_key_covers(self):
        principal = Principal.of(self.MADE)
        assert principal.has_scopes("jobs:run", "jobs:read")
        assert principal.has_scopes()
        assert not principal.has_scopes("jobs:run", "admin")
        principal.require_scopes("jobs:run")

    def test_requiring_what_it_has_not_is_the_documented_403(self):
        with pytest.raises(InsufficientScope) as caught:
            Principal.of(self.MADE).require_scopes("jobs:run", "admin")
        assert caught.value.scopes == ("admin", "jobs:run")
        assert caught.value.key_id == ID

    def test_it_can_not_be_changed(self):
        with pytest.raises(AttributeError):
            Principal.of(self.MADE).scopes = ("admin",)


@pytest.mark.parametrize("secrets", [[{"hash": PHC}], ["abc"], [None]])
def test_a_record_holds_secrets_and_nothing_else(secrets):
    with pytest.raises(TypeError, match="secrets must hold Secret objects, not"):
        record(secrets=secrets)
