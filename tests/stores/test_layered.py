"""LayeredStore: which store decides, what a failure hides, and what is cached."""

import logging
from datetime import date
from hashlib import sha256

import pytest
from werkzeug.test import Client

from bearer_auth import testing
from bearer_auth.authenticator import Authenticator
from bearer_auth.errors import ConfigurationError, InvalidToken, ReadOnlyStore, StoreUnavailable
from bearer_auth.keyring import Keyring
from bearer_auth.middleware import BearerAuth, get_principal
from bearer_auth.records import KeyRecord, Secret
from bearer_auth.stores import Usage, Use
from bearer_auth.stores.env import EnvStore
from bearer_auth.stores.layered import LayeredStore
from bearer_auth.stores.memory import MemoryStore
from bearer_auth.testing.samples import NOW, sample

A, B, X = "a" * 16, "b" * 16, "x" * 16


class TestOverAMemoryStore(testing.WritableKeyStoreContract):
    @pytest.fixture
    def store(self):
        return LayeredStore(MemoryStore())


class TestAnEnvStoreOverAnSQLStore(testing.WritableKeyStoreContract):
    @pytest.fixture
    def store(self, store):
        return LayeredStore(EnvStore(environ={}), store)


class TestAMemoryStoreOverOneThatOnlyReads(testing.WritableKeyStoreContract):
    @pytest.fixture
    def store(self):
        return LayeredStore(MemoryStore(), Reads())


class TestOverStoresThatOnlyRead(testing.KeyStoreContract):
    @pytest.fixture
    def store(self, known):
        return LayeredStore(Reads(known[:1]), Reads(known[1:]))

    @pytest.fixture
    def known(self):
        return [sample("a"), sample("B")]


class Reads:
    """A store that only reads, and fails when it is told to."""

    def __init__(self, records=(), error=None):
        self.records = {record.key_id: record for record in records}
        self.error = error
        self.number = 0
        self.asked = []

    def _ask(self, what):
        self.asked.append(what)
        if self.error is not None:
            raise self.error

    def get(self, key_id):
        self._ask("get")
        return self.records.get(key_id)

    def revision(self):
        self._ask("revision")
        return self.number


class Knows(Reads):
    """It recognises one text."""

    def __init__(self, text, key_id, **more):
        super().__init__(**more)
        self.text, self.key_id = text, key_id

    def key_ids_for(self, text):
        self._ask("key_ids_for")
        return [self.key_id] if text == self.text else []


def down():
    return StoreUnavailable("no route to host")


@pytest.fixture(autouse=True)
def now(monkeypatch):
    """The clock of the layers, which stands still; ``now[0]`` sets it."""
    seconds = [1000.0]
    monkeypatch.setattr("bearer_auth.stores.layered.monotonic", lambda: seconds[0])
    monkeypatch.setattr("bearer_auth.stores.layer.monotonic", lambda: seconds[0])
    return seconds


# Which store decides


def test_the_first_store_that_knows_the_id_decides():
    store = LayeredStore(
        Reads(), Reads([sample("a", name="upper")]), Reads([sample("a", name="lower"), sample("b")])
    )
    assert store.get(A) == sample("a", name="upper")
    assert store.get(B) == sample("b")
    assert store.get(X) is None


def test_a_store_below_the_one_that_decides_is_not_asked():
    lower = Reads([sample("a")])
    LayeredStore(Reads([sample("a")]), lower).get(A)
    assert lower.asked == []


@pytest.mark.parametrize("error", [down(), OSError("hunter2"), KeyError(), AttributeError()])
def test_a_lower_store_that_fails_hides_no_answer_of_an_upper_one(error):
    assert LayeredStore(Reads([sample("a")]), Reads(error=error)).get(A) == sample("a")


@pytest.mark.parametrize("error", [down(), OSError("hunter2"), KeyError(), AttributeError()])
def test_an_upper_store_that_fails_hides_no_answer_of_a_lower_one(error):
    assert LayeredStore(Reads(error=error), Reads([sample("a")])).get(A) == sample("a")


@pytest.mark.parametrize("order", [1, -1])
def test_an_id_that_none_knows_while_one_fails_is_no_401(order):
    layers = [Reads(error=OSError("hunter2")), Reads([sample("a")])][::order]
    with pytest.raises(StoreUnavailable) as caught:
        LayeredStore(*layers).get(X)
    place = layers.index(next(layer for layer in layers if layer.error)) + 1
    assert str(caught.value) == f"layer {place}, Reads: get raised OSError"


def test_each_store_that_failed_is_named():
    with pytest.raises(StoreUnavailable) as caught:
        LayeredStore(Reads(error=down()), Reads(), Reads(error=ValueError("hunter2"))).get(A)
    assert str(caught.value) == (
        "layer 1, Reads: no route to host; layer 3, Reads: get raised ValueError"
    )
    assert caught.value.__cause__ is caught.value.__context__ is None


