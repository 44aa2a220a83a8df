"""What one value says. That a store shows nothing of it is in test_env.py."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bearer_auth.errors import ConfigurationError
from bearer_auth.records import KeyRecord, Secret
from bearer_auth.stores.env_value import read_file, read_key

AT = datetime(2026, 1, 2, tzinfo=UTC)
ID = "AbCdEfGh01234567"
BODY = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg"
STAGING = f"ba_staging_{ID}{BODY}2N0EIa"
PRODUCTION = f"ba_production_{ID}{BODY}17O6iX"
LEGACY = "legacy-key-of-someone"
CI = "BEARER_AUTH_KEY_CI"
# sha256(b"bearer_auth environment variable\0BEARER_AUTH_KEY_CI"), the last 16 base62 digits. It is
# written out because it stands in logs and must be the same in each worker and each release.
CI_ID = "TaWBNvCbg9JXIGFz"
STAGING_PHC = "$sha256$qW9vSyXNn/wkn52WfKsB5LtyN3ftWRKZQEb/r/Gt3QQ"
STAGING_HEX = "a96f6f4b25cd9ffc249f9d967cab01e4bb723777ed5912994046ffaff1addd04"
LEGACY_PHC = "$sha256$NosrI0VsttN7gsuX2xg7WB8PN4qBLVaa5UKCaJl9ifI"


def as_json(**fields):
    return json.dumps(fields)


def read(value):
    """The record of a value whose token is minted."""
    record, imported = read_key(CI, "ci", value, AT)
    assert imported is None
    return record


def refused(value):
    with pytest.raises(ConfigurationError) as caught:
        read_key(CI, "ci", value, AT)
    assert BODY[:8] not in str(caught.value)
    return str(caught.value)


class TestAMintedTokenThatIsNotWhole:
    """A shell's ``${TOKEN%?}`` or a hasty paste would be a valid key, and not the one meant."""

    @pytest.mark.parametrize("value", [STAGING[:-1], as_json(token=STAGING[:-1])])
    def test_it_is_not_taken_for_someones_own(self, value):
        assert refused(value) == (
            "the token looks like a token of bearer_auth but is not whole "
            "(75 characters instead of 76?)"
        )

    @pytest.mark.parametrize("place", range(len("ba_staging_"), len(STAGING)))
    def test_no_character_may_be_lost_or_doubled(self, place):
        assert "(75 characters instead of 76?)" in refused(STAGING[:place] + STAGING[place + 1 :])
        assert "(77 characters instead of 76?)" in refused(
            STAGING[:place] + STAGING[place:][0] + STAGING[place:]
        )

    @pytest.mark.parametrize("place", range(len("ba_staging_"), len(STAGING)))
    def test_no_character_may_be_changed(self, place):
        changed = "z" if STAGING[place] != "z" else "y"
        assert "wrong checksum" in refused(STAGING[:place] + changed + STAGING[place + 1 :])

    @pytest.mark.parametrize("length", [50, 64, 66, 80])
    def test_about_as_long_is_not_whole(self, length):
        assert "is not whole" in refused("ba_staging_" + ("aB3" * 30)[:length])

    @pytest.mark.parametrize(
        "token",
        [
            "my_key_" + "0123456789abcdef" * 4,  # 32 random bytes in hexadecimal
            "MY_KEY_" + "aB3" * 21,
            "sk_live_" + ("aB3" * 40)[:99],
            "ba_staging_" + ("aB3" * 30)[:49],
            "ba_staging_" + ("aB3" * 30)[:81],
            "ba_staging_" + ("aB-" * 30)[:64],
            "key_" + ("aB3" * 30)[:64],
        ],
    )
    def test_what_others_mint_is_taken(self, token):
        assert read_key(CI, "ci", token, AT)[1] == token


@pytest.mark.parametrize("value", [f'"{STAGING}"', f"'{STAGING}'", """'{"token":"x"}'""", '"'])
def test_a_quote_that_an_env_file_reader_kept_is_named(value):
    assert refused(value) == "the value begins with a quote: leave the outer quotes out"


