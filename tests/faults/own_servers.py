"""Database servers that a test may stop, freeze and starve: each in a folder and on a port of its
own, on 127.0.0.1 only. Nothing but what was started here is ever ended.
"""

import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from glob import glob
from pathlib import Path

import psycopg
import pymysql
import pytest

USER = "own_user_name"
PASSWORD = "own_password"
DATABASE = "own_database"
SECONDS = 30
"""Nothing that a server does takes longer, however busy the machine is."""

FOLDERS = [*os.get_exec_path(), "/usr/sbin", "/usr/local/sbin"]
FOLDERS += sorted(glob("/usr/lib/postgresql/*/bin"), reverse=True)


def free_port():
    """Below the ports that the system gives to clients: one of those would take it as soon as its
    server is stopped."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class OwnServer:
    """A server, of whose kind the subclass knows the programs. ``make`` makes and starts it."""

    quickest_end = signal.SIGKILL

    def __init__(self):
        self.port = free_port()
        self.process = None
        self.keys = None
        self.folder = Path(tempfile.mkdtemp(prefix="bearer-auth-"))
        self.log = self.folder / "log"
        # PostgreSQL refuses to run as root, and MariaDB should.
        self.identity = {}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            shutil.chown(self.folder, nobody.pw_uid, nobody.pw_gid)
            self.identity = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}

    @property
    def address(self):
        return ("127.0.0.1", self.port)

    @property
    def url(self):
        return self.url_by(self.port)

    def url_by(self, port, *, password=PASSWORD):
        """The URL of the database, by this port: that of a proxy, say."""
        return f"{self.scheme}://{USER}:{password}@127.0.0.1:{port}/{DATABASE}"

    def start(self):
        """Start it and wait until it can be used."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,  # a Ctrl-C is for pytest alone
                restore_signals=False,  # a file that may not grow is an error, no end by SIGXFSZ
                **self.identity,
            )
        end = time.monotonic() + SECONDS
        while not self.ready():
            if self.process.poll() is not None or time.monotonic() > end:
                text = self.log.read_text(errors="replace")
                self.stop()
                raise RuntimeError(f"{type(self).__name__} did not start:\n{text[-4000:]}")
            time.sleep(0.02)

    def stop(self):
        """End it at once, as a crash does; its data stay."""
        if self.process is None:
            return
        self.thaw()
        self.process.send_signal(self.quickest_end)
        try:
            self.process.wait(SECONDS)
        finally:
            for pid in self.pids():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.wait(SECONDS)
            self.process = None

    def restart(self):
        self.stop()
        self.start()

    def pids(self):
        """The process and its children, if it runs."""
        if self.process.poll() is not None:
            return []
        parents = {}
        for stat in glob("/proc/[0-9]*/stat"):
            try:
                text = Path(stat).read_text()
            except (FileNotFoundError, ProcessLookupError):  # it has just ended
                continue
            # proc_pid_stat(5): the name is in brackets and may hold anything
            parents[int(text.split()[0])] = int(text.rpartition(")")[2].split()[1])
        main = self.process.pid
        return [main, *(pid for pid, parent in parents.items() if parent == main)]

    def signal_all(self, number):
        # Twice: a child may have been born in between, until its parent was stopped.
        for _ in range(2):
            for pid in self.pids():
                with suppress(ProcessLookupError):
                    os.kill(pid, number)

    def freeze(self):
        """Stop all of it; the kernel goes on accepting connections for it, and acknowledging."""
        self.signal_all(signal.SIGSTOP)

    def thaw(self):
        self.signal_all(signal.SIGCONT)

    def fill_disk(self):
        """Let no file grow beyond those that it has from the beginning, which the kernel refuses
        like a full disk."""
        self._largest_file(self.largest_of_its_own)

    def free_disk(self):
        self._largest_file("unlimited")

    def _largest_file(self, size):
        for pid in self.pids():
            # in a process of the same user: for another's even root may lack the right
            try:
                self.do("prlimit", f"--pid={pid}", f"--fsize={size}:")
            except AssertionError:
                if pid in self.pids():
                    raise  # else it has just ended, as a vacuum does

    def recover(self):
        """Let it be as a test expects it, whatever the last one has done to it."""
        if self.process is None:
            self.start()
        self.thaw()

    def remove(self):
        try:
            self.stop()
        finally:
            shutil.rmtree(self.folder)

    def program(self, name):
        """The path of a program; where it is missing the test is skipped, which CI refuses."""
        found = shutil.which(name, path=os.pathsep.join(FOLDERS))
        if found is None:
            pytest.skip(f"needs {name}: apt-get install {self.package}")
        return found

    def do(self, name, *arguments, **environ):
        """Run one of its programs to the end."""
        done = subprocess.run(
            [self.program(name), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            cwd=self.folder,
            env={**os.environ, "HOME": str(self.folder), "TMPDIR": str(self.folder), **environ},
            timeout=2 * SECONDS,
            **self.identity,
        )
        assert done.returncode == 0, (done.stdout + done.stderr).decode()


class OwnPostgreSQL(OwnServer):
    """PostgreSQL. Its user's password is asked for."""

    package, scheme = "postgresql", "postgresql+psycopg"
    largest_of_its_own = 2**20
    quickest_end = signal.SIGQUIT  # its children go with it, and its shared memory
    settings = (
        "listen_addresses=127.0.0.1",
        "unix_socket_directories=",
        "fsync=off",
        "autovacuum=off",
        "shared_buffers=4MB",
        "max_connections=100",
        "max_wal_senders=4",
        "wal_keep_size=64MB",
    )

    def make(self):
        secret = self.folder / "password"
        secret.write_text(PASSWORD)
        self.do(
            *("initdb", "-D", self.folder / "data", "-U", "own_admin", "--pwfile", secret),
            *("-A", "scram-sha-256", "-E", "UTF8", "--no-locale", "--no-sync", "--wal-segsize=1"),
        )
        self.start()
        self.run(f"CREATE USER {USER} PASSWORD '{PASSWORD}'", database="postgres")
        self.run(f"CREATE DATABASE {DATABASE} OWNER {USER}", database="postgres")

    def make_replica_of(self, primary):
        self.do(
            *("pg_basebackup", "-D", self.folder / "data", "-h", "127.0.0.1"),
            *("-p", str(primary.port), "-U", "own_admin", "-R", "-c", "fast", "--no-sync"),
            PGPASSWORD=PASSWORD,
        )
        self.start()

    def command(self):
        options = [*self.settings, f"port={self.port}"]
        folder = self.folder / "data"
        return [self.program("postgres"), "-D", folder, *(f"--{option}" for option in options)]

    def log_in(self, user=USER, password=PASSWORD, database=DATABASE, timeout=SECONDS):
        """A connection; of the database's user, if of nobody else."""
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user=user,
            password=password,
            dbname=database,
            connect_timeout=timeout,
            autocommit=True,
        )

    def ready(self):
        try:
            self.log_in("own_admin", database="postgres").close()
        except psycopg.OperationalError:
            return False
        return True

    def run(self, statement, database=DATABASE):
        """Run SQL as the administrator; returns the rows, if there are any."""
        with self.log_in("own_admin", database=database) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def connections(self):
        """The connections of the database's user, by their numbers."""
        found = self.run(f"SELECT pid FROM pg_stat_activity WHERE usename = '{USER}'")
        return {number for (number,) in found}

    def wait_for(self, place):
        """Of a replica: wait until it has all that the primary had written up to there."""
        end = time.monotonic() + SECONDS
        while not self.run(f"SELECT pg_last_wal_replay_lsn() >= '{place}'")[0][0]:
            assert time.monotonic() < end
            time.sleep(0.02)

    def change_password(self, password):
        self.run(f"ALTER USER {USER} PASSWORD '{password}'")

    def rename(self, table, name):
        self.run(f"ALTER TABLE {table} RENAME TO {name}")

    def read_only(self, switch):
        """Make the database read-only for the connections that follow, or no longer."""
        self.run(
            f"ALTER DATABASE {DATABASE} SET default_transaction_read_only = {switch}", "postgres"
        )
        for number in self.connections():
            self.run(f"SELECT pg_terminate_backend({number})", "postgres")


