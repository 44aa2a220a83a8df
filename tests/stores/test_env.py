import json
import os
import subprocess
import sys
import threading
import traceback
from datetime import UTC, datetime
from typing import ClassVar

import pytest

from bearer_auth.errors import ConfigurationError
from bearer_auth.records import KeyRecord, Secret
from bearer_auth.stores.env import EnvStore
from bearer_auth.testing import KeyStoreContract

ID = "AbCdEfGh01234567"
BODY = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg"
STAGING = f"ba_staging_{ID}{BODY}2N0EIa"
PRODUCTION = f"ba_production_{ID}{BODY}17O6iX"
LEGACY = "legacy-key-of-someone"
ANOTHER = "another-legacy-key"
CI = "BEARER_AUTH_KEY_CI"
# sha256(b"bearer_auth environment variable\0BEARER_AUTH_KEY_CI"), the last 16 base62 digits. It is
# written out because it stands in logs and must be the same in each worker and each release.
CI_ID = "TaWBNvCbg9JXIGFz"
STAGING_PHC = "$sha256$qW9vSyXNn/wkn52WfKsB5LtyN3ftWRKZQEb/r/Gt3QQ"
STAGING_HEX = "a96f6f4b25cd9ffc249f9d967cab01e4bb723777ed5912994046ffaff1addd04"
LEGACY_PHC = "$sha256$NosrI0VsttN7gsuX2xg7WB8PN4qBLVaa5UKCaJl9ifI"


def store(**variables):
    return EnvStore(environ={f"BEARER_AUTH_KEY_{name}": text for name, text in variables.items()})


def as_json(**fields):
    return json.dumps(fields)


def only_record(environ, prefix="BEARER_AUTH_KEY_"):
    (record,) = EnvStore(prefix, environ)._keys.records.values()
    return record


def refusal(environ, *secrets):
    """What is said of a wrong variable, once it is sure that it gives no secret away."""
    with pytest.raises(ConfigurationError) as caught:
        EnvStore(environ=environ)
    error = caught.value
    assert error.__cause__ is None
    assert error.__context__ is None
    # The frame of this test holds the environ, as it must; ours, which follow it, must not.
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    here = os.path.join("bearer_auth", "stores", "env.py")
    ours = [frame for frame in shown.stack if frame.filename.endswith(here)]
    assert [frame.name for frame in ours] == ["__init__", "reload"]
    for text in (str(error), repr(error), repr([frame.locals for frame in ours])):
        for secret in secrets:
            assert secret not in text
    return str(error)


class TestAToken:
    def test_a_minted_one_brings_its_id_and_environment(self):
        record = store(CI=STAGING).get(ID)
        assert record.user_id == "ci"
        assert record.name == "ci"
        assert record.plan == "default"
        assert record.scopes == ()
        assert record.environment == "staging"
        assert [secret.hash for secret in record.secrets] == [STAGING_PHC]

    def test_a_minted_one_is_looked_up_by_its_id_alone(self):
        assert store(CI=STAGING).key_ids_for(STAGING) == ()

    def test_one_that_someone_already_has_is_known_by_its_text(self):
        env = store(LEGACY_JOB=LEGACY)
        (key_id,) = env.key_ids_for(LEGACY)
        record = env.get(key_id)
        assert record.key_id == key_id
        assert record.user_id == record.name == "legacy_job"
        assert record.environment == "production"
        assert [secret.hash for secret in record.secrets] == [LEGACY_PHC]

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "legacy-key-of-someon",
            LEGACY + "=",
            LEGACY.upper(),
            LEGACY + "\ud800",
            "é",
            "x" * 99,
        ],
    )
    def test_other_text_is_not_known(self, text):
        assert store(LEGACY=LEGACY).key_ids_for(text) == ()

    def test_its_id_depends_on_the_name_of_the_variable_only(self):
        assert store(CI=LEGACY).key_ids_for(LEGACY) == (CI_ID,)
        assert store(CI=ANOTHER).key_ids_for(ANOTHER) == (CI_ID,)
        assert store(CD=LEGACY).key_ids_for(LEGACY) != (CI_ID,)

    def test_its_digest_is_keyed_anew_by_each_store(self):
        first, second = store(CI=LEGACY), store(CI=LEGACY)
        assert len(first._digest_key) == 32
        assert first._keys.ids.keys() != second._keys.ids.keys()

    def test_an_id_that_is_not_there_is_none(self):
        assert store(CI=STAGING).get("Z" * 16) is None
        assert store().get(ID) is None


