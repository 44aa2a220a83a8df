"""What ``idempotency=`` adds to a request, and what its stores take beside the raw statements.

Those are, on the driver's own cursor: for a new request the INSERT that claims it if nobody has,
and the UPDATE that keeps the answer; for a replay the same INSERT, and a SELECT. For Redis the
scripts of the store itself, on a connection of its own.
"""

from __future__ import annotations

import io
import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import redis
from databases import NAMES, Databases
from drivers import kept_cursor
from report import Report
from request import App, Environ, bearer, start_response
from timing import Block, in_turns, medians, repeated
from trips import Relay

from bearer_auth import BearerAuth, Keyring, MemoryStore
from bearer_auth.idempotency import (
    Answer,
    IdempotencyStore,
    MemoryIdempotencyStore,
    RedisIdempotencyStore,
    SQLIdempotencyStore,
)
from bearer_auth.idempotency.redis import _CLAIM, _FINISH
from bearer_auth.stores.sql import SQLStore

MOST_WITHOUT_US = 0.3
MOST_MEMORY_US = 40.0
MOST_TIMES = 1.3
MOST_TRIPS = 2

KEYS = 50
"""API keys that take turns: each has room for so many requests only."""

BODY = b'{"input": "' + b"x" * 1011 + b'"}'
HEADERS = [("Content-Type", "application/json"), ("Content-Length", str(len(BODY)))]

WITHOUT, NEW, REPLAY = KINDS = ("without the header", "new request", "replay")
BY_HAND = "SET NX by hand, Redis"


def run(databases: Databases, report: Report, rounds: int, calls: int) -> None:
    with ExitStack() as stack:
        stores = _stores(databases, stack)
        _added(databases, report, stores, stack, rounds, calls)
        _statements(databases, report, stores, stack, rounds, calls)
        _trips(databases, report, stack)


def _added(
    databases: Databases,
    report: Report,
    stores: dict[str, IdempotencyStore],
    stack: ExitStack,
    rounds: int,
    calls: int,
) -> None:
    report.title("added µs a request by idempotency=, with bodies of 1 KiB")
    keys = MemoryStore()
    keyring = Keyring(keys)
    tokens = [keyring.create(user_id="user_123", plan="pro").token for _ in range(KEYS)]
    plain = BearerAuth(_app, keys)
    apps: dict[str, App] = {
        name: BearerAuth(_app, keys, idempotency=store) for name, store in stores.items()
    }
    if databases.redis is not None:
        client = stack.enter_context(redis.Redis.from_url(databases.redis))
        apps[BY_HAND] = BearerAuth(SetNX(_app, client, databases.mark), keys)
    blocks: dict[tuple[str, str, bool], Block] = {}
    for name, app in apps.items():
        for kind in KINDS:
            for with_it, each in ((False, plain), (True, app)):
                blocks[name, kind, with_it] = _posts(each, tokens, _values(kind))
    seen = in_turns(blocks, rounds, calls)
    added = medians(
        {
            (name, kind): [
                after - before
                for before, after in zip(
                    seen[name, kind, False], seen[name, kind, True], strict=True
                )
            ]
            for name in apps
            for kind in KINDS
        }
    )
    rows = [(name, *(f"{added[name, kind]:,.2f}" for kind in KINDS)) for name in apps]
    report.table((f"median of {rounds} rounds", *KINDS), rows)
    report.target("idempotency, no header", added["memory", WITHOUT], MOST_WITHOUT_US, "µs")
    for kind in (NEW, REPLAY):
        report.target(f"idempotency in memory, {kind}", added["memory", kind], MOST_MEMORY_US, "µs")


