import os
import time
from datetime import timedelta
from pathlib import Path

import pytest

from bearer_auth import Keyring, MemoryStore
from bearer_auth.cli import store_checks
from bearer_auth.cli.checks import Finding
from bearer_auth.stores.env import EnvStore


def only(findings) -> Finding:
    (finding,) = findings
    return finding


@pytest.mark.parametrize(
    ("name", "mode", "severity"),
    [
        ("keys.db", 0o644, "error"),
        ("keys.db", 0o640, "warning"),
        ("keys.db-wal", 0o604, "error"),
        ("keys.db-shm", 0o660, "warning"),
        ("keys.db", 0o600, "ok"),
    ],
)
def test_a_store_file_that_others_can_read(tmp_path: Path, name, mode, severity):
    tmp_path.chmod(0o700)
    path = tmp_path / "keys.db"
    path.touch(0o600)
    (tmp_path / name).touch()
    (tmp_path / name).chmod(mode)
    finding = only(store_checks.store_files(str(path)))
    assert (finding.severity, finding.check) == (severity, "store_file")
    if severity != "ok":
        assert finding.fix == f"chmod 600 {tmp_path / name}"
        assert f"{mode:04o}" in finding.what


@pytest.mark.parametrize(
    ("mode", "severity"),
    [
        (0o777, "error"),
        (0o1777, "error"),  # who can't replace keys.db can still plant a keys.db-wal
        (0o770, "warning"),
        (0o1770, "warning"),
        (0o755, "ok"),
    ],
)
def test_a_folder_in_which_others_may_replace_the_store(tmp_path: Path, mode, severity):
    path = tmp_path / "keys.db"
    path.touch(0o600)
    tmp_path.chmod(mode)
    finding = only(store_checks.store_files(str(path)))
    tmp_path.chmod(0o700)
    assert finding.severity == severity
    if severity != "ok":
        sticky = mode & 0o1000
        assert finding.where == str(tmp_path)
        assert finding.fix == (
            "move the store into a folder of its own" if sticky else f"chmod go-w {tmp_path}"
        )


@pytest.mark.parametrize("name", ["keys.db", "keys.db-wal", "keys.db-shm", "."])
def test_what_belongs_to_another_user_is_an_error(tmp_path: Path, monkeypatch, name):
    path, theirs = tmp_path / "keys.db", str(tmp_path / name)
    for file in {path, tmp_path / name} - {tmp_path}:
        file.touch(0o600)
    stat = os.stat

    def owned(file, **options):
        found = stat(file, **options)
        uid = 4242 if file == theirs else 1234
        return os.stat_result((*found[:4], uid, *found[5:]))

    monkeypatch.setattr(os, "stat", owned)
    monkeypatch.setattr(os, "geteuid", lambda: 1234)
    finding = only(store_checks.store_files(str(path)))
    assert (finding.severity, finding.where) == ("error", theirs)
    assert "another user of this machine (4242)" in finding.what
    assert finding.fix.startswith(f"chown 1234 {theirs},")


def test_what_belongs_to_root_is_fine(tmp_path: Path, monkeypatch):
    path = tmp_path / "keys.db"
    path.touch(0o600)
    stat = os.stat

    def owned(file, **options):
        found = stat(file, **options)
        return os.stat_result((*found[:4], 0, *found[5:]))

    monkeypatch.setattr(os, "stat", owned)
    monkeypatch.setattr(os, "geteuid", lambda: 1234)
    assert only(store_checks.store_files(str(path))).severity == "ok"


def test_the_files_beside_a_linked_store_are_those_of_its_target(tmp_path: Path):
    real, linked = tmp_path / "real", tmp_path / "linked"
    for folder in (real, linked):
        folder.mkdir(0o700)
    for name in ("keys.db", "keys.db-wal"):
        (real / name).touch(0o600)
    (real / "keys.db-wal").chmod(0o666)
    (linked / "keys.db").symlink_to(real / "keys.db")
    finding = only(store_checks.store_files(str(linked / "keys.db")))
    assert (finding.severity, finding.where) == ("error", str(real / "keys.db-wal"))


