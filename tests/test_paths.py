"""The forms of a path, and patterns for paths."""

import posixpath
import re
import unicodedata

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from bearer_auth.errors import ConfigurationError
from bearer_auth.paths import MAX_NORMAL, Pattern, decode, is_normal, normalise


def wire(text):
    """Text as PATH_INFO holds it (PEP 3333)."""
    return text.encode().decode("latin-1")


# What is hostile comes up often, among anything else that PATH_INFO can hold.
hostile_paths = st.lists(
    st.sampled_from(
        [*"/.;\\?#%:\n\x00\x7f\xff\xc3a41é\uff0f", "..", "//", "http://h", "admin", "\xc2\x85"]
    )
    | st.sampled_from(["%2e", "%2F", "%25", "%5c", "%c3%a9", "%00"])
    | st.characters(max_codepoint=255),
    max_size=14,
).map(lambda parts: "".join(p if max(p, default="") <= "\xff" else wire(p) for p in parts))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/docs", "/docs"),
        ("", ""),
        ("/caf\xc3\xa9", "/café"),
        ("/caf\xe9", None),  # latin-1
        ("/\xc0\xaf", None),  # "/", overlong
        ("/\xed\xa0\x80", None),  # a surrogate
        ("/\u4e2d", None),  # a server that breaks PEP 3333
        ("/\udcff", None),
    ],
)
def test_a_path_is_read_as_utf_8_or_not_at_all(path, text):
    assert decode(path) == text


@pytest.mark.parametrize(
    "text",
    [
        "/",
        "/a",
        "/a/",
        "/a/b.c/..d/...",
        "/café",
        "/a b",
        "/a:b@c,d=e&f+g~",
        "/\u00bd",
        "/{x}",
        "/*",
    ],
)
def test_a_plain_path_is_normal(text):
    assert is_normal(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "*",
        "http://host/a",
        "//",
        "//a",
        "/a//",
        "/a//b",
        "/.",
        "/..",
        "/./a",
        "/a/.",
        "/a/./",
        "/a/..",
        "/a/../",
        "/a/../b",
        "/a\\b",
        "/%61",
        "/100%",
        "/a;b",
        "/a?b",
        "/a#b",
        "/a\n",
        "/a\x00",
        "/a\x7f",
        "/a\x85",
        "\n/a",
        "/a\n/b",
    ],
)
def test_anything_that_could_be_read_in_two_ways_is_not_normal(text):
    assert not is_normal(text)


@pytest.mark.parametrize(
    ("text", "nfkc"),
    [
        ("/a\uff0f\uff0fb", "/a//b"),
        ("/a/\uff0e\uff0e/b", "/a/../b"),
        ("/\u2025/b", "/../b"),
        ("/a\uff1bb", "/a;b"),
        ("/\uff0561", "/%61"),
        ("/a\uff3cb", "/a\\b"),
        ("/a\uff1fb", "/a?b"),
        ("/a\uff03b", "/a#b"),
    ],
)
def test_a_path_that_nfkc_makes_ambiguous_is_not_normal(text, nfkc):
    assert unicodedata.normalize("NFKC", text) == nfkc
    assert not is_normal(text)


def test_a_very_long_path_is_not_normal():
    assert is_normal("/" + "a" * (MAX_NORMAL - 1))
    assert not is_normal("/" + "a" * MAX_NORMAL)


@pytest.mark.parametrize(
    ("path", "n"),
    [
        ("", "/"),
        ("/", "/"),
        ("//", "/"),
        ("/a/b/", "/a/b"),
        ("//admin/users", "/admin/users"),
        ("admin/users", "/admin/users"),
        ("/admin/..", "/"),
        ("/../../admin", "/admin"),
        ("/a/./b/../c", "/a/c"),
        ("/ad\xffmin", "/admin"),
        ("/admin\n", "/admin"),
        ("/ad\xc2\x85min", "/admin"),
        ("/admin%2Fx", "/admin/x"),
        ("/%61dmin", "/admin"),
        ("/%2561dmin", "/admin"),
        ("/%25252561dmin", "/admin"),
        ("/%4%31dmin", "/Admin"),
        ("/%%361dmin", "/admin"),
        ("/%\n61dmin", "/admin"),
        ("/%\xff6%ff1dmin", "/admin"),
        ("/caf%C3%A9", "/café"),
        ("/caf\xc3%25a9", "/café"),
        ("/caf\xc3\xa9", "/café"),
        ("/100%", "/100%"),
        ("/%zz", "/%zz"),
        ("/docs;x", "/docs"),
        ("/docs%3Bx/y;z=1", "/docs/y"),
        ("/public/..;/admin", "/admin"),
        ("/;a/b", "/b"),
        ("/public\\..\\admin", "/admin"),
        ("/public%5C..%5cadmin", "/admin"),
        ("http://host/admin", "/admin"),
        ("HTTPS://user@host:1/admin", "/admin"),
        ("http://host", "/"),
        ("http://host\\admin", "/admin"),
        ("/http://host/admin", "/http:/host/admin"),
        ("1http://host/admin", "/1http:/host/admin"),
        ("/\u4e2d", "/中"),
        ("/a\ud800", "/a"),
    ],
)
def test_n_is_what_the_most_lenient_reader_makes_of_a_path(path, n):
    assert normalise(path) == (n, n)


