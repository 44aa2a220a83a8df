"""The key goes to the API's own address and nowhere else."""

import pytest

from conductor_sdk import ConductorClient, ConfigurationError


def test_the_documented_address_is_the_default(client, api):
    client().execute("e")
    assert str(api.requests[0].url) == "https://api.example.com/execute/e"


def test_the_environment_can_say_where_the_api_is(client, api, monkeypatch):
    monkeypatch.setenv("CONDUCTOR_BASE_URL", "https://conductor.test:8443/v1/")
    client().execute("e")
    assert str(api.requests[0].url) == "https://conductor.test:8443/v1/execute/e"


def test_what_is_passed_comes_before_the_environment(client, api, monkeypatch):
    monkeypatch.setenv("CONDUCTOR_BASE_URL", "https://other.test")
    client(base_url="https://conductor.test").execute("e")
    assert str(api.requests[0].url) == "https://conductor.test/execute/e"


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000", "http://localhost", "http://[::1]:8000", "http://127.8.9.1"]
)
def test_plain_http_is_for_this_machine(url):
    ConductorClient("abc", base_url=url).close()


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.com",
        "http://[2001:db8::1]",
        "http://0.0.0.0:8000",
    ],
)
def test_elsewhere_it_must_be_allowed(url):
    with pytest.raises(ConfigurationError, match=r"readable on its way.*allow_http=True"):
        ConductorClient("abc", base_url=url)
    ConductorClient("abc", base_url=url, allow_http=True).close()


@pytest.mark.parametrize(
    "url", ["https://api.example.com:port", "https://[::1", "https://bücher.example", 7]
)
def test_what_is_no_address_is_refused(url):
    with pytest.raises(ConfigurationError, match=r"^base_url "):
        ConductorClient("abc", base_url=url)


@pytest.mark.parametrize(
    "text", ["localhost:8000", "http://[", "https://a@b.test", "http://b.test"]
)
def test_a_wrong_address_in_the_environment_is_named_by_its_variable(monkeypatch, text):
    monkeypatch.setenv("CONDUCTOR_BASE_URL", text)
    with pytest.raises(ConfigurationError, match=r"^CONDUCTOR_BASE_URL "):
        ConductorClient("abc")


@pytest.mark.parametrize("name", [None, 7, b"e"])
def test_the_name_of_an_ensemble_is_a_text(client, api, name):
    with pytest.raises(ValueError, match=r"^ensemble must be a name"):
        client().execute(name)
    assert api.requests == []


def test_plain_http_goes_through_no_proxy(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://192.0.2.1:3128")
    with ConductorClient("abc", base_url="http://127.0.0.1:9") as client:
        transport = client._http._transport_for_url(
            client._http.build_request("GET", "http://127.0.0.1:9").url
        )
        assert transport is client._http._transport
