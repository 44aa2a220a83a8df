"""Rules, and what a request needs by them."""

import unicodedata

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bearer_auth import policy as module
from bearer_auth.errors import ConfigurationError
from bearer_auth.paths import normalise
from bearer_auth.policy import Decision, Policy, Rule


def needs(policy, method, path):
    """``"public"``, ``"optional"`` or the scopes."""
    decision = policy.decide(method, path)
    if decision.public:
        assert not decision.scopes
        return "public"
    return "optional" if decision.optional and not decision.scopes else decision.scopes


def names(policy, method, path):
    types = policy.decide(method, path).content_types
    return None if types is None else types.names


# What a rule says


def test_a_rule_is_a_value():
    rule = Rule("/a", methods=["POST", "GET", "GET"], scopes={"y", "x"}, content_types=["A/B"])
    assert (rule.methods, rule.scopes, rule.content_types) == (
        ("GET", "POST"),
        ("x", "y"),
        ("a/b",),
    )
    assert rule == Rule("/a", methods=("GET", "POST"), scopes=("x", "y"), content_types=("a/b",))
    assert len({rule, Rule("/a")}) == 2
    with pytest.raises(AttributeError):
        rule.public = True


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"methods": ["get"]}, "not a method: 'get'; letter case counts, write 'GET'"),
        ({"methods": ["GET "]}, "not a method: 'GET '; write a name such as 'GET'"),
        ({"methods": [""]}, "not a method: ''"),
        ({"methods": []}, "methods of the rule for '/a' is empty; leave it out to mean all"),
        ({"scopes": ["a b"]}, "not a scope: 'a b'"),
        ({"content_types": []}, "write None to accept any"),
        ({"content_types": ["json"]}, "not a content type: 'json'"),
        ({"public": True, "scopes": ["x"]}, "the rule for '/a' is public, so nothing is read"),
        ({"public": True, "optional": True}, "the rule for '/a' is public, so nothing is read"),
        ({"public": True, "content_types": None}, "the rule for '/a' is public, so nothing is"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(arguments, message):
    with pytest.raises(ConfigurationError) as caught:
        Rule("/a", **arguments)
    assert str(caught.value).startswith(message) or message in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"methods": "GET"}, r"methods must be a list; write methods=\[…\]"),
        ({"methods": [1]}, "a method must be text, not int"),
        ({"scopes": "x"}, r"write scopes=\[…\]"),
        ({"content_types": "a/b"}, r"write content_types=\[…\]"),
        ({"public": "no"}, "public of the rule for '/a' must be True or False"),
        ({"optional": 1}, "optional of the rule for '/a' must be True or False"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused(arguments, message):
    with pytest.raises(TypeError, match=message):
        Rule("/a", **arguments)


def test_everything_but_the_path_is_named():
    with pytest.raises(TypeError):
        Rule("/a", ["GET"])


def test_a_malformed_path_is_refused_in_a_rule_and_in_the_shorthand():
    with pytest.raises(ConfigurationError, match="not a path: 'docs'"):
        Rule("docs")
    with pytest.raises(ConfigurationError, match=r"not a path: '/docs\*'"):
        Policy(public=["/docs*"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rules": Rule("/a")}, "rules must be a list, not Rule"),
        ({"rules": ["/a"]}, r"rules\[0\] must be a Rule, not str"),
        ({"public": "/docs"}, r"public must be a list; write public=\[…\]"),
        ({"public": [Rule("/docs", public=True)]}, "a path must be text, not Rule"),
        ({"content_types": "application/json"}, r"write content_types=\[…\]"),
    ],
)
def test_a_policy_checks_what_it_is_made_of(arguments, message):
    with pytest.raises(TypeError, match=message):
        Policy(**arguments)


# Rules out of reach


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (Rule("/a"), Rule("/a")),
        (Rule("/a", public=True), Rule("/a", scopes=["x"])),
        (Rule("/a"), Rule("/a", methods=["GET"], public=True)),
        (Rule("/a", methods=["GET", "POST"]), Rule("/a", methods=["GET"])),
        (Rule("/a", methods=["GET"]), Rule("/a", methods=["HEAD"])),
        (Rule("/*", public=True), Rule("/admin/*", scopes=["x"])),
        (Rule("/admin/*", scopes=["x"]), Rule("/admin", scopes=["y"])),
        (Rule("/admin/*", scopes=["x"]), Rule("/admin/", public=True)),
        (Rule("/admin/", scopes=["x"]), Rule("/admin", public=True)),
        (Rule("/{a}/b", scopes=["x"]), Rule("/a/b", scopes=["y"])),
    ],
)
def test_a_rule_behind_one_that_covers_it_is_refused(first, second):
    with pytest.raises(ConfigurationError) as caught:
        Policy([Rule("/other"), first, second])
    assert str(caught.value) == (
        f"rules[2] ({second.path!r}) is never reached: rules[1] ({first.path!r}) comes before it "
        f"and covers it; put Rule({second.path!r}, …) first, or remove one of them"
    )


