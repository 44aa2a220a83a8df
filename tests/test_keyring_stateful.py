"""Any order of changes of keys, against a model written out by hand, over every writable store.

The model knows nothing of records: only which texts were handed out, until when each of them is
good, and what was done to its key.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
)

from bearer_auth import (
    Authenticator,
    ConfigurationError,
    InvalidToken,
    KeyExists,
    KeyInactive,
    KeyNotFound,
    Keyring,
    MemoryStore,
    RotationInProgress,
)
from bearer_auth.stores.sql import SQLStore
from bearer_auth.testing import FakeClock
from bearer_auth.token import mint

USERS = ("user_1", "user_2")
SECONDS = st.integers(1, 100).map(lambda number: timedelta(seconds=number))
GRACES = st.one_of(st.just(timedelta(0)), SECONDS)


@dataclass
class Key:
    """What is known of a key from having asked for it."""

    user_id: str
    plan: str = "default"
    ends: datetime | None = None
    suspended: bool = False
    revoked: datetime | None = None
    newest: str = ""
    graced: dict[str, datetime] = field(default_factory=dict)

    def expired(self, now: datetime) -> bool:
        return self.ends is not None and now >= self.ends

    def dead_since(self) -> datetime | None:
        return self.revoked or self.ends

    def good(self, token: str, now: datetime) -> bool:
        if self.suspended or self.revoked is not None or self.expired(now):
            return False
        return token == self.newest or (token in self.graced and now < self.graced[token])


class KeyringMachine(RuleBasedStateMachine):
    """The rules. A subclass says over which store."""

    ids = Bundle("ids")

    @contextmanager
    def new_store(self) -> Iterator[Any]:
        raise NotImplementedError
        yield

    @initialize()
    def begin(self) -> None:
        self.clock = FakeClock()
        self.opened = self.new_store()
        self.store = self.opened.__enter__()
        self.keyring = Keyring(self.store, peppers=["pepper"], clock=self.clock)
        self.authenticator = Authenticator(self.store, peppers=["pepper"], clock=self.clock)
        self.keys: dict[str, Key] = {}
        self.tokens: dict[str, str] = {}  # each text that was ever handed out, and its key

    def teardown(self) -> None:
        self.authenticator.close()
        self.opened.__exit__(None, None, None)

    def hand_out(self, key_id: str, token: str, key: Key) -> None:
        self.keys[key_id] = key
        self.tokens[token] = key_id
        key.newest = token

    @rule(target=ids, user_id=st.sampled_from(USERS), lifetime=st.none() | SECONDS)
    def create(self, user_id: str, lifetime: timedelta | None) -> str:
        issued = self.keyring.create(user_id=user_id, expires_in=lifetime)
        ends = None if lifetime is None else self.clock.now + lifetime
        self.hand_out(issued.key_id, issued.token, Key(user_id, ends=ends))
        return issued.key_id

    @rule(target=ids, user_id=st.sampled_from(USERS))
    def import_token(self, user_id: str) -> str:
        token = mint("other", "production")
        record = self.keyring.import_token(token, user_id=user_id)
        self.hand_out(record.key_id, token, Key(user_id))
        return record.key_id

    @rule(target=ids, key_id=ids)
    def import_again(self, key_id: str) -> Any:
        known = self.keys.get(key_id)
        if known is not None:
            with pytest.raises(KeyExists):
                self.keyring.import_token(known.newest, user_id="user_3")
        return multiple()

    @rule(key_id=ids, grace=GRACES, if_rotating=st.sampled_from(["refuse", "discard_new"]))
    def rotate(self, key_id: str, grace: timedelta, if_rotating: Any) -> None:
        now = self.clock.now
        key = self.keys.get(key_id)
        if key is None:
            with pytest.raises(KeyNotFound):
                self.keyring.rotate(key_id, grace, if_rotating=if_rotating)
            return
        if key.revoked is not None or key.expired(now):
            with pytest.raises(KeyInactive):
                self.keyring.rotate(key_id, grace, if_rotating=if_rotating)
            return
        running = {token: end for token, end in key.graced.items() if now < end}
        if running and grace and if_rotating == "refuse":
            with pytest.raises(RotationInProgress):
                self.keyring.rotate(key_id, grace, if_rotating=if_rotating)
            return
        issued = self.keyring.rotate(key_id, grace, if_rotating=if_rotating)
        assert issued.key_id == key_id
        end = now + grace if key.ends is None else min(now + grace, key.ends)
        if not grace:
            key.graced = {}
        elif running:
            key.graced = {token: min(end, earlier) for token, earlier in running.items()}
        else:
            key.graced = {key.newest: end}
        self.hand_out(key_id, issued.token, key)

    @rule(key_id=ids)
    def finish_rotation(self, key_id: str) -> None:
        key = self.keys.get(key_id)
        if key is None:
            with pytest.raises(KeyNotFound):
                self.keyring.finish_rotation(key_id)
            return
        self.keyring.finish_rotation(key_id)
        key.graced = {}

    @rule(key_id=ids, plan=st.sampled_from(["free", "pro"]))
    def update_plan(self, key_id: str, plan: str) -> None:
        self.change(key_id, lambda: self.keyring.update(key_id, plan=plan), plan=plan)

    @rule(key_id=ids, lifetime=st.none() | SECONDS)
    def update_end(self, key_id: str, lifetime: timedelta | None) -> None:
        ends = None if lifetime is None else self.clock.now + lifetime
        self.change(key_id, lambda: self.keyring.update(key_id, expires_at=ends), ends=ends)

    @rule(key_id=ids)
    def update_nonsense(self, key_id: str) -> None:
        with pytest.raises((ConfigurationError, KeyNotFound, KeyInactive)):
            self.keyring.update(key_id, plan="")

    @rule(key_id=ids)
    def suspend(self, key_id: str) -> None:
        self.change(key_id, lambda: self.keyring.suspend(key_id), suspended=True)

    @rule(key_id=ids)
    def resume(self, key_id: str) -> None:
        self.change(key_id, lambda: self.keyring.resume(key_id), suspended=False)

    def change(self, key_id: str, call: Any, **changes: Any) -> None:
        """A change that only a key that isn't revoked can have."""
        key = self.keys.get(key_id)
        if key is None:
            with pytest.raises(KeyNotFound):
                call()
        elif key.revoked is not None:
            with pytest.raises(KeyInactive):
                call()
        else:
            call()
            for name, value in changes.items():
                setattr(key, name, value)

    @rule(key_id=ids)
    def revoke(self, key_id: str) -> None:
        key = self.keys.get(key_id)
        if key is None:
            with pytest.raises(KeyNotFound):
                self.keyring.revoke(key_id)
            return
        self.keyring.revoke(key_id)
        key.revoked = key.revoked or self.clock.now

    @rule(user_id=st.sampled_from(USERS))
    def revoke_all_of_a_user(self, user_id: str) -> None:
        living = [
            key for key in self.keys.values() if key.user_id == user_id and key.revoked is None
        ]
        assert self.keyring.revoke_all(user_id=user_id) == len(living)
        for key in living:
            key.revoked = self.clock.now

    @rule(key_ids=st.lists(ids, max_size=3))
    def revoke_all_by_id(self, key_ids: list[str]) -> None:
        living = [
            key for key_id, key in self.keys.items() if key_id in key_ids and key.revoked is None
        ]
        assert self.keyring.revoke_all(key_ids=key_ids) == len(living)
        for key in living:
            key.revoked = self.clock.now

    @rule(dead_for=GRACES)
    def purge(self, dead_for: timedelta) -> None:
        now = self.clock.now
        gone = [
            key_id
            for key_id, key in self.keys.items()
            if (key.revoked is not None or key.expired(now))
            and (since := key.dead_since()) is not None
            and since < now - dead_for
        ]
        assert self.keyring.purge(dead_for) == len(gone)
        for key_id in gone:
            del self.keys[key_id]

    @rule(by=SECONDS)
    def wait(self, by: timedelta) -> None:
        self.clock.advance(by)

    @invariant()
    def just_the_good_texts_are_accepted(self) -> None:
        now = self.clock.now
        for token, key_id in self.tokens.items():
            key = self.keys.get(key_id)
            try:
                principal = self.authenticator.authenticate(token)
            except InvalidToken:
                assert key is None or not key.good(token, now)
            else:
                assert key is not None
                assert key.good(token, now)
                assert principal.key_id == key_id
                assert (principal.user_id, principal.plan) == (key.user_id, key.plan)

    @invariant()
    def the_list_has_each_key_in_its_state(self) -> None:
        now = self.clock.now
        expected: dict[str, set[str]] = {
            "active": set(),
            "suspended": set(),
            "expired": set(),
            "revoked": set(),
        }
        for key_id, key in self.keys.items():
            if key.revoked is not None:
                state = "revoked"
            elif key.expired(now):
                state = "expired"
            else:
                state = "suspended" if key.suspended else "active"
            expected[state].add(key_id)
        for name, ids in expected.items():
            page = self.keyring.list(status=name, limit=1000)  # type: ignore[arg-type]
            assert {record.key_id for record in page} == ids


class InMemory(KeyringMachine):
    @contextmanager
    def new_store(self) -> Iterator[MemoryStore]:
        yield MemoryStore()


class InSQLite(KeyringMachine):
    @contextmanager
    def new_store(self) -> Iterator[SQLStore]:
        with tempfile.TemporaryDirectory() as folder:
            store = SQLStore(f"sqlite:///{Path(folder) / 'keys.db'}")
            yield store
            store.close()


TestInMemory = InMemory.TestCase
TestInMemory.settings = settings(max_examples=60, stateful_step_count=30)
TestInSQLite = InSQLite.TestCase
TestInSQLite.settings = settings(max_examples=6, stateful_step_count=20)
