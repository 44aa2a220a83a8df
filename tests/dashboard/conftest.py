"""A dashboard over each store, and people who look at it.

A ``Browser`` fetches a page, fills in its form and sends it, as a browser does. Who it belongs to
is in its environ, where a host's session would be.
"""

from html.parser import HTMLParser

import pytest
from werkzeug.test import Client

from bearer_auth import Keyring, MemoryStore
from bearer_auth.dashboard import DashboardUser, Grants, create_dashboard
from bearer_auth.stores import Use
from bearer_auth.stores.sql import SQLStore
from bearer_auth.testing import FakeClock

SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}


class Page:
    """An answer, read."""

    def __init__(self, answer):
        self.status = answer.status_code
        self.headers = answer.headers
        self.location = answer.headers.get("Location")
        self.source = answer.get_data(as_text=True)
        self._reader = _Reader()
        self._reader.feed(self.source)
        answer.close()

    @property
    def title(self):
        return self._reader.texts["h1"][0]

    @property
    def tags(self):
        """Names of elements, and of their attributes."""
        return self._reader.tags

    @property
    def attributes(self):
        """What stands in attributes, but for the values of fields, which come back with forms."""
        return self._reader.attributes

    @property
    def words(self):
        """What is read on the page, with single blanks."""
        return " ".join(" ".join(self._reader.all).split())

    @property
    def fields(self):
        """Name and value of each input, the last one of a name."""
        return self._reader.fields

    @property
    def links(self):
        return self._reader.links

    @property
    def form_token(self):
        return self.fields["token"]

    @property
    def key(self):
        """The key that is shown."""
        return self._reader.by_id["key"]


class _Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.all, self.links, self.attributes = [], [], [], []
        self.texts, self.fields, self.by_id = {}, {}, {}
        self._open = []

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.append((tag, tuple(attributes)))
        self.attributes += [v for name, v in attrs if (tag, name) != ("input", "value")]
        if tag == "input":
            self.fields[attributes.get("name")] = attributes.get("value", "")
            self.by_id[attributes.get("id")] = attributes.get("value", "")
        elif tag == "a":
            self.links.append(attributes["href"])
        self._open = [tag]

    def handle_data(self, data):
        self.all.append(data)
        if self._open and data.strip():
            self.texts.setdefault(self._open[0], []).append(data.strip())


class Browser:
    """Somebody's browser."""

    def __init__(self, dashboard, user, **environ):
        self.user = user
        self._client = Client(dashboard)
        self._environ = environ

    def get(self, path, **options):
        return self.ask("GET", path, **options)

    def send(self, path, fields=None, headers=SAME_ORIGIN, **options):
        """Post just these fields."""
        return self.ask("POST", path, data=fields or {}, headers=headers, **options)

    def fill_in(self, page, path=None, **fields):
        """Fetch a page and send its form, to the page's own address or to another one."""
        return self.send(path or page, {"token": self.form_token(page)} | fields)

    def form_token(self, page="/keys/new"):
        return self.get(page).form_token

    def ask(self, method, path, **options):
        environ = {"test.user": self.user, "REMOTE_ADDR": "192.0.2.7"} | self._environ
        options["environ_overrides"] = environ | options.get("environ_overrides", {})
        return Page(self._client.open(path, method=method, **options))


class Trail:
    """Keeps events, and gives them back as an audit trail does."""

    def __init__(self):
        self.events = []
        self.refusals = {}

    def emit(self, event):
        self.events.append(event)

    def history(self, key_id, *, limit=50, before=None):
        mine = [event for event in self.events if event.key_id == key_id]
        return mine[::-1][:limit], None

    def refusals_by_day(self, since, *, key_id=None, user_id=None, tenant_id=None):
        return {}

    def most_refused(self, since, *, user_id=None, tenant_id=None, limit=10):
        return list(self.refusals.items())[:limit]


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture(params=["memory", "sqlite"])
def store(request, tmp_path):
    if request.param == "memory":
        yield MemoryStore()
        return
    store = SQLStore(f"sqlite:///{tmp_path / 'keys.db'}", create=True)
    yield store
    store.close()


@pytest.fixture
def trail():
    return Trail()


@pytest.fixture
def keyring(store, trail, clock):
    return Keyring(store, event_sink=trail, clock=clock)


@pytest.fixture
def issued(keyring, trail):
    issued = keyring.create(user_id="alice", name="CI")
    trail.events.clear()
    return issued


@pytest.fixture
def page(issued):
    return f"/keys/{issued.record.key_id}"


@pytest.fixture
def make_dashboard(keyring, trail):
    def make_dashboard(**options):
        given = {
            "grants": Grants(scopes=["ensembles:execute", "ensembles:read"]),
            "events": trail,
            "login_url": "/login",
            "identify": lambda environ: environ.get("test.user"),
        } | options
        return create_dashboard(given.pop("keyring", keyring), given.pop("identify"), **given)

    return make_dashboard


@pytest.fixture
def dashboard(make_dashboard):
    return make_dashboard()


@pytest.fixture
def browser(dashboard):
    """Makes a browser of this person."""
    return lambda user, **environ: Browser(dashboard, user, **environ)


@pytest.fixture
def alice(browser):
    return browser(DashboardUser("alice", plan="pro"))


@pytest.fixture
def bob(browser):
    return browser(DashboardUser("bob"))


@pytest.fixture
def operator(browser):
    return browser(DashboardUser("root", may_manage_all=True))


@pytest.fixture
def nobody(browser):
    return browser(None)


@pytest.fixture
def browse():
    """A browser on any dashboard."""
    return Browser


@pytest.fixture
def use(store, clock):
    """Notes that the newest secret of a key was used just now."""

    def use(record, secret=0):
        store.record_used([Use(record.key_id, record.secrets[secret].id, clock.now, 1)])

    return use