class OwnMariaDB(OwnServer):
    """MariaDB."""

    package, scheme = "mariadb-server", "mysql+pymysql"
    largest_of_its_own = 13 * 2**20
    settings = (
        "bind-address=127.0.0.1",
        "skip-name-resolve",
        "performance-schema=off",
        "innodb-data-file-path=ibdata1:5M:autoextend",
        "innodb-autoextend-increment=1",
        "innodb-buffer-pool-size=16M",
        "innodb-log-file-size=4M",
        "innodb-flush-log-at-trx-commit=2",
        "innodb-flush-method=nosync",
        "max-connections=100",
    )

    def make(self):
        self.do(
            *("mariadb-install-db", "--no-defaults", f"--datadir={self.folder / 'data'}"),
            *("--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"),
            *(f"--{setting}" for setting in self.settings if setting.startswith("innodb")),
        )
        self.start()
        self.run(f"CREATE DATABASE {DATABASE}")
        self.run(f"CREATE USER {USER}@'127.0.0.1' IDENTIFIED BY '{PASSWORD}'")
        self.run(f"GRANT ALL ON {DATABASE}.* TO {USER}@'127.0.0.1'")

    def command(self):
        options = [
            *self.settings,
            f"datadir={self.folder / 'data'}",
            f"port={self.port}",
            f"socket={self.folder / 'socket'}",
            f"pid-file={self.folder / 'pid'}",
        ]
        return [self.program("mariadbd"), "--no-defaults", *(f"--{option}" for option in options)]

    def log_in(self, user=USER, password=PASSWORD, database=DATABASE, timeout=SECONDS):
        """A connection; of the database's user, if of nobody else."""
        return pymysql.connect(
            host="127.0.0.1",
            port=self.port,
            user=user,
            password=password,
            database=database,
            connect_timeout=timeout,
            read_timeout=timeout,
            autocommit=True,
        )

    def ready(self):
        try:
            self.log_in("root", "", None).close()
        except pymysql.OperationalError:
            return False
        return True

    def run(self, statement):
        """Run SQL as the administrator; returns the rows, if there are any."""
        with self.log_in("root", "", None) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())

    def connections(self):
        """The connections of the database's user, by their numbers."""
        found = self.run(f"SELECT ID FROM information_schema.PROCESSLIST WHERE USER = '{USER}'")
        return {number for (number,) in found}

    def change_password(self, password):
        self.run(f"ALTER USER {USER}@'127.0.0.1' IDENTIFIED BY '{password}'")

    def rename(self, table, name):
        self.run(f"RENAME TABLE {DATABASE}.{table} TO {DATABASE}.{name}")

    def read_only(self, switch):
        """Make the server read-only, or no longer."""
        self.run(f"SET GLOBAL read_only = {switch}")


class OwnRedis(OwnServer):
    """Redis."""

    package, scheme = "redis-server", "redis"

    def make(self):
        self.start()

    def command(self):
        program = self.program("redis-server")
        return [program, "--bind", "127.0.0.1", "--port", str(self.port), "--save", ""]

    def ready(self):
        try:
            return self.run("PING") == b"+PONG\r\n"
        except OSError:
            return False

    def run(self, command):
        """Send one command; returns the line that is answered."""
        with socket.create_connection(self.address, SECONDS) as connection:
            connection.sendall(command.encode() + b"\r\n")
            with connection.makefile("rb") as lines:
                return lines.readline()