@pytest.mark.parametrize("answer", ["text", sample("b"), 1])
def test_an_answer_that_is_not_this_key_is_a_failure(answer):
    class Confused:
        def get(self, key_id):
            return answer

    with pytest.raises(StoreUnavailable, match="layer 1, Confused: get returned something else"):
        LayeredStore(Confused(), Reads()).get(A)
    assert LayeredStore(Confused(), Reads([sample("a")])).get(A) == sample("a")


def test_an_upper_store_that_fails_is_told_to_the_log_once_a_minute(caplog, now):
    store = LayeredStore(Reads(error=OSError("hunter2")), Reads([sample("a")]))
    for _ in range(50):
        store.get(A)
    assert caplog.record_tuples == [
        (
            "bearer_auth",
            logging.ERROR,
            "LayeredStore goes on without a layer that failed: layer 1, Reads: get raised OSError",
        )
    ]
    now[0] += 59.9
    store.get(A)
    assert len(caplog.records) == 1
    now[0] += 0.1
    store.get(A)
    assert len(caplog.records) == 2


def test_a_failure_that_the_caller_learns_of_is_not_logged_as_well(caplog):
    with pytest.raises(StoreUnavailable):
        LayeredStore(Reads(error=down()), Reads()).get(A)
    assert caplog.records == []


# Revisions


def test_the_revision_changes_with_that_of_each_store():
    layers = [Reads(), Reads(), Reads()]
    store = LayeredStore(*layers)
    seen = {store.revision()}
    for layer in layers:
        layer.number += 1
        seen.add(store.revision())
        assert store.revision() in seen
    assert len(seen) == 4


def test_there_is_no_revision_if_one_store_has_none():
    class Plain:
        def get(self, key_id):
            return None

    assert LayeredStore(Reads(), Plain()).revision() is None
    assert LayeredStore(Plain(), Reads()).revision() is None


def test_there_is_no_revision_if_one_store_gives_none():
    lower = Reads()
    lower.number = None
    assert LayeredStore(Reads(), lower).revision() is None


@pytest.mark.parametrize("place", [0, 1])
def test_there_is_no_revision_while_one_store_fails(place):
    layers = [Reads(), Reads()]
    layers[place].error = OSError("hunter2")
    assert LayeredStore(*layers).revision() is None


def test_a_store_that_failed_is_not_asked_for_its_revision_for_five_seconds(now, caplog):
    lower = Reads(error=down())
    store = LayeredStore(Reads(), lower)
    for _ in range(3):
        assert store.revision() is None
    assert lower.asked == ["revision"]
    now[0] += 4.9
    assert store.revision() is None
    assert lower.asked == ["revision"]
    now[0] += 0.1
    for _ in range(3):
        assert store.revision() is None
    assert lower.asked == ["revision", "revision"]
    lower.error = None
    now[0] += 5.0
    for _ in range(3):
        assert store.revision() is not None
    assert lower.asked == ["revision"] * 5
    assert [record.message for record in caplog.records] == [
        "LayeredStore goes on without a layer that failed: layer 2, Reads: no route to host"
    ]


def test_while_one_request_asks_again_the_others_go_on(now):
    lower = Reads(error=down())
    store = LayeredStore(Reads(), lower)
    assert store.revision() is None
    others = []
    read, lower.error = lower.revision, None

    def slow():
        others.append(store.revision())
        return read()

    store._revisions[1] = slow
    now[0] += 5.0
    assert store.revision() is not None
    assert others == [None]


# Tokens of another form


def test_the_first_store_that_gives_ids_decides_under_which_a_text_may_stand():
    store = LayeredStore(Reads(), Knows("one", A), Knows("two", B), Knows("one", X))
    assert store.key_ids_for("one") == (A,)
    assert store.key_ids_for("two") == (B,)
    assert store.key_ids_for("three") == ()


def test_a_store_that_fails_hides_no_ids_of_another():
    broken = Knows("one", X, error=OSError("hunter2"))
    assert LayeredStore(broken, Knows("one", A)).key_ids_for("one") == (A,)
    assert LayeredStore(Knows("one", A), broken).key_ids_for("one") == (A,)


def test_a_text_that_none_knows_while_one_fails_is_no_401():
    broken = Knows("one", X, error=OSError("hunter2"))
    with pytest.raises(StoreUnavailable) as caught:
        LayeredStore(Knows("two", A), broken).key_ids_for("one")
    assert str(caught.value) == "layer 2, Knows: key_ids_for raised OSError"


# What is cached