def test_a_file_that_is_gone_meanwhile_is_no_finding(tmp_path: Path):
    assert list(store_checks.store_files(str(tmp_path / "no" / "keys.db"))) == []


def test_the_files_of_the_store_are_never_opened(store, url, monkeypatch):
    """THREATS.md, Keys, stores, caches: closing any descriptor drops the process's locks."""

    def opened(*_, **__):
        raise AssertionError("opened")

    monkeypatch.setattr("builtins.open", opened)
    monkeypatch.setattr("os.open", opened)
    assert only(store_checks.store_files(url.removeprefix("sqlite:///"))).severity == "ok"


def test_the_journal_and_the_clock_of_a_store_are_fine(store, url):
    path = url.removeprefix("sqlite:///")
    journal, clock = store_checks.database(store_checks.SQLite(path), path)
    assert (journal.check, journal.severity) == ("journal_mode", "ok")
    assert (clock.check, clock.severity) == ("clock", "ok")


def test_another_journal_mode_is_a_warning(tmp_path: Path):
    import sqlite3
    from contextlib import closing

    path = str(tmp_path / "keys.db")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t (x)")
    journal = next(store_checks.database(store_checks.SQLite(path), path))
    assert journal.severity == "warning"
    assert journal.what.startswith("delete: ")
    assert "journal_mode=WAL" in journal.fix


class Other(store_checks.SQLite):
    """A database whose clock is wrong by so many seconds."""

    def __init__(self, off: float) -> None:
        self.off = off

    def journal(self):
        return iter(())

    def now(self):
        return time.time() + self.off


@pytest.mark.parametrize(
    ("off", "severity"), [(0, "ok"), (1.9, "ok"), (-1.9, "ok"), (60, "error"), (-60, "error")]
)
def test_a_clock_that_differs_is_an_error(off, severity):
    finding = only(store_checks.database(Other(off), "db"))
    assert (finding.check, finding.severity) == ("clock", severity)


def test_a_database_that_fails_is_a_finding_without_the_text_of_its_error(tmp_path: Path):
    path = tmp_path / "keys.db"
    path.write_text("hunter2 " * 500)
    finding = only(store_checks.database(store_checks.SQLite(str(path)), "db"))
    assert finding.severity == "error"
    assert "DatabaseError" in finding.what
    assert "hunter2" not in repr(finding)


def test_keys_without_an_end_are_named_up_to_a_few(monkeypatch):
    monkeypatch.setattr(store_checks, "MAX_PAGE", 3)
    keyring = Keyring(MemoryStore())
    keyring.create(user_id="u", expires_in=timedelta(days=1))
    assert only(store_checks.keys_without_expiry(keyring)).severity == "ok"
    endless = keyring.create(user_id="u").key_id
    finding = only(store_checks.keys_without_expiry(keyring))
    assert (finding.severity, finding.where) == ("warning", endless)
    assert finding.what.startswith("1 of 2 active keys")
    assert finding.fix == f"bearer-auth keys update {endless} --expires-in 90d"
    for _ in range(6):
        keyring.create(user_id="u")
    finding = only(store_checks.keys_without_expiry(keyring))
    assert finding.what.startswith("7 of 8 active keys")
    assert finding.where.count(",") == 5
    assert finding.where.endswith(", …")


def test_a_key_that_has_ended_needs_no_end():
    keyring = Keyring(MemoryStore())
    keyring.revoke(keyring.create(user_id="u").key_id)
    assert only(store_checks.keys_without_expiry(keyring)).severity == "ok"


def test_a_store_that_cannot_list_is_left_alone():
    finding = only(store_checks.keys_without_expiry(Keyring(EnvStore(environ={}))))
    what = "not looked at: this store has no list of its keys"
    assert (finding.severity, finding.what) == ("ok", what)
