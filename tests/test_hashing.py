import hashlib
import os
import subprocess
import sys
import threading

import pytest

from bearer_auth import hashing
from bearer_auth.errors import ConfigurationError, StoreUnavailable
from bearer_auth.hashing import (
    SlowHasher,
    check_peppers,
    hash_token,
    imported_id,
    is_slow,
    parse_hash,
    sha256_phc,
    sha512_phc,
    sieve_of,
)

# echo -n abc | sha256sum (FIPS 180-4, example 1)
ABC_HEX = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
ABC_B64 = "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0"
# echo -n password | argon2 somesalt -id -k 8 -t 1 -p 1
CHEAP = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$8Tf44YakA6Z5zNBgblq13Nr+Q8FkCFWsjG4z6b1j7rM"


def test_sha_256_is_written_as_a_phc_string():
    assert hash_token("abc") == "$sha256$" + ABC_B64
    assert hash_token("abc", "sha256") == "$sha256$" + ABC_B64
    assert not is_slow("$sha256$" + ABC_B64)


def test_argon2id_has_the_low_memory_profile_of_rfc_9106_and_a_salt():
    first, second = hash_token("abc", "argon2id"), hash_token("abc", "argon2id")
    assert first.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert first != second
    assert parse_hash(first) == first
    assert is_slow(first)


@pytest.mark.parametrize("digest", [ABC_B64, ABC_HEX, ABC_HEX.upper()])
def test_a_sha_256_hash_has_one_spelling(digest):
    assert parse_hash("$sha256$" + digest) == "$sha256$" + ABC_B64


def test_stray_bits_of_the_last_base64_character_are_dropped():
    assert parse_hash("$sha256$" + ABC_B64[:-1] + "1") == "$sha256$" + ABC_B64


@pytest.mark.parametrize(
    "text",
    [
        "",
        ABC_HEX,
        "$sha256$",
        "$sha256$" + ABC_B64 + "=",
        "$sha256$" + ABC_B64[:-1],
        "$sha256$" + ABC_HEX + "00",
        "$sha256$" + ABC_HEX + "\n",
        "$sha256$" + ABC_B64[:-1] + "é",
        "$SHA256$" + ABC_B64,
        "$sha512$" + ABC_B64,
        "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
        CHEAP.replace("argon2id", "argon2i"),
        CHEAP.replace("v=19", "v=16"),
        CHEAP.replace("$v=19", ""),
        CHEAP.replace("m=8", "m=7"),
        CHEAP.replace("m=8", "m=0"),
        CHEAP.replace("m=8", "m=08"),
        CHEAP.replace("m=8", "m=\u0668"),
        CHEAP.replace("m=8", "m=2097153"),
        CHEAP.replace("t=1", "t=0"),
        CHEAP.replace("p=1", "p=0"),
        CHEAP.replace("p=1", "p=2"),
        CHEAP.replace("c29tZXNhbHQ", "c29tZXNhbHR"),
        CHEAP.replace("c29tZXNhbHQ", "c29tZXNhbHQ11"),
        CHEAP + "\n",
        CHEAP[:-40],
    ],
)
def test_what_could_never_be_verified_is_refused_and_not_quoted(text):
    with pytest.raises(ConfigurationError, match=r"hash that is understood|slow on pur") as caught:
        parse_hash(text)
    assert len(text) < 10 or text.strip() not in str(caught.value)


def test_argon2id_of_others_is_taken_as_it_is():
    assert parse_hash(CHEAP) == CHEAP
    assert parse_hash(CHEAP.replace("m=8", "m=2097152"))


def test_a_digest_becomes_a_phc_string():
    assert sha256_phc(hashlib.sha256(b"abc").digest()) == "$sha256$" + ABC_B64


def test_the_sieve_is_24_bits():
    assert sieve_of(hashlib.sha256(b"abc").digest()) == "ba7816"


def test_argon2id_is_verified():
    hasher = SlowHasher()
    assert hasher.verify(CHEAP, "password") is True
    assert hasher.verify(CHEAP, "passwore") is False
    assert hasher.verify(CHEAP, "") is False


