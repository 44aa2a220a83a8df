"""The tables are upgraded under workers that go on: no request is lost."""

import shutil
import time
from pathlib import Path

import pytest

from bearer_auth.stores import migrations
from bearer_auth.stores.sql_migrate import upgrade

pytestmark = pytest.mark.once

NEXT = """
import sqlalchemy as sa
from bearer_auth.stores.migrations import words

revision = "0005"
down_revision = "0004"


def upgrade():
    words.add_column("keys", sa.Column("note", sa.String(100)))
    words.add_column("usage", sa.Column("note", sa.String(100)))
    words.create_index("keys_note", "keys", ["note", "key_id"])
"""


def test_no_request_is_lost_while_the_tables_are_upgraded(make_world, tmp_path):
    world = make_world(20)
    scripts = tmp_path / "migrations"
    shutil.copytree(Path(migrations.__file__).parent, scripts)
    (scripts / "versions" / "v0005_note.py").write_text(NEXT)
    readers, keyring = world.readers(), world.keyring
    issued = keyring.create(user_id="user_123", scopes=["jobs"])
    readers.watch(issued.token)
    before = time.monotonic()
    done = upgrade(world.store._database, world.store._tables, str(scripts))
    assert done == ["0005"]
    assert set(readers.answers_after(before)) == {200}
    readers.watch(keyring.create(user_id="user_123", scopes=["jobs"]).token)  # a cold one
    after = time.monotonic()
    assert set(readers.answers_after(after)) == {200}
    keyring.revoke(issued.key_id)
    assert keyring.get(issued.key_id).status == "revoked"
    world.run("SELECT note FROM bearer_auth_keys")