def accepted(authenticator, token):
    try:
        return authenticator.authenticate(token).user_id
    except InvalidToken as error:
        return error.reason


def test_an_accepted_key_is_remembered_while_no_store_changes():
    issued = Keyring(MemoryStore()).create(user_id="user_123")
    upper, lower = Reads(), Reads([issued.record])
    authenticator = Authenticator(LayeredStore(upper, lower))
    for _ in range(3):
        assert accepted(authenticator, issued.token) == "user_123"
    assert lower.asked.count("get") == 1
    upper.number += 1
    assert accepted(authenticator, issued.token) == "user_123"
    assert lower.asked.count("get") == 2


def test_a_key_that_an_upper_store_ends_is_refused_at_once():
    issued = Keyring(MemoryStore()).create(user_id="user_123")
    upper, lower = Reads(), Reads([issued.record])
    authenticator = Authenticator(LayeredStore(upper, lower))
    assert accepted(authenticator, issued.token) == "user_123"
    upper.number += 1
    upper.records[issued.key_id] = revoked(issued)
    assert accepted(authenticator, issued.token) == "revoked"


def revoked(issued):
    secrets = issued.record.secrets
    return KeyRecord(key_id=issued.key_id, user_id="u", status="revoked", secrets=secrets)


def test_what_counted_while_an_upper_store_failed_is_not_remembered():
    issued = Keyring(MemoryStore()).create(user_id="user_123")
    upper = Reads([revoked(issued)])
    authenticator = Authenticator(LayeredStore(upper, Reads([issued.record])))
    get, upper.get = upper.get, None  # get alone fails: the revision never moves
    assert accepted(authenticator, issued.token) == "user_123"
    upper.get = get
    assert accepted(authenticator, issued.token) == "revoked"


def test_what_counted_while_an_upper_store_knew_no_ids_is_not_remembered():
    text = "their-old-token-0123456789"
    digest = "$sha256$" + sha256(text.encode()).hexdigest()
    secrets = [Secret(hash=digest, created_at=NOW)]
    upper = Knows(text, A, records=[sample("a", secrets=secrets, status="revoked")])
    lower = Knows(text, B, records=[sample("b", secrets=secrets)])
    authenticator = Authenticator(LayeredStore(upper, lower))
    key_ids_for, upper.key_ids_for = upper.key_ids_for, lambda text: 1 / 0
    assert accepted(authenticator, text) == "user_123"
    upper.key_ids_for = key_ids_for
    assert accepted(authenticator, text) == "revoked"


def test_a_key_of_an_upper_store_is_remembered_again_once_the_lower_one_is_back(now):
    issued = Keyring(MemoryStore()).create(user_id="user_123")
    upper, lower = Reads([issued.record]), Reads(error=down())
    authenticator = Authenticator(LayeredStore(upper, lower))
    for _ in range(3):
        assert accepted(authenticator, issued.token) == "user_123"
    assert upper.asked.count("get") == 3
    lower.error = None
    now[0] += 5
    for _ in range(3):
        assert accepted(authenticator, issued.token) == "user_123"
    assert upper.asked.count("get") == 4


# Through the door


def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [get_principal(environ).user_id.encode()]


def status(bearer_auth, token):
    return Client(bearer_auth).get("/", headers={"Authorization": f"Bearer {token}"}).status_code


def test_a_key_of_the_environment_works_while_the_database_is_down(store, path, now, sink):
    in_env = Keyring(MemoryStore()).create(user_id="ops").token
    unminted = "a-token-of-somebody-else"
    environ = {"BEARER_AUTH_KEY_OPS": in_env, "BEARER_AUTH_KEY_OTHER": unminted}
    layered = LayeredStore(EnvStore(environ=environ), store)
    keyring = Keyring(layered)
    in_sql, unknown = keyring.create(user_id="user_123").token, keyring.create(user_id="u")
    keyring.revoke(unknown.key_id)
    keyring.purge()
    store.delete([unknown.key_id])
    tokens = [in_env, unminted, in_sql, unknown.token, "some-other-token"]
    auth = BearerAuth(app, layered, event_sink=sink)
    assert [status(auth, token) for token in tokens] == [200, 200, 200, 401, 401]

    store.close()
    moved = path.rename(path.with_name("moved.db"))
    assert [status(auth, token) for token in tokens] == [200, 200, 503, 503, 401]
    assert sink.events[-2].reason == "store"
    assert sink.events[-2].data["detail"].startswith("layer 2, SQLStore: ")

    moved.rename(path)
    now[0] += 5
    assert [status(auth, token) for token in tokens] == [200, 200, 200, 401, 401]
    auth.close()


# Usage, and the end


