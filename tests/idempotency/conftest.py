"""What makes idempotency stores of each kind, over records that they share, and moves time."""

import uuid

import pytest
import redis
import sqlalchemy

from bearer_auth.idempotency import (
    MemoryIdempotencyStore,
    RedisIdempotencyStore,
    SQLIdempotencyStore,
)
from bearer_auth.testing import FakeClock

PAST_US = 1_500_000
REDIS = "redis://127.0.0.1:6379"


class World:
    """A place where requests are remembered."""

    def __init__(self, make, later, close):
        self.make = make
        self.later = later
        self.close = close


def memory_world():
    clock = FakeClock()
    store = None

    def make(**options):
        # Nobody else can share a process's memory: all of one test is one store.
        nonlocal store
        if store is None:
            store = MemoryIdempotencyStore(clock=clock, **options)
        return store

    return World(make, lambda: clock.advance(1.5), lambda: None)


def sql_world(url):
    engine = sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT")
    SQLIdempotencyStore(url, create=True).close()
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text("DELETE FROM bearer_auth_requests"))
    made = []

    def make(**options):
        made.append(SQLIdempotencyStore(url, **options))
        return made[-1]

    def later():
        with engine.connect() as connection:
            connection.execute(
                sqlalchemy.text(
                    f"UPDATE bearer_auth_requests SET lease_until = lease_until - {PAST_US},"
                    f" expires_at = expires_at - {PAST_US}"
                )
            )

    def close():
        for store in made:
            store.close()
        engine.dispose()

    return World(make, later, close)


def redis_world():
    client = redis.Redis.from_url(REDIS)
    prefix = f"bearer_auth_test_{uuid.uuid4().hex}:"
    made = []

    def make(**options):
        made.append(RedisIdempotencyStore(REDIS, prefix=prefix, **options))
        return made[-1]

    def later():
        for key in client.keys(f"{prefix}*"):
            if client.type(key) == b"zset":
                for member in client.zrange(key, 0, -1):
                    client.zincrby(key, -PAST_US // 1000, member)
            else:
                client.hincrby(key, "lease_until", -PAST_US // 1000)
            client.pexpire(key, client.pttl(key) - PAST_US // 1000)

    def close():
        for store in made:
            store.close()
        for key in client.keys(f"{prefix}*"):
            client.delete(key)
        client.close()

    return World(make, later, close)


@pytest.fixture(scope="session")
def server_urls(servers):
    return {}


@pytest.fixture(params=["memory", "sqlite", "postgresql", "mariadb", "redis"])
def world(request, servers, server_urls, tmp_path):
    """Each kind of store."""
    if request.param == "memory":
        world = memory_world()
    elif request.param == "redis":
        world = redis_world()
    elif request.param == "sqlite":
        world = sql_world(f"sqlite:///{tmp_path / 'keys.db'}")
    else:
        if request.param not in server_urls:
            server_urls[request.param] = servers.database(request.param)
        world = sql_world(server_urls[request.param])
    yield world
    world.close()
