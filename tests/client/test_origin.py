"""What counts as the origin, and what may be one."""

from types import SimpleNamespace
from typing import Any

import httpx2
import pytest
import requests

from bearer_auth import ConfigurationError
from bearer_auth.client import APIKeyAuth


def sent(origin: str, url: Any) -> bool:
    auth = APIKeyAuth("abc", origin=origin, allow_http=True)
    return auth(SimpleNamespace(url=url, headers=dict[str, str]())).headers != {}


@pytest.mark.parametrize(
    ("origin", "url"),
    [
        ("https://api.example.com", "https://api.example.com"),
        ("https://api.example.com", "https://api.example.com/a/b?c=d#e"),
        ("https://api.example.com", "https://api.example.com?a"),
        ("https://api.example.com", "https://api.example.com#a"),
        ("https://api.example.com", "https://api.example.com:443/a"),
        ("https://api.example.com", "https://api.example.com:0443/a"),
        ("https://api.example.com", "https://api.example.com:/a"),
        ("https://api.example.com", "HTTPS://API.Example.COM/a"),
        ("https://api.example.com", "https://api.example.com./a"),
        ("https://api.example.com", "https://user:password@api.example.com/a"),
        ("https://API.Example.com.:443/", "https://api.example.com/a"),
        ("http://api.example.com", "http://api.example.com:80/a"),
        ("http://api_1.example.com:8080", "http://api_1.example.com:8080/a"),
        ("https://müller.example", "https://xn--mller-kva.example/a"),
        ("https://MÜLLER.example", "https://XN--MLLER-KVA.example/a"),
        ("https://xn--mller-kva.example", "https://müller.example/a"),
        ("https://xn--fa-hia.example", "https://xn--fa-hia.example/a"),
        ("https://192.0.2.1", "https://192.0.2.1/a"),
        ("https://[2001:db8::1]", "https://[2001:0DB8:0:0:0:0:0:1]/a"),
        ("https://[2001:DB8:0::1]:443", "https://[2001:db8::1]/a"),
        ("https://[::ffff:192.0.2.1]", "https://[::ffff:c000:201]/a"),
    ],
)
def test_it_is_sent_to_the_origin_in_each_spelling(origin: str, url: str) -> None:
    assert sent(origin, url)


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.com/a",
        "http://api.example.com:443/a",
        "https://api.example.com:80/a",
        "https://api.example.com:8443/a",
        "https://api.example.com:65979/a",  # 443, cut to sixteen bits
        "https://api.example.com:443443/a",
        "https://api.example.com:x/a",
        "https://api.example.com:\uff14\uff14\uff13/a",  # digits, but wide ones
        "https://example.com/a",
        "https://www.api.example.com/a",
        "https://api.example.com.other.example/a",
        "https://api.example.co/a",
        "https://api.example.com../a",
        "https://api-example.com/a",
        "https://ap\u0456.example.com/a",  # a Cyrillic letter
        "https://api。example.com/a",
        "https://api.example.com@other.example/a",
        "https://other.example\\@api.example.com/a",
        "https://other.example/@api.example.com/a",
        "https://other.example?@api.example.com/a",
        "https://other.example#@api.example.com/a",
        "https://a@other.example@api.example.com/a",
        "https://api.example.com\\.other.example/a",
        "https://api.exa\tmple.com/a",
        "https://api.example.com\n/a",
        " https://api.example.com/a",
        "https:api.example.com/a",
        "https:///api.example.com/a",
        "https:\\\\api.example.com\\a",
        "//api.example.com/a",
        "/a",
        "",
        "wss://api.example.com/a",
        "ftp://api.example.com/a",
        "https://[2001:db8::1/a",
        "https://[api.example.com]/a",
        "https://api%2eexample.com/a",
        None,
        b"https://api.example.com/a",
    ],
)
def test_it_is_sent_nowhere_else(url: Any) -> None:
    assert not sent("https://api.example.com", url)


@pytest.mark.parametrize(
    ("origin", "url"),
    [
        ("https://127.0.0.1", "https://localhost/a"),
        ("https://127.0.0.1", "https://127.0.0.2/a"),
        ("https://127.0.0.1", "https://127.1/a"),
        ("https://127.0.0.1", "https://127.0.0.1./a"),
        ("https://127.0.0.1", "https://0x7f000001/a"),
        ("https://127.0.0.1", "https://2130706433/a"),
        ("https://127.0.0.1", "https://[::ffff:127.0.0.1]/a"),
        ("https://127.0.0.1", "https://[::1]/a"),
        ("https://[fe80::1]", "https://[fe80::1%25eth0]/a"),
        ("https://xn--fa-hia.example", "https://faß.example/a"),
        ("https://fass.example", "https://faß.example/a"),
    ],
)
def test_another_spelling_of_the_same_address_is_not_the_same(origin: str, url: str) -> None:
    assert not sent(origin, url)


@pytest.mark.parametrize(
    "url",
    [
        "https://müller.example/a",
        "https://MÜLLER.example/a",
        "https://xn--mller-kva.example:443/a",
        "https://müller.example./a",
    ],
)
def test_requests_as_the_libraries_make_them(url: str) -> None:
    auth = APIKeyAuth("abc", origin="https://müller.example")
    assert auth(httpx2.Request("GET", url)).headers["Authorization"] == "Bearer abc"
    prepared = requests.Request("GET", url, auth=auth).prepare()
    assert prepared.headers["Authorization"] == "Bearer abc"