def _statements(
    databases: Databases,
    report: Report,
    stores: dict[str, IdempotencyStore],
    stack: ExitStack,
    rounds: int,
    calls: int,
) -> None:
    report.title("µs for the store's part of a request, beside the raw statements")
    names = [name for name in stores if name != "memory"]
    blocks: dict[tuple[str, str, bool], Block] = {}
    for name in names:
        raw = _raw(databases, name, stack)
        for kind, call in zip((NEW, REPLAY), raw, strict=True):
            blocks[name, kind, False] = repeated(call)
        for kind, call in zip((NEW, REPLAY), _steps(stores[name]), strict=True):
            blocks[name, kind, True] = repeated(call)
    seen = in_turns(blocks, rounds, calls)
    times = medians(seen)
    ratios = medians(
        {
            (name, kind): [
                ours / raw
                for raw, ours in zip(seen[name, kind, False], seen[name, kind, True], strict=True)
            ]
            for name in names
            for kind in (NEW, REPLAY)
        }
    )
    rows = []
    for name in names:
        cells = []
        for kind in (NEW, REPLAY):
            ours = f"{times[name, kind, True]:,.1f} {ratios[name, kind]:>6.2f} ×"
            cells += [f"{times[name, kind, False]:,.1f}", ours]
        rows.append((name, *cells))
    heads = ("raw, new", "store, new", "raw, replay", "store, replay")
    report.table((f"median of {rounds} rounds", *heads), rows)
    for (name, kind), ratio in ratios.items():
        report.target(f"idempotency, {name}, {kind}", ratio, MOST_TIMES, "× the raw statements")


def _trips(databases: Databases, report: Report, stack: ExitStack) -> None:
    rows = []
    for name, url in databases.urls().items():
        relay = stack.enter_context(closing(Relay(url)))
        if url.startswith("redis"):
            store: Any = RedisIdempotencyStore(relay.url, prefix=databases.mark)
        else:
            SQLStore(url, create=True).close()
            store = SQLIdempotencyStore(relay.url)
        stack.enter_context(closing(store))
        new, replay = _steps(store)
        for call in (new, replay) * KEYS:  # once in 100 claims the records of a key are counted
            call()
        rows.append((name, *(relay.trips(call) for call in (new, replay))))
    report.table(("round trips", NEW, REPLAY), [tuple(map(str, row)) for row in rows])
    for name, *trips in rows:
        report.target(f"idempotency, {name}", max(trips), MOST_TRIPS, "round trips")


def _stores(databases: Databases, stack: ExitStack) -> dict[str, IdempotencyStore]:
    stores: dict[str, Any] = {
        "memory": MemoryIdempotencyStore(max_records=10**7, records_per_key=10**6)
    }
    for backend in databases.all:
        url = databases.common(backend)
        SQLStore(url, create=True).close()
        stores[NAMES[backend]] = SQLIdempotencyStore(url, records_per_key=10**6)
    if databases.redis is not None:
        stores["Redis"] = RedisIdempotencyStore(
            databases.redis, prefix=databases.mark, records_per_key=10**6
        )
    for store in stores.values():
        stack.enter_context(closing(store))
    return stores


def _app(environ: Environ, start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", HEADERS)
    return [BODY]


class SetNX:
    """What is often written by hand: SET NX, run the app, SET its answer. No lease that a crash
    would end early, no fingerprint, no owner of the key; what streams is read to its end."""

    def __init__(self, app: App, client: Any, mark: str) -> None:
        self.app = app
        self.client = client
        self.mark = mark

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        value = environ.get("HTTP_X_IDEMPOTENCY_KEY")
        if value is None:
            return self.app(environ, start_response)
        name = self.mark + value
        if not self.client.set(name, b"", nx=True, ex=3600):
            kept = self.client.get(name)
            start_response("200 OK" if kept else "409 Conflict", HEADERS)
            return [kept]
        body = b"".join(self.app(environ, start_response))
        self.client.set(name, body, ex=3600)
        return [body]


_numbers = itertools.count()


def _fresh() -> str:
    return f"{next(_numbers):064d}"


def _values(kind: str) -> Callable[[], str | None]:
    same = _fresh()
    return {WITHOUT: lambda: None, NEW: _fresh, REPLAY: lambda: same}[kind]


def _posts(app: App, tokens: list[str], value: Callable[[], str | None]) -> Block:
    """POSTs one after the other, each with a body of its own."""
    environs: Iterator[Environ] = itertools.cycle(
        {
            **bearer(token),
            "REQUEST_METHOD": "POST",
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(BODY)),
        }
        for token in tokens
    )

    def made() -> Environ:
        environ = {**next(environs), "wsgi.input": io.BytesIO(BODY)}
        sent = value()
        return environ if sent is None else {**environ, "HTTP_X_IDEMPOTENCY_KEY": sent}

    def block(calls: int) -> float:
        requests = [made() for _ in range(calls)]
        begin = time.perf_counter()
        for environ in requests:
            for _ in app(environ, start_response):
                pass
        return time.perf_counter() - begin

    return block


