import pytest
from hypothesis import given
from hypothesis import strategies as st

from bearer_auth.errors import ConfigurationError, InvalidToken
from bearer_auth.header import B64TOKEN, MAX_HEADER, bearer_challenge, bearer_token

TOKEN68 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/"

# Pieces from which nearly right and nearly wrong values come, far oftener than from plain text.
WORDS = ("Bearer", "bearer", "BEARER", "bEaReR", "Beare", "Basic", "a", "Z9", "-._~+/", "=", "==")
OTHERS = ' \t,;"\r\n\x00\x0b\x0c\x1c\x85\xa0é\u0131\u212a\u2003\ufeff\ud800'
PIECES = st.sampled_from([*WORDS, *OTHERS])
VALUES = st.one_of(
    st.lists(PIECES, max_size=8).map("".join),
    st.text(max_size=40),
    st.builds(
        "{}{}{}{}{}".format,
        st.text(" \t", max_size=2),
        st.sampled_from(["Bearer", "bearer", "BeArEr"]),
        st.text(" ", max_size=3),
        st.text(TOKEN68, max_size=12),
        st.text("=", max_size=2),
    ),
)


def recognise(value):
    """The token by the grammar, one character after the other; None if it doesn't follow it.

    OWS credentials OWS, where OWS = *( SP / HTAB )               RFC 9110 §5.5, §5.6.3
    credentials = "Bearer" 1*SP b64token                          RFC 6750 §2.1
    b64token = 1*( ALPHA / DIGIT / "-._~+/" ) *"="                RFC 6750 §2.1
    """
    start, end = 0, len(value)
    while start < end and value[start] in "\t ":
        start += 1
    while end > start and value[end - 1] in "\t ":
        end -= 1
    for lower, upper in zip("bearer", "BEARER", strict=True):
        if start == end or value[start] not in (lower, upper):
            return None
        start += 1
    spaces = 0
    while start < end and value[start] == " ":
        start, spaces = start + 1, spaces + 1
    first = start
    while start < end and value[start] in TOKEN68:
        start += 1
    if spaces == 0 or start == first:
        return None
    while start < end and value[start] == "=":
        start += 1
    return value[first:end] if start == end else None


def refusal(value):
    with pytest.raises(InvalidToken) as caught:
        bearer_token(value)
    return caught.value


@given(VALUES)
def test_exactly_what_the_grammar_allows_is_read(value):
    expected = recognise(value)
    try:
        found = bearer_token(value)
    except InvalidToken:
        found = None
    assert found == expected


def test_the_recogniser_reads_what_the_standards_show():
    assert recognise("Bearer mF_9.B5f-4.1JqM") == "mF_9.B5f-4.1JqM"  # RFC 6750 §2.1
    assert recognise("Basic dXNlcjpwdw==") is None


@pytest.mark.parametrize(
    ("value", "token"),
    [
        ("Bearer mF_9.B5f-4.1JqM", "mF_9.B5f-4.1JqM"),
        ("bearer abc", "abc"),
        ("BEARER abc", "abc"),
        ("bEaReR abc", "abc"),
        ("Bearer    abc", "abc"),
        (" \t Bearer abc\t ", "abc"),
        ("Bearer abc==", "abc=="),
        ("Bearer -._~+/", "-._~+/"),
        ("Bearer 0", "0"),
    ],
)
def test_the_token_is_returned_exactly_as_it_was_sent(value, token):
    assert bearer_token(value) == token


@pytest.mark.parametrize(
    "value",
    [
        "Bearer",
        "Bearer ",
        "Bearer\tabc",
        "Bearer \tabc",
        "Bearer a b",
        "Bearer =",
        "Bearer =abc",
        "Bearer a=b",
        "Bearer abc,",
        "Bearer abc, Bearer def",
        "Bearer abc;",
        'Bearer "abc"',
        "Bearer:abc",
        "Bearer=abc",
        "Bearer token=abc",
        "Bearer Bearer abc",
        "Bearer abc\n",
        "Bearer é",
    ],
)
def test_a_malformed_bearer_credential_is_challenged_as_an_invalid_token(value):
    error = refusal(value)
    assert error.reason == "malformed"
    assert error.challenge == 'error="invalid_token"'


@pytest.mark.parametrize(
    "value",
    ["", " ", "Basic dXNlcjpwdw==", "Bearerabc", "Bearer-x abc", "Beare abc", "abc", "Token abc"],
)
def test_another_scheme_is_challenged_without_an_error(value):
    error = refusal(value)
    assert error.reason == "malformed"
    assert error.challenge == ""


def test_a_missing_header_is_challenged_without_an_error():
    error = refusal(None)
    assert error.reason == "missing"
    assert error.challenge == ""


def test_4096_characters_are_read_and_one_more_is_refused():
    longest = "a" * (MAX_HEADER - 7)
    assert MAX_HEADER == 4096
    assert bearer_token("Bearer " + longest) == longest
    assert refusal("Bearer " + longest + "a").challenge == 'error="invalid_token"'
    assert refusal("Bearer " + longest + " ").reason == "malformed"
    assert refusal(" " * 4096 + "Bearer abc").reason == "malformed"


def test_an_error_holds_nothing_of_the_value():
    error = refusal("Bearer s3cr3t-s3cr3t, Bearer s3cr3t-s3cr3t")
    assert "s3cr3t" not in repr(error) + str(error) + str(vars(error)) + repr(error.wire({}))


def test_b64token_matches_whole_texts():
    assert B64TOKEN.fullmatch("abc==")
    assert not B64TOKEN.fullmatch("abc\n")
    assert not B64TOKEN.fullmatch("=")
    assert not B64TOKEN.fullmatch("")


@pytest.mark.parametrize(
    ("realm", "challenge"),
    [
        ("api", 'Bearer realm="api"'),
        ("the API", 'Bearer realm="the API"'),
        ('a "b" \\c', 'Bearer realm="a \\"b\\" \\\\c"'),
        ("x" * 200, f'Bearer realm="{"x" * 200}"'),
    ],
)
def test_a_challenge_has_the_realm_as_a_quoted_string(realm, challenge):
    assert bearer_challenge(realm) == challenge


@pytest.mark.parametrize("realm", ["", "x" * 201, "é", "a\r\nSet-Cookie: b", "a\x00", "a\t", "a\n"])
def test_a_realm_that_no_header_can_carry_is_refused(realm):
    with pytest.raises(ConfigurationError, match="realm must be 1 to 200 printable ASCII"):
        bearer_challenge(realm)


def test_a_realm_must_be_text():
    with pytest.raises(TypeError, match="realm must be text, not 5"):
        bearer_challenge(5)