@pytest.mark.parametrize(
    ("path", "n", "cut"),
    [
        ("/admin?x", "/admin?x", "/admin"),
        ("/admin#x", "/admin#x", "/admin"),
        ("/admin%3Fx", "/admin?x", "/admin"),
        ("/admin%2523x", "/admin#x", "/admin"),
        ("/admin?/../docs", "/docs", "/admin"),
        ("/admin/#/../..", "/", "/admin"),
        ("/a;?/b", "/a/b", "/a"),
        ("http://host?/admin", "/?/admin", "/"),
        ("?", "/?", "/"),
    ],
)
def test_n_cut_ends_at_the_first_question_mark_or_hash(path, n, cut):
    assert normalise(path) == (n, cut)


def test_an_encoding_that_is_nested_too_deep_has_no_form_at_all():
    assert normalise("/%" + "25" * 6 + "61dmin") == ("/admin", "/admin")
    assert normalise("/%" + "25" * 7 + "61dmin") is None


def model(path, *, cut=False):
    """N by hand, one step at a time, the slow way."""
    data = path.encode("latin-1")
    scheme, colon, rest = data.partition(b"://")
    letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    in_scheme = all(c in letters + b"0123456789+.-" for c in scheme)
    if colon and in_scheme and scheme[:1].isalpha():
        ends = [i for i, c in enumerate(rest) if c in b"/\\?#"]
        data = rest[ends[0] :] if ends else b""
    before = None
    while data != before:
        before = data
        while found := re.search(rb"%([0-9a-fA-F]{2})", data):  # one at a time, from the left
            data = data[: found.start()] + bytes([int(found[1], 16)]) + data[found.end() :]
        kept = [
            c
            for c in data.decode("utf-8", "surrogateescape")
            if not "\udc80" <= c <= "\udcff" and unicodedata.category(c) != "Cc"
        ]
        data = "".join(kept).encode()
    text = data.decode()
    if cut:
        text = text.split("?")[0].split("#")[0]
    segments = [segment.split(";")[0] for segment in text.replace("\\", "/").split("/")]
    return posixpath.normpath("/" + "/".join(segments).lstrip("/"))


@given(hostile_paths)
@example("/%\n61")
@example("/a/%2e%2E;x/\xff")
def test_n_is_the_same_as_in_the_model(path):
    forms = normalise(path)
    assume(forms is not None)
    assert forms == (model(path), model(path, cut=True))


@given(hostile_paths)
@example("/%\xff%ff")
def test_n_of_n_is_n(path):
    forms = normalise(path)
    assume(forms is not None)
    n, cut = forms
    assert normalise(wire(n))[0] == n
    assert normalise(wire(cut)) == (cut, cut)


@given(hostile_paths)
def test_n_has_no_empty_and_no_dotted_segment(path):
    for form in normalise(path) or ():
        assert form.startswith("/")
        assert "//" not in form
        assert not {"", ".", ".."} & set(form[1:].split("/")) or form == "/"


normal_segments = st.text(
    st.sampled_from("ab.-_~é中 {*")
    | st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/\\%;?#"),
    min_size=1,
).filter(lambda segment: is_normal("/" + segment))


@given(st.lists(normal_segments, max_size=4), st.sampled_from(["", "/"]))
def test_n_of_a_normal_path_is_itself_without_a_final_slash(parts, final):
    text = "/" + "/".join(parts) + (final if parts else "")
    plain = text[:-1] if text.endswith("/") and text != "/" else text
    assert normalise(wire(text)) == (plain, plain)


