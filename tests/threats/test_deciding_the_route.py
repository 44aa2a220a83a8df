"""THREATS.md, "Deciding the route": what can be tested without a server.

The app behind has an admin area, an execution API and public documentation. Paths are PATH_INFO as
a server hands it on: percent-decoded once, bytes read as latin-1.
"""

import pytest

from bearer_auth.policy import Policy, Rule

ADMIN = ("admin",)
EXECUTE = ("ensembles:execute",)


@pytest.fixture
def policy():
    return Policy(
        [
            Rule("/admin/*", scopes=["admin"]),
            Rule("/execute/{ensemble}", methods=["GET", "POST"], scopes=["ensembles:execute"]),
            Rule("/session", optional=True),
            Rule("/upload", content_types=None),
        ],
        public=["/", "/docs", "/static/*", "/public/*"],
    )


# "Server, middleware and router disagree on a path": a public rule matches only a normal path


@pytest.mark.parametrize(
    "path", ["/", "/docs", "/static/app.js", "/static/a/", "/static/caf\xc3\xa9.css", "/public/a"]
)
def test_a_normal_path_under_a_public_rule_is_public(policy, path):
    assert policy.decide("GET", path).public


@pytest.mark.parametrize(
    "path",
    [
        "",
        "//",
        "docs",
        "//docs",
        "/./docs",
        "/x/../docs",
        "/docs/",
        "/docs//",
        "/docs/.",
        "/docs;x",
        "/docs?x",
        "/docs#x",
        "/docs%00",
        "/docs\x00",
        "/docs\n",
        "\n/docs",
        "/do\xffcs",
        "/%64ocs",
        "/docs\\",
        "\\docs",
        "/\xef\xbd\x84ocs",  # a full-width d: another path, as no router folds it
        "/docs\xef\xbc\x8f",  # a full-width slash
        "/docs\xef\xbc\x9bx",  # a full-width semicolon
        "http://host/docs",
        "/DOCS",
        "/static/\xc3",
        "/static/\xc0\xaf",
        "/static/..",
        "/static/../static/app.js",
        "/static//app.js",
        "/static/./app.js",
        "/static/a\\b",
        "/static/a%2fb",
        "/static/a\x85",
        "/static/a\xc2\x85",
        "/static/a\u4e2d",
        "/static/\xef\xbc\x8e\xef\xbc\x8e/app.js",  # full-width dots
        "/static/\xe2\x80\xa5/app.js",  # U+2025, two dots
        "/static/\xef\xbc\x852e",  # a full-width percent sign
    ],
)
def test_a_path_that_could_be_read_in_two_ways_is_never_public(policy, path):
    assert not policy.decide("GET", path).public


@pytest.mark.parametrize("path", ["//session", "/session;x", "/%73ession", "/session\n", "session"])
def test_such_a_path_is_not_optional(policy, path):
    assert policy.decide("GET", "/session").optional
    assert not policy.decide("GET", path).optional


@pytest.mark.parametrize("path", ["//upload", "/upload;x", "/%75pload", "/upload\n", "upload"])
def test_such_a_path_takes_no_other_bodies(policy, path):
    assert policy.decide("POST", "/upload").content_types is None
    assert policy.decide("POST", path).content_types.names == ("application/json",)


# "A scoped rule applies if it matches the raw path or N(path)", and N cut


@pytest.mark.parametrize(
    "path",
    [
        "/admin",
        "/admin/",
        "/admin/users",
        "//admin/users",  # Flask and Falcon serve it
        "///admin",
        "admin/users",  # they serve this, too
        "/ad\xffmin",  # Bottle drops the byte
        "/ad\xffmin/users",
        "/\xffadmin/\xc3",
        "/admin\n",  # Pyramid matches a final LF
        "/admin\r\n",
        "/admin\x00",
        "/ad\xc2\x85min",
        "/admin%2Fx",  # cheroot leaves it encoded
        "/admin%2fx",
        "%2Fadmin",
        "/%61dmin",
        "/%2561dmin",
        "/%252561dmin",
        "/admin%2500",
        "/./admin",
        "/docs/../admin",
        "/docs/%2e%2e/admin",
        "/docs/%252e%252e/admin",
        "/../admin",
        "/static/../admin/users",
        "/static\\..\\admin",
        "\\admin",
        "/static/..%5cadmin",
        "/public/..;/admin",
        "/public/..;x=y/admin/users",
        "/public/;/../../admin",
        "/admin;x",
        "/admin;/users",
        "/;x/admin",
        "http://host/admin",
        "HTTP://user@host:80/admin/users",
        "http://host//admin",
        "/admin?x",
        "/admin#x",
        "/admin%3Fx",
        "/admin%23x",
        "/admin?/../../docs",
        "/admin#/../../docs",
        "//admin?/users",
    ],
)
def test_however_a_scoped_path_is_spelled_it_needs_its_scope(policy, path):
    decision = policy.decide("GET", path)
    assert not decision.public
    assert decision.scopes == ADMIN


