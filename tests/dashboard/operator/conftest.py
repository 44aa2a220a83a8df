"""A database of each kind, with tables that are empty, and stores over it as several workers have
them."""

import re
from html import unescape

import argon2
import pytest
import sqlalchemy

from bearer_auth import Keyring
from bearer_auth.dashboard.operator import Operators, create_operator_dashboard, passwords
from bearer_auth.stores.sql import SQLStore
from bearer_auth.testing import FakeClock

TABLES = ("settings", "accounts", "sessions", "once", "limits")


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def cheap_hashes(monkeypatch):
    """argon2id with the parameters that argon2-cffi has for tests."""
    hasher = argon2.PasswordHasher.from_parameters(argon2.profiles.CHEAPEST)
    monkeypatch.setattr(passwords, "hash_token", lambda text, _: hasher.hash(text))


@pytest.fixture(scope="session")
def server_urls():
    """The databases that were made on servers; they are used again, for making one takes long."""
    return {}


@pytest.fixture
def make_url(servers, server_urls, tmp_path):
    """Gives the URL of a database with empty tables in it."""

    def make_url(backend):
        if backend == "sqlite":
            url = f"sqlite:///{tmp_path / 'keys.db'}"
            SQLStore(url).close()
            return url
        if backend not in server_urls:
            server_urls[backend] = servers.database(backend)
            SQLStore(server_urls[backend], create=True, lease_ms=20).close()
        url = server_urls[backend]
        engine = sqlalchemy.create_engine(url)
        with engine.begin() as connection:
            for table in TABLES:
                connection.exec_driver_sql(f"DELETE FROM bearer_auth_{table}")
        engine.dispose()
        return url

    return make_url


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def url(request, make_url):
    """The URL of a database of each kind."""
    return make_url(request.param)


@pytest.fixture
def opened():
    """Opens the database of a URL once more, as another worker would."""
    stores = []

    def opened(url):
        stores.append(SQLStore(url))
        return stores[-1]

    yield opened
    for store in stores:
        store.close()


@pytest.fixture
def open_store(url, opened):
    return lambda: opened(url)


@pytest.fixture
def store(open_store):
    return open_store()


@pytest.fixture
def sql():
    """``sql(url, statement)`` runs it, as another program would, and commits."""

    def sql(url, statement):
        engine = sqlalchemy.create_engine(url)
        with engine.begin() as connection:
            result = connection.exec_driver_sql(statement)
            rows = [tuple(row) for row in result] if result.returns_rows else []
        engine.dispose()
        return rows

    return sql


PASSWORD = "correct horse battery"


@pytest.fixture
def make_app(clock, sink, cheap_hashes):
    """Makes the dashboard of a worker; gives it and its operators."""

    def make_app(store):
        operators = Operators(store, event_sink=sink, clock=clock)
        keyring = Keyring(store, clock=clock, event_sink=sink)
        return create_operator_dashboard(store, keyring=keyring, operators=operators), operators

    return make_app


@pytest.fixture
def file(make_url, opened, clock):
    """A store in a file, whose database goes by the clock, too."""
    store = opened(make_url("sqlite"))
    store._database._clock = clock
    return store


@pytest.fixture
def site(file, make_app):
    """A dashboard with an account, and its operators."""
    app, operators = make_app(file)
    operators.set_password("alice", PASSWORD)
    return app, operators


@pytest.fixture
def browse(site):
    """``browse()``: a new browser at the dashboard."""
    return lambda app=site[0], **options: Browser(app, **options)


class Browser:
    """Without JavaScript: keeps cookies, sends the hidden fields of forms, and says from where a
    form comes."""

    def __init__(self, app, *, root="", scheme="http", address="192.0.2.7"):
        self.client = app.test_client()
        self.options = {
            "environ_overrides": {"REMOTE_ADDR": address, "SCRIPT_NAME": root},
            "base_url": f"{scheme}://localhost",
        }

    def get(self, path, **options):
        return self.client.get(path, **self.options, **options)

    def submit(self, page, path=None, *, site="same-origin", **fields):
        """Send the last form of a page, filled in."""
        form = self.get(page).text.rpartition("<form")[2]
        hidden = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form)
        data = {name: unescape(value) for name, value in hidden} | fields
        action = path or re.search(r'action="([^"]+)"', form)[1]
        root = self.options["environ_overrides"]["SCRIPT_NAME"]
        return self.client.post(
            action.removeprefix(root),
            data=data,
            headers={"Sec-Fetch-Site": site},
            **self.options,
        )

    def sign_in(self, account="alice", password="correct horse battery", **options):
        return self.submit("/sign-in", account=account, password=password, **options)

    def sign_out(self):
        return self.submit("/keys/new", "/sign-out")

    @property
    def is_in(self):
        return self.get("/keys/new").status_code == 200

    def cookie(self, path="/"):
        found = self.client.get_cookie("bearer_auth_session", path=path)
        return found and found.value