def test_uses_go_to_each_store_that_notes_them():
    upper, lower = Reads(), MemoryStore([sample("a")])
    store = LayeredStore(upper, lower)
    store.record_used([Use(A, "0011223344556677", NOW, 1), Use(X, "0011223344556677", NOW, 1)])
    expected = Usage(NOW, {"0011223344556677": NOW}, {date(2030, 1, 1): 1})
    assert store.usage_of([A, X]) == {A: expected}


def test_addresses_are_noted_if_a_store_asks_for_them():
    assert not LayeredStore(MemoryStore(), Reads()).record_address
    assert LayeredStore(Reads(), MemoryStore(record_address=True)).record_address


def test_a_store_that_fails_keeps_no_use_from_another():
    class Broken(Reads):
        def record_used(self, batch):
            raise down()

    for number in (0, 1):
        memory = MemoryStore([sample("a")])
        layers = [memory]
        layers.insert(number, Broken())
        with pytest.raises(StoreUnavailable):
            LayeredStore(*layers).record_used([Use(A, "0011223344556677", NOW, 1)])
        assert set(memory.usage_of([A])) == {A}


@pytest.mark.parametrize("value", [None, 5])
def test_a_store_that_notes_no_uses_is_passed_over(value):
    quiet = Reads([sample("a")])
    quiet.record_used = value
    assert LayeredStore(quiet).record_used is None
    assert LayeredStore(quiet, MemoryStore()).record_used is not None
    assert Authenticator(LayeredStore(quiet))._usage is None


def test_usage_is_taken_from_the_first_store_that_knows():
    class Notes(Reads):
        def __init__(self, usage):
            super().__init__()
            self.usage = usage

        def usage_of(self, key_ids):
            self.asked.append(list(key_ids))
            return {key_id: self.usage[key_id] for key_id in key_ids if key_id in self.usage}

    upper, lower = Notes({A: Usage(NOW)}), Notes({A: Usage(), B: Usage(NOW)})
    store = LayeredStore(upper, Reads(), lower)
    assert store.usage_of(iter([A, B, X, A])) == {A: Usage(NOW), B: Usage(NOW)}
    assert (upper.asked, lower.asked) == ([[A, B, X]], [[B, X]])


def test_all_are_closed_also_if_one_raises():
    closed = []

    class Closes(Reads):
        def close(self):
            closed.append(self)
            if self.error is not None:
                raise self.error

    layers = [Closes(), Closes(error=ValueError("first")), Reads(), Closes()]
    with pytest.raises(ValueError, match="first"):
        LayeredStore(*layers).close()
    assert sorted(map(id, closed)) == sorted(map(id, [layers[0], layers[1], layers[3]]))


# What it is made of


def test_it_needs_a_store():
    with pytest.raises(ConfigurationError, match=r"write LayeredStore\(upper, lower\)"):
        LayeredStore()


@pytest.mark.parametrize("layer", [None, "sqlite:///keys.db", MemoryStore, object()])
def test_what_is_no_store_is_refused(layer):
    with pytest.raises(TypeError, match="store must be an object"):
        LayeredStore(EnvStore(environ={}), layer)


def test_two_stores_that_can_be_written_to_are_refused_with_the_reason():
    with pytest.raises(ConfigurationError) as caught:
        LayeredStore(MemoryStore(), Reads(), MemoryStore())
    assert str(caught.value) == (
        "only one store of a LayeredStore can be one that is written to, because a change in two "
        "of them could be made by half; these are: layer 1, MemoryStore; layer 3, MemoryStore"
    )


def test_a_layered_store_can_be_a_layer():
    inner = LayeredStore(Reads([sample("a")]), MemoryStore())
    store = LayeredStore(Reads(), inner, LayeredStore(Reads([sample("b")])))
    Keyring(store).create(user_id="user_123")
    assert store.get(A) == sample("a")
    assert store.get(B) == sample("b")
    assert len(Keyring(inner).list()) == 1


def test_without_a_store_that_can_be_written_to_a_keyring_says_so():
    keyring = Keyring(LayeredStore(Reads([sample("a")]), EnvStore(environ={})))
    assert keyring.get(A) == sample("a")
    for action in (lambda: keyring.revoke(A), keyring.list, lambda: keyring.create(user_id="u")):
        with pytest.raises(ReadOnlyStore, match="LayeredStore is read-only"):
            action()


def test_its_repr_shows_those_of_its_stores():
    store = LayeredStore(EnvStore(environ={}), MemoryStore())
    assert repr(store) == (
        "LayeredStore(EnvStore(0 keys, prefix='BEARER_AUTH_KEY_'), MemoryStore(0 keys))"
    )


def test_its_stores_can_be_reached():
    upper, lower = EnvStore(environ={}), MemoryStore()
    assert LayeredStore(upper, lower).stores == (upper, lower)