@pytest.mark.parametrize(
    ("path", "scopes"),
    [
        ("/admin/..", ADMIN),
        ("/admin/../docs", ADMIN),
        ("/admin/%2e%2e/docs", ADMIN),
        ("/admin//..", ADMIN),
        ("/admin/..;/docs", ADMIN),
        ("/execute/..", EXECUTE),
        ("/execute/.", EXECUTE),
    ],
)
def test_the_raw_path_is_read_as_well_since_n_leads_out_of_the_folder(policy, path, scopes):
    decision = policy.decide("GET", path)
    assert not decision.public
    assert decision.scopes == scopes


def test_a_path_that_falls_under_two_rules_needs_the_scopes_of_both(policy):
    assert policy.decide("GET", "/admin/../execute/x").scopes == ("admin", "ensembles:execute")
    assert policy.decide("GET", "/execute/x?/../../admin").scopes == ("admin", "ensembles:execute")


def test_an_exemption_from_a_scope_holds_for_normal_paths_only():
    policy = Policy([Rule("/a/free"), Rule("/a/*", scopes=["x"])])
    assert policy.decide("GET", "/a/free").scopes == ()
    for path in ("//a/free", "a/free", "/a/free;x", "/a/fr\xffee", "/a/%66ree"):
        assert policy.decide("GET", path).scopes == ("x",)


def test_decoding_is_bounded_and_ends_in_the_strictest_answer(policy):
    path = "/%" + "25" * 1000 + "61dmin"
    assert policy.decide("GET", path)[:3] == (False, False, ("admin", "ensembles:execute"))


@pytest.mark.parametrize(
    "unit", ["/", "/a", "/..", "/.", "%25", "%", "%\xff4", ";", "\\", "a:", "\xc3", "%2e/", "\n"]
)
def test_the_work_is_linear_in_the_length_of_the_path(policy, unit):
    # Nothing is timed: quadratic work on so many characters would not come to an end.
    assert not policy.decide("GET", "/" + unit * (400_000 // len(unit)) + "\n").public


# "Prefix without boundary"


@pytest.mark.parametrize(
    "path", ["/docsx", "/docs.html", "/staticfiles", "/static.js", "/publicx/a"]
)
def test_a_public_prefix_ends_at_a_segment(policy, path):
    assert not policy.decide("GET", path).public


@pytest.mark.parametrize("path", ["/static", "/static/", "/public", "/docs/x"])
def test_a_public_folder_is_what_lies_below_it(policy, path):
    assert not policy.decide("GET", path).public


@pytest.mark.parametrize("path", ["/adminx", "/admin.html", "/administrator", "/executes/x"])
def test_a_scoped_prefix_ends_at_a_segment(policy, path):
    assert policy.decide("GET", path).scopes == ()


# "get and post run as GET and POST in four frameworks"


@pytest.fixture
def by_method():
    return Policy(
        [
            Rule("/a", methods=["GET"], public=True),
            Rule("/a", methods=["POST"], scopes=["write"]),
            Rule("/b", methods=["GET"], scopes=["read"]),
        ]
    )


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_head_counts_as_get(by_method, method):
    assert by_method.decide(method, "/a").public
    assert by_method.decide(method, "/b").scopes == ("read",)


@pytest.mark.parametrize("method", ["get", "Get", "head", "GET ", "GE\u0442", "OPTIONS", ""])
def test_a_public_rule_compares_the_method_exactly(by_method, method):
    assert not by_method.decide(method, "/a").public


@pytest.mark.parametrize("method", ["POST", "post", "Post", "pOsT"])
def test_a_scoped_rule_compares_the_method_in_upper_case(by_method, method):
    assert by_method.decide(method, "/a").scopes == ("write",)
    assert by_method.decide(method, "//a").scopes == ("write",)


def test_a_scoped_rule_for_get_holds_for_head_in_any_case(by_method):
    assert by_method.decide("head", "/b").scopes == ("read",)
    assert by_method.decide("Get", "/%62").scopes == ("read",)


# "X-HTTP-Method-Override, X-Original-URL, RAW_URI" and "SCRIPT_NAME moves the boundary"


def test_a_decision_reads_the_method_and_path_info_and_nothing_else(policy):
    with pytest.raises(TypeError):
        policy.decide({"REQUEST_METHOD": "GET", "PATH_INFO": "/docs", "RAW_URI": "/admin"})
    # An app mounted at /docs sees the rest of the path, and so do the rules.
    assert not policy.decide("GET", "").public
    assert policy.decide("GET", "/admin").scopes == ADMIN


# "Decided anew at each call"


def test_a_decision_that_is_remembered_is_the_one_for_that_request(policy):
    for _ in range(2):
        assert policy.decide("GET", "/docs").public
        assert not policy.decide("GET", "//docs").public
        assert policy.decide("GET", "/execute/x").scopes == EXECUTE
        assert policy.decide("PUT", "/execute/x").scopes == ()
        assert policy.decide("GET", "/admin").scopes == ADMIN


# "CORS preflight": no exemption in the policy


def test_options_needs_what_every_method_needs(policy):
    assert not policy.decide("OPTIONS", "/else").public
    assert policy.decide("OPTIONS", "/admin").scopes == ADMIN