class TestAToken:
    def test_a_minted_one_brings_its_id_and_environment(self):
        assert read(STAGING) == KeyRecord(
            key_id=ID,
            user_id="ci",
            name="ci",
            environment="staging",
            created_at=AT,
            secrets=(Secret(hash=STAGING_PHC, created_at=AT),),
        )

    def test_one_that_someone_already_has_gets_an_id_from_its_variable(self):
        record, imported = read_key(CI, "ci", LEGACY, AT)
        assert imported == LEGACY
        assert record == KeyRecord(
            key_id=CI_ID,
            user_id="ci",
            name="ci",
            created_at=AT,
            secrets=(Secret(hash=LEGACY_PHC, created_at=AT),),
        )


class TestJSON:
    def test_a_token_with_more_about_it(self):
        value = as_json(
            token=STAGING,
            user_id="user_123",
            tenant_id="acme",
            plan="pro",
            name="The CI",
            scopes=["b:read", "a:*"],
            environment="staging",
            expires_at="2030-01-31T12:00:00+01:00",
            allowed_ips=["192.0.2.7", "10.0.0.0/8"],
            metadata={"team": {"id": 7}},
        )
        record = read(value)
        assert record == KeyRecord(
            key_id=ID,
            user_id="user_123",
            tenant_id="acme",
            plan="pro",
            name="The CI",
            scopes=("a:*", "b:read"),
            environment="staging",
            created_at=AT,
            expires_at=datetime(2030, 1, 31, 11, tzinfo=UTC),
            allowed_ips=("192.0.2.7", "10.0.0.0/8"),
            metadata={"team": {"id": 7}},
            secrets=(Secret(hash=STAGING_PHC, created_at=AT),),
        )

    def test_scopes_may_be_one_text(self):
        assert read(as_json(token=STAGING, scopes=" b  a:* ")).scopes == ("a:*", "b")
        assert read(as_json(token=STAGING, scopes="")).scopes == ()

    def test_what_may_be_missing_in_a_record_may_be_null(self):
        record = read(as_json(token=STAGING, tenant_id=None, expires_at=None))
        assert record.tenant_id is record.expires_at is None

    def test_a_token_that_someone_already_has(self):
        value = as_json(token=LEGACY, user_id="user_123", environment="staging")
        record, imported = read_key(CI, "ci", value, AT)
        assert imported == LEGACY
        assert record.key_id == CI_ID
        assert (record.user_id, record.name, record.environment) == ("user_123", "ci", "staging")

    @pytest.mark.parametrize("digest", [STAGING_HEX, STAGING_HEX.upper(), STAGING_PHC[8:]])
    def test_a_hash_in_place_of_a_token(self, digest):
        value = as_json(id=ID, hash="sha256:" + digest, environment="staging", user_id="user_123")
        record = read(value)
        assert [secret.hash for secret in record.secrets] == [STAGING_PHC]
        assert (record.environment, record.user_id, record.name) == ("staging", "user_123", "ci")

    def test_a_hash_is_for_production_unless_told_otherwise(self):
        record = read(as_json(id=ID, hash="sha256:" + STAGING_HEX))
        assert record.environment == "production"


