import json
import os
import subprocess
import sys
import threading
import traceback
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bearer_auth.errors import ConfigurationError
from bearer_auth.records import IssuedKey, KeyRecord, Secret
from bearer_auth.stores.env import EnvStore, env_line

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


class TestJSON:
    def test_a_token_with_more_about_it(self):
        record = only_record(
            {
                CI: as_json(
                    token=STAGING,
                    user_id="user_123",
                    tenant_id="acme",
                    plan="pro",
                    name="The CI",
                    scopes=["b:read", "a:*"],
                    environment="staging",
                    expires_at="2030-01-31T12:00:00+01:00",
                    allowed_ips=["192.0.2.7", "10.0.0.0/8"],
                    metadata={"team": {"id": 7}},
                )
            }
        )
        assert record == KeyRecord(
            key_id=ID,
            user_id="user_123",
            tenant_id="acme",
            plan="pro",
            name="The CI",
            scopes=("a:*", "b:read"),
            environment="staging",
            created_at=record.created_at,
            expires_at=datetime(2030, 1, 31, 11, tzinfo=UTC),
            allowed_ips=("192.0.2.7", "10.0.0.0/8"),
            metadata={"team": {"id": 7}},
            secrets=(Secret(hash=STAGING_PHC, created_at=record.created_at),),
        )

    def test_scopes_may_be_one_text(self):
        assert only_record({CI: as_json(token=STAGING, scopes=" b  a:* ")}).scopes == ("a:*", "b")
        assert only_record({CI: as_json(token=STAGING, scopes="")}).scopes == ()

    def test_what_may_be_missing_in_a_record_may_be_null(self):
        record = only_record({CI: as_json(token=STAGING, tenant_id=None, expires_at=None)})
        assert record.tenant_id is record.expires_at is None

    def test_a_token_that_someone_already_has(self):
        value = as_json(token=LEGACY, user_id="user_123", environment="staging")
        env = store(CI=value)
        record = env.get(*env.key_ids_for(LEGACY))
        assert (record.user_id, record.name, record.environment) == ("user_123", "ci", "staging")

    @pytest.mark.parametrize("digest", [STAGING_HEX, STAGING_HEX.upper(), STAGING_PHC[8:]])
    def test_a_hash_in_place_of_a_token(self, digest):
        value = as_json(id=ID, hash="sha256:" + digest, environment="staging", user_id="user_123")
        record = store(CI=value).get(ID)
        assert [secret.hash for secret in record.secrets] == [STAGING_PHC]
        assert (record.environment, record.user_id, record.name) == ("staging", "user_123", "ci")

    def test_a_hash_is_for_production_unless_told_otherwise(self):
        record = only_record({CI: as_json(id=ID, hash="sha256:" + STAGING_HEX)})
        assert record.environment == "production"