def test_argon2_that_can_not_run_is_a_503_and_no_refusal(monkeypatch):
    from argon2.exceptions import VerificationError

    def out_of_memory(*args):
        raise VerificationError("Memory allocation error")

    monkeypatch.setattr("argon2.low_level.verify_secret", out_of_memory)
    hasher = SlowHasher(1)
    for _ in range(3):  # the slot comes back each time
        with pytest.raises(StoreUnavailable) as caught:
            hasher.verify(CHEAP, "password")
        assert str(caught.value) == "argon2 could not run: Memory allocation error"
        assert caught.value.reason == "argon2"


class Gate:
    """Stands in for argon2: each call waits until it is let through."""

    def __init__(self):
        self.lock = threading.Lock()
        self.inside = self.most = 0
        self.arrived = threading.Semaphore(0)
        self.open = threading.Event()

    def __call__(self, *args):
        with self.lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        self.arrived.release()
        assert self.open.wait(30)
        with self.lock:
            self.inside -= 1
        return True


@pytest.fixture
def gate(monkeypatch):
    gate = Gate()
    monkeypatch.setattr("argon2.low_level.verify_secret", gate)
    return gate


def start(count, target):
    threads = [threading.Thread(target=target) for _ in range(count)]
    for thread in threads:
        thread.start()
    return threads


def test_no_more_than_the_limit_run_at_a_time(gate):
    hasher = SlowHasher(2)
    answers = []
    threads = start(8, lambda: answers.append(hasher.verify(CHEAP, "password")))
    for _ in range(2):
        assert gate.arrived.acquire(timeout=30)
    # Two are in, so no slot is left; the other six can only come in after one of them.
    assert gate.inside == 2
    gate.open.set()
    for thread in threads:
        thread.join(30)
    assert answers == [True] * 8
    assert gate.most == 2


def test_who_waits_too_long_for_a_slot_gets_a_503(gate, monkeypatch):
    monkeypatch.setattr(hashing, "_SLOW_WAIT_S", 0.01)
    hasher = SlowHasher(1)
    (thread,) = start(1, lambda: hasher.verify(CHEAP, "password"))
    assert gate.arrived.acquire(timeout=30)
    with pytest.raises(StoreUnavailable, match="too many slow hashes") as caught:
        hasher.verify(CHEAP, "password")
    assert caught.value.reason == "busy"
    gate.open.set()
    thread.join(30)
    assert hasher.verify(CHEAP, "password") is True


def test_the_limit_is_the_number_of_processors(gate, monkeypatch):
    monkeypatch.setattr(hashing, "_SLOW_WAIT_S", 0.01)
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    hasher = SlowHasher()
    threads = start(3, lambda: hasher.verify(CHEAP, "password"))
    for _ in threads:
        assert gate.arrived.acquire(timeout=30)
    with pytest.raises(StoreUnavailable):
        hasher.verify(CHEAP, "password")
    gate.open.set()
    for thread in threads:
        thread.join(30)


def test_a_slot_goes_back_where_it_came_from_when_threads_meet_a_new_process(gate, monkeypatch):
    # As in a child after a fork: many threads find slots of another process at the same moment.
    hasher = SlowHasher(4)
    gate.open.set()
    assert hasher.verify(CHEAP, "password")
    gate.open.clear()
    monkeypatch.setattr(os, "getpid", lambda: -1)
    together, make = threading.Barrier(12, timeout=30), threading.BoundedSemaphore

    def make_together(limit):
        together.wait()
        return make(limit)

    monkeypatch.setattr(threading, "BoundedSemaphore", make_together)
    answers = []
    threads = start(12, lambda: answers.append(hasher.verify(CHEAP, "password")))
    for _ in range(4 + 1):
        assert gate.arrived.acquire(timeout=30)
    gate.open.set()
    for thread in threads:
        thread.join(30)
    assert answers == [True] * 12
    assert gate.most == 4


# Python 3.12 and later warn of a fork beside threads, which is what is tried here.
QUIET = ["-W", "ignore::DeprecationWarning"]

