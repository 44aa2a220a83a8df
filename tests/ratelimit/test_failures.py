"""Failed authentications by address: guessing costs nothing, and a proven key always passes."""

import pytest

from bearer_auth import Authenticator, InvalidToken, Keyring, MemoryStore, RateLimited
from bearer_auth.ratelimit.failures import ADDRESSES, FailureLimit, network_of
from bearer_auth.testing import FakeClock
from bearer_auth.token import mint


class Counted(MemoryStore):
    """Counts look-ups."""

    looked_up = 0

    def get(self, key_id):
        self.looked_up += 1
        return super().get(key_id)


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def store():
    return Counted()


@pytest.fixture
def keyring(store):
    return Keyring(store)


@pytest.fixture
def authenticator(store, clock):
    return Authenticator(store, failures=FailureLimit(3, 60, clock))


def guess(authenticator, address="192.0.2.7", token=None):
    try:
        authenticator.authenticate(token or mint("ba", "production"), client_ip=address)
    except (InvalidToken, RateLimited) as error:
        return error.code
    return 200


def test_guesses_beyond_the_limit_cost_no_look_up(authenticator, store, clock):
    assert [guess(authenticator) for _ in range(6)] == [401, 401, 401, 429, 429, 429]
    assert store.looked_up == 3
    with pytest.raises(RateLimited) as refused:
        authenticator.authenticate(mint("ba", "production"), client_ip="192.0.2.7")
    assert refused.value.headers == (("Retry-After", "61"),)
    assert refused.value.reason == "failures"
    clock.advance(60)
    assert guess(authenticator) == 429  # the clock said a moment more than the whole window
    clock.advance(1)
    assert guess(authenticator) == 401


def test_other_addresses_are_not_slowed(authenticator):
    for _ in range(5):
        guess(authenticator)
    assert guess(authenticator, "192.0.2.8") == 401
    assert guess(authenticator, None) == 401


def test_a_proven_key_always_passes(authenticator, keyring):
    token = keyring.create(user_id="user_123").token
    assert guess(authenticator, token=token) == 200
    assert [guess(authenticator) for _ in range(4)] == [401, 401, 401, 429]
    assert guess(authenticator, token=token) == 200
    keyring.create(user_id="user_456")  # a change that empties the cache
    keyring.update(keyring.create(user_id="user_456").key_id, name="new")
    assert guess(authenticator, token=token) == 200


def test_a_key_that_is_revoked_is_proven_no_more(authenticator, keyring, store):
    issued = keyring.create(user_id="user_123")
    assert guess(authenticator, token=issued.token) == 200
    keyring.revoke(issued.key_id)
    answers = [guess(authenticator, token=issued.token) for _ in range(6)]
    assert answers == [401, 401, 401, 401, 429, 429]


def test_good_keys_are_not_counted(authenticator, keyring):
    tokens = [keyring.create(user_id="user_123").token for _ in range(20)]
    assert {guess(authenticator, token=token) for token in tokens} == {200}
    assert [guess(authenticator) for _ in range(4)] == [401, 401, 401, 429]


def test_what_costs_no_look_up_is_not_counted(authenticator):
    assert {guess(authenticator, token="not a token") for _ in range(9)} == {401}
    assert guess(authenticator) == 401


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        (None, ""),
        ("unix:", ""),
    ],
)
def test_what_is_counted_as_one_address(address, counted):
    assert network_of(address) == counted


def test_the_memory_is_bounded(clock):
    limit = FailureLimit(3, 60, clock)
    for number in range(ADDRESSES + 10):
        limit.begin(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(limit._counted) == ADDRESSES