def refused(origin: str, **options: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        APIKeyAuth("abc", origin=origin, **options)
    return str(caught.value)


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "api.example.com",
        "//api.example.com",
        "acme_production_s3cret",
        "ftp://api.example.com",
        "wss://api.example.com",
        "https://",
        "https://:443",
        "https://*",
        "https://*.example.com",
        "https://api.example.com:65536",
        "https://api.example.com:x",
        "https://api.example.com, https://b.example.com",
        "https://127.1",
        "https://127.0.0.1.",
        "https://256.0.0.1",
        "https://0x7f.1",
        "https://[::1",
        "https://[fe80::1%25eth0]",
        "https://[::g]",
        "https://a\\@b.example",
        "https://a@b@c.example",
        "https://faß.example",
        "https://a..ü",
        "https://api.example.com\n",
    ],
)
def test_what_is_no_origin(origin: str) -> None:
    assert refused(origin) == (
        "origin is not the beginning of a URL: write it as https://api.example.com or "
        "http://127.0.0.1:8000, and a name of other letters as xn--…"
    )


@pytest.mark.parametrize(
    "origin",
    [
        "https://API.example.com:443/v1",
        "https://api.example.com//",
        "https://api.example.com?",
        "https://api.example.com/#",
        "https://user:s3cret@api.example.com",
    ],
)
def test_more_than_an_origin_is_refused_with_the_origin(origin: str) -> None:
    assert refused(origin) == (
        "origin is a scheme, a host and a port only: write 'https://api.example.com', without "
        "user info, path, query and fragment"
    )


@pytest.mark.parametrize(
    "origin",
    [
        "http://localhost",
        "http://LOCALHOST.:8000",
        "http://127.0.0.1",
        "http://127.255.255.254:80",
        "http://[::1]:8000",
        "http://[0:0:0:0:0:0:0:1]",
    ],
)
def test_plain_http_to_this_machine(origin: str) -> None:
    assert sent(origin, f"{origin}/a")
    auth = APIKeyAuth("abc", origin=origin)
    assert auth(httpx2.Request("GET", f"{origin}/a")).headers["Authorization"] == "Bearer abc"


@pytest.mark.parametrize(
    "origin",
    [
        "http://api.example.com",
        "http://api.example.com:443",
        "http://localhost.example.com",
        "http://api.localhost",
        "http://127.0.0.1.example.com",
        "http://0.0.0.0",
        "http://128.0.0.1",
        "http://[::2]",
        "http://[::]",
        "http://[::ffff:127.0.0.1]",
    ],
)
def test_plain_http_to_another_needs_a_word(origin: str) -> None:
    assert refused(origin).endswith(
        " the key would go in plain text: use https, or pass allow_http=True if nobody else can "
        "read what goes over that wire"
    )
    assert sent(origin, f"{origin}/a")


PROXIES = [
    ({"HTTP_PROXY": "http://proxy.example:3128"}, False),
    ({"http_proxy": "proxy.example:3128"}, False),
    ({"ALL_PROXY": "socks5://proxy.example"}, False),
    ({"HTTP_PROXY": "http://proxy.example", "NO_PROXY": ".example"}, False),
    ({"HTTP_PROXY": "http://proxy.example", "NO_PROXY": "127.0.0.1:8000"}, False),
    ({"HTTP_PROXY": "http://proxy.example", "NO_PROXY": ""}, False),
    ({"HTTP_PROXY": "http://proxy.example", "NO_PROXY": ".example, *"}, False),
    ({"HTTP_PROXY": "http://proxy.example", "NO_PROXY": ".example, 127.0.0.1"}, True),
    ({"HTTP_PROXY": "http://proxy.example", "no_proxy": "*"}, True),
    ({"HTTPS_PROXY": "http://proxy.example"}, True),
    ({"HTTP_PROXY": ""}, True),
]


@pytest.mark.parametrize(("environ", "direct"), PROXIES)
def test_plain_http_to_this_machine_through_a_proxy(
    environ: dict[str, str], direct: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    request = httpx2.Request("GET", "http://127.0.0.1:8000/a")
    elsewhere = httpx2.Request("GET", "http://127.0.0.1:8001/a")
    auth = APIKeyAuth("abc", origin="http://127.0.0.1:8000")
    assert "Authorization" not in auth(elsewhere).headers
    if direct:
        auth(request)
    else:
        with pytest.raises(ConfigurationError) as caught:
            auth(request)
        assert str(caught.value) == (
            "HTTP_PROXY or ALL_PROXY is set, so the key for 127.0.0.1 would go to the proxy in "
            "plain text: add 127.0.0.1 to NO_PROXY, or pass allow_http=True"
        )
    assert ("Authorization" in request.headers) == direct
    APIKeyAuth("abc", origin="http://127.0.0.1:8000", allow_http=True)(request)
    assert request.headers["Authorization"] == "Bearer abc"


@pytest.mark.parametrize("host", ["localhost.", "[0:0:0:0:0:0:0:1]"])
def test_no_proxy_is_compared_with_the_host_as_it_is_spelled(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As both libraries do, so these go to the proxy."""
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example")
    monkeypatch.setenv("NO_PROXY", "localhost,::1")
    auth = APIKeyAuth("abc", origin=f"http://{host}")
    with pytest.raises(ConfigurationError, match="to NO_PROXY"):
        auth(httpx2.Request("GET", f"http://{host}/a"))
    named = "http://localhost" if "local" in host else "http://[::1]"
    assert "Authorization" in auth(httpx2.Request("GET", f"{named}/a")).headers


def test_a_proxy_is_no_matter_for_https(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://proxy.example")
    request = httpx2.Request("GET", "https://127.0.0.1/a")
    APIKeyAuth("abc", origin="https://127.0.0.1")(request)
    assert request.headers["Authorization"] == "Bearer abc"