def test_a_public_path_behind_a_rule_that_covers_it_is_refused():
    message = r"^public\[0\] \('/docs'\) is never reached: rules\[0\] \('/\*'\) comes before it"
    with pytest.raises(ConfigurationError, match=message):
        Policy([Rule("/*", scopes=["x"])], public=["/docs"])


def test_a_public_path_given_twice_is_refused():
    message = r"^public\[1\] \('/docs/a'\) is never reached: public\[0\] \('/docs/\*'\)"
    with pytest.raises(ConfigurationError, match=message):
        Policy(public=["/docs/*", "/docs/a"])


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (Rule("/a", methods=["GET"]), Rule("/a")),
        (Rule("/a", methods=["HEAD"]), Rule("/a", methods=["GET"])),
        (Rule("/a", public=True), Rule("/a/", scopes=["x"])),
        (Rule("/a/", public=True), Rule("/a", scopes=["x"])),
        (Rule("/a/*", public=True), Rule("/a", scopes=["x"])),
        (Rule("/a/b", scopes=["x"]), Rule("/a/*", scopes=["y"])),
        (Rule("/a", scopes=["x"]), Rule("/{a}", scopes=["y"])),
        (Rule("/*", public=True), Rule("/", scopes=["x"])),
    ],
)
def test_a_rule_that_is_still_reached_is_kept(first, second):
    assert not Policy([first, second]).trivial


# Decisions


def test_without_rules_every_request_needs_a_key_and_nothing_else():
    policy = Policy()
    assert policy.trivial
    assert policy.default.content_types.names == ("application/json",)
    assert policy.default[:3] == (False, False, ())
    for path in ("/", "/a", "//a", "", "/%61"):
        assert policy.decide("GET", path) == policy.default


def test_a_policy_with_a_public_path_is_not_trivial():
    assert not Policy(public=["/docs"]).trivial


def test_a_decision_says_what_is_needed():
    policy = Policy([Rule("/a", scopes=["y", "x"], content_types=None)], public=["/docs"])
    assert policy.decide("GET", "/a") == Decision(
        public=False, optional=False, scopes=("x", "y"), content_types=None
    )
    assert policy.decide("GET", "/docs").public is True
    assert policy.decide("GET", "/else") == policy.default


def test_the_first_rule_that_matches_counts():
    policy = Policy(
        [
            Rule("/admin/help", public=True),
            Rule("/admin/status"),
            Rule("/admin/{section}", methods=["GET"], scopes=["read"]),
            Rule("/admin/*", scopes=["admin"]),
        ]
    )
    assert needs(policy, "GET", "/admin/help") == "public"
    assert needs(policy, "GET", "/admin/status") == ()
    assert needs(policy, "GET", "/admin/users") == ("read",)
    assert needs(policy, "POST", "/admin/users") == ("admin",)
    assert needs(policy, "GET", "/admin/users/1") == ("admin",)
    assert needs(policy, "GET", "/admin") == ("admin",)


