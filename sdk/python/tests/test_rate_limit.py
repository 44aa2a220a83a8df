"""The headers of a rate limit, as far as they can be read."""

import pytest

from conductor_sdk._rate_limit import rate_limit

READ = [
    ('"minute";r=0;t=12', '"minute";q=60;w=60', (60, 0, 12)),
    ('"a";r=5;t=9, "b";r=0;t=3', '"a";q=9;w=9, "b";q=2;w=3', (2, 0, 3)),
    ('"a";r=0;t=9 ,"b";r=0;t=30', '"b";q=2,"a";q=9', (2, 0, 30)),
    ('"a,\\"b;r=7";r=1', '"a,\\"b;r=7";q=5', (5, 1, None)),
    ('"a";note=";r=9";r=1;t=2', None, (None, 1, 2)),
    ('"a"; r=1;t=2', '"other";q=5', (None, 1, 2)),
    ('"a";r=1;r=2', None, (None, 2, None)),
    (None, '"a";q=5', (None, None, None)),
    ("", "", (None, None, None)),
    ('"a";r=1,', None, (None, None, None)),
    ('"a" ;r=1', None, (None, None, None)),
    ("a;r=1", None, (None, None, None)),
    ('"a";r=-1', None, (None, None, None)),
    ('"a";r=1.5', None, (None, None, None)),
    ('"a";r=1 "b";r=2', None, (None, None, None)),
    ('"a', None, (None, None, None)),
]


@pytest.mark.parametrize(("current", "policies", "expected"), READ)
def test_the_tightest_limit_is_told(current, policies, expected):
    assert rate_limit(current, policies) == expected


def test_a_long_header_is_read_in_one_pass():
    many = ", ".join(f'"{n}";r={n + 1};t=1' for n in range(2000))
    assert rate_limit(many + ", !", None) == (None, None, None)
    assert rate_limit(many, None) == (None, 1, 1)