class TestAFile:
    def test_a_name_that_ends_in_file_names_one(self, tmp_path):
        (tmp_path / "ci").write_text(STAGING + "\n")
        record = only_record({CI + "_FILE": str(tmp_path / "ci")})
        assert (record.key_id, record.user_id, record.name) == (ID, "ci", "ci")

    def test_it_may_hold_json_over_several_lines(self, tmp_path):
        text = json.dumps({"token": STAGING, "user_id": "Zoë"}, indent=2)
        (tmp_path / "ci").write_text(text + "\n")
        assert only_record({CI + "_FILE": str(tmp_path / "ci")}).user_id == "Zoë"

    def test_a_key_keeps_its_id_when_it_moves_into_a_file(self, tmp_path):
        (tmp_path / "ci").write_text(LEGACY)
        env = EnvStore(environ={CI + "_FILE": str(tmp_path / "ci")})
        assert env.key_ids_for(LEGACY) == (CI_ID,)

    def test_a_value_under_a_name_with_file_too_much_is_not_quoted(self):
        for value in (STAGING, LEGACY, as_json(token=LEGACY)):
            assert refusal({CI + "_FILE": value}, STAGING, LEGACY) == (
                f"{CI}_FILE: can't read the file that the variable names (not shown: it could be "
                "the key): No such file or directory"
            )

    def test_a_token_that_looks_like_a_path_is_not_quoted(self):
        token = "/not/a/file/of/this/machine+"
        for value in (token, token + "\0", token * 200):
            assert refusal({CI + "_FILE": value}, token).startswith(
                f"{CI}_FILE: can't read the file that the variable names (not shown: it could be "
            )


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        ("value", "message"),
        [
            ("", "it is empty; write a token, or unset the variable"),
            (LEGACY + "\n", "not a token: it needs at least 16 characters"),
            (STAGING[:-1] + "0", "the token has our shape and a wrong checksum; is it truncated?"),
            ('{"token":"' + LEGACY, "no JSON object: look at character 10"),
            (as_json(token=LEGACY, environment=LEGACY), "environment must be 1 to 16 lower-case"),
            (as_json(**{LEGACY: "token"}), "unknown field number 1;"),
        ],
    )
    def test_a_wrong_value_is_named_by_its_variable_and_shown_nowhere(self, value, message):
        said = refusal({CI: value}, LEGACY, BODY)
        assert said.startswith(f"{CI}: ")
        assert message in said

    def test_a_wrong_file_is_named_and_what_it_holds_is_shown_nowhere(self, tmp_path):
        path = tmp_path / "ci"
        path.write_bytes(LEGACY.encode() + b"\xff")
        said = refusal({CI + "_FILE": str(path)}, LEGACY)
        assert said == f"{CI}_FILE: the file {str(path)!r} is not UTF-8 text"

    def test_a_path_is_not_taken_for_a_key(self, tmp_path):
        path = tmp_path / "a-long-name-of-a-file"
        path.write_text(STAGING)
        assert refusal({CI: str(path)}, str(path)) == (
            f"{CI}: this is the path of a file; call the variable {CI}_FILE"
        )

    def test_a_token_that_looks_like_a_path_and_is_none_is_a_key(self):
        token = "/not/a/file/of/this/machine+"
        assert len(store(CI=token).key_ids_for(token)) == 1

    @pytest.mark.parametrize(
        "name",
        ["BEARER_AUTH_KEY_", "BEARER_AUTH_KEY__FILE", "BEARER_AUTH_KEY_FILE"],
    )
    def test_there_must_be_a_name_after_the_prefix(self, name):
        assert refusal({name: "/run/secrets/a-long-path"}, "/run/secrets").startswith(
            f"{name}: the name after the prefix must have 1 to 255 letters"
        )

    @pytest.mark.parametrize("name", ["A B", "É", "A\nB", "A\ud800", "A" * 256, "A/B"])
    def test_the_name_must_be_fit_to_show(self, name):
        said = refusal({f"BEARER_AUTH_KEY_{name}": LEGACY}, LEGACY, "\n", "\ud800")
        assert "the name after the prefix must have 1 to 255 letters" in said

    @pytest.mark.parametrize(
        ("first", "second"),
        [
            (STAGING, STAGING),
            (LEGACY, LEGACY),
            (STAGING, PRODUCTION),
            (STAGING, as_json(id=ID, hash="sha256:" + STAGING_HEX)),
            (LEGACY, as_json(token=LEGACY, user_id="user_123")),
        ],
    )
    def test_two_variables_with_the_same_key_are_both_named(self, first, second):
        environ = {"BEARER_AUTH_KEY_B": first, "BEARER_AUTH_KEY_A": second}
        assert refusal(environ, LEGACY, BODY, ID) == (
            "BEARER_AUTH_KEY_A and BEARER_AUTH_KEY_B are the same key; keep one of them"
        )

    def test_a_variable_and_its_file_are_the_same_key(self, tmp_path):
        (tmp_path / "ci").write_text(LEGACY)
        assert refusal({CI: STAGING, CI + "_FILE": str(tmp_path / "ci")}, LEGACY, STAGING) == (
            f"{CI} and {CI}_FILE are the same key; keep one of them"
        )

    @pytest.mark.parametrize("prefix", ["", "9_", "A-B_", "KEY_\n", "É_"])
    def test_a_prefix_is_the_beginning_of_a_name(self, prefix):
        with pytest.raises(ConfigurationError, match="not the beginning of a variable's name"):
            EnvStore(prefix, {})