def test_public_paths_come_after_the_rules():
    policy = Policy([Rule("/docs/internal", scopes=["staff"])], public=["/docs/*"])
    assert needs(policy, "GET", "/docs/internal") == ("staff",)
    assert needs(policy, "GET", "/docs/intro") == "public"


def test_scopes_hold_with_and_without_a_final_slash_and_public_does_not():
    policy = Policy(
        [Rule("/a", scopes=["a"]), Rule("/b/", scopes=["b"])], public=["/docs", "/help/"]
    )
    assert needs(policy, "GET", "/a") == needs(policy, "GET", "/a/") == ("a",)
    assert needs(policy, "GET", "/b") == needs(policy, "GET", "/b/") == ("b",)
    assert needs(policy, "GET", "/docs") == needs(policy, "GET", "/help/") == "public"
    assert needs(policy, "GET", "/docs/") == needs(policy, "GET", "/help") == ()


def test_a_public_path_with_a_final_slash_is_read_without_it_too():
    policy = Policy([Rule("/docs/", public=True), Rule("/*", scopes=["x"])])
    assert needs(policy, "GET", "/docs/") == ("x",)  # N is /docs, for which the second rule counts
    policy = Policy(
        [Rule("/docs", public=True), Rule("/docs/", public=True), Rule("/*", scopes=["x"])]
    )
    assert needs(policy, "GET", "/docs/") == "public"
    assert needs(policy, "GET", "/docs") == "public"
    assert needs(policy, "GET", "/") == ("x",)


def test_a_rule_without_scopes_before_one_with_scopes_holds_with_a_final_slash_too():
    policy = Policy([Rule("/me/*"), Rule("/*", scopes=["x"])])
    assert needs(policy, "GET", "/me/name/") == ()
    assert needs(policy, "GET", "/me/") == ("x",)  # the folder itself is not below it


def test_a_rule_without_scopes_takes_no_scopes_away_beyond_its_paths():
    policy = Policy([Rule("/status"), Rule("/app/*"), Rule("/*", scopes=["x"])])
    assert needs(policy, "GET", "/status") == needs(policy, "GET", "/app/1") == ()
    assert needs(policy, "GET", "/status/") == needs(policy, "GET", "/app") == ("x",)


def test_the_first_rule_counts_for_each_form_of_a_path():
    policy = Policy([Rule("/a/b", scopes=["x"]), Rule("/a/*", scopes=["y"])])
    assert needs(policy, "GET", "a/b") == ("x",)
    assert needs(policy, "GET", "/a/b;c") == ("x", "y")


def test_everything_below_is_not_the_root_itself_for_public():
    policy = Policy(public=["/*"])
    assert needs(policy, "GET", "/a/b") == "public"
    assert needs(policy, "GET", "/") == ()
    assert needs(Policy(public=["/*", "/"]), "GET", "/") == "public"


def test_text_beyond_ascii_is_compared_decoded():
    policy = Policy([Rule("/caf\u00e9", scopes=["x"])], public=["/men\u00fc"])
    assert needs(policy, "GET", "/caf\xc3\xa9") == ("x",)
    assert needs(policy, "GET", "/men\xc3\xbc") == "public"
    # The same in latin-1 is no UTF-8, so it is not normal; an app may still compare PATH_INFO
    # as it is.
    assert needs(policy, "GET", "/caf\xe9") == ("x",)
    assert needs(policy, "GET", "/men\xfc") == ()
    below = Policy([Rule("/caf\u00e9/*", scopes=["x"])])
    assert needs(below, "GET", "/caf\xc3\xa9/..") == ("x",)


def test_a_path_beyond_latin_1_is_never_public_and_still_needs_scopes():
    policy = Policy([Rule("/\u4e2d", scopes=["x"])], public=["/*"])
    assert needs(policy, "GET", "/\u4e2d") == ("x",)
    assert needs(policy, "GET", "/\u65e5") == ()
    assert needs(policy, "GET", "/\udce4") == ()


