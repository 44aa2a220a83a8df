"""Passwords: argon2id, 12 characters at least, and an unknown account costs as much."""

import pytest

from bearer_auth.dashboard.operator.passwords import Passwords, hash_password
from bearer_auth.errors import ConfigurationError

LONG = "correct horse battery staple"


def test_a_password_is_kept_as_argon2id_and_never_twice_the_same():
    phc = hash_password(LONG)
    assert phc.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert LONG not in phc
    assert phc != hash_password(LONG)
    assert Passwords().is_right(phc, LONG)
    assert not Passwords().is_right(phc, LONG + " ")


@pytest.mark.parametrize(("password", "taken"), [("a" * 11, False), ("a" * 12, True)])
def test_it_has_twelve_characters_at_least(password, taken, cheap_hashes):
    if taken:
        assert Passwords().is_right(hash_password(password), password)
        return
    with pytest.raises(ConfigurationError, match="12 to 1024 characters") as caught:
        hash_password(password)
    assert password not in str(caught.value)


def test_one_that_no_person_types_is_refused():
    with pytest.raises(ConfigurationError, match="12 to 1024 characters"):
        hash_password("a" * 1025)
    with pytest.raises(TypeError, match="must be text, not bytes"):
        hash_password(b"a" * 12)  # type: ignore[arg-type]


def test_two_ways_to_type_a_letter_are_one_and_any_character_counts(cheap_hashes):
    phc = hash_password("caf\u00e9 \U0001f40e battery")
    assert Passwords().is_right(phc, "cafe\u0301 \U0001f40e battery")
    assert not Passwords().is_right(phc, "cafe \U0001f40e battery")


def test_half_a_surrogate_pair_from_a_form_is_just_wrong(cheap_hashes):
    assert not Passwords().is_right(hash_password(LONG), "\ud83d" * 12)


def test_threat_password_guessing_an_unknown_account_costs_the_same_work(monkeypatch):
    passwords = Passwords()
    seen = []
    verify = passwords._hasher.verify
    monkeypatch.setattr(
        passwords._hasher, "verify", lambda phc, text: seen.append(phc) or verify(phc, text)
    )
    phc = hash_password(LONG)
    assert not passwords.is_right(None, LONG)
    assert not passwords.is_right(phc, "a wrong password")
    cost = "$argon2id$v=19$m=65536,t=3,p=4$"
    assert [each[: len(cost)] for each in seen] == [cost, cost]
    assert seen[0] != phc


def test_no_account_has_the_password_of_the_decoy(monkeypatch, cheap_hashes):
    passwords = Passwords()
    monkeypatch.setattr(passwords._hasher, "verify", lambda phc, text: True)
    assert not passwords.is_right(None, LONG)