FORK = """
import os, sys, threading
import argon2.low_level
from bearer_auth import hashing

CHEAP = sys.argv[1]
real = argon2.low_level.verify_secret
inside, leave = threading.Event(), threading.Event()

def held(*args):
    inside.set()
    leave.wait(30)
    return True

argon2.low_level.verify_secret = held
hasher = hashing.SlowHasher(1)
thread = threading.Thread(target=hasher.verify, args=(CHEAP, "password"))
thread.start()
assert inside.wait(30)
pid = os.fork()
if pid == 0:
    argon2.low_level.verify_secret = real
    hashing._SLOW_WAIT_S = 0.01
    try:
        os._exit(0 if hasher.verify(CHEAP, "password") else 3)
    except BaseException:
        os._exit(4)
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
leave.set()
thread.join()
argon2.low_level.verify_secret = real
assert hasher.verify(CHEAP, "password")
sys.exit(status)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_slot_that_was_taken_before_a_fork_is_free_in_the_child():
    # In a process of its own: this one may have threads that a fork must not copy.
    done = subprocess.run(
        [sys.executable, *QUIET, "-c", FORK, CHEAP], timeout=60, capture_output=True
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_argon2_is_imported_only_when_it_is_needed():
    code = (
        "import sys, bearer_auth.hashing as h; h.hash_token('abc'); h.SlowHasher()\n"
        "sys.exit('argon2' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


def test_peppers_become_bytes_in_their_order():
    assert check_peppers(["new", b"old", "é"]) == (b"new", b"old", b"\xc3\xa9")
    assert check_peppers(iter(["one"])) == (b"one",)
    assert check_peppers(()) == ()


@pytest.mark.parametrize("pepper", ["pepper", b"pepper", "", b""])
def test_a_lone_pepper_is_not_read_letter_by_letter(pepper):
    with pytest.raises(TypeError, match=r"^peppers must be a list; write peppers=\[…\]$"):
        check_peppers(pepper)


@pytest.mark.parametrize("pepper", [None, 7, bytearray(b"pepper"), ["pepper"]])
def test_a_pepper_is_text_or_bytes(pepper):
    with pytest.raises(TypeError, match="a pepper must be text or bytes, not"):
        check_peppers([pepper])


@pytest.mark.parametrize("pepper", ["", b""])
def test_an_empty_pepper_is_refused(pepper):
    with pytest.raises(ConfigurationError, match="a pepper is empty"):
        check_peppers(["good", pepper])


def test_a_pepper_is_never_in_a_message():
    for peppers in ("s3cr3t-pepper", [bytearray(b"s3cr3t-pepper")], ["s3cr3t-pepper", ""]):
        with pytest.raises((TypeError, ConfigurationError)) as caught:
            check_peppers(peppers)
        assert "s3cr3t" not in str(caught.value)


def test_an_imported_id_depends_on_token_and_pepper():
    # hmac-sha256(b"pepper", b"bearer_auth imported token\0legacy-key"), last 16 base62 digits,
    # fixed here: ids stand in databases.
    assert imported_id("legacy-key", b"pepper") == "EVhQ8WMhY9gt588d"
    assert imported_id("legacy-kez", b"pepper") != imported_id("legacy-key", b"pepper")
    assert imported_id("legacy-key", b"peppes") != imported_id("legacy-key", b"pepper")


def test_sha512_has_one_spelling_too():
    digest = bytes(range(64))
    one = (
        "$sha512$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7"
        "PD0+Pw"
    )
    assert parse_hash(one) == one
    assert parse_hash("$sha512$" + digest.hex()) == one
    assert parse_hash("$sha512$" + digest.hex().upper()) == one
    assert sha512_phc("abc") == parse_hash(
        "$sha512$ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
        "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
    )
    assert not is_slow(one)


@pytest.mark.parametrize(
    "text",
    [
        "$sha512$",
        "$sha512$" + "0" * 127,
        "$sha512$" + "A" * 43,
        "$sha256$" + "0" * 128,
        "sha512$$x",
    ],
)
def test_what_is_no_digest_is_refused(text):
    with pytest.raises(ConfigurationError, match="not a hash that is understood"):
        parse_hash(text)


@pytest.mark.parametrize(
    "text",
    [
        "pbkdf2_sha256$870000$hunter2$hunter2",
        "$pbkdf2-sha256$29000$hunter2$hunter2",
        "bcrypt_sha256$$2b$12$hunter2",
        "$2y$10$hunter2",
        "scrypt$hunter2$16384$8$1$hunter2",
        "$6$hunter2$hunter2",
        "argon2$argon2id$v=19$m=102400,t=2,p=8$hunter2$hunter2",
    ],
)
def test_hashes_of_passwords_are_refused_with_the_reason(text):
    with pytest.raises(ConfigurationError, match="give these clients new keys") as caught:
        parse_hash(text)
    assert "hunter2" not in str(caught.value)