def test_an_optional_rule_holds_for_its_paths_to_the_letter():
    policy = Policy(
        [Rule("/me", methods=["GET"], optional=True), Rule("/app/*", optional=True, scopes=["x"])]
    )
    assert needs(policy, "GET", "/me") == needs(policy, "HEAD", "/me") == "optional"
    for method, path in [("get", "/me"), ("POST", "/me"), ("GET", "/me/"), ("GET", "//me")]:
        assert needs(policy, method, path) == ()
    assert policy.decide("GET", "/app/1")[:3] == (False, True, ("x",))
    assert policy.decide("GET", "/app")[:3] == (False, False, ("x",))
    assert policy.decide("GET", "/app/./1")[:3] == (False, False, ("x",))


def test_a_rule_can_take_other_bodies():
    policy = Policy(
        [
            Rule("/upload/*", methods=["POST"], scopes=["w"], content_types=["image/*"]),
            Rule("/any", content_types=None),
            Rule("/json", scopes=["x"]),
        ]
    )
    assert names(policy, "POST", "/upload/1") == ("image/*",)
    assert names(policy, "POST", "/upload") == ("image/*",)
    assert names(policy, "POST", "/any") is None
    assert names(policy, "POST", "/json") == ("application/json",)
    assert names(policy, "POST", "/else") == ("application/json",)


def test_other_bodies_are_for_normal_paths_and_exact_methods():
    policy = Policy([Rule("/upload/*", methods=["POST"], scopes=["w"], content_types=None)])
    for method, path in [("post", "/upload/1"), ("POST", "//upload/1"), ("POST", "/upload/%31")]:
        assert names(policy, method, path) == ("application/json",)
        assert needs(policy, method, path) == ("w",)


def test_a_policy_can_take_any_body_and_a_rule_still_choose():
    policy = Policy([Rule("/a", content_types=["application/json"])], content_types=None)
    assert names(policy, "POST", "/else") is None
    assert names(policy, "POST", "/a") == ("application/json",)


def test_an_encoding_that_is_nested_too_deep_needs_every_scope():
    policy = Policy([Rule("/a", scopes=["a"]), Rule("/b", scopes=["b", "c"])], public=["/*"])
    assert needs(policy, "GET", "/%" + "25" * 30 + "61") == ("a", "b", "c")


def test_a_very_long_path_is_never_public_and_still_needs_scopes():
    policy = Policy([Rule("/admin/*", scopes=["x"])], public=["/*"])
    assert needs(policy, "GET", "/" + "a" * 8191) == "public"
    # Too long to be normal, and to be read in every way: it needs all scopes that there are.
    assert needs(policy, "GET", "/" + "a" * 8192) == ("x",)
    assert needs(policy, "GET", "/admin/" + "a" * 8192) == ("x",)
    assert needs(policy, "GET", "/./" * 5000 + "admin") == ("x",)


# What is remembered


def test_a_decision_is_made_once():
    policy = Policy([Rule("/a", scopes=["x"])])
    first = policy.decide("GET", "/a")
    assert policy.decide("GET", "/a") is first
    assert policy.decide("POST", "/a") is not first


@pytest.mark.parametrize("order", [["GET", "get"], ["get", "GET"]])
def test_a_decision_is_remembered_for_the_method_as_it_came(order):
    policy = Policy([Rule("/a", methods=["GET"], public=True)])
    decided = {method: needs(policy, method, "/a") for method in order * 2}
    assert decided == {"GET": "public", "get": ()}


def test_what_is_remembered_is_bounded():
    policy = Policy(public=["/*"])
    for number in range(module.MAX_DECISIONS * 2 + 10):
        assert needs(policy, "GET", f"/{number}") == "public"
        assert len(policy._decided) <= module.MAX_DECISIONS
    assert needs(policy, "GET", "/1") == "public"


def test_long_paths_and_methods_are_not_remembered():
    policy = Policy(public=["/*"])
    for method, path in [("GET", "/" + "a" * 253), ("M" * 250, "/123456")]:
        assert needs(policy, method, path) == needs(policy, method, path) == "public"
    assert policy._decided == {}
    assert needs(policy, "GET", "/" + "a" * 252) == "public"
    assert len(policy._decided) == 1