class TestTheStore:
    def test_other_variables_are_left_alone(self):
        environ = {"PATH": "/bin", "BEARER_AUTH_STORE": "sqlite:///a.db", "bearer_auth_key_ci": "x"}
        assert repr(EnvStore(environ=environ)) == "EnvStore(0 keys, prefix='BEARER_AUTH_KEY_')"

    def test_its_repr_shows_count_and_prefix_only(self):
        env = EnvStore("APP_", {"APP_CI": STAGING, "APP_OLD": LEGACY})
        assert repr(env) == "EnvStore(2 keys, prefix='APP_')"
        assert str(env) == repr(env)

    def test_it_reads_the_process_environment(self, monkeypatch):
        monkeypatch.setenv(CI, STAGING)
        assert EnvStore().get(ID).user_id == "ci"

    def test_it_only_reads(self):
        for method in ("add", "replace", "find", "delete", "record_used", "usage_of"):
            assert not hasattr(EnvStore, method)

    def test_workers_agree_on_ids(self):
        environ = {**os.environ, CI: LEGACY}
        code = (
            "from bearer_auth.stores.env import EnvStore\n"
            f"print(*EnvStore().key_ids_for({LEGACY!r}))"
        )
        said = [
            subprocess.check_output([sys.executable, "-c", code], env=environ, text=True)
            for _ in range(2)
        ]
        assert said == [f"{CI_ID}\n"] * 2


class TestContract(KeyStoreContract):
    OWN: ClassVar = {
        "token": STAGING,
        "user_id": "user_123",
        "scopes": "a b:*",
        "expires_at": "2030-01-31T12:00:00Z",
        "metadata": {"team": [1, None]},
    }

    @pytest.fixture
    def store(self):
        return EnvStore(environ={CI: LEGACY, "BEARER_AUTH_KEY_OWN": as_json(**self.OWN)})

    @pytest.fixture
    def known(self, store):
        # A variable has no time of issue: it is that of the store.
        at = store.get(ID).created_at
        return [
            KeyRecord(
                key_id=CI_ID,
                user_id="ci",
                name="ci",
                created_at=at,
                secrets=(Secret(hash=LEGACY_PHC, created_at=at),),
            ),
            KeyRecord(
                key_id=ID,
                user_id="user_123",
                name="own",
                environment="staging",
                scopes=("a", "b:*"),
                created_at=at,
                expires_at=datetime(2030, 1, 31, 12, tzinfo=UTC),
                metadata={"team": [1, None]},
                secrets=(Secret(hash=STAGING_PHC, created_at=at),),
            ),
        ]


class TestAStoreWithoutKeys:
    def test_it_says_so_and_names_what_comes_near(self, caplog):
        near = ["BEARER_AUTH_KEYS_CI", "BEARER_AUTH_KEY", "bearer_auth_key_ci"]
        others = ["PATH", "BEARER_AUTH_STORE", "KEY", "BEARER_AUTH_KEY\n"]
        EnvStore(environ=dict.fromkeys([*near, *others], LEGACY))
        assert [(logged.name, logged.levelname) for logged in caplog.records] == [
            ("bearer_auth", "WARNING")
        ]
        (message,) = caplog.messages
        assert message == (
            "EnvStore: no variable begins with BEARER_AUTH_KEY_; these come near: "
            "BEARER_AUTH_KEY, BEARER_AUTH_KEYS_CI, bearer_auth_key_ci"
        )
        assert LEGACY not in caplog.text

    @pytest.mark.parametrize("prefix", ["APP_", "_"])
    def test_it_says_so_too_if_nothing_comes_near(self, caplog, prefix):
        EnvStore(prefix, {"PATH": "/bin"})
        assert caplog.messages == [f"EnvStore: no variable begins with {prefix}"]

    def test_it_says_so_once(self, caplog):
        env = EnvStore(environ={})
        env.reload()
        assert len(caplog.messages) == 1

    def test_one_with_a_key_is_silent(self, caplog):
        EnvStore(environ={CI: STAGING, "BEARER_AUTH_KEYS_CI": LEGACY}).reload()
        assert caplog.messages == []


