import pytest
from hypothesis import given
from hypothesis import strategies as st

from bearer_auth.errors import ConfigurationError
from bearer_auth.scopes import covers, covers_all, parse_scopes

NAMES = st.sampled_from(["a", "b", "ab", "a.b", "a-b", "A", "_"])
SCOPES = st.builds(
    lambda names, star: ":".join(names) + star,
    st.lists(NAMES, min_size=1, max_size=4),
    st.sampled_from(["", ":*"]),
)


def allows(scope):
    """What a scope means, written another way: its names, and whether there may be more."""
    *names, last = scope.split(":")
    return (names, True) if last == "*" else ([*names, last], False)


def reference_covers(granted, needed):
    names, open_ended = allows(granted)
    wanted, wanted_open = allows(needed)
    if not open_ended:
        return not wanted_open and names == wanted
    if wanted_open:
        return wanted[: len(names)] == names
    return len(wanted) > len(names) and wanted[: len(names)] == names


@pytest.mark.parametrize(
    ("granted", "needed"),
    [
        ("admin", "admin"),
        ("ensembles:execute", "ensembles:execute"),
        ("ensembles:*", "ensembles:execute"),
        ("ensembles:*", "ensembles:runs:read"),
        ("ensembles:*", "ensembles:*"),
        ("ensembles:*", "ensembles:runs:*"),
        ("ensembles:runs:*", "ensembles:runs:read"),
    ],
)
def test_a_scope_covers_itself_and_a_star_covers_what_is_below(granted, needed):
    assert covers(granted, needed)


@pytest.mark.parametrize(
    ("granted", "needed"),
    [
        ("ensembles:*", "ensembles"),
        ("ensembles:*", "ensemblesx:execute"),
        ("ensembles:*", "Ensembles:execute"),
        ("ensembles:*", "admin"),
        ("ensembles:execute", "ensembles:*"),
        ("ensembles:execute", "ensembles:execute:all"),
        ("ensembles:runs:*", "ensembles:*"),
        ("ensembles:runs:*", "ensembles:execute"),
        ("ensembles", "ensembles:execute"),
        ("admin", "Admin"),
        ("admin", "admi"),
        ("admi", "admin"),
        ("", "admin"),
    ],
)
def test_a_scope_covers_nothing_else(granted, needed):
    assert not covers(granted, needed)


def test_all_needed_scopes_must_be_covered():
    assert covers_all(("a:*", "b"), ("a:x", "b"))
    assert covers_all(("a:*", "b"), iter(("a:x", "b")))
    assert not covers_all(("a:*",), ("a:x", "b"))
    assert not covers_all((), ("a",))
    assert covers_all((), ())


@given(SCOPES, SCOPES)
def test_covering_is_what_the_grammar_says(granted, needed):
    assert covers(granted, needed) == reference_covers(granted, needed)


@given(SCOPES, SCOPES, SCOPES)
def test_covering_is_transitive(first, second, third):
    if covers(first, second) and covers(second, third):
        assert covers(first, third)


@given(SCOPES, SCOPES)
def test_two_scopes_that_cover_each_other_are_the_same(first, second):
    assert (covers(first, second) and covers(second, first)) == (first == second)


@given(st.sets(SCOPES, max_size=4), st.sets(SCOPES, max_size=4))
def test_taking_a_scope_away_never_loosens(granted, needed):
    for scope in granted:
        if covers_all(granted - {scope}, needed):
            assert covers_all(granted, needed)


def test_scopes_are_sorted_and_not_repeated():
    assert parse_scopes(["b", "a:*", "b"]) == ("a:*", "b")
    assert parse_scopes(()) == ()


@given(st.lists(SCOPES, max_size=8))
def test_parsing_is_idempotent_and_loses_nothing(scopes):
    parsed = parse_scopes(scopes)
    assert parse_scopes(parsed) == parsed
    assert set(parsed) == set(scopes)


def test_a_scope_may_have_128_characters():
    assert parse_scopes(["a" * 128]) == ("a" * 128,)
    with pytest.raises(ConfigurationError, match="not a scope"):
        parse_scopes(["a" * 129])


def test_a_hundred_scopes_and_no_more():
    assert len(parse_scopes([f"s{n}" for n in range(100)])) == 100
    with pytest.raises(ConfigurationError, match="101 scopes; at most 100 are allowed"):
        parse_scopes([f"s{n}" for n in range(101)])


@pytest.mark.parametrize(
    "scope",
    [
        "",
        "*",
        ":",
        ":*",
        "a:",
        ":a",
        "a::b",
        "a:*:b",
        "a*",
        "a:b*",
        "a b",
        "a\n",
        " a",
        'a"',
        "a\\",
        "a/b",
        "ä",
        "\u0430",
        "a\x00",
    ],
)
def test_what_does_not_follow_the_grammar_is_refused_with_the_fix(scope):
    with pytest.raises(ConfigurationError, match=r"not a scope: .*such as 'ensembles:execute'"):
        parse_scopes([scope])


@pytest.mark.parametrize("scope", [None, 7, b"admin"])
def test_what_is_no_text_is_refused(scope):
    with pytest.raises(ConfigurationError, match="not a scope"):
        parse_scopes([scope])


def test_a_lone_string_is_not_read_letter_by_letter():
    with pytest.raises(TypeError, match=r"scopes must be a list; write scopes=\[…\]"):
        parse_scopes("admin")


def test_a_long_wrong_scope_is_not_quoted_whole():
    with pytest.raises(ConfigurationError) as caught:
        parse_scopes(["!" * 10_000])
    assert len(str(caught.value)) < 400


@given(st.text(max_size=20))
def test_a_scope_that_is_accepted_can_stand_in_a_challenge(text):
    try:
        (scope,) = parse_scopes([text])
    except ConfigurationError:
        return
    # RFC 6749 §3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E )
    assert scope
    assert all(c == "!" or "#" <= c <= "[" or "]" <= c <= "~" for c in scope)
