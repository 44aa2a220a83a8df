"""The headers of a rate limit, as far as they can be read."""

from conductor_sdk._rate_limit import rate_limit


def test_a_long_header_is_read_in_one_pass():
    many = ", ".join(f'"{n}";r={n + 1};t=1' for n in range(2000))
    assert rate_limit(many + ", !", None) == (None, None, None)
    assert rate_limit(many, None) == (None, 1, 1)