class TestReload:
    def test_keys_come_change_and_go(self):
        environ = {CI: STAGING}
        env = EnvStore(environ=environ)
        environ["BEARER_AUTH_KEY_OLD"] = LEGACY
        environ[CI] = as_json(token=STAGING, plan="pro")
        env.reload()
        assert env.get(ID).plan == "pro"
        assert len(env.key_ids_for(LEGACY)) == 1
        environ.clear()
        env.reload()
        assert env.get(ID) is None
        assert env.key_ids_for(LEGACY) == ()

    def test_files_are_read_again(self, tmp_path):
        path = tmp_path / "ci"
        path.write_text(LEGACY)
        env = EnvStore(environ={CI + "_FILE": str(path)})
        path.write_text("another-legacy-key\n")
        env.reload()
        assert env.key_ids_for(LEGACY) == ()
        assert env.key_ids_for(ANOTHER) == (CI_ID,)

    def test_the_revision_changes_with_the_content_only(self):
        environ = {CI: STAGING, "BEARER_AUTH_KEY_OLD": LEGACY}
        env = EnvStore(environ=environ)
        record, first = env.get(ID), env.revision()
        environ["PATH"] = "/bin"
        env.reload()
        assert env.revision() == first
        assert env.get(ID) == record
        environ["BEARER_AUTH_KEY_OLD"] = ANOTHER
        env.reload()
        second = env.revision()
        assert second != first
        environ["BEARER_AUTH_KEY_OLD"] = LEGACY
        env.reload()
        assert env.revision() not in (first, second)

    def test_a_wrong_value_leaves_everything_as_it_was(self):
        environ = {CI: STAGING, "BEARER_AUTH_KEY_OLD": LEGACY}
        env = EnvStore(environ=environ)
        before, ids = env.revision(), env.key_ids_for(LEGACY)
        del environ["BEARER_AUTH_KEY_OLD"]
        environ[CI] = as_json(token=STAGING, plan="pro")
        environ["BEARER_AUTH_KEY_ZZZ"] = "short"
        with pytest.raises(ConfigurationError, match="BEARER_AUTH_KEY_ZZZ: not a token"):
            env.reload()
        assert env.revision() == before
        assert env.get(ID).plan == "default"
        assert env.key_ids_for(LEGACY) == ids
        del environ["BEARER_AUTH_KEY_ZZZ"]
        env.reload()
        assert env.get(ID).plan == "pro"

    def test_one_reload_waits_for_another(self):
        """The later one has the last word: a key that it took away doesn't come back."""
        reading, go_on = threading.Event(), threading.Event()

        class Slow(dict):
            wait = False

            def __getitem__(self, name):
                value = super().__getitem__(name)
                if self.wait:
                    self.wait = False
                    reading.set()
                    assert go_on.wait(30)
                return value

        environ = Slow({CI: STAGING})
        env = EnvStore(environ=environ)
        environ.wait = True
        first = threading.Thread(target=env.reload)
        first.start()
        assert reading.wait(30)
        del environ[CI]
        second = threading.Thread(target=env.reload)
        second.start()
        go_on.set()
        first.join(30)
        second.join(30)
        assert env.get(ID) is None


# Python 3.12 and later warn of a fork beside threads, which is what is tried here.
QUIET = ["-W", "ignore::DeprecationWarning"]

FORK = """
import os, sys, threading
from bearer_auth.stores.env import EnvStore

reading, go_on = threading.Event(), threading.Event()
parent = os.getpid()

class Slow(dict):
    def __getitem__(self, name):
        if self.get("wait") and os.getpid() == parent:
            reading.set()
            go_on.wait(30)
        return super().__getitem__(name)

environ = Slow({"BEARER_AUTH_KEY_CI": "legacy-key-of-someone"})
env = EnvStore(environ=environ)
environ["wait"] = "yes"
thread = threading.Thread(target=env.reload)
thread.start()
reading.wait(30)
pid = os.fork()
if pid == 0:
    child = threading.Thread(target=env.reload, daemon=True)
    child.start()
    child.join(20)
    os._exit(3 if child.is_alive() else 0)
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
go_on.set()
thread.join()
sys.exit(status)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_reload_during_a_fork_does_not_lock_the_child():
    done = subprocess.run([sys.executable, *QUIET, "-c", FORK], timeout=90, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
