"""Which requests carry the key, as servers see it: of httpx2, of its async client, of requests."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
import requests

from bearer_auth import ConfigurationError
from bearer_auth.client import APIKeyAuth

SENT = ["Bearer abc"]
Get = Callable[..., int]


def test_the_key_is_sent_to_its_origin(get: Get, api: Any) -> None:
    assert (
        get(APIKeyAuth("abc", origin=api.origin), f"{api.origin}/a", f"{api.origin}/b?c#d") == 200
    )
    assert api.seen == [("/a", SENT), ("/b", SENT)]


def test_a_session_may_be_used_for_other_hosts(get: Get, api: Any, other: Any) -> None:
    auth = APIKeyAuth("abc", origin=api.origin)
    get(auth, f"{other.origin}/a", f"{api.by_name}/b", f"{api.origin}/c")
    assert other.seen == [("/a", [])]
    assert api.seen == [("/b", []), ("/c", SENT)]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_the_same_origin_keeps_it(get: Get, api: Any, status: int) -> None:
    auth = APIKeyAuth("abc", origin=api.origin)
    assert get(auth, f"{api.origin}/to?url=/a&status={status}") == 200
    assert get(auth, f"{api.origin}/to?url={api.origin}/a&status={status}") == 200
    assert api.seen == [("/to", SENT), ("/a", SENT)] * 2


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_port_loses_it(get: Get, api: Any, other: Any, status: int) -> None:
    auth = APIKeyAuth("abc", origin=api.origin)
    assert get(auth, f"{api.origin}/to?url={other.origin}/a&status={status}") == 200
    assert api.seen == [("/to", SENT)]
    assert other.seen == [("/a", [])]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_host_loses_it(get: Get, api: Any, status: int) -> None:
    auth = APIKeyAuth("abc", origin=api.origin)
    assert get(auth, f"{api.origin}/to?url={api.by_name}/a&status={status}") == 200
    assert api.seen == [("/to", SENT), ("/a", [])]


def test_a_redirect_without_a_scheme_to_another_host_loses_it(get: Get, api: Any) -> None:
    target = api.by_name.removeprefix("http:")
    assert get(APIKeyAuth("abc", origin=api.origin), f"{api.origin}/to?url={target}/a") == 200
    assert api.seen == [("/to", SENT), ("/a", [])]


@pytest.mark.parametrize("between", ["@", "%5C@", "\\@", "%2F@", ":x@", "%40"])
def test_a_redirect_that_looks_like_the_origin_loses_it(
    get: Get, api: Any, other: Any, between: str
) -> None:
    """Some of these are no URL; then the libraries refuse them."""
    target = f"{api.origin}{between}127.0.0.1:{other.server_port}/a"
    with suppress(httpx2.HTTPError, requests.RequestException, ValueError):
        get(APIKeyAuth("abc", origin=api.origin), f"{api.origin}/to?url={quote(target)}")
    assert api.seen == [("/to", SENT)]
    assert [seen for seen in other.seen if "abc" in str(seen)] == []


def test_it_does_not_come_back_with_a_redirect_back(get: Get, api: Any, other: Any) -> None:
    back = f"{other.origin}/to?url={api.origin}/a"
    get(APIKeyAuth("abc", origin=api.origin), f"{api.origin}/to?url={back}")
    assert other.seen == [("/to", [])]
    assert api.seen == [("/to", SENT), ("/a", [])]


def test_a_redirect_from_another_host_brings_none(get: Get, api: Any, other: Any) -> None:
    get(APIKeyAuth("abc", origin=api.origin), f"{other.origin}/to?url={api.origin}/a")
    assert other.seen == [("/to", [])]
    assert api.seen == [("/a", [])]


def test_redirects_that_are_followed_by_hand(api: Any, other: Any) -> None:
    auth = APIKeyAuth("abc", origin=api.origin)
    url = f"{api.origin}/to?url={other.origin}/a"
    with httpx2.Client(auth=auth) as client:
        following = client.get(url).next_request
        assert following is not None
        client.send(following)
    with requests.Session() as session:
        session.auth = auth
        prepared = session.get(url, allow_redirects=False).next
        assert prepared is not None
        session.send(prepared)
    assert other.seen == [("/a", [])] * 2


def test_a_header_that_was_there_is_replaced_for_the_origin_only(
    get: Get, api: Any, other: Any
) -> None:
    auth = APIKeyAuth("abc", origin=api.origin)
    get(auth, f"{api.origin}/a", f"{other.origin}/b", headers={"authorization": "Basic eDp5"})
    assert api.seen == [("/a", SENT)]
    assert other.seen == [("/b", ["Basic eDp5"])]


def test_user_info_in_the_url_does_not_replace_it(get: Get, api: Any) -> None:
    auth = APIKeyAuth("abc", origin=api.origin)
    get(auth, f"http://somebody:something@127.0.0.1:{api.server_port}/a")
    assert api.seen == [("/a", SENT)]


def test_a_proxy_of_the_environment_does_not_get_it(
    get: Get, api: Any, other: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    auth = APIKeyAuth("abc", origin=api.origin)
    monkeypatch.setenv("HTTP_PROXY", other.origin)
    with pytest.raises(ConfigurationError, match=r"add 127\.0\.0\.1 to NO_PROXY"):
        get(auth, f"{api.origin}/a")
    assert (api.seen, other.seen) == ([], [])
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    get(auth, f"{api.origin}/a")
    assert (api.seen, other.seen) == ([("/a", SENT)], [])


# From here on the servers are objects, as nobody may listen on port 443 of another host.


def hops(auth: Any, library: str, answers: Mapping[str, str | None], start: str) -> list[str]:
    """The URLs that were asked, with a star where the key was sent."""
    asked: list[str] = []

    def note(url: str, headers: Mapping[str, Any]) -> str | None:
        asked.append(url + ("*" if "Authorization" in headers else ""))
        return answers[url]

    def transport(request: httpx2.Request) -> httpx2.Response:
        location = note(str(request.url), request.headers)
        return httpx2.Response(302, headers={"Location": location}) if location else _OK

    class Adapter(requests.adapters.BaseAdapter):
        def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:  # type: ignore[override]
            response = requests.Response()
            response.url, response.request = str(request.url), request
            location = note(response.url, request.headers)
            response.status_code = 302 if location else 200
            if location:
                response.headers["Location"] = location
            response._content = b""
            response.raw = None
            return response

        def close(self) -> None:
            pass

    if library == "httpx2":
        mock = httpx2.MockTransport(transport)
        with httpx2.Client(auth=auth, follow_redirects=True, transport=mock) as client:
            client.get(start)
    else:
        with requests.Session() as session:
            session.auth = auth
            session.mount("https://", Adapter())
            session.mount("http://", Adapter())
            session.get(start)
    return asked


_OK = httpx2.Response(200)


@pytest.mark.parametrize("library", ["httpx2", "requests"])
@pytest.mark.parametrize(
    ("origin", "target", "kept"),
    [
        ("https://api.example.com", "https://api.example.com/b", "*"),
        ("https://api.example.com", "https://api.example.com:443/b", "*"),
        ("https://api.example.com", "http://api.example.com/b", ""),
        ("https://api.example.com", "http://api.example.com:443/b", ""),
        ("https://api.example.com", "https://api.example.com:444/b", ""),
        ("https://api.example.com", "https://example.com/b", ""),
        ("https://api.example.com", "https://other.example/b", ""),
        ("https://api.example.com", "https://api.example.com.other.example/b", ""),
        ("https://127.0.0.1", "http://127.0.0.1/b", ""),
        ("https://127.0.0.1", "https://localhost/b", ""),
        ("http://127.0.0.1:8000", "https://127.0.0.1:8000/b", ""),
        ("http://127.0.0.1:8000", "https://127.0.0.1/b", ""),
        ("http://127.0.0.1", "https://other.example/b", ""),
        # the one case that is the libraries', as the docstring says
        ("http://127.0.0.1", "https://127.0.0.1/b", "*"),
    ],
)
def test_a_redirect_to_another_scheme_host_or_port_loses_it(
    library: str, origin: str, target: str, kept: str
) -> None:
    start = f"{origin}/a"
    normal = target.replace(":443/", "/") if library == "httpx2" and "https" in target else target
    asked = hops(APIKeyAuth("abc", origin=origin), library, {start: target, normal: None}, start)
    assert asked == [f"{start}*", normal + kept]
