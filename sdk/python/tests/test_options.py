"""The options, and what a client does with the connections."""

import httpx2
import pytest

from conductor_sdk import AsyncConductorClient, ConductorClient, ConfigurationError

WRONG = [
    ({"max_retries": True}, "max_retries must be an int, 0 or more"),
    ({"timeout": float("nan")}, "timeout must be more than 0 seconds, and finite"),
    ({"timeout": float("inf")}, "timeout must be more than 0 seconds, and finite"),
    ({"timeout": "5"}, "timeout must be a number of seconds"),
    ({"timeout": None}, "timeout must be a number of seconds"),
    ({"deadline": -1}, "deadline must be more than 0 seconds, and finite"),
    (
        {"timeout": 10, "deadline": 5},
        (
            "timeout (10 s, one try) is longer than deadline (5 s, the whole call): "
            "raise deadline too, or make it None"
        ),
    ),
]


@pytest.mark.parametrize(("options", "message"), WRONG, ids=[str(o) for o, _ in WRONG])
def test_a_wrong_option_is_refused(client, options, message):
    with pytest.raises(ConfigurationError) as caught:
        ConductorClient("abc", **options)
    assert str(caught.value) == message
    with pytest.raises(ConfigurationError) as caught:
        client().with_options(**options)
    assert str(caught.value) == message


def test_a_call_may_not_take_longer_than_the_deadline(client, api):
    with pytest.raises(ValueError, match=r"^timeout \(600 s, one try\) is longer than deadline"):
        client().execute("e", timeout=600)
    assert api.requests == []
    client().with_options(timeout=600, deadline=900).execute("e")
    client(deadline=None).execute("e", timeout=600)


def test_a_timeout_is_for_each_step_of_a_try(client, api):
    client(timeout=7).execute("e")
    client(timeout=7).execute("e", timeout=3)
    assert [r.extensions["timeout"]["read"] for r in api.requests] == [7, 3]


def test_other_options_change_the_copy_only(client, api):
    first = client(base_url="https://one.test")
    second = first.with_options(base_url="https://two.test", api_key="other")
    second.execute("e")
    first.execute("e")
    assert [r.url.host for r in api.requests] == ["two.test", "one.test"]
    assert api.keys[0] == "Bearer other"
    assert api.keys[1] != "Bearer other"


def test_an_option_that_there_is_not_is_refused(client):
    said = r"^unknown option 'colour': known are api_key, base_url, "
    with pytest.raises(TypeError, match=said):
        client().with_options(colour="red")


@pytest.mark.parametrize("key", [True, 16, b"order-16"])
def test_an_idempotency_key_is_a_text(client, api, key):
    with pytest.raises(ValueError, match=r"^idempotency_key must be 1 to 255 visible ASCII"):
        client().execute("e", idempotency_key=key)
    assert api.requests == []


def test_a_copy_may_not_become_careless(client):
    loose = client(base_url="http://192.0.2.7", allow_http=True)
    with pytest.raises(ConfigurationError, match="allow_http"):
        loose.with_options(allow_http=False)


def test_the_client_closes_what_it_opened():
    with ConductorClient("abc") as client:
        client.with_options(max_retries=0).close()
        assert not client._http.is_closed
    assert client._http.is_closed


def test_a_client_of_the_callers_stays_open():
    with httpx2.Client() as http:
        ConductorClient("abc", http_client=http).close()
        assert not http.is_closed


def test_the_callers_client_follows_no_redirect_and_adds_no_credential(api):
    api.answers = [httpx2.Response(302, headers={"Location": "https://evil.example/"})]
    with httpx2.Client(
        transport=httpx2.MockTransport(api), follow_redirects=True, auth=("user", "password")
    ) as http:
        client = ConductorClient("abc", http_client=http)
        with pytest.raises(Exception, match=r"HTTP 302: a redirect to https://evil.example"):
            client.request("GET", "/x")
    assert api.keys == ["Bearer abc"]


def test_an_event_hook_may_read_the_answer_first(api):
    seen = []

    def look(response: httpx2.Response) -> None:
        response.read()
        seen.append(response.status_code)

    with httpx2.Client(
        transport=httpx2.MockTransport(api), event_hooks={"response": [look]}
    ) as http:
        assert ConductorClient("abc", http_client=http).execute("e").output == 1
    assert seen == [200]


def test_json_that_is_none_is_refused_before_anything_is_sent(client, api):
    with pytest.raises(ValueError):
        client().request("POST", "/x", json=float("nan"))
    assert api.requests == []


def test_threads_share_a_client(client, api):
    from concurrent.futures import ThreadPoolExecutor

    made = client()
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda n: made.execute("e", n), range(200)))
    assert [r.output for r in results] == [1] * 200
    assert len({r.headers["X-Idempotency-Key"] for r in api.requests}) == 200


def test_a_header_of_the_callers_takes_the_place_of_ours(client, api):
    client().request("GET", "/x", headers={"ACCEPT": "text/csv", "user-agent": "mine"})
    assert api.requests[0].headers.get_list("Accept") == ["text/csv"]
    assert api.requests[0].headers.get_list("User-Agent") == ["mine"]


def test_a_client_of_the_other_kind_is_refused():
    with (
        httpx2.Client() as http,
        pytest.raises(ConfigurationError, match=r"an httpx2.AsyncClient$"),
    ):
        AsyncConductorClient("abc", http_client=http)
    with pytest.raises(ConfigurationError, match=r"an httpx2.Client$"):
        ConductorClient("abc", http_client=httpx2.AsyncClient())
