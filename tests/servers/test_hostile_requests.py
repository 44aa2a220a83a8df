"""THREATS.md, "Servers differ", "Server, middleware and router disagree on a path", and
"Invisible from inside WSGI": what each server makes of the same bytes, and what we make of that.

Where a table differs from server to server, it says what is so, not what would be right.
"""

import json

import pytest

pytestmark = pytest.mark.once

GUNICORN = {"gunicorn-sync", "gunicorn-gthread", "gunicorn-gevent"}
HTTP_PARSER_OF_PYTHON = {"werkzeug", "wsgiref", "gevent"}


def authorization(*values):
    return [f"Authorization: {value}" for value in values]


# Repeated lines


def test_two_authorization_lines_are_refused_where_they_can_be_seen(server):
    key, bad = f"Bearer {server.keys.user}", "Bearer bad"
    statuses = [
        server.send("/x", *authorization(*values)).status
        for values in ((key, key), (bad, key), ("Basic eDp5", key), (key, bad), (key, ""))
    ]
    if server.name == "cheroot":  # invisible from inside WSGI: it keeps the last line
        assert statuses == [200, 200, 200, 401, 401]
    else:
        assert statuses == [401, 401, 401, 401, 401]


def test_two_request_ids_are_never_both_kept(server):
    (value,) = server.send("/docs", "X-Request-ID: a", "X-Request-ID: b").values("X-Request-ID")
    assert value == b"b" if server.name == "cheroot" else value not in (b"a", b"b", b"a,b")


# Line folds (RFC 9112 §5.2)


def folded(server):
    key = server.keys.user
    return {
        "before the key": f"Bearer\r\n {key}",
        "a second credential": f"Bearer {key}\r\n , Basic eDp5",
        "before the scheme": f"\r\n Bearer {key}",
        "after the key": f"Bearer {key}\r\n ",
    }


FOLDED = {
    **dict.fromkeys(GUNICORN, (400, 400, 400, 400)),
    **dict.fromkeys(["waitress", "werkzeug"], (200, 401, 200, 200)),  # replaced by a blank
    **dict.fromkeys(["wsgiref", "gevent"], (401, 401, 200, 200)),  # handed on, then stripped
    "cheroot": (401, 401, 200, 401),
}


def test_a_folded_line_is_refused_or_means_what_rfc_9112_says(server):
    statuses = tuple(
        server.send("/x", *authorization(value)).status for value in folded(server).values()
    )
    assert statuses == FOLDED[server.name]


# Blanks and control characters around the value


def test_blanks_around_the_value_are_no_part_of_it(server):
    for value in ("Bearer {}", " \tBearer {}", "Bearer {} ", "Bearer {} \t \t", "bearer    {}"):
        line = value.format(server.keys.user)
        assert server.send("/x", *authorization(line)).status == 200


# What is cut off before WSGI begins can't be seen from inside: 200. A bare CR ends a line for the
# parser of Python's http.client, and what follows it is dropped.
TRAILING = ["\x0b", "\x0c", "\x1f", "\x85", "\xa0", "\rx", "\x00", "\xe9", ",", ";", '"']
CUT = {
    **dict.fromkeys(GUNICORN, ""),
    "waitress": "",
    "cheroot": "\x0b\x0c",
    "werkzeug": "\r",
    "wsgiref": "\x0b\x0c\x1f\x85\xa0\r",
    "gevent": "\x0b\x0c\x1f\x85\xa0\r",
}


@pytest.mark.parametrize("text", TRAILING, ids=ascii)
def test_what_follows_the_key_is_refused_unless_the_server_cuts_it_off(server, text):
    status = server.send("/x", *authorization(f"Bearer {server.keys.user}{text}")).status
    if text[0] in CUT[server.name]:
        assert status == 200
    else:
        assert status in (400, 401)


@pytest.mark.parametrize("text", ["\x0b", "\x0c", "\x1f", "\x85", "\xa0", "\x00", "\xe9", ",", "="])
def test_what_stands_inside_is_refused(server, text):
    key = server.keys.user
    for value in (
        f"Bearer{text}{key}",
        f"Bearer {text}{key}",
        f"Bearer {key[:20]}{text}{key[20:]}",
    ):
        assert server.send("/x", *authorization(value)).status in (400, 401)


