"""Links to sign in by: once, within ten minutes."""

import base64
import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from itsdangerous import URLSafeSerializer
from sqlalchemy import select

from bearer_auth.dashboard.operator.accounts import Account
from bearer_auth.dashboard.operator.links import Links
from bearer_auth.stores.beside import database_of

SECRET = b"s" * 32
ALICE = Account("alice", "$argon2id$any", 7)
PROVEN = Account("alice", None, 7)


@pytest.fixture
def links(make_links, file):
    return make_links(file)


@pytest.fixture
def make_links(clock):
    def make_links(store, secret=SECRET):
        return Links(secret, *database_of(store), clock)

    return make_links


def test_a_link_is_used_once(links):
    token = links.make(ALICE)
    assert links.is_live(token)
    assert links.use(token) == PROVEN
    assert links.use(token) is None


def test_looking_at_a_link_does_not_use_it_up(links):
    token = links.make(ALICE)
    assert links.is_live(token)
    assert links.is_live(token)
    assert links.use(token) == PROVEN


def test_it_ends_after_ten_minutes(links, clock):
    token = links.make(ALICE)
    clock.advance(timedelta(minutes=10) - timedelta(seconds=1))
    assert links.is_live(token)
    clock.advance(1)
    assert not links.is_live(token)
    assert links.use(token) is None


def test_two_links_are_two(links):
    first, second = links.make(ALICE), links.make(ALICE)
    assert links.use(first) == PROVEN
    assert links.use(second) == PROVEN


def test_another_spelling_of_a_used_link_is_used(links):
    """The last letter of a signature in base64 has bits to spare."""
    token = links.make(ALICE)
    assert links.use(token) == PROVEN
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    signature = token.rpartition(".")[2]
    same = [
        token[:-1] + letter
        for letter in letters
        if base64.urlsafe_b64decode(signature[:-1] + letter + "=")
        == base64.urlsafe_b64decode(signature + "=")
    ]
    assert len(same) > 1
    assert [links.use(each) for each in same] == [None] * len(same)


def test_threat_stolen_secret_who_can_read_the_database_can_make_no_link(links, file):
    """Reading is enough for the signing secret, for what accounts there are, and for all links."""
    live = links.make(ALICE)
    with file._database.transaction(write=False) as connection:
        [digest] = connection.scalars(select(file._tables.once.c.digest))
    signer = URLSafeSerializer(
        SECRET,
        salt="bearer_auth.dashboard.sign-in-link",
        signer_kwargs={"digest_method": hashlib.sha256},
    )
    name, changed_us, ends_us, nonce = signer.loads(live)
    forged = [
        signer.dumps([name, changed_us, ends_us, "0" * 32]),
        signer.dumps(["root", changed_us, ends_us, nonce]),
        signer.dumps([name, changed_us, ends_us, digest]),
    ]
    assert [each for each in forged if links.is_live(each) or links.use(each)] == []
    assert links.use(live) == PROVEN


def test_a_link_that_was_used_is_said_to_be_dead(links):
    token = links.make(ALICE)
    links.use(token)
    assert not links.is_live(token)


def test_workers_with_one_database_use_a_link_once(open_store, make_links):
    workers = [make_links(open_store()) for _ in range(4)]
    token = workers[0].make(ALICE)
    with ThreadPoolExecutor(4) as threads:
        used = list(threads.map(lambda worker: worker.use(token), workers))
    assert used.count(PROVEN) == 1
    assert used.count(None) == 3


def test_what_was_not_signed_here_is_no_link(links, make_links, file):
    token = links.make(ALICE)
    forged = [
        make_links(file, b"t" * 32).make(ALICE),
        # our own secret, with the salt of something else: the token of a form, say
        URLSafeSerializer(SECRET, salt="bearer_auth.dashboard.form").dumps(["alice", 7, 2**60, ""]),
        token[1:],
        token.partition(".")[0],
        "",
        ".",
        "a" * 100_000,
        "é",
    ]
    assert [each for each in forged if links.is_live(each) or links.use(each)] == []


def test_a_link_of_a_clock_that_was_wrong_does_not_live_for_years(links, clock):
    clock.advance(timedelta(days=3650))
    token = links.make(ALICE)
    clock.advance(timedelta(days=-3650))
    assert not links.is_live(token)