class TestAFile:
    @pytest.mark.parametrize("end", ["", "\n", "\r\n"])
    def test_a_name_that_ends_in_file_names_one(self, tmp_path, end):
        path = tmp_path / "ci"
        path.write_bytes(STAGING.encode() + end.encode())
        record = only_record({CI + "_FILE": str(path)})
        assert (record.key_id, record.user_id, record.name) == (ID, "ci", "ci")

    def test_it_may_hold_json_over_several_lines(self, tmp_path):
        path = tmp_path / "ci"
        path.write_text(json.dumps({"token": STAGING, "user_id": "Zoë"}, indent=2) + "\n")
        assert only_record({CI + "_FILE": str(path)}).user_id == "Zoë"

    def test_a_key_keeps_its_id_when_it_moves_into_a_file(self, tmp_path):
        (tmp_path / "ci").write_text(LEGACY)
        env = EnvStore(environ={CI + "_FILE": str(tmp_path / "ci")})
        assert env.key_ids_for(LEGACY) == (CI_ID,)

    def test_64_kib_are_read_and_no_byte_more(self, tmp_path):
        path = tmp_path / "ci"
        path.write_text(STAGING.join(['{"token":"', '"}']).ljust(65_536))
        assert only_record({CI + "_FILE": str(path)}).key_id == ID
        path.write_text(STAGING.join(['{"token":"', '"}']).ljust(65_537))
        message = refusal({CI + "_FILE": str(path)}, STAGING)
        assert message == f"{CI}_FILE: the file {str(path)!r} has more than 65536 bytes"

    @pytest.mark.parametrize("content", ["\n", "\r\n", ""])
    def test_an_empty_one_is_refused(self, tmp_path, content):
        path = tmp_path / "ci"
        path.write_bytes(content.encode())
        assert refusal({CI + "_FILE": str(path)}) == f"{CI}_FILE: the file {str(path)!r} is empty"

    @pytest.mark.parametrize("end", ["\n\n", "\r", " ", "\n\r\n"])
    def test_only_one_line_end_is_taken_off(self, tmp_path, end):
        path = tmp_path / "ci"
        path.write_bytes(LEGACY.encode() + end.encode())
        assert "not a token" in refusal({CI + "_FILE": str(path)}, LEGACY)

    def test_a_missing_one_is_named(self, tmp_path):
        path = str(tmp_path / "none")
        message = refusal({CI + "_FILE": path})
        assert message == f"{CI}_FILE: can't read the file {path!r}: No such file or directory"

    def test_one_that_can_not_be_read_is_named(self, tmp_path):
        message = refusal({CI + "_FILE": str(tmp_path)})
        assert message == f"{CI}_FILE: can't read the file {str(tmp_path)!r}: Is a directory"

    def test_one_that_is_no_text_is_named_and_not_quoted(self, tmp_path):
        path = tmp_path / "ci"
        path.write_bytes(LEGACY.encode() + b"\xff")
        message = refusal({CI + "_FILE": str(path)}, LEGACY)
        assert message == f"{CI}_FILE: the file {str(path)!r} is not UTF-8 text"

    @pytest.mark.parametrize("value", [STAGING, LEGACY, LEGACY + "\x00", as_json(token=LEGACY), ""])
    def test_a_value_under_a_name_with_file_too_much_is_not_quoted(self, value):
        assert refusal({CI + "_FILE": value}, *filter(None, [STAGING, LEGACY])).startswith(
            f"{CI}_FILE: can't read the file (relative, so not shown: it could be the key): "
        )

    def test_a_relative_path_is_read(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        Path("ci").write_text(STAGING)
        assert only_record({CI + "_FILE": "ci"}).key_id == ID

    def test_a_path_is_not_taken_for_a_key(self, tmp_path):
        path = tmp_path / "a-long-name-of-a-file"
        path.write_text(STAGING)
        assert refusal({CI: str(path)}, str(path)) == (
            f"{CI}: this is the path of a file; call the variable {CI}_FILE"
        )

    def test_a_token_that_looks_like_a_path_and_is_none_is_a_key(self):
        token = "/not/a/file/of/this/machine+"
        assert len(store(CI=token).key_ids_for(token)) == 1


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        ("value", "message"),
        [
            ("", "it is empty; write a token, or unset the variable"),
            ("short-secret-15", "not a token: it needs at least 16 characters"),
            ("s3cr3t-with a blank", "not a token"),
            ("s3cr3t-s3cr3t-s3cr3t\n", "not a token"),
            ("s3cr3t-s3cr3t-ключ", "not a token"),
            ("s3cr3t" * 800, "not a token"),
            (STAGING[:-1] + "0", "the token has our shape and a wrong checksum; is it truncated?"),
            ('{"token":"s3cr3t', "no JSON object: look at character 10"),
            ('{"token":"s3cr3t-s3cr3t-s3cr3t"} s3cr3t', "look at character 34"),
            ('{"token":"s3cr3t","token":"s3cr3t"}', "its JSON has the same field twice"),
            ('{"metadata":{"a":"s3cr3t","a":1}}', "its JSON has the same field twice"),
            ('{"metadata":' + "9" * 5000 + "}", "a number or a nesting that is too large"),
            ('{"metadata":' + "[" * 100_000, "a number or a nesting that is too large"),
            ("{}", "write token, or both id and hash"),
            (as_json(user_id="s3cr3t"), "write token, or both id and hash"),
            (as_json(id=ID), "write token, or both id and hash"),
            (as_json(hash="sha256:" + STAGING_HEX), "write token, or both id and hash"),
            (as_json(token=LEGACY, id=ID), "write either token, or id and hash"),
            (as_json(token=LEGACY, hash="sha256:"), "write either token, or id and hash"),
            (as_json(token=7), "token must be text"),
            (as_json(token=None), "token must be text"),
            (as_json(token="s3cr3t"), "not a token"),
            (as_json(id="s3cr3t", hash="sha256:" + STAGING_HEX), "id must be the 16 characters"),
            (as_json(id=7, hash="sha256:" + STAGING_HEX), "id must be the 16 characters"),
            (as_json(id=ID, hash="s3cr3t"), "hash must be 'sha256:' and the digest"),
            (as_json(id=ID, hash=STAGING_PHC), "hash must be 'sha256:' and the digest"),
            (as_json(id=ID, hash="sha256:" + STAGING_HEX[1:]), "hash must be 'sha256:'"),
            (as_json(id=ID, hash="sha512:" + STAGING_HEX * 2), "hash must be 'sha256:'"),
            (as_json(id=ID, hash=7), "hash must be 'sha256:'"),
            (
                as_json(token=LEGACY, usr_id="x"),
                "unknown field 'usr_id'; known are token, id",
            ),
            (as_json(token=LEGACY, limit="1/s"), "unknown field 'limit'"),
            (as_json(token=LEGACY, status="active"), "unknown field 'status'"),
            (as_json(plan="pro", **{"s3cr3t-key-as-a-field": 1}), "unknown field number 2;"),
            (as_json(token=PRODUCTION, environment="staging"), "environment is not the one"),
            (as_json(token=LEGACY, environment="S3cr3t"), "environment must be 1 to 16 lower-case"),
            (as_json(token=LEGACY, environment=None), "environment must be 1 to 16 lower-case"),
            (as_json(token=LEGACY, user_id=""), "user_id must be text of 1 to 255 characters"),
            (as_json(token=LEGACY, user_id=7), "user_id must be text of 1 to 255 characters"),
            (as_json(token=LEGACY, user_id=None), "user_id must be text of 1 to 255 characters"),
            (as_json(token=LEGACY, user_id="s3cr3t\n"), "user_id must be text"),
            (as_json(token=LEGACY, tenant_id=""), "tenant_id must be text of 1 to 255"),
            (as_json(token=LEGACY, plan="s3cr3t" * 11), "plan must be text of 1 to 64"),
            (as_json(token=LEGACY, name=["s3cr3t"]), "name must be text of up to 255"),
            (as_json(token=LEGACY, scopes=["s3cr3t!"]), "scopes must be a list of scopes"),
            (as_json(token=LEGACY, scopes="a, b"), "scopes must be a list of scopes"),
            (as_json(token=LEGACY, scopes={"a": 1}), "scopes must be a list of scopes"),
            (as_json(token=LEGACY, scopes=[["a"]]), "scopes must be a list of scopes"),
            (as_json(token=LEGACY, scopes=None), "scopes must be a list of scopes"),
            (
                as_json(token=LEGACY, expires_at="2030-01-31"),
                "expires_at must be a time in ISO 8601",
            ),
            (as_json(token=LEGACY, expires_at="2030-01-31T12:00:00"), "with a zone"),
            (as_json(token=LEGACY, expires_at="0001-01-01T00:00:00+02:00"), "expires_at must be"),
            (as_json(token=LEGACY, expires_at="s3cr3t"), "expires_at must be a time in ISO 8601"),
            (as_json(token=LEGACY, expires_at=1893456000), "expires_at must be a time"),
            (as_json(token=LEGACY, allowed_ips="10.0.0.0/8"), "allowed_ips must be a list"),
            (as_json(token=LEGACY, allowed_ips=["s3cr3t"]), "allowed_ips must be a list"),
            (as_json(token=LEGACY, allowed_ips=[7]), "allowed_ips must be a list"),
            (as_json(token=LEGACY, metadata=["s3cr3t"]), "metadata must be a JSON object"),
            (as_json(token=LEGACY, metadata={"a": float("nan")}), "metadata must be a JSON object"),
            (as_json(token=LEGACY, metadata={"a": "s3cr3t" * 2000}), "at most 8192 bytes"),
        ],
    )
    def test_each_mistake_is_named_with_its_variable_and_no_value(self, value, message):
        said = refusal({CI: value}, "s3cr3t", "S3cr3t", LEGACY, BODY, STAGING_HEX[1:])
        assert said.startswith(f"{CI}: ")
        assert message in said

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
    done = subprocess.run([sys.executable, "-c", FORK], timeout=90, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")


def record(**fields):
    return KeyRecord(
        **{
            "key_id": ID,
            "user_id": "user_123",
            "secrets": (Secret(hash=STAGING_PHC),),
            "environment": "staging",
        }
        | fields
    )


def sourced(line, tmp_path):
    """What a POSIX shell makes of a line that it sources."""
    (tmp_path / "keys.env").write_text(line + "\n")
    done = subprocess.run(
        ["sh", "-euc", f'set -a; . ./keys.env; printf %s "${{{CI}}}"'],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={"PATH": os.environ["PATH"], "HOME": "/home/someone", "x": "expanded"},
    )
    assert done.stderr == ""
    return done.stdout


HOSTILE = """O'Brien "quoted" $x ${x} $(id) `id` \\ \\' \\n # ! ~ %h & ; | é \U0001f511 = {} , :"""


class TestEnvLine:
    def test_a_token_stands_alone_if_the_rest_is_left_out_anyway(self):
        assert env_line(CI, IssuedKey(STAGING, record(user_id="ci"))) == f"{CI}={STAGING}"
        assert (
            env_line(CI, IssuedKey(STAGING, record(user_id="ci", name="ci"))) == f"{CI}={STAGING}"
        )

    def test_a_token_with_more_about_it_is_json(self):
        line = env_line(CI, IssuedKey(STAGING, record(plan="pro", scopes=["a", "b:*"])))
        assert line == (
            f'{CI}=\'{{"token":"{STAGING}","user_id":"user_123","plan":"pro","scopes":["a","b:*"]}}\''
        )

    def test_a_record_is_its_hash(self):
        assert env_line(CI, record()) == (
            f'{CI}=\'{{"id":"{ID}","hash":"sha256:{STAGING_PHC[8:]}","user_id":"user_123",'
            '"environment":"staging"}\''
        )

    def test_a_token_that_a_shell_would_expand_is_quoted(self, tmp_path):
        issued = IssuedKey("~legacy-key-of-someone", record(user_id="ci", environment="production"))
        line = env_line(CI, issued)
        assert line == f"{CI}='~legacy-key-of-someone'"
        assert sourced(line, tmp_path) == "~legacy-key-of-someone"

    @pytest.mark.parametrize("form", ["token", "hash"])
    def test_a_line_comes_back_through_a_shell(self, tmp_path, form):
        made = record(
            user_id=HOSTILE,
            tenant_id="acme",
            plan="$pro",
            name=HOSTILE,
            scopes=["a:*", "b"],
            expires_at=datetime(2030, 1, 31, 12, 0, 0, 5, tzinfo=UTC),
            allowed_ips=["10.0.0.0/8", "2001:db8::7"],
            metadata={HOSTILE: [HOSTILE, "\n\t\x00\ud800", 1.5, None, True]},
        )
        line = env_line(CI, IssuedKey(STAGING, made) if form == "token" else made)
        assert (STAGING in line) == (form == "token")
        back = only_record({CI: sourced(line, tmp_path)})
        for name in ("key_id", "user_id", "tenant_id", "plan", "name", "scopes", "environment"):
            assert getattr(back, name) == getattr(made, name)
        assert back.expires_at == made.expires_at
        assert back.allowed_ips == made.allowed_ips
        assert back.metadata == made.metadata
        assert [secret.hash for secret in back.secrets] == [STAGING_PHC]

    @settings(max_examples=50)
    @given(st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1))
    def test_between_the_quotes_is_nothing_that_a_reader_would_change(self, text):
        line = env_line(CI, record(name=text[:255], metadata={text: text}))
        name, value = line.split("=", 1)
        assert name == CI
        assert value[0] == value[-1] == "'"
        inside = value[1:-1]
        # Compose files expand "$", dotenv files unescape "\\\\" and "\\'", YAML and sh end at "'".
        assert not set("'$`\n\r") & set(inside)
        assert inside.isascii()
        assert inside.count("\\") == inside.count("\\u")
        assert only_record({CI: inside}).metadata == {text: text}

    def test_a_key_without_a_name_gets_the_variables(self):
        assert only_record({CI: env_line(CI, record()).partition("=")[2].strip("'")}).name == "ci"

    def test_the_newest_hash_is_taken(self):
        both = (Secret(hash=STAGING_PHC), Secret(hash=LEGACY_PHC))
        assert STAGING_PHC[8:] in env_line(CI, record(secrets=both))

    def test_another_prefix(self):
        line = env_line("APP_CI", IssuedKey(STAGING, record(user_id="ci")), prefix="APP_")
        assert line == f"APP_CI={STAGING}"

    @pytest.mark.parametrize(
        "variable",
        ["", "CI", "BEARER_AUTH_KEY_", "BEARER_AUTH_KEY_A-B", CI + "\n", CI + "=x", CI + "_FILE"],
    )
    def test_a_name_that_no_store_would_read_is_refused(self, variable):
        with pytest.raises(ConfigurationError, match="not a variable's name"):
            env_line(variable, record())

    @pytest.mark.parametrize(
        "fields",
        [{"status": "revoked"}, {"status": "suspended"}, {"limit": "1/minute"}],
    )
    def test_what_a_variable_can_not_say_is_not_dropped(self, fields):
        with pytest.raises(ConfigurationError, match="active keys only, and no limit"):
            env_line(CI, record(**fields))

    @pytest.mark.parametrize(
        "secrets",
        [(), (Secret(hash="$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$" + "A" * 43),)],
    )
    def test_a_record_without_a_sha_256_is_refused(self, secrets):
        with pytest.raises(ConfigurationError, match="the SHA-256 of a minted token"):
            env_line(CI, record(secrets=secrets))
