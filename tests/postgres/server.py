"""A PostgreSQL server of our own: in a folder that goes away, on loopback, on a free port."""

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

_USER = "metering"
_ACCOUNT = "postgres"


class ServerMissingError(Exception):
    """There is no PostgreSQL on this machine; the message says what was looked for."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server.

    Attributes:
        address: host and port, with the user and its password, as a URL has them.
    """

    address: str

    @contextmanager
    def database(self, name: str) -> Iterator[str]:
        """Yield the URL of a new database, which is gone afterwards.

        Its text is sorted by a language, as on a team's server: what must not depend on the
        order of text there, does not.
        """
        self._run(
            f"CREATE DATABASE {name} TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'"
        )
        yield f"postgresql://{self.address}/{name}"
        self._run(f"DROP DATABASE {name} WITH (FORCE)")

    def _run(self, statement: str) -> None:
        # These statements cannot stand in a transaction.
        url = f"postgresql://{self.address}/postgres"
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(statement.encode())


@contextmanager
def running_server() -> Iterator[Server]:
    """Start a server, and stop it again at the end.

    Raises:
        ServerMissingError: the programs, or the account to run them under, are not there.
    """
    programs = _programs()
    # Not below pytest's folders: those are closed to the account the server runs under.
    folder = Path(tempfile.mkdtemp(prefix="metering-postgres-"))
    password = secrets.token_hex(16)
    port = _free_port()
    secret = folder / "secret"
    secret.write_text(password, encoding="ascii")
    data = str(folder / "data")
    if os.geteuid() == 0:
        shutil.chown(folder, _ACCOUNT)
        shutil.chown(secret, _ACCOUNT)
    access = ("--username", _USER, "--auth", "scram-sha-256", "--pwfile", str(secret))
    locale = ("--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
    log = str(folder / "log")
    try:
        _run(programs / "initdb", "--pgdata", data, *access, *locale)
        _run(programs / "pg_ctl", "start", "-w", "-D", data, "-l", log, "-o", options)
        try:
            yield Server(f"{_USER}:{password}@127.0.0.1:{port}")
        finally:
            _run(programs / "pg_ctl", "stop", "-w", "-D", data, "-m", "immediate")
    finally:
        shutil.rmtree(folder)


def _programs() -> Path:
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4])
    )
    on_path = shutil.which("initdb")
    if not found and on_path is None:
        raise ServerMissingError("no initdb in /usr/lib/postgresql/*/bin or on PATH")
    if os.geteuid() == 0:
        try:
            pwd.getpwnam(_ACCOUNT)
        except KeyError:
            raise ServerMissingError(f"root may not run it, and there is no {_ACCOUNT}") from None
    return found[-1].parent if found else Path(str(on_path)).parent


def _run(program: Path, *arguments: str) -> None:
    command = [str(program), *arguments]
    if os.geteuid() == 0:
        command = ["runuser", "-u", _ACCOUNT, "--", *command]
    # The server keeps what it inherits: with a pipe, we would wait for its end.
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(
            command, cwd="/", stdout=output, stderr=subprocess.STDOUT, check=False
        )
        output.seek(0)
        told = output.read().decode("utf-8", "replace")
    assert done.returncode == 0, f"{' '.join(command)}:\n{told}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
