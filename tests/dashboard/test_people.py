"""Who is asked for by each request, and what they may see: ids guessed by another user."""

import pytest

from bearer_auth.dashboard import DashboardUser
from bearer_auth.errors import ConfigurationError

ALICE, BOB = DashboardUser("alice"), DashboardUser("bob")
UNKNOWN = "0000000000000000"


@pytest.fixture
def hers(keyring):
    """A key of alice's with a rotation that runs."""
    record = keyring.create(user_id="alice", name="Alice's backup").record
    return keyring.rotate(record.key_id).record


def test_whoever_belongs_to_one_tenant_can_not_be_given_the_keys_of_all():
    with pytest.raises(ConfigurationError, match="over the keys of all tenants"):
        DashboardUser("head of acme", may_manage_all=True, tenant_id="acme")


# Each route that names a key: somebody else's and one that doesn't exist have the same answer

ROUTES = [
    ("GET", "/keys/{}", {}),
    ("GET", "/keys/{}?done=revoked", {}),
    ("GET", "/keys/{}?before=1", {}),
    ("GET", "/keys/{}/rotate", {}),
    ("GET", "/keys/{}/revoke", {}),
    ("POST", "/keys/{}/rotate", {"grace": "0"}),
    ("POST", "/keys/{}/rotate", {"grace": "nonsense"}),
    ("POST", "/keys/{}/rotate", {}),
    ("POST", "/keys/{}/finish-rotation", {}),
    ("POST", "/keys/{}/revoke", {}),
    ("POST", "/keys/{}/revoke", {"confirm": "revoke"}),
    ("POST", "/keys/{}/revoke", {"confirm": "no", "reason": "\0"}),
]


def ask(browser, method, path, fields):
    if method == "GET":
        return browser.get(path)
    return browser.send(path, {"token": browser.form_token()} | fields)


@pytest.mark.parametrize(("method", "path", "fields"), ROUTES)
def test_ids_guessed_by_another_user_are_answered_as_ids_that_do_not_exist(
    bob, keyring, hers, use, method, path, fields
):
    use(hers)
    before = keyring.get(hers.key_id)
    theirs = ask(bob, method, path.format(hers.key_id), fields)
    unknown = ask(bob, method, path.format(UNKNOWN), fields)
    assert theirs.status == 404
    assert theirs.source == unknown.source
    assert list(theirs.headers) == list(unknown.headers)
    assert "Alice" not in theirs.source
    assert keyring.get(hers.key_id) == before


@pytest.mark.parametrize(("method", "path", "fields"), ROUTES)
def test_what_is_no_id_is_answered_in_the_same_way(bob, method, path, fields):
    unknown = ask(bob, method, path.format(UNKNOWN), fields)
    for odd in ("x", "é" * 16, UNKNOWN + "0", "%00" * 16, "'%20OR%201=1", "..%2f..%2fetc"):
        answer = ask(bob, method, path.format(odd), fields)
        assert (answer.status, answer.source) == (404, unknown.source)


def test_every_route_is_in_the_test_of_guessed_ids(dashboard):
    named = {(m, p.partition("?")[0].replace("{}", "<key_id>")) for m, p, _ in ROUTES}
    routes = {
        (method, rule.rule)
        for rule in dashboard.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
        if "key_id" in rule.arguments
    }
    assert routes == named


def test_ids_walked_by_another_user_are_in_none_of_their_pages(bob, alice, keyring, hers, clock):
    for path in ("/", "/?status=active", "/?owner=alice", "/?q=alice", "/overview"):
        answer = bob.get(path)
        assert answer.status == 200
        assert hers.key_id not in answer.source
        assert "Alice" not in answer.source
    assert hers.key_id in alice.get("/").source


def test_ids_guessed_in_the_search_are_answered_as_ids_that_do_not_exist(bob, hers):
    for key_id in (hers.key_id, UNKNOWN):
        answer = bob.fill_in("/keys/new", "/search", q=key_id)
        assert (answer.status, answer.location) == (303, f"/?q={key_id}")


def test_an_operator_sees_and_changes_everybodys(operator, keyring, hers):
    page = operator.get(f"/keys/{hers.key_id}")
    assert (page.status, page.title) == (200, "Alice's backup")
    assert "Owner alice" in page.words
    assert operator.fill_in(f"/keys/{hers.key_id}/revoke").status == 303
    assert keyring.get(hers.key_id).status == "revoked"


def test_a_member_never_reaches_the_end_of_all_keys_of_an_owner(alice, keyring, hers):
    nowhere = alice.get("/nowhere")
    for owner in ("alice", "bob", ""):
        assert alice.get(f"/owners/revoke?user_id={owner}").source == nowhere.source
        form = {"token": alice.form_token(), "user_id": owner, "confirm": owner}
        assert alice.send("/owners/revoke", form).status == 404
    assert keyring.get(hers.key_id).status == "active"


# Tenants


def test_a_user_of_a_tenant_sees_the_keys_of_that_tenant_only(browser, keyring):
    acme = keyring.create(user_id="alice", tenant_id="acme", name="At Acme").record
    other = keyring.create(user_id="alice", tenant_id="other", name="At Other").record
    none = keyring.create(user_id="alice", name="At none").record
    here = browser(DashboardUser("alice", tenant_id="acme"))
    assert here.get(f"/keys/{acme.key_id}").status == 200
    for record in (other, none):
        assert here.get(f"/keys/{record.key_id}").source == here.get(f"/keys/{UNKNOWN}").source
    page = here.get("/")
    assert "At Acme" in page.words
    assert "At Other" not in page.words
    assert "At none" not in page.words


