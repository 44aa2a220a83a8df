"""The README's Python, block after block, and what each of them makes true."""

import json
import re
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import Client, TestResponse

from bearer_auth import BearerAuth, IssuedKey, KeyRecord, Keyring, MemoryStore

Names = dict[str, Any]


def test_the_readmes_code_does_what_it_says(
    run_page: Callable[..., None], monkeypatch: pytest.MonkeyPatch, documented_api: Any
) -> None:
    monkeypatch.setenv("PEPPER", "a pepper for the tests of the documentation")
    monkeypatch.setenv("BEARER_AUTH_KEY_CI", "a-token-of-somebody")
    store = MemoryStore()
    flask_app = Flask("documented")
    flask_app.secret_key = "only here"
    names: Names = {
        "app": Flask("before the fold"),
        "Flask": Flask,
        "flask_app": flask_app,
        "wsgi_app": echo,
        "store": store,
        "TABLE": dict[str, KeyRecord](),
        "USERS": {"user_123": "Ada"},
        "audit": [],
        "token": Keyring(store).create(user_id="worker", scopes=["jobs:*"]).token,
    }
    run_page("README.md", names, BEFORE, AFTER, {"https://api.example.com": documented_api.url})


def echo(environ: Any, start_response: Any) -> list[bytes]:
    """An app that says who asks."""
    principal = environ.get("bearer_auth.principal")
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"nobody" if principal is None else principal.user_id.encode()]


def ask(
    app: Any, path: str = "/", key: IssuedKey | str | None = None, **options: Any
) -> TestResponse:
    token = key.token if isinstance(key, IssuedKey) else key
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return Client(app).open(path, headers=headers | options.pop("headers", {}), **options)


def answer(response: TestResponse) -> Any:
    return json.loads(response.text)


def status_with(names: Names, path: str, *scopes: str, **options: Any) -> int:
    """The status for a new key with these scopes."""
    key = Keyring(names["store"]).create(user_id="user_123", scopes=scopes)
    return ask(names["app"], path, key, **options).status_code


def a_plain_app(names: Names) -> None:
    names["app"] = echo


def a_key(names: Names) -> None:
    names["key_id"] = names["keyring"].create(user_id="user_123").key_id


WSGI = 'app = BearerAuth(app, SQLStore("sqlite:///keys.db"))'

BEFORE = {WSGI: a_plain_app, "keyring.rotate(key_id": a_key}


def flask_asks_for_keys(names: Names) -> None:
    with closing(names["app"].extensions["bearer_auth"].store) as store:
        key = Keyring(store).create(user_id="user_123", plan="pro")
        user = answer(ask(names["app"], "/health", key))["user"]
        assert user == {"id": "user_123", "plan": "pro"}
        assert ask(names["app"], "/health").status_code == 401


def wsgi_asks_for_keys(names: Names) -> None:
    with closing(names["app"].store) as store:
        key = Keyring(store).create(user_id="user_456")
        assert ask(names["app"], "/anything", key).text == "user_456"
        assert ask(names["app"], "/anything").status_code == 401


def the_token_is_as_described(names: Names) -> None:
    assert re.fullmatch(r"ba_production_[0-9A-Za-z]{65}", names["issued"].token)


def only_staging_is_let_in(names: Names) -> None:
    assert ask(names["app"], key=names["staging"]).status_code == 200
    assert ask(names["app"], key=names["issued"]).status_code == 401


def the_key_is_revoked(names: Names) -> None:
    assert names["keyring"].get(names["issued"].key_id).revoked_reason == "found in a log"


def the_old_key_works(names: Names) -> None:
    assert ask(names["app"], key="their-old-key").text == "user_456"


def rules_need_scopes(names: Names) -> None:
    assert status_with(names, "/admin") == 403
    assert status_with(names, "/admin/users", "admin") == 200
    assert status_with(names, "/execute/x", method="POST") == 403
    assert status_with(names, "/execute/x", "ensembles:*", method="POST") == 200


def code_needs_scopes(names: Names) -> None:
    app = BearerAuth(lambda environ, start: names["show_invoice"](environ), names["store"])
    assert ask(app, key=Keyring(names["store"]).create(user_id="u")).status_code == 403


def named_paths_are_public(names: Names) -> None:
    paths = ("/docs", "/docs/", "/static/a/b", "/static")
    assert [ask(names["app"], path).status_code for path in paths] == [200, 401, 200, 401]


def the_configuration_is_read(names: Names) -> None:
    with closing(names["site"].extensions["bearer_auth"].store):
        paths = ("/docs", "/static/a", "/")
        assert [ask(names["site"], path).status_code for path in paths] == [404, 404, 401]


