"""Where the key comes from, that it is asked for anew, and what is said of a wrong one."""

import asyncio
import copy
import pickle
import subprocess
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from bearer_auth import ConfigurationError
from bearer_auth.client import APIKeyAuth

ORIGIN = "https://api.example.com"
LONGEST = "a" * 4089


def ask(auth: APIKeyAuth, url: str = ORIGIN) -> dict[str, str]:
    return auth(SimpleNamespace(url=url, headers=dict[str, str]())).headers


def said(make: Callable[[], Any]) -> str:
    with pytest.raises(ConfigurationError) as caught:
        make()
    return str(caught.value)


@pytest.mark.parametrize("key", ["a", "A0-._~+/", "abc==", LONGEST])
def test_a_bearer_token_is_sent_as_it_is(key: str) -> None:
    assert ask(APIKeyAuth(key, origin=ORIGIN)) == {"Authorization": f"Bearer {key}"}


def test_a_callable_is_asked_for_each_request(get: Callable[..., int], api: Any) -> None:
    keys = iter(["first", "second"])
    auth = APIKeyAuth(lambda: next(keys), origin=api.origin)
    get(auth, f"{api.origin}/a", f"{api.origin}/b")
    assert api.seen == [("/a", ["Bearer first"]), ("/b", ["Bearer second"])]


def test_the_variable_is_read_for_each_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEY", "first")
    auth = APIKeyAuth(env="API_KEY", origin=ORIGIN)
    assert ask(auth) == {"Authorization": "Bearer first"}
    monkeypatch.setenv("API_KEY", "second")
    assert ask(auth) == {"Authorization": "Bearer second"}


def test_nothing_is_asked_for_another_origin() -> None:
    def never() -> str:
        raise AssertionError("asked")

    assert ask(APIKeyAuth(never, origin=ORIGIN), "https://other.example") == {}


PROBLEMS = [
    ("", "is empty: give the key as it was issued"),
    ("Bearer s3cret", 'begins with "Bearer ", which is added by itself: give the key alone'),
    ("bearer s3cret", 'begins with "Bearer ", which is added by itself: give the key alone'),
    (" s3cret", "has white space at an end, such as the newline of a file: strip it"),
    ("s3cret\n", "has white space at an end, such as the newline of a file: strip it"),
    ("a" * 4090, "has more than 4,089 characters: give the key alone, as it was issued"),
]
NO_TOKEN = (
    "is no bearer token: give the key as it was issued, of letters, digits and - . _ ~ + / only, "
    "with = at the end if any"
)
PROBLEMS += [
    (text, NO_TOKEN)
    for text in ("s3cret s3cret", "s3cret\ns3cret", "s3cret\r\nX: y", "s3cré", "=s3cret", "a,b")
]