_ANSWER = Answer("200 OK", tuple(HEADERS), BODY)
_FINGERPRINT, _FENCE = "f" * 64, "e" * 32


def _steps(store: IdempotencyStore) -> tuple[Callable[[], object], Callable[[], object]]:
    """What the layer asks of a store for a new request, and for a replay."""
    owners = itertools.cycle([f"store{n:011d}" for n in range(KEYS)])

    def new() -> None:
        this = next(owners), _fresh()
        assert store.claim(*this, _FINGERPRINT, _FENCE) is None
        assert store.finish(*this, _FENCE, _ANSWER)

    same = next(owners), _fresh()
    store.claim(*same, _FINGERPRINT, _FENCE)
    store.finish(*same, _FENCE, _ANSWER)

    def replay() -> None:
        found = store.claim(*same, _FINGERPRINT, "d" * 32)
        assert found is not None
        assert found.answer is not None

    return new, replay


def _raw(
    databases: Databases, name: str, stack: ExitStack
) -> tuple[Callable[[], object], Callable[[], object]]:
    """The same by hand, with the least that it takes."""
    if name == "Redis":
        assert databases.redis is not None
        return _raw_redis(databases.redis, databases.mark, stack)
    backend = next(backend for backend, its_name in NAMES.items() if its_name == name)
    execute = stack.enter_context(kept_cursor(databases.common(backend)))
    owners = itertools.cycle([f"rawly{n:011d}" for n in range(KEYS)])
    insert = (
        f"INSERT{' IGNORE' if backend == 'mariadb' else ''} INTO bearer_auth_requests (key_id, "
        "value, fingerprint, fence, state, lease_until, boot, expires_at) VALUES (%s, %s, %s, %s, "
        f"%s, %s, %s, %s){'' if backend == 'mariadb' else ' ON CONFLICT DO NOTHING'}"
    )
    update = (
        "UPDATE bearer_auth_requests SET state = %s, status = %s, headers = %s, body = %s "
        "WHERE key_id = %s AND value = %s AND fence = %s"
    )
    select = (
        "SELECT fingerprint, fence, state, lease_until, expires_at, boot, status, headers, body "
        "FROM bearer_auth_requests WHERE key_id = %s AND value = %s"
    )
    end = (int(time.time()) + 86_400) * 1_000_000

    def claim(key_id: str, value: str) -> bool:
        values = (key_id, value, _FINGERPRINT, _FENCE, 0, end, "", end)
        return bool(execute(insert, values).rowcount == 1)

    def new() -> None:
        this = next(owners), _fresh()
        assert claim(*this)
        execute(update, (1, "200 OK", _HEADERS_TEXT, BODY, *this, _FENCE))

    same = next(owners), _fresh()
    claim(*same)
    execute(update, (1, "200 OK", _HEADERS_TEXT, BODY, *same, _FENCE))

    def replay() -> None:
        assert not claim(*same)
        assert execute(select, same).fetchall()[0][2] == 1

    return new, replay


_HEADERS_TEXT = '[["Content-Type", "application/json"], ["Content-Length", "1024"]]'


def _raw_redis(
    url: str, mark: str, stack: ExitStack
) -> tuple[Callable[[], object], Callable[[], object]]:
    client: Any = stack.enter_context(redis.Redis.from_url(url, single_connection_client=True))
    claiming, finishing = client.script_load(_CLAIM), client.script_load(_FINISH)
    owners = itertools.cycle([f"rawly{n:011d}" for n in range(KEYS)])
    times = 60_000, 86_400_000, 10**6

    def names(owner: str, value: str) -> tuple[str, str]:
        of_key = f"{mark}{{{owner}}}"
        return f"{of_key}:{value}", of_key

    def claim(*name: str) -> Any:
        return client.execute_command("EVALSHA", claiming, 2, *name, _FENCE, _FINGERPRINT, *times)

    def finish(*name: str) -> None:
        kept = "done", "200 OK", _HEADERS_TEXT, BODY
        client.execute_command("EVALSHA", finishing, 2, *name, _FENCE, *kept)

    def new() -> None:
        name = names(next(owners), _fresh())
        assert claim(*name) == [b"claimed"]
        finish(*name)

    same = names(next(owners), _fresh())
    claim(*same)
    finish(*same)

    def replay() -> None:
        assert claim(*same)[0] == b"done"

    return new, replay
