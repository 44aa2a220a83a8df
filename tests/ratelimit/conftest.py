"""Storages of each kind, over counts that nobody else has."""

import uuid

import pytest
import redis

from bearer_auth.ratelimit.storages import open_counter

REDIS = "redis://127.0.0.1:6379"


@pytest.fixture(scope="session")
def limits_urls(servers):
    """The URL of a database with tables on each server, made when it is asked for."""
    made = {}

    def get(backend):
        if backend not in made:
            made[backend] = servers.database(backend)
            open_counter(made[backend], create=True).close()
        return made[backend]

    return get


@pytest.fixture(params=["memory", "sqlite", "postgresql", "mariadb", "redis"])
def storage(request, limits_urls, tmp_path):
    """A URL."""
    if request.param == "memory":
        return "memory://"
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'keys.db'}"
    if request.param == "redis":
        return REDIS
    return limits_urls(request.param)


@pytest.fixture
def opened():
    """``open_counter``; all that it opens are closed at the end."""
    counters = []

    def opened(storage, **options):
        counters.append(open_counter(storage, **options))
        return counters[-1]

    yield opened
    for counter in counters:
        getattr(counter, "close", lambda: None)()


@pytest.fixture
def owner():
    """A key that nobody else counts under; its counts in Redis end with the test."""
    name = f"test-{uuid.uuid4().hex}"
    yield name
    client = redis.Redis.from_url(REDIS)
    for key in client.keys(f"*{name}*"):
        client.delete(key)
    client.close()
