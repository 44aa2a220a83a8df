"""An app behind BearerAuth whose store is about to fail, and what it answers, logs and raises."""

import logging
import threading
import time
import traceback

import pytest

from bearer_auth import BearerAuth, Keyring, StoreUnavailable, get_principal
from bearer_auth.stores.sql import SQLStore
from bearer_auth.token import mint

from .own_servers import PASSWORD

PATIENCE_S = 10
"""Far above the time limits of the stores here: who has no answer by then hangs."""

WELCOME = ("200 OK", b"user_123")
INVALID = (
    "401 Unauthorized",
    b'{"success": false, "error": {"code": "UNAUTHORIZED", "message": "Invalid API key"}}',
)
AWAY = (
    "503 Service Unavailable",
    (
        b'{"success": false, "error": {"code": "SERVICE_UNAVAILABLE", '
        b'"message": "Service temporarily unavailable"}}'
    ),
)


class Keys:
    """Keys in the tables of a database, for tests that only read them."""

    def __init__(self, url, **options):
        store = SQLStore(url, create=True, **options)
        ring = Keyring(store)
        self.good = ring.create(user_id="user_123").token
        self.other = ring.create(user_id="user_123").token
        revoked = ring.create(user_id="user_123")
        ring.revoke(revoked.record.key_id)
        self.revoked = revoked.token
        self.unknown = mint("ba", "production")
        store.close()

    @property
    def all(self):
        return [self.good, self.other, self.revoked, self.unknown]


class Door(logging.Handler):
    """The app, and what its logger says."""

    def __init__(self, store, keys, call):
        super().__init__(logging.ERROR)
        self.store, self.keys, self._call = store, keys, call
        self.app = BearerAuth(self._hello, store)
        self.lines = []

    def emit(self, record):
        self.lines.append(self.format(record))

    @staticmethod
    def _hello(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [get_principal(environ).user_id.encode()]

    def ask(self, token):
        """The status and the body of an answer, which must come in time."""
        return self.ask_all([token])[0]

    def ask_all(self, tokens):
        """The answers to requests that are sent all at the same time."""
        answers = {}

        def ask(number, token):
            reply = self._call(self.app, HTTP_AUTHORIZATION=f"Bearer {token}")
            answers[number] = (reply.status, reply.body)

        in_time(*[(ask, number, token) for number, token in enumerate(tokens)])
        return [answers[number] for number in range(len(tokens))]

    def is_in_order(self):
        """Whether each key gets the answer that it should, at the first request."""
        return self.ask_all(self.keys.all) == [WELCOME, WELCOME, INVALID, INVALID]

    def failure(self):
        """What a look-up raises, as text: with its chain, and what a chain would hide."""
        with pytest.raises(StoreUnavailable) as caught:
            self.store.revision()
        return "".join(traceback.format_exception(caught.value)), hidden(caught.value)

    def close(self):
        self.app.close()
        self.store.close()


def hidden(error):
    """The texts of all the errors that an error holds on to."""
    texts, seen = [], []
    left = [error]
    while left:
        error = left.pop()
        if error is not None and error not in seen:
            seen.append(error)
            texts.append(f"{error!r} {error}")
            left += [error.__cause__, error.__context__]
    return "\n".join(texts)


def told(text, keys):
    """What a text has in it that it should not: a password, an address with one, a key, a hash."""
    secrets = (PASSWORD, "://", "$sha256$", *(key[-49:] for key in keys.all))
    return [secret for secret in secrets if secret in text]


def in_time(*calls):
    """Run calls, ``(function, *arguments)``, in a thread each; one that hangs fails the test."""
    errors = []

    def run(function, *arguments):
        try:
            function(*arguments)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=call, daemon=True) for call in calls]
    for thread in threads:
        thread.start()
    end = time.monotonic() + PATIENCE_S
    for thread in threads:
        thread.join(max(end - time.monotonic(), 0))
    hanging = sum(thread.is_alive() for thread in threads)
    assert not hanging, f"{hanging} of {len(threads)} hang"
    if errors:
        raise errors[0]