def test_another_user_of_the_same_tenant_sees_nothing(browser, keyring):
    record = keyring.create(user_id="alice", tenant_id="acme").record
    assert (
        browser(DashboardUser("bob", tenant_id="acme")).get(f"/keys/{record.key_id}").status == 404
    )


def test_a_user_without_a_tenant_has_their_keys_of_all_tenants(alice, keyring):
    record = keyring.create(user_id="alice", tenant_id="acme").record
    assert alice.get(f"/keys/{record.key_id}").status == 200


@pytest.mark.parametrize("name", ["Alice", "alice ", "ALICE", "alicé", "alice\u200b"])
def test_users_whose_names_look_alike_are_others(browser, keyring, hers, name):
    other = browser(DashboardUser(name))
    assert other.get(f"/keys/{hers.key_id}").status == 404
    assert hers.key_id not in other.get("/").source


# identify


def test_the_host_is_asked_on_every_request(make_dashboard, browse, keyring, hers):
    asked = []
    signed_in = [ALICE]

    def identify(environ):
        asked.append(environ["PATH_INFO"])
        return signed_in[0]

    here = browse(make_dashboard(identify=identify), None)
    token = here.form_token()
    assert here.get(f"/keys/{hers.key_id}").status == 200
    signed_in[0] = None
    assert here.get(f"/keys/{hers.key_id}").status == 303
    assert here.send(f"/keys/{hers.key_id}/revoke", {"token": token}).status == 303
    signed_in[0] = BOB
    assert here.get(f"/keys/{hers.key_id}").status == 404
    assert here.send(f"/keys/{hers.key_id}/revoke", {"token": token}).status == 400
    assert len(asked) == 6
    assert keyring.get(hers.key_id).status == "active"


def test_whoever_is_no_operator_any_more_is_none_with_an_old_form(
    make_dashboard, browse, keyring, hers
):
    signed_in = [DashboardUser("root", may_manage_all=True)]
    here = browse(make_dashboard(identify=lambda _: signed_in[0]), None)
    token = here.form_token(f"/keys/{hers.key_id}/revoke")
    signed_in[0] = DashboardUser("root")
    assert here.send(f"/keys/{hers.key_id}/revoke", {"token": token}).status == 400
    assert keyring.get(hers.key_id).status == "active"


@pytest.mark.parametrize(
    "nonsense",
    [True, 1, "alice", b"alice", {"user_id": "alice"}, ("alice",), object(), DashboardUser],
)
def test_nonsense_from_identify_lets_nobody_in(browser, keyring, hers, nonsense):
    here = browser(nonsense)
    for answer in (here.get(f"/keys/{hers.key_id}"), here.send("/keys", {"name": "CI"})):
        assert (answer.status, answer.title) == (500, "Something is broken here")
        assert "alice" not in answer.source
    assert len(keyring.list()) == 1


@pytest.mark.parametrize("falsy", [False, 0, "", {}, ()])
def test_what_is_false_but_not_none_is_nonsense_too(browser, falsy):
    for path in ("/", "/nowhere"):
        answer = browser(falsy).get(path)
        assert (answer.status, answer.title) == (500, "Something is broken here")


@pytest.mark.parametrize("error", [RuntimeError("at line 7"), KeyError("user"), SystemError()])
def test_a_failure_of_identify_lets_nobody_in_and_says_nothing_of_it(
    make_dashboard, browse, hers, caplog, error
):
    def identify(environ):
        raise error

    here = browse(make_dashboard(identify=identify), None)
    for answer in (here.get(f"/keys/{hers.key_id}"), here.send("/keys", {"name": "CI"})):
        assert (answer.status, answer.title) == (500, "Something is broken here")
        assert "line 7" not in answer.source
        assert "Traceback" not in answer.source
    assert type(error).__name__ in caplog.text  # whoever runs it finds out


def test_nobody_is_remembered_from_the_request_before(make_dashboard, browse, hers):
    users = iter([ALICE, RuntimeError(), None, 7])

    def identify(environ):
        user = next(users)
        if isinstance(user, Exception):
            raise user
        return user

    here = browse(make_dashboard(identify=identify), None)
    answers = [here.get(f"/keys/{hers.key_id}") for _ in range(4)]
    assert [answer.status for answer in answers] == [200, 500, 303, 500]
    assert "Signed in as alice" in answers[0].words
    assert "alice" not in answers[1].source + answers[2].source + answers[3].source


# DashboardUser


@pytest.mark.parametrize(
    "fields",
    [
        {"user_id": ""},
        {"user_id": "a" * 256},
        {"user_id": "a\nb"},
        {"plan": ""},
        {"plan": "p" * 65},
        {"tenant_id": ""},
        {"name": "\0"},
    ],
)
def test_a_user_out_of_bounds_is_refused(fields):
    with pytest.raises(ConfigurationError, match=next(iter(fields))):
        DashboardUser(**{"user_id": "alice"} | fields)


@pytest.mark.parametrize(
    "fields", [{"user_id": 7}, {"user_id": None}, {"may_manage_all": 1}, {"may_manage_all": "no"}]
)
def test_a_user_of_the_wrong_types_is_refused(fields):
    with pytest.raises(TypeError, match=next(iter(fields))):
        DashboardUser(**{"user_id": "alice"} | fields)


def test_they_are_called_by_their_name(browser):
    assert (
        "Signed in as Alice A."
        in browser(DashboardUser("7", name="Alice A.")).get("/keys/new").words
    )
