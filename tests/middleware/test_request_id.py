"""The outermost layer: ids, the header in each answer, the envelope for what an app raises."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bearer_auth.errors import InsufficientScope, InvalidRequest
from bearer_auth.events import Emitter
from bearer_auth.middleware.request_id import REQUEST_ID, request_id

FRESH = re.compile(r"[0-9a-f]{16}-[1-9][0-9]*")


def wrap(app, sink=None):
    return request_id(app, challenge='Bearer realm="api"', emitter=Emitter(sink))


def echo(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{environ[REQUEST_ID]} {environ['HTTP_X_REQUEST_ID']}".encode()]


def ids(headers):
    return [value for name, value in headers if name.lower() == "x-request-id"]


@pytest.mark.parametrize(
    "sent", ["a", "request-1", "a" * 128, "AZaz09._~:/+=-", "../..", "=1+1", "--help"]
)
def test_a_harmless_id_is_kept(call, sent):
    answer = call(wrap(echo), HTTP_X_REQUEST_ID=sent)
    assert ids(answer.headers) == [sent]
    assert answer.body.decode() == f"{sent} {sent}"


@pytest.mark.parametrize(
    "sent",
    [
        *("", " ", "a b", " a", "a ", "a" * 129, "a\n", "a\r\nSet-Cookie: x=1", "a,b", "a, a"),
        *("\x00", "\xe9", "a\xa0", "\u0661", "%0d%0a", "{a}", "<a>", '"a"', "a;b", "a\\b"),
    ],
)
def test_any_other_is_replaced_for_the_app_as_for_the_client(call, sent):
    answer = call(wrap(echo), HTTP_X_REQUEST_ID=sent)
    (fresh,) = ids(answer.headers)
    assert FRESH.fullmatch(fresh)
    assert answer.body.decode() == f"{fresh} {fresh}"


def test_a_missing_one_is_made(call):
    (first,) = ids(call(wrap(echo)).headers)
    (second,) = ids(call(wrap(echo)).headers)
    assert FRESH.fullmatch(first)
    assert FRESH.fullmatch(second)
    assert first != second


# The same rule, written out a second time and by hand: no regular expression.
HARMLESS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~:/+=-")

sent_ids = st.one_of(
    st.text(max_size=140),
    st.text(alphabet=sorted(HARMLESS), max_size=140),
    st.builds(
        lambda text, at, other: text[:at] + other + text[at:],
        st.text(alphabet=sorted(HARMLESS), max_size=130),
        st.integers(0, 130),
        st.characters(),
    ),
)


@given(sent_ids)
def test_property_an_id_is_kept_exactly_if_all_of_it_is_harmless(sent):
    seen = {}

    def app(environ, start_response):
        seen.update(environ)
        return []

    wrap(app)({"REQUEST_METHOD": "GET", "HTTP_X_REQUEST_ID": sent}, None)
    if 1 <= len(sent) <= 128 and set(sent) <= HARMLESS:
        assert seen[REQUEST_ID] == sent
    else:
        assert FRESH.fullmatch(seen[REQUEST_ID])


names = st.sampled_from(
    ["Content-Type", "X-Request-Id-2", "X_Request_ID", "X-Request-I", "Set-Cookie", "ETag"]
)
own = st.lists(st.booleans(), min_size=12, max_size=12).map(
    lambda upper: "".join(
        c.upper() if up else c.lower() for c, up in zip("x-request-id", upper, strict=True)
    )
)


@given(st.lists(st.tuples(st.one_of(names, own), st.text("ab1", max_size=3)), max_size=6))
def test_property_each_answer_has_it_once_and_keeps_all_other_headers_in_order(headers):
    before = list(headers)
    given_on = []

    def app(environ, start_response):
        start_response("200 OK", headers)
        return [b""]

    wrap(app)(
        {"REQUEST_METHOD": "GET", "HTTP_X_REQUEST_ID": "sent"},
        lambda status, answered: given_on.append(answered),
    )
    others = [pair for pair in before if pair[0].lower() != "x-request-id"]
    assert given_on == [[*others, ("X-Request-ID", "sent")]]
    assert headers == before  # the app's own list is left alone


def test_the_envelope_is_answered_for_what_the_app_raises(call, sink):
    def app(environ, start_response):
        raise InsufficientScope(["admin"], key_id="AbCdEfGh01234567")

    answer = call(wrap(app, sink), HTTP_X_REQUEST_ID="request-1")
    assert answer.status == "403 Forbidden"
    assert ids(answer.headers) == ["request-1"]
    (event,) = sink.events
    assert (event.name, event.status, event.reason, event.key_id) == (
        "request.refused",
        403,
        "scope",
        "AbCdEfGh01234567",
    )
    assert (event.request_id, event.address, event.data) == ("request-1", "192.0.2.7", {})


def test_the_detail_of_an_error_is_in_the_event_and_not_in_the_answer(call, sink):
    def app(environ, start_response):
        raise InvalidRequest("the ensemble is a circle")

    answer = call(wrap(app, sink))
    assert b"circle" not in answer.body
    assert sink.events[0].data == {"detail": "the ensemble is a circle"}


def test_an_app_that_spoils_the_environ_spoils_no_header(call):
    def app(environ, start_response):
        environ[REQUEST_ID] = environ["HTTP_X_REQUEST_ID"] = "a\r\nSet-Cookie: x=1"
        raise InvalidRequest

    assert ids(call(wrap(app), HTTP_X_REQUEST_ID="request-1").headers) == ["request-1"]