# The same in a model, by hand

segments = st.sampled_from(["a", "b", "{x}", "\u00e9"])
patterns = st.builds(
    lambda parts, last: "/" + "/".join(parts) + last if parts else "/" + last.strip("/"),
    st.lists(segments, max_size=3),
    st.sampled_from(["", "", "/", "/*", "/*"]),
)
methods = st.sampled_from([None, None, ["GET"], ["POST", "HEAD"]])
rules = st.one_of(
    st.builds(lambda path, m: Rule(path, methods=m, public=True), patterns, methods),
    st.builds(
        lambda path, m, scopes, optional: Rule(path, methods=m, scopes=scopes, optional=optional),
        patterns,
        methods,
        st.sets(st.sampled_from(["x", "y", "z"]), max_size=2),
        st.booleans(),
    ),
)


@st.composite
def policies(draw):
    """Rules that make a policy, and the policy: a rule that is out of reach is left out."""
    kept = []
    for rule in draw(st.lists(rules, min_size=1, max_size=6)):
        try:
            Policy([*kept, rule])
        except ConfigurationError:
            continue
        kept.append(rule)
    return kept, Policy(kept)


def agrees(pattern, path, *, empty=False):
    """Whether the segments of the one are those of the other."""
    return len(pattern) == len(path) and all(
        have == want or (want == "{x}" and (empty or have != ""))
        for want, have in zip(pattern, path, strict=True)
    )


def literally(pattern, path):
    if pattern.endswith("/*"):
        folder = pattern[:-1].split("/")[:-1]
        parts = path.split("/")
        return "".join(parts[len(folder) :]) != "" and agrees(folder, parts[: len(folder)])
    return agrees(pattern.split("/"), path.split("/"))


def widely(pattern, path):
    folder = pattern.removesuffix("/*" if pattern.endswith("/*") else "/").split("/")
    parts = path.split("/")
    if pattern.endswith("/*"):
        return agrees(folder, parts[: len(folder)], empty=True)
    if agrees(folder, parts, empty=True):
        return True
    return parts[-1] == "" and agrees(folder, parts[:-1], empty=True)


def about(rule, method):
    return (
        rule.methods is None
        or method in rule.methods
        or (method == "HEAD" and "GET" in rule.methods)
    )


def is_plain(path):
    try:
        text = path.encode("latin-1").decode()
    except UnicodeError:
        return False
    for form in (text, unicodedata.normalize("NFKC", text)):
        first, *middle = form.split("/")
        if first or not middle or {"", ".", ".."} & set(middle[:-1]) or middle[-1] in (".", ".."):
            return False
        if any(c in "\\%;?#" or unicodedata.category(c) == "Cc" for c in form):
            return False
    return True


def expected(kept, method, path):
    """public, optional, scopes; ``None`` for scopes that only other readings can tell."""
    if not is_plain(path):
        return False, False, None
    text = path.encode("latin-1").decode()
    as_it_is, n = of_text(kept, method, text), of_text(kept, method, text.removesuffix("/") or "/")
    if set(n[2]) <= set(as_it_is[2]):
        return as_it_is
    return False, False, tuple(sorted({*as_it_is[2], *n[2]}))


def of_text(kept, method, text):
    for rule in kept:
        exact = about(rule, method) and literally(rule.path, text)
        if rule.public:
            if exact:
                return True, False, ()
        elif about(rule, method.upper()) and (widely if rule.scopes else literally)(
            rule.path, text
        ):
            return False, exact and rule.optional, rule.scopes
    return False, False, ()


def scoped(kept, method, forms):
    found = set()
    for form in forms:
        for rule in kept:
            if rule.scopes and about(rule, method.upper()) and widely(rule.path, form):
                found |= set(rule.scopes)
                break
    return tuple(sorted(found))