@pytest.mark.parametrize(("key", "problem"), PROBLEMS)
def test_a_key_that_is_no_bearer_token(
    key: str, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = said(lambda: APIKeyAuth(key, origin=ORIGIN))
    assert given == f"the key from a string {problem}"
    asked = APIKeyAuth(lambda: key, origin=ORIGIN)
    assert said(lambda: ask(asked)) == f"the key from a callable {problem}"
    monkeypatch.setenv("API_KEY", key)
    read = said(lambda: APIKeyAuth(env="API_KEY", origin=ORIGIN))
    assert read == f"the key from the variable 'API_KEY' {problem}"


@pytest.mark.parametrize(("answer", "name"), [(None, "NoneType"), (b"s3cret", "bytes"), (7, "int")])
def test_a_callable_that_returns_no_text(answer: Any, name: str) -> None:
    auth = APIKeyAuth(lambda: answer, origin=ORIGIN)
    assert said(lambda: ask(auth)) == f"the key from a callable is {name}, not str"


def test_what_a_callable_raises_comes_through(get: Callable[..., int], api: Any) -> None:
    def vault() -> str:
        raise LookupError("the vault is closed")

    with pytest.raises(LookupError, match="the vault is closed"):
        get(APIKeyAuth(vault, origin=api.origin), api.origin)
    assert api.seen == []


NOT_SET = "the variable 'API_KEY' is not set: export API_KEY=… before the program starts"


def test_a_variable_that_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("API_KEY", raising=False)
    assert said(lambda: APIKeyAuth(env="API_KEY", origin=ORIGIN)) == NOT_SET


def test_a_variable_that_is_taken_away_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEY", "abc")
    auth = APIKeyAuth(env="API_KEY", origin=ORIGIN)
    monkeypatch.delenv("API_KEY")
    assert said(lambda: ask(auth)) == NOT_SET
    assert ask(auth, "https://other.example") == {}


@pytest.mark.parametrize("env", ["", "acme_production_s3cret", "AKIA0S3CRET7EXAMPLE"])
def test_a_key_in_the_place_of_the_name_is_not_told(env: str) -> None:
    assert said(lambda: APIKeyAuth(env=env, origin=ORIGIN)) == (
        "env is not the name of a variable that is set: give the name, such as API_KEY, not the "
        "key, and export the variable before the program starts"
    )


def test_exactly_one_of_key_and_env() -> None:
    none = said(lambda: APIKeyAuth(origin=ORIGIN))
    assert none == 'APIKeyAuth has no key: key is None; write env="API_KEY", say'
    both = said(lambda: APIKeyAuth("abc", env="API_KEY", origin=ORIGIN))
    assert both == "APIKeyAuth has two keys: give key= or env=, not both"


async def awaited() -> str:
    return "abc"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"key": b"s3cret"}, "key must be str or a function that returns it, not bytes"),
        ({"key": awaited}, "key must be a function that returns the key, not one to be awaited"),
        ({"env": b"API_KEY"}, "env must be the name of a variable, not bytes"),
        ({"key": "abc", "origin": None}, "origin must be str, not NoneType"),
        ({"key": "abc", "allow_http": "no"}, "allow_http must be True or False, not str"),
    ],
)
def test_an_argument_of_the_wrong_type(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError) as caught:
        APIKeyAuth(**{"origin": ORIGIN, **arguments})
    assert str(caught.value) == message


def test_its_repr_says_where_and_from_where(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEY", "s3cret")
    text = APIKeyAuth("s3cret", origin="https://API.example.com:443/")
    called = APIKeyAuth(lambda: "s3cret", origin="http://[::1]:8000")
    read = APIKeyAuth(env="API_KEY", origin="https://api.example.com:8443")
    assert [repr(text), str(called), f"{read}"] == [
        "<APIKeyAuth for https://api.example.com, key from a string>",
        "<APIKeyAuth for http://[::1]:8000, key from a callable>",
        "<APIKeyAuth for https://api.example.com:8443, key from the variable 'API_KEY'>",
    ]


def test_a_copy_works_and_a_pickle_is_refused() -> None:
    auth = APIKeyAuth("abc", origin=ORIGIN)
    for copied in (copy.copy(auth), copy.deepcopy({"auth": auth})["auth"]):
        assert ask(copied) == {"Authorization": "Bearer abc"}
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match="make it where it's used"):
            pickle.dumps(auth, protocol)


def test_one_object_serves_many_tasks(api: Any) -> None:
    import httpx2

    async def all_at_once() -> None:
        auth = APIKeyAuth("abc", origin=api.origin)
        async with httpx2.AsyncClient(auth=auth) as client:
            await asyncio.gather(*[client.get(f"{api.origin}/a") for _ in range(20)])

    asyncio.run(all_at_once())
    assert api.seen == [("/a", ["Bearer abc"])] * 20


def test_it_needs_neither_library() -> None:
    code = "import sys, bearer_auth.client; print(*{n.partition('.')[0] for n in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "bearer_auth" in done.stdout.split()
    assert set(done.stdout.split()) & {"httpx2", "httpx", "requests"} == set()