@pytest.mark.parametrize("value", ["a" * 5000, "Bearer " + "a" * 5000, "Bearer" + " " * 5000 + "a"])
def test_5000_characters_are_a_401(server, value):
    assert server.send("/x", *authorization(value)).status == 401


def test_an_x_request_id_of_5000_characters_is_replaced(server):
    (value,) = server.send("/docs", "X-Request-ID: " + "a" * 5000).values("X-Request-ID")
    assert len(value) < 64


def test_header_names_with_underscores_are_another_servers_business(server):
    # Invisible from inside WSGI: both names become HTTP_X_REQUEST_ID.
    (value,) = server.send("/docs", "X_Request_ID: underscores").values("X-Request-ID")
    assert (value == b"underscores") == (server.name in ("cheroot", "wsgiref"))


# Methods in lower case


@pytest.mark.parametrize("app", ["tiny", "flask"])
@pytest.mark.parametrize("method", ["get", "Get", "gET"])
def test_a_lower_case_method_needs_the_same_scopes(server, app, method):
    line = f"X-App: {app}"
    reply = server.send("/admin/x", line, method=method, key=server.keys.user)
    assert reply.status in (400, 403)
    assert server.send("/x", line, method=method).status in (400, 401)
    assert (reply.status == 403) == (server.name in HTTP_PARSER_OF_PYTHON)


# Paths


# Those that servers hand on differently; the rest is in tests/threats/test_deciding_the_route.py.
ADMIN = [
    "/admin/x",
    "//admin/x",
    "/x/../admin/x",
    "/%61dmin/x",
    "/admin%2Fx",
    "/ad%00min",
    "/admin%0a",
    "/static/..%5cadmin",
    "\\admin\\x",
    "admin/x",
    "http://localhost/admin/x",
    "http://localhost//admin/x",
]


@pytest.mark.parametrize("target", ADMIN)
def test_a_scoped_path_in_any_spelling_is_refused_by_server_or_rule(server, target):
    for app in ("tiny", "flask"):
        line = f"X-App: {app}"
        assert server.send(target, line).status in (400, 401)
        assert server.send(target, line, key=server.keys.user).status in (400, 403)
        assert server.send(target, line, key=server.keys.admin).status in (200, 400, 404)


def test_bytes_that_are_no_utf_8_never_reach_the_scoped_page(server):
    # werkzeug hands on U+FFFD in their place, which is another path for everyone.
    for app in ("tiny", "flask"):
        reply = server.send("/ad%ffmin/x", f"X-App: {app}", key=server.keys.user)
        assert reply.status == (200 if server.name == "werkzeug" else 403)
        assert b"ADMIN" not in reply.body


PUBLIC = {
    "/docs": 200,
    "/docs?x=/admin": 200,
    "/%64ocs": 200,
    "/static/a.css": 200,
    "/docs/": 401,
    "/docsx": 401,
    "/Docs": 401,
    "/docs;x": 401,
    "/docs%00": 401,
    "/docs%0a": 401,
    "/docs%20": 401,
    "/docs%3fx": 401,
    "/x/..%2fdocs": 401,
    "/./docs": 401,
    "/static/": 401,
    "/static": 401,
    "/static/%2e%2e/docs": 401,
    "/static/%2e%2e/x": 401,
    "/staticfiles/x": 401,
}


@pytest.mark.parametrize(("target", "status"), PUBLIC.items())
def test_a_public_path_is_public_in_its_normal_form_only(server, target, status):
    assert server.send(target).status == status
    if status == 401 or target.startswith("/static"):
        return
    assert server.send(target, "X-App: flask").body.endswith(b"DOCS")


def test_two_slashes_in_front_are_what_the_server_makes_of_them(server):
    # waitress, werkzeug and wsgiref merge them before anyone sees them; cheroot answers 400.
    merging = {"waitress", "werkzeug", "wsgiref"}
    expected = 200 if server.name in merging else 400 if server.name == "cheroot" else 401
    assert server.send("//docs").status == expected
    if server.name in merging:
        assert json.loads(server.send("//docs").body)["path"] == "/docs"


def test_an_absolute_target_is_what_the_server_makes_of_it(server):
    split = GUNICORN | {"waitress", "werkzeug"}
    expected = 200 if server.name in split else 400 if server.name == "cheroot" else 401
    assert server.send("http://localhost/docs").status == expected
