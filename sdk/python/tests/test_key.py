"""Where the key comes from, and what it may be."""

import asyncio
from typing import Any

import pytest

from conductor_sdk import (
    APITimeoutError,
    AsyncConductorClient,
    ConductorClient,
    ConfigurationError,
)


def test_a_variable_that_is_gone_is_an_error_that_says_so(client, monkeypatch):
    monkeypatch.setenv("API_KEY", "old")
    made = client(api_key=None)
    monkeypatch.delenv("API_KEY")
    with pytest.raises(ConfigurationError, match="CONDUCTOR_API_KEY"):
        made.execute("e")


def test_without_a_key_no_client_is_made():
    with pytest.raises(ConfigurationError) as caught:
        ConductorClient()
    assert str(caught.value) == (
        "there is no API key in the environment: "
        "set the variable CONDUCTOR_API_KEY (or API_KEY), or pass api_key="
    )


def test_what_a_function_raises_is_not_hidden(client, api):
    def vault() -> str:
        raise LookupError("the vault is closed")

    with pytest.raises(LookupError, match="the vault is closed"):
        client(api_key=vault).execute("e")
    assert api.requests == []


WRONG: list[tuple[Any, str]] = [
    ("", "there is no API key in api_key: "),
    (b"abc", "api_key is not an API key: a str is needed, not bytes"),
    ("Bearer abc", "the API key in api_key begins with 'Bearer ': leave that out"),
    ("abc\n", "the API key in api_key has white space or a newline at an end: "),
    ("a b", "the API key in api_key has a character that no key has "),
    ("a" * 4090, "the API key in api_key is longer than 4089 characters: is it a key?"),
]


@pytest.mark.parametrize(("key", "message"), WRONG, ids=[m[:45] for _, m in WRONG])
def test_what_can_be_no_key_is_refused_at_construction(key, message):
    with pytest.raises(ConfigurationError) as caught:
        ConductorClient(key)
    assert str(caught.value).startswith(message)


def test_a_function_that_returns_no_key_is_named(client, api):
    with pytest.raises(ConfigurationError, match=r"^what api_key\(\) returned is not an API key"):
        client(api_key=lambda: 7).execute("e")
    with pytest.raises(
        ConfigurationError, match=r"^there is no API key in what api_key\(\) returned"
    ):
        client(api_key=lambda: None).execute("e")
    assert api.requests == []


def test_a_wrong_variable_is_named(monkeypatch):
    monkeypatch.setenv("API_KEY", "abc\n")
    with pytest.raises(ConfigurationError, match=r"^the API key in API_KEY has white space"):
        ConductorClient()


async def _key() -> str:
    return "from-a-vault"


def test_an_asynchronous_function_is_awaited(run_async, async_client, api):
    async def main() -> None:
        await async_client(api_key=_key).execute("e")

    run_async(main())
    assert api.keys == ["Bearer from-a-vault"]


def test_the_other_client_refuses_an_asynchronous_function(client):
    async def key() -> str:
        return "abc"

    def ask() -> Any:
        made = key()
        made.close()
        return made

    with pytest.raises(ConfigurationError, match="a str is needed, not coroutine"):
        client(api_key=ask).execute("e")


def test_the_asynchronous_client_checks_too():
    with pytest.raises(ConfigurationError, match="newline"):
        AsyncConductorClient("abc\n")


def test_an_asynchronous_function_has_as_long_as_the_call(run_async, async_client, api):
    async def main() -> None:
        client = async_client(api_key=asyncio.Event().wait, timeout=0.02, deadline=0.02)
        await client.execute("e")

    with pytest.raises(APITimeoutError, match=r"within 0\.02 s$"):
        run_async(main())
    assert api.requests == []