@pytest.mark.parametrize(
    ("pattern", "matched", "other"),
    [
        ("/", ["/"], ["/a", "/*"]),
        ("/docs", ["/docs"], ["/docs/", "/docsx", "/doc", "/docs/x", "/Docs", "/docs\n", "x/docs"]),
        ("/docs/", ["/docs/"], ["/docs", "/docs/x"]),
        ("/static/*", ["/static/a", "/static/a/", "/static/a/b"], ["/static", "/static/", "/x/a"]),
        ("/*", ["/a", "/a/b", "/a/"], ["/"]),
        ("/users/{id}", ["/users/1", "/users/é"], ["/users", "/users/", "/users/1/", "/users/1/2"]),
        ("/{a}/x/{b}", ["/1/x/2"], ["/1/y/2", "/1/x"]),
        ("/{a}/*", ["/1/2", "/1/2/3"], ["/1", "/1/", "/"]),
        ("/café", ["/café"], ["/cafe", "/caf"]),
        ("/a.c", ["/a.c"], ["/abc"]),
    ],
)
def test_a_pattern_matches_to_the_letter(pattern, matched, other):
    compiled = Pattern(pattern)
    assert [path for path in matched + other if compiled.matches(path)] == matched


@pytest.mark.parametrize(
    ("pattern", "covered", "other"),
    [
        ("/", ["/", ""], ["/a", "//"]),
        ("/admin", ["/admin", "/admin/"], ["/adminx", "/admin/x", "/admin//", "/"]),
        ("/admin/", ["/admin", "/admin/"], ["/adminx", "/admin/x"]),
        ("/admin/*", ["/admin", "/admin/", "/admin/x", "/admin//", "/admin/\n"], ["/adminx", "/"]),
        ("/users/{id}", ["/users/1", "/users/1/", "/users/", "/users//"], ["/users", "/users/1/2"]),
        ("/*", ["/", "/a", "//", ""], ["a"]),
    ],
)
def test_a_pattern_covers_the_folder_and_either_end(pattern, covered, other):
    compiled = Pattern(pattern)
    assert [path for path in covered + other if compiled.covers(path)] == covered


@pytest.mark.parametrize(
    "pattern",
    [
        *("", "docs", "//docs", "/docs//", "/a/../b", "/a%20b", "/a;b", "/a?b", "/a#b", "/a\\b"),
        *("*", "/*/", "/*/a", "/a*", "/a/*.js", "/**", "/a/**"),
        *("/{}", "/{a}x", "/x{a}", "/{a b}", "/{1}", "/{a", "/a}", "/{a:int}", "/<id>", "/a\n"),
    ],
)
def test_anything_else_is_no_pattern(pattern):
    with pytest.raises(ConfigurationError, match=r"^not a path: .*; (write|'\*' may) "):
        Pattern(pattern)


def test_a_pattern_is_text():
    with pytest.raises(TypeError, match="a path must be text, not bytes"):
        Pattern(b"/docs")


@pytest.mark.parametrize(
    ("inner", "outer", "narrow", "wide"),
    [
        ("/a", "/a", True, True),
        ("/a/", "/a", False, True),
        ("/a", "/b", False, False),
        ("/a", "/{x}", True, True),
        ("/{x}", "/a", False, False),
        ("/{x}", "/{y}", True, True),
        ("/a", "/*", True, True),
        ("/", "/*", False, True),
        ("/a", "/a/*", False, True),
        ("/a/", "/a/*", False, True),
        ("/a/b", "/a/*", True, True),
        ("/a/*", "/a/*", True, True),
        ("/a/b/*", "/a/*", True, True),
        ("/a/*", "/a/b/*", False, False),
        ("/a/*", "/a/b", False, False),
        ("/a/*", "/a", False, False),
        ("/{x}/b", "/a/*", False, False),
        ("/a/{x}/c", "/a/{y}/*", True, True),
        ("/a", "/a/b", False, False),
    ],
)
def test_a_pattern_knows_which_others_it_lies_within(inner, outer, narrow, wide):
    assert Pattern(inner).within(Pattern(outer), wide=False) is narrow
    assert Pattern(inner).within(Pattern(outer), wide=True) is wide
