"""The issuer makes tokens and records, and needs no store for it. More is in test_keyring.py."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bearer_auth import ConfigurationError, RotationInProgress, Secret
from bearer_auth.hashing import hash_token, imported_id
from bearer_auth.issuer import Issuer
from bearer_auth.testing import FakeClock
from bearer_auth.token import parse

NOON = datetime(2030, 1, 1, 12, 0, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINTED = "ba_staging_AbCdEfGh012345670123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg2N0EIa"
LEGACY = "legacy-key-0123456789"


@pytest.fixture
def issuer() -> Issuer:
    return Issuer("acme", peppers=["new", "old", "older"], hashing="sha256", clock=FakeClock())


def test_the_token_is_that_of_the_record(issuer: Issuer) -> None:
    issued = issuer.new("user_123", {"environment": "staging"})
    minted = parse(issued.token)
    assert minted is not None
    assert minted.checksum_ok
    assert (minted.prefix, minted.environment) == ("acme", "staging")
    assert minted.key_id == issued.record.key_id
    assert issued.record.secrets == (Secret(hash=hash_token(issued.token), created_at=NOON),)


def test_a_minted_token_keeps_its_id_and_environment(issuer: Issuer) -> None:
    record = issuer.of_token(MINTED, "user_123", {})
    assert (record.key_id, record.environment) == ("AbCdEfGh01234567", "staging")
    assert issuer.of_token(MINTED, "user_123", {"environment": "test"}).environment == "test"


def test_a_minted_token_has_one_id_and_any_other_one_for_each_pepper(issuer: Issuer) -> None:
    assert issuer.older_ids(MINTED) == []
    assert issuer.older_ids(LEGACY) == [imported_id(LEGACY, b"old"), imported_id(LEGACY, b"older")]


def test_a_renewed_key_is_the_same_but_for_its_secrets(issuer: Issuer) -> None:
    old = issuer.new("user_123", {"plan": "pro"}).record
    new = issuer.renewed(old, HOUR, "refuse")
    assert replace(new.record, secrets=old.secrets) == old
    assert new.record.secrets == (
        Secret(hash=hash_token(new.token), created_at=NOON),
        replace(old.secrets[0], expires_at=NOON + HOUR),
    )
    with pytest.raises(RotationInProgress):
        issuer.renewed(new.record, HOUR, "refuse")


def test_a_key_is_not_made_ended(issuer: Issuer) -> None:
    with pytest.raises(ConfigurationError, match="ended already"):
        issuer.new("user_123", {"expires_at": NOON})