def the_environment_is_read(names: Names) -> None:
    assert ask(names["app"], key="a-token-of-somebody").text == "ci"


def both_stores_are_read(names: Names) -> None:
    key = Keyring(names["app"].store).create(user_id="in_the_database")
    assert ask(names["app"], key=key).text == "in_the_database"
    assert ask(names["app"], key="a-token-of-somebody").text == "ci"


def the_table_is_read(names: Names) -> None:
    key = Keyring(MemoryStore()).create(user_id="in_a_table")
    names["TABLE"][key.key_id] = key.record
    assert ask(names["app"], key=key).text == "in_a_table"


def the_old_secret_has_ended(names: Names) -> None:
    assert len(names["keyring"].get(names["key_id"]).secrets) == 1


def keys_stand_beside_the_session(names: Names) -> None:
    names["test_reports"]()
    app = names["flask_app"]
    key = Keyring(names["store"]).create(user_id="user_123")
    assert answer(ask(app, "/account", key)) == {"user": "user_123"}
    assert answer(ask(app, "/account")) == {"error": "log in first"}
    client = app.test_client()
    with client.session_transaction() as session:
        session["user"] = "in_a_browser"
    assert client.get("/account").json == {"user": "in_a_browser"}
    wrong = client.get("/account", headers={"Authorization": "Bearer wrong"})
    assert wrong.status_code == 401


def people_see_their_own_keys(names: Names) -> None:
    client = names["flask_app"].test_client()
    answer = client.get("/keys/")
    assert (answer.status_code, answer.location) == (303, "/login?next=/keys/")
    with client.session_transaction() as session:
        session["user"] = "user_123"
    mine, other = (names["keyring"].create(user_id=u) for u in ("user_123", "other"))
    assert client.get(f"/keys/keys/{mine.key_id}").status_code == 200
    assert client.get(f"/keys/keys/{other.key_id}").status_code == 404


def the_sink_is_told(names: Names) -> None:
    assert ask(names["app"], key="wrong").status_code == 401
    assert names["audit"] == [("request.refused", None, "unknown")]


def limits_are_told(names: Names) -> None:
    key = Keyring(names["store"]).create(user_id="user_123", plan="free")
    first, *_, last = [ask(names["app"], "/execute/x", key) for _ in range(14)]  # a minute may end
    policy = '"rule-minute";q=10;w=60, "minute";q=60;w=60'
    assert first.headers["RateLimit-Policy"] == policy
    assert (first.status_code, last.status_code) == (200, 429)
    assert ask(names["app"], "/", key).status_code == 200


def the_proxy_is_believed(names: Names) -> None:
    key = Keyring(names["store"]).create(user_id="u", allowed_ips=["192.0.2.7"])
    for address, status in (("192.0.2.7", 200), ("192.0.2.8", 403)):
        response = ask(names["app"], key=key, headers={"X-Forwarded-For": address})
        assert response.status_code == status


def uploads_are_taken(names: Names) -> None:
    form: dict[str, Any] = {"method": "POST", "data": "x", "content_type": "multipart/form-data"}
    image = {**form, "content_type": "image/png"}
    assert status_with(names, "/files", **form) == 200
    assert status_with(names, "/photos", **image) == 200
    assert status_with(names, "/files", **image) == 415
    assert status_with(names, "/other", **form) == 415


def the_balancer_needs_no_key(names: Names) -> None:
    assert ask(names["app"], "/livez").status_code == 200
    assert ask(names["app"], "/health").status_code == 401


AFTER = {
    "FlaskBearerAuth(app, SQLStore(": flask_asks_for_keys,
    WSGI: wsgi_asks_for_keys,
    "issued = keyring.create(": the_token_is_as_described,
    'environments=["staging"]': only_staging_is_let_in,
    "keyring.purge(": the_key_is_revoked,
    "keyring.import_token(": the_old_key_works,
    'Rule("/admin/*", scopes=["admin"])': rules_need_scopes,
    "def show_invoice": code_needs_scopes,
    'public=["/docs", "/static/*"])': named_paths_are_public,
    "init_app(site)": the_configuration_is_read,
    "EnvStore()": the_environment_is_read,
    "LayeredStore(EnvStore()": both_stores_are_read,
    "return TABLE.get(": the_table_is_read,
    "keyring.rotate(key_id": the_old_secret_has_ended,
    "create_dashboard(": people_see_their_own_keys,
    "def test_reports": keys_stand_beside_the_session,
    "class AuditTrail": the_sink_is_told,
    'Rule("/execute/*", limit="10/minute")': limits_are_told,
    "ProxyFix(BearerAuth(": the_proxy_is_believed,
    'content_types=["image/*"]': uploads_are_taken,
    'public=["/livez"]': the_balancer_needs_no_key,
}
