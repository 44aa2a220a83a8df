"""The line for a key, and that an EnvStore reads it back."""

import os
import subprocess
from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bearer_auth.errors import ConfigurationError
from bearer_auth.records import IssuedKey, KeyRecord, Secret
from bearer_auth.stores.env import EnvStore
from bearer_auth.stores.env_line import env_line

ID = "AbCdEfGh01234567"
STAGING = f"ba_staging_{ID}0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg2N0EIa"
CI = "BEARER_AUTH_KEY_CI"
STAGING_PHC = "$sha256$qW9vSyXNn/wkn52WfKsB5LtyN3ftWRKZQEb/r/Gt3QQ"
LEGACY_PHC = "$sha256$NosrI0VsttN7gsuX2xg7WB8PN4qBLVaa5UKCaJl9ifI"


def only_record(environ):
    (record,) = EnvStore(environ=environ)._keys.records.values()
    return record


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
    @example(HOSTILE)
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
