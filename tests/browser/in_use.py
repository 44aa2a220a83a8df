"""Keys of a site that has been in use for some time."""

from dataclasses import replace
from datetime import timedelta
from typing import NamedTuple

from bearer_auth import Keyring
from bearer_auth.events import Event
from bearer_auth.stores import Use


class Sample(NamedTuple):
    """A key; numbers are days."""

    name: str
    age: int
    scopes: tuple[str, ...] = ("reports:read",)
    lifetime: int | None = 365
    unused: int | None = 0
    uses: int = 40
    refusals: int = 0
    environment: str = "production"
    rotated: int | None = None


SAMPLES = (
    Sample("nightly backup", 61, uses=31),
    Sample(
        "billing worker", 212, ("reports:read", "reports:write"), uses=310, refusals=1, rotated=44
    ),
    Sample("mobile app", 340, lifetime=343, uses=890),
    Sample("CI", 33, ("reports:write",), 90, uses=120, environment="staging"),
    Sample("data team's notebook", 150, unused=121),
    Sample("old partner feed", 301, lifetime=None, unused=None),
    Sample("warehouse sync", 88, uses=64, refusals=9),
)

OTHERS = (
    Sample("checkout", 12, ("orders:write",), 90, uses=220),
    Sample("grafana", 47, ("metrics:read",), uses=300),
    Sample("import of 2025", 400, ("orders:write",), 365, unused=30),
    Sample("returns desk", 5, ("orders:read", "orders:write"), 30, uses=15),
)


def fill(host, user_id="user_ada", samples=SAMPLES):
    """Make keys of an owner, and what happened to them."""
    now = host.ring.now()
    for sample in samples:
        record = _made(sample, host, user_id, now)
        host.store.record_used(list(_uses(sample, record, now)))
        for event in _refusals(sample, record, now):
            host.sink.emit(event)
    host.sink.flush()


class _At:
    """Tells a sink what happened as if it had been at another time."""

    def __init__(self, at, sink):
        self._at, self._sink = at, sink

    def emit(self, event):
        self._sink.emit(replace(event, at=self._at))


def _made(sample, host, user_id, now):
    lifetime = None if sample.lifetime is None else timedelta(days=sample.lifetime)
    record = (
        _ring(host, user_id, now - timedelta(days=sample.age))
        .create(
            user_id=user_id,
            name=sample.name,
            plan="pro",
            scopes=sample.scopes,
            environment=sample.environment,
            expires_in=lifetime,
            created_by=user_id,
        )
        .record
    )
    if sample.rotated is None:
        return record
    ring = _ring(host, user_id, now - timedelta(days=sample.rotated))
    return ring.rotate(record.key_id, timedelta(days=1)).record


def _ring(host, user_id, at):
    ring = Keyring(host.store, event_sink=_At(at, host.sink), clock=at.timestamp)
    return ring.acting(user_id, address="203.0.113.4")


def _uses(sample, record, now):
    if sample.unused is None:
        return
    for back in range(sample.unused, min(sample.age, sample.unused + 45)):
        at = now - timedelta(days=back, minutes=2)
        weekend = at.weekday() >= 5
        count = sample.uses // (5 if weekend else 1) + (back * 7919) % (sample.uses // 4 + 1)
        yield Use(record.key_id, record.secrets[0].id, at, count)


def _refusals(sample, record, now):
    for back in range(5):
        for _ in range(sample.refusals):
            yield Event(
                name="request.refused",
                at=now - timedelta(days=back, minutes=1),
                key_id=record.key_id,
                user_id=record.user_id,
                status=403,
                reason="insufficient_scope",
                address="203.0.113.9",
            )