class TestAFile:
    @pytest.mark.parametrize(
        ("content", "text"),
        [
            ("abc", "abc"),
            ("abc\n", "abc"),
            ("abc\r\n", "abc"),
            ("abc\n\n", "abc\n"),
            ("abc\r", "abc\r"),
            ("abc\n\r\n", "abc\n"),
            (" abc ", " abc "),
            ("Zoë\n", "Zoë"),
            ("\ufeffabc", "\ufeffabc"),
        ],
    )
    def test_one_line_end_is_taken_off_and_nothing_else(self, tmp_path, content, text):
        (tmp_path / "ci").write_bytes(content.encode())
        assert read_file(str(tmp_path / "ci")) == text

    def test_64_kib_are_read_and_no_byte_more(self, tmp_path):
        path = tmp_path / "ci"
        path.write_text("a" * 65_536)
        assert read_file(str(path)) == "a" * 65_536
        path.write_text("a" * 65_537)
        with pytest.raises(ConfigurationError) as caught:
            read_file(str(path))
        assert str(caught.value) == f"the file {str(path)!r} has more than 65536 bytes"

    @pytest.mark.parametrize("content", ["", "\n", "\r\n"])
    def test_an_empty_one_is_refused(self, tmp_path, content):
        (tmp_path / "ci").write_bytes(content.encode())
        with pytest.raises(ConfigurationError, match=r"the file '.*ci' is empty"):
            read_file(str(tmp_path / "ci"))

    def test_one_that_can_not_be_read_is_named(self, tmp_path):
        with pytest.raises(ConfigurationError, match=r"variable names \(not shown.*: No such file"):
            read_file(str(tmp_path / "none"))
        with pytest.raises(ConfigurationError, match=r"can't read the file '.*': Is a directory"):
            read_file(str(tmp_path))

    def test_one_that_is_no_text_is_named_and_not_quoted(self, tmp_path):
        (tmp_path / "ci").write_bytes(LEGACY.encode() + b"\xff")
        with pytest.raises(
            ConfigurationError, match=r"the file '.*ci' is not UTF-8 text"
        ) as caught:
            read_file(str(tmp_path / "ci"))
        assert LEGACY not in str(caught.value)

    @pytest.mark.parametrize("path", [STAGING, LEGACY, LEGACY + "\x00", as_json(token=LEGACY), ""])
    def test_what_could_be_the_key_in_place_of_a_path_is_not_quoted(self, path):
        with pytest.raises(ConfigurationError, match=r"\(not shown: it could") as caught:
            read_file(path)
        assert LEGACY not in str(caught.value)
        assert BODY not in str(caught.value)

    def test_a_relative_path_is_read(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        Path("ci").write_text(STAGING)
        assert read_file("ci") == STAGING


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        ("value", "message"),
        [
            ("short-secret-15", "not a token: it needs at least 16 characters"),
            ("s3cr3t-with a blank", "not a token"),
            ("s3cr3t-s3cr3t-s3cr3t\n", "not a token"),
            ("s3cr3t-s3cr3t-ключ", "not a token"),
            ("s3cr3t" * 800, "not a token"),
            (STAGING[:-1] + "0", "the token has our shape and a wrong checksum; is it truncated?"),
            ('{"token":"s3cr3t', "no JSON object: look at character 10"),
            ('{"token":"s3cr3t-s3cr3t-s3cr3t"} s3cr3t', "look at character 34"),
            ('{"token":"s3cr3t","token":"s3cr3t"}', "its JSON has the same field twice"),
            ('{"metadata":{"a":"s3cr3t","a":1}}', "its JSON has the same field twice"),
            ('{"metadata":' + "9" * 5000 + "}", "a number or a nesting that is too large"),
            ('{"metadata":' + "[" * 100_000, "a number or a nesting that is too large"),
            ("{}", "write token, or both id and hash"),
            (as_json(user_id="s3cr3t"), "write token, or both id and hash"),
            (as_json(id=ID), "write token, or both id and hash"),
            (as_json(hash="sha256:" + STAGING_HEX), "write token, or both id and hash"),
            (as_json(token=LEGACY, id=ID), "write either token, or id and hash"),
            (as_json(token=LEGACY, hash="sha256:"), "write either token, or id and hash"),
            (as_json(token=7), "token must be text"),
            (as_json(token=None), "token must be text"),
            (as_json(token="s3cr3t"), "not a token"),
            (as_json(id="s3cr3t", hash="sha256:" + STAGING_HEX), "id must be the 16 characters"),
            (as_json(id=7, hash="sha256:" + STAGING_HEX), "id must be the 16 characters"),
            (as_json(id=ID, hash="s3cr3t"), "hash must be 'sha256:' and the digest"),
            (as_json(id=ID, hash=STAGING_PHC), "hash must be 'sha256:' and the digest"),
            (as_json(id=ID, hash="sha256:" + STAGING_HEX[1:]), "hash must be 'sha256:'"),
            (as_json(id=ID, hash="sha512:" + STAGING_HEX * 2), "hash must be 'sha256:'"),
            (as_json(id=ID, hash=7), "hash must be 'sha256:'"),
            (
                as_json(token=LEGACY, usr_id="x"),
                "unknown field 'usr_id'; known are token, id",
            ),
            (as_json(token=LEGACY, limit="1/s"), "unknown field 'limit'"),
            (as_json(token=LEGACY, status="active"), "unknown field 'status'"),
            (as_json(plan="pro", **{"s3cr3t-key-as-a-field": 1}), "unknown field number 2;"),
            (as_json(token=PRODUCTION, environment="staging"), "environment is not the one"),
            (as_json(token=LEGACY, environment="S3cr3t"), "environment must be 1 to 16 lower-case"),
            (as_json(token=LEGACY, environment=None), "environment must be 1 to 16 lower-case"),
            (as_json(token=LEGACY, user_id=""), "user_id must be text of 1 to 255 characters"),
            (as_json(token=LEGACY, user_id=7), "user_id must be text of 1 to 255 characters"),
            (as_json(token=LEGACY, user_id=None), "user_id must be text of 1 to 255 characters"),
            (as_json(token=LEGACY, user_id="s3cr3t\n"), "user_id must be text"),
            (as_json(token=LEGACY, tenant_id=""), "tenant_id must be text of 1 to 255"),
            (as_json(token=LEGACY, plan="s3cr3t" * 11), "plan must be text of 1 to 64"),
            (as_json(token=LEGACY, name=["s3cr3t"]), "name must be text of up to 255"),
            (as_json(token=LEGACY, scopes=["s3cr3t!"]), "scopes must be a list of scopes"),
            (as_json(token=LEGACY, scopes="a, b"), "scopes must be a list of scopes"),
            (as_json(token=LEGACY, scopes={"a": 1}), "scopes must be a list of scopes"),
            (as_json(token=LEGACY, scopes=[["a"]]), "scopes must be a list of scopes"),
            (as_json(token=LEGACY, scopes=None), "scopes must be a list of scopes"),
            (
                as_json(token=LEGACY, expires_at="2030-01-31"),
                "expires_at must be a time in ISO 8601",
            ),
            (as_json(token=LEGACY, expires_at="2030-01-31T12:00:00"), "with a zone"),
            (as_json(token=LEGACY, expires_at="0001-01-01T00:00:00+02:00"), "expires_at must be"),
            (as_json(token=LEGACY, expires_at="s3cr3t"), "expires_at must be a time in ISO 8601"),
            (as_json(token=LEGACY, expires_at=1893456000), "expires_at must be a time"),
            (as_json(token=LEGACY, allowed_ips="10.0.0.0/8"), "allowed_ips must be a list"),
            (as_json(token=LEGACY, allowed_ips=["s3cr3t"]), "allowed_ips must be a list"),
            (as_json(token=LEGACY, allowed_ips=[7]), "allowed_ips must be a list"),
            (as_json(token=LEGACY, metadata=["s3cr3t"]), "metadata must be a JSON object"),
            (as_json(token=LEGACY, metadata={"a": float("nan")}), "metadata must be a JSON object"),
            (as_json(token=LEGACY, metadata={"a": "s3cr3t" * 2000}), "at most 8192 bytes"),
        ],
    )
    def test_each_mistake_is_named_and_no_value_quoted(self, value, message):
        with pytest.raises(ConfigurationError) as caught:
            read_key(CI, "ci", value, AT)
        said = str(caught.value)
        assert message in said
        for secret in ("s3cr3t", "S3cr3t", LEGACY, BODY, STAGING_HEX[1:]):
            assert secret not in said
