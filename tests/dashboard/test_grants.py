"""What people may hand out."""

from datetime import timedelta

import pytest

from bearer_auth.dashboard import DashboardUser, Grants
from bearer_auth.dashboard.grants import granting
from bearer_auth.errors import ConfigurationError

DAY = timedelta(days=1)


def test_without_a_word_there_are_no_scopes_and_one_environment():
    grants = Grants()
    assert grants.scopes == ()
    assert grants.environments == ("production",)
    assert grants.days == (30, 90, 365)
    assert grants.preselected_days == 90
    assert (grants.never, grants.max_keys) == (True, 100)


@pytest.mark.parametrize(
    ("lifetimes", "days"), [((30 * DAY, 90 * DAY), 90), ((7 * DAY, 30 * DAY), 7), ((), None)]
)
def test_a_sensible_end_is_preselected(lifetimes, days):
    assert Grants(lifetimes=lifetimes).preselected_days == days


def test_what_is_given_is_copied():
    scopes = ["a"]
    grants = Grants(scopes=scopes)
    scopes.append("admin")
    assert grants.scopes == ("a",)


@pytest.mark.parametrize(
    "wrong",
    [
        {"scopes": ["*"]},
        {"scopes": ["not a scope"]},
        {"environments": []},
        {"environments": ["Production"]},
        {"lifetimes": [timedelta(hours=36)]},
        {"lifetimes": [timedelta(0)]},
        {"lifetimes": [-DAY]},
        {"lifetimes": [], "never": False},
        {"lifetimes": [timedelta(days=365_001)]},
        {"max_keys": 0},
        {"max_keys": 1001},
    ],
)
def test_what_is_out_of_bounds_is_refused(wrong):
    with pytest.raises(ConfigurationError):
        Grants(**wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"scopes": "admin"},
        {"environments": "production"},
        {"lifetimes": [90]},
        {"lifetimes": 90},
        {"never": "no"},
        {"max_keys": True},
        {"max_keys": "100"},
    ],
)
def test_what_is_of_the_wrong_type_is_refused(wrong):
    with pytest.raises(TypeError):
        Grants(**wrong)


def test_they_are_the_same_for_all_or_come_from_a_function():
    alice, grants = DashboardUser("alice"), Grants(scopes=["a"])
    assert granting(grants)(alice) is grants
    assert granting(lambda user: Grants(scopes=[user.user_id]))(alice).scopes == ("alice",)


@pytest.mark.parametrize("wrong", [None, {}, ["a"], Grants, "a"])
def test_what_is_neither_is_refused(wrong):
    with pytest.raises(TypeError, match="grants must be"):
        granting(wrong)


@pytest.mark.parametrize("wrong", [None, {}, True])
def test_a_function_that_returns_nonsense_gives_nothing(wrong):
    with pytest.raises(TypeError, match="grants must return Grants"):
        granting(lambda _: wrong)(DashboardUser("alice"))
