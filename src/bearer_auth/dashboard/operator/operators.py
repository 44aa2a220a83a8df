"""Operators: who they are, and how they sign in and out. No page is made here."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

from werkzeug.http import parse_cookie

from ...errors import ConfigurationError
from ...events import Emitter, EventSink
from ...stores.beside import database_of
from ...stores.sql_prepare import prepare
from ...values import Clock
from ..people import DashboardUser
from ..signing import signing_secret
from .accounts import Account, Accounts, check_name
from .links import Links
from .passwords import Passwords, hash_password
from .sessions import Sessions
from .throttle import Throttle

COOKIE = "bearer_auth_session"
"""The name of the cookie with a session."""


class Client(NamedTuple):
    """Where a request came from.

    Attributes:
        address: REMOTE_ADDR.
        request_id: The id of the request.
    """

    address: str | None = None
    request_id: str | None = None


class Answer(NamedTuple):
    """What came of an attempt to sign in.

    Attributes:
        token: What belongs into the cookie; ``None``: it was refused.
        wait_s: If there were too many attempts, after how many seconds another one may be made.
    """

    token: str | None = None
    wait_s: int | None = None


class Operators:
    """The operators of a store's dashboard. All that they need is in the store's database, so any
    number of workers agree, and a restart signs no one out.

    Beside what each method names, all raise ``StoreUnavailable`` if the database can't answer.

    Args:
        store: A store that keeps its keys in a database.
        event_sink: Where sign-ins are told; by default ``logging.getLogger("bearer_auth")``.
        clock: Seconds since 1970; for tests.

    Raises:
        ConfigurationError: The store is in no database.
        StoreUnavailable: Tables are missing. A server that doesn't answer is no reason to fail.
    """

    def __init__(
        self,
        store: object,
        *,
        event_sink: EventSink | None = None,
        clock: Clock = time.time,
    ) -> None:
        found = database_of(store)
        if found is None:
            raise ConfigurationError(
                "operators sign in to a dashboard whose store is in a database, such as "
                f"SQLStore; this one is a {type(store).__name__}"
            )
        database, tables = found
        needed = [tables.settings, tables.accounts, tables.sessions, tables.once]
        prepare(store, database, tables, needed, create=False, meanwhile="nobody can sign in")
        self._store = store
        self._events = Emitter(event_sink)
        self._accounts = Accounts(database, tables, clock)
        self._sessions = Sessions(database, tables, clock)
        self._throttle = Throttle(database, tables)
        self._passwords = Passwords()
        self._found = found
        self._clock = clock
        self._made_links: Links | None = None

    def identify(self, environ: dict[str, Any]) -> DashboardUser | None:
        """Whose session the cookie of a request is, for ``create_dashboard(identify=…)``."""
        account = self._sessions.account_of(cookie_of(environ))
        if account is None:
            return None
        return DashboardUser(account, may_manage_all=True)

    def set_password(self, account: str, password: str) -> None:
        """Set the password of an account, which is made if there is none. All its sessions end,
        and links made for it are void.

        Args:
            account: Its name: letters, digits, ``.``, ``_``, ``@`` and ``-``, 64 at most.
            password: 12 to 1024 characters.

        Raises:
            ConfigurationError: The name or the password is out of bounds; neither is quoted.
            Conflict: Others keep making the account at the same time.
        """
        check_name(account)
        self._accounts.set_password(account, hash_password(password))
        self._events.emit("operator.password_set", data={"account": account})

    def make_link(self, account: str) -> str:
        """The token of a link to sign in by, once and within ten minutes; it needs no password.

        Raises:
            ConfigurationError: That is no name of an account.
        """
        return self._links().make(self._accounts.get(check_name(account)))

    def sign_in(self, account: str, password: str, client: Client) -> Answer:
        """Sign in with a password."""
        wait_s = self._throttle.wait_s(account, client.address)
        if wait_s is not None:
            self._refused("attempts", client, None)
            return Answer(wait_s=wait_s)
        known = self._accounts.get(account)
        if not self._passwords.is_right(known.password_hash, password):
            self._refused("password", client, None if known.password_hash is None else known)
            return Answer()
        return self._begin(known, "password", client)

    def sign_in_by_link(self, token: str, client: Client) -> Answer:
        """Sign in by a link, which is used up. It isn't throttled, so that nobody can shut the
        operators out by trying passwords; nor can it be guessed."""
        account = self._links().use(token)
        if account is None:
            self._refused("link", client, None)
            return Answer()
        return self._begin(account, "link", client)

    def is_live_link(self, token: str) -> bool:
        """Whether a link is one of ours that hasn't ended and wasn't used."""
        return self._links().is_live(token)

    def sign_out(self, token: str, client: Client) -> None:
        """End a session."""
        account = self._sessions.account_of(token)
        self._sessions.end(token)
        if account is not None:
            self._tell("operator.signed_out", client, data={"account": account})

    def end_session(self, token: str) -> None:
        """End a session that another one takes the place of."""
        self._sessions.end(token)

    def _begin(self, account: Account, how: str, client: Client) -> Answer:
        token = self._sessions.begin(account)
        if token is None:  # the password was changed since
            self._refused(how, client, account)
            return Answer()
        self._tell("operator.signed_in", client, data={"account": account.name, "how": how})
        return Answer(token)

    def _refused(self, reason: str, client: Client, account: Account | None) -> None:
        data = {} if account is None else {"account": account.name}
        self._tell("operator.sign_in_refused", client, reason=reason, data=data)

    def _tell(self, name: str, client: Client, **fields: Any) -> None:
        self._events.emit(name, address=client.address, request_id=client.request_id, **fields)

    def _links(self) -> Links:
        # Made when they are needed first: a worker may start while the database is away.
        if self._made_links is None:
            self._made_links = Links(signing_secret(self._store), *self._found, self._clock)
        return self._made_links


def cookie_of(environ: dict[str, Any]) -> str:
    """The session in the cookie of a request; empty if there is none."""
    return parse_cookie(environ).get(COOKIE, "")