requests = st.sampled_from(["GET", "HEAD", "POST", "get", "Post", "PUT"])
wild_paths = st.lists(
    st.sampled_from(
        ["/", "/", "/", "a", "b", "\xc3\xa9", "\xe9", ".", "..", "%61", "%2F", ";", "?"]
    )
    | st.sampled_from(["#", "\\", "\n", "\xff", "%", "\xef\xbc\x8f", "c"]),
    max_size=8,
).map("".join)


@settings(max_examples=300)
@given(policies(), requests, wild_paths | wild_paths.map("/".__add__))
def test_a_policy_decides_as_the_model_does(made, method, path):
    kept, policy = made
    public, optional, scopes = expected(kept, method, path)
    if scopes is None:
        try:
            raw = path.encode("latin-1").decode()
        except UnicodeError:
            raw = path
        least = scoped(kept, method, [raw, *normalise(path)])  # tests/test_paths.py has a model
        decision = policy.decide(method, path)
        assert (decision.public, decision.optional) == (public, optional)
        assert set(least) <= set(decision.scopes)
        assert policy.at_once(method, path) is None
    else:
        assert policy.decide(method, path)[:3] == (public, optional, scopes)
        assert policy.at_once(method, path) is policy.decide(method, path)


# Never looser

DISGUISES = [
    lambda atom: "//" if atom == "/" else atom,
    lambda atom: "/./" if atom == "/" else atom,
    lambda atom: "/c/../" if atom == "/" else atom,
    lambda atom: "/%2e/" if atom == "/" else atom,
    lambda atom: "/c/..;c/" if atom == "/" else atom,
    lambda atom: "\\" if atom == "/" else atom,
    lambda atom: ";c/" if atom == "/" else atom,
    lambda atom: "".join(f"%{ord(c):02x}" for c in atom),
    lambda atom: "".join(f"%{ord(c):02X}" for c in atom),
    lambda atom: atom + "\xff",
    lambda atom: "\xff" + atom,
    lambda atom: atom + "\n",
    lambda atom: "\x00" + atom,
    lambda atom: atom + "%00",
]
ENDS = ["", "", "/", "//", "/.", "/c/..", ";c", "?c", "#c", "%3Fc", "%2523", "?/../../b", "\n"]
STARTS = ["", "", "/", "/../", "http://host", "HTTPS://a@b:1"]


@st.composite
def disguised(draw):
    """A normal path, and the same path as something lenient might still read it."""
    atoms = []
    for segment in draw(st.lists(st.sampled_from(["a", "b", "ab", "\u00e9"]), max_size=3)):
        atoms += ["/", *(c.encode().decode("latin-1") for c in segment)]
    plain = "".join(atoms) or "/"
    atoms = atoms or ["/"]
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(atoms) - 1))
        atoms[place] = draw(st.sampled_from(DISGUISES))(atoms[place])
    text = "".join(atoms)
    start = draw(st.sampled_from(STARTS))
    if "://" in start:
        assume(text.startswith("/"))
    elif start == "" and draw(st.booleans()):
        text = text.removeprefix("/")
    return plain, start + text + draw(st.sampled_from(ENDS))


@given(policies(), st.sampled_from(["GET", "POST"]), st.booleans(), disguised())
def test_a_disguise_never_loosens(made, method, lower, paths):
    kept, policy = made
    plain, disguise = paths
    sent = method.lower() if lower else method
    decision = policy.decide(sent, disguise)
    assert decision[:2] == expected(kept, sent, disguise)[:2]
    if not is_plain(disguise):
        assert decision[:2] == (False, False)
        assert decision.content_types is policy.default.content_types
        assert set(policy.decide(method, plain).scopes) <= set(decision.scopes)
        assert set(expected(kept, method, plain)[2]) <= set(decision.scopes)


def test_what_is_no_list_is_named():
    with pytest.raises(TypeError, match="public must be a list, not int"):
        Policy(public=5)
    with pytest.raises(TypeError, match="rules must be a list, not int"):
        Policy(5)
