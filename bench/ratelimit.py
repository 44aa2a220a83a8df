"""What ``rate_limits=`` adds to a request, beside ``limits`` alone, a raw statement, Flask-Limiter.

The raw statement counts and reads, and knows no windows: an upsert that adds one and returns the
count; in Redis the two scripts of ``limits`` in one pipeline, on a connection of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing, suppress
from datetime import timedelta
from typing import Any

import redis
from databases import NAMES, Databases
from drivers import kept_cursor
from flask import Flask
from flask_limiter import Limiter
from limits import parse
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from report import Report
from request import BODY, HEADERS, Environ, app, bearer, requests
from timing import Block, Name, in_turns, medians, repeated
from trips import Relay

from bearer_auth import Authenticator, BearerAuth, InvalidToken, Keyring, KeyStore, MemoryStore
from bearer_auth.errors import RateLimited
from bearer_auth.ratelimit import RateLimits
from bearer_auth.ratelimit.redis import OneTripRedisStorage
from bearer_auth.ratelimit.sql import SQLStorage
from bearer_auth.stores.sql import SQLStore
from bearer_auth.token import mint

LIMIT = "1000000000/minute"
"""So much that nothing is refused."""

AMOUNT, LENGTH_S = 1_000_000_000, 60

MOST_OVER_LIMITS_US = 10.0
MOST_TRIPS = 1
MOST_PROVEN_US = 0.1

ALONE = "limits alone, memory"


def run(databases: Databases, report: Report, rounds: int, calls: int) -> None:
    with ExitStack() as stack:
        _added(databases, report, stack, rounds, calls)
        _statements(databases, report, stack, rounds, calls)
        _trips(databases, report, stack)
        _beside_flask_limiter(databases, report, stack, rounds, calls)
        _failures(databases, report, stack, rounds, calls)


def _added(databases: Databases, report: Report, stack: ExitStack, rounds: int, calls: int) -> None:
    report.title("added µs a request by rate_limits=")
    keys, environ = _key(databases)
    plain = BearerAuth(app, keys)
    pairs: dict[str, tuple[Block, Block]] = {}
    for name, storage in _storages(databases).items():
        limited = BearerAuth(app, keys, rate_limits=RateLimits(default=LIMIT, storage=storage))
        stack.enter_context(closing(limited))
        pairs[name] = requests(plain, [environ]), requests(limited, [environ])
    limiter, item = SlidingWindowCounterRateLimiter(MemoryStorage()), parse(LIMIT)

    def alone() -> None:
        limiter.hit(item, "user_123")
        limiter.get_window_stats(item, "user_123")

    pairs[ALONE] = _nothing, repeated(alone)
    added = _differences(pairs, rounds, calls)
    report.table(
        (f"median of {rounds} rounds", "added"),
        [(name, f"{us:,.2f}") for name, us in added.items()],
    )
    over = added["memory"] - added[ALONE]
    report.target("rate limit in memory, over limits alone", over, MOST_OVER_LIMITS_US, "µs")


def _statements(
    databases: Databases, report: Report, stack: ExitStack, rounds: int, calls: int
) -> None:
    report.title("µs to count a request, beside the raw statement")
    blocks: dict[tuple[str, bool], Block] = {}
    for backend in databases.all:
        url = databases.common(backend)
        SQLStore(url, create=True).close()
        execute = stack.enter_context(kept_cursor(url))
        storage = SQLStorage(url_or_engine=url)
        stack.enter_context(closing(storage))
        name = NAMES[backend]
        blocks[name, False] = repeated(_upsert(execute, backend == "mariadb"))
        blocks[name, True] = repeated(lambda take=storage.take: take("store", AMOUNT, LENGTH_S))
    if databases.redis is not None:
        ours = OneTripRedisStorage(databases.redis)
        names = databases.mark + "store"
        blocks["Redis", False] = repeated(_two_scripts(databases.redis, databases.mark, stack))
        blocks["Redis", True] = repeated(lambda: ours.take(names, AMOUNT, LENGTH_S))
    seen = in_turns(blocks, rounds, calls)
    times = medians(seen)
    ratios = medians(
        {
            name: [
                ours / raw for raw, ours in zip(seen[name, False], seen[name, True], strict=True)
            ]
            for name, ours in blocks
            if ours
        }
    )
    rows = [
        (name, f"{times[name, False]:,.1f}", f"{times[name, True]:,.1f} {ratio:>6.2f} ×")
        for name, ratio in ratios.items()
    ]
    report.table((f"median of {rounds} rounds", "raw", "storage"), rows)


def _trips(databases: Databases, report: Report, stack: ExitStack) -> None:
    rows = []
    key = databases.mark + "trips"
    for name, url in databases.urls().items():
        relay = stack.enter_context(closing(Relay(url)))
        if url.startswith("redis"):
            storage: Any = OneTripRedisStorage(relay.url)
        else:
            storage = stack.enter_context(closing(SQLStorage(url_or_engine=relay.url)))
        storage.take(key, AMOUNT, LENGTH_S)  # connects, and loads the scripts
        rows.append((name, relay.trips(lambda take=storage.take: take(key, AMOUNT, LENGTH_S))))
    report.table(("", "round trips"), [(name, str(trips)) for name, trips in rows])
    for name, trips in rows:
        report.target(f"rate limit, {name}", trips, MOST_TRIPS, "round trips")


def _beside_flask_limiter(
    databases: Databases, report: Report, stack: ExitStack, rounds: int, calls: int
) -> None:
    report.title("added µs a request in a Flask app, with headers that tell of the limit")
    keys, environ = _key(databases)
    bare = _flask().wsgi_app
    plain = stack.enter_context(closing(BearerAuth(bare, keys)))
    pairs: dict[str, tuple[Block, Block]] = {}
    for name, storage in {"memory": "memory://", "Redis": databases.redis}.items():
        if storage is None:
            continue
        limited = BearerAuth(bare, keys, rate_limits=RateLimits(default=LIMIT, storage=storage))
        stack.enter_context(closing(limited))
        flask = _flask()
        Limiter(
            lambda: databases.mark + "user_123",
            app=flask,
            default_limits=[LIMIT],
            storage_uri=storage,
            strategy="sliding-window-counter",
            headers_enabled=True,
        )
        pairs[f"bearer_auth, {name}"] = requests(plain, [environ]), requests(limited, [environ])
        pairs[f"Flask-Limiter, {name}"] = (
            requests(bare, [environ]),
            requests(flask.wsgi_app, [environ]),
        )
    added = _differences(pairs, rounds, calls)
    rows = [(name, f"{us:,.1f}") for name, us in added.items()]
    report.table((f"median of {rounds} rounds", "added"), rows)


def _failures(
    databases: Databases, report: Report, stack: ExitStack, rounds: int, calls: int
) -> None:
    report.title("µs for a guess, and for a key that was proven, with failures= and without")
    stores: dict[str, KeyStore] = {"memory": MemoryStore()}
    for backend in databases.all:
        store = SQLStore(databases.common(backend), create=True)
        stores[NAMES[backend]] = stack.enter_context(closing(store))
    kinds = ("401", "401, counted", "429", "proven", "proven, with failures")
    blocks: dict[tuple[str, str], Block] = {}
    for name, store in stores.items():
        token = Keyring(store).create(user_id="user_123", plan="pro").token
        limits = ("none", "many", "few")
        without, counted, refusing = (_checks(store, limit, stack) for limit in limits)
        guess, proven = (f"Bearer {each}" for each in (mint("ba", "production"), token))
        for kind, check, header in zip(
            kinds,
            (without, counted, refusing, without, refusing),
            (guess, guess, guess, proven, proven),
            strict=True,
        ):
            # proven before its address is refused
            check.authenticate_header(f"Bearer {token}", "192.0.2.1")
            blocks[name, kind] = repeated(_tried(check, header))
    seen = in_turns(blocks, rounds, calls)
    times = medians(seen)
    rows = [(name, *(f"{times[name, kind]:,.2f}" for kind in kinds)) for name in stores]
    report.table((f"median of {rounds} rounds", *kinds), rows)
    pays = medians(
        {
            name: [
                after - before
                for before, after in zip(seen[name, kinds[3]], seen[name, kinds[4]], strict=True)
            ]
            for name in stores
        }
    )
    report.target("failures=, a key that was proven", pays["memory"], MOST_PROVEN_US, "µs")


def _checks(store: KeyStore, limit: str, stack: ExitStack) -> Authenticator:
    """An authenticator without a limit of failures, or with one that holds or was used up."""
    texts = {"none": None, "many": LIMIT, "few": "1/day"}
    failures = RateLimits(failures=texts[limit]).failures
    return stack.enter_context(closing(Authenticator(store, failures=failures)))


def _tried(check: Authenticator, header: str) -> Callable[[], None]:
    def tried() -> None:
        with suppress(InvalidToken, RateLimited):
            check.authenticate_header(header, "192.0.2.1")

    return tried


def _differences(
    pairs: Mapping[Name, tuple[Block, Block]], rounds: int, calls: int
) -> dict[Name, float]:
    """The medians of what the second of each pair takes more than the first."""
    blocks = {(name, last): pairs[name][last] for name in pairs for last in (False, True)}
    seen = in_turns(blocks, rounds, calls)
    return medians(
        {
            name: [
                after - before
                for before, after in zip(seen[name, False], seen[name, True], strict=True)
            ]
            for name in pairs
        }
    )


def _nothing(calls: int) -> float:
    return 1e-9 * calls


def _key(databases: Databases) -> tuple[MemoryStore, Environ]:
    keys = MemoryStore()
    issued = Keyring(keys).create(
        user_id=databases.mark + "user_123", plan="pro", expires_in=timedelta(days=1)
    )
    return keys, bearer(issued.token)


def _storages(databases: Databases) -> dict[str, str]:
    storages = {"memory": "memory://"}
    for backend in databases.all:
        storages[NAMES[backend]] = url = databases.common(backend)
        SQLStore(url, create=True).close()
    return storages if databases.redis is None else {**storages, "Redis": databases.redis}


def _flask() -> Flask:
    flask = Flask("bench")
    flask.get("/execute/demo")(lambda: (BODY, 200, HEADERS))
    return flask


def _upsert(execute: Any, is_mysql: bool) -> Callable[[], object]:
    before = "before" if not is_mysql else "`before`"
    put = (
        f"INSERT INTO bearer_auth_limits (name, started_at, counted, {before}, passed, expires_at) "
        "VALUES (%s, %s, %s, %s, %s, %s) "
    )
    put += (
        "ON DUPLICATE KEY UPDATE counted = counted + 1 RETURNING counted"
        if is_mysql
        else "ON CONFLICT (name) DO UPDATE SET counted = bearer_auth_limits.counted + 1 "
        "RETURNING counted"
    )
    values = ("raw", 1, 1, 0, 0, 2**62)

    def raw() -> None:
        assert execute(put, values).fetchall()[0][0] > 0

    return raw


def _two_scripts(url: str, mark: str, stack: ExitStack) -> Callable[[], object]:
    client: Any = stack.enter_context(redis.Redis.from_url(url, single_connection_client=True))
    taking = client.script_load(RedisStorage.SCRIPT_ACQUIRE_SLIDING_WINDOW)
    reading = client.script_load(RedisStorage.SCRIPT_SLIDING_WINDOW)
    names = f"{mark}raw:before", f"{mark}raw:now"

    def raw() -> None:
        pipe = client.pipeline(transaction=False)
        pipe.execute_command("EVALSHA", taking, 2, *names, AMOUNT, LENGTH_S, 1)
        pipe.execute_command("EVALSHA", reading, 2, *names, LENGTH_S)
        assert pipe.execute()[0]

    return raw
