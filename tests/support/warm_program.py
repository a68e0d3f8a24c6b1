"""The installed program, started warm: loaded once, and every call of it is a fork of that.

A command line of the README spends more time on loading libraries than on what it is there for.
What is loaded here waits on a socket; a stand-in named `metering`, in a folder to be put first on
PATH, hands it the arguments, the folder, the environment and the three streams of each call, and
ends as the call ends: with its exit code, or by its signal. Another, `metering-python`, runs a
script.
"""

import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NoReturn

import metering

ROOT: Final = Path(__file__).resolve().parents[2]
# Spark takes its time to load, and one test in a thousand asks for it.
_LEFT_COLD: Final = ("metering.__main__", "metering.engine.rollup.on_spark")
_SCRIPTS: Final = "metering-python"
_STAND_IN: Final = """\
#!{python} -IS
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as server:
    server.connect({address!r})
    socket.send_fds(server, [b"."], [0, 1, 2])
    call = [os.path.basename(sys.argv[0]), sys.argv[1:], os.getcwd(), dict(os.environ)]
    server.sendall(json.dumps(call).encode())
    server.shutdown(socket.SHUT_WR)
    ended = int(server.recv(16) or -9)
if ended < 0:
    os.kill(os.getpid(), -ended)
sys.exit(ended)
"""


@contextmanager
def warm_program() -> Iterator[Path]:
    """Load the program, and yield a folder for PATH that holds its stand-ins."""
    # The address of a socket has a hundred characters at most, which a folder of a test may pass.
    with TemporaryDirectory(prefix="warm-") as folder:
        address = str(Path(folder, "socket"))
        for name in ("metering", _SCRIPTS):
            stand_in = Path(folder, name)
            text = _STAND_IN.format(python=sys.executable, address=address)
            stand_in.write_text(text, encoding="utf-8")
            stand_in.chmod(0o755)
        # It ends with its standard input, so that none outlives the tests, however they end.
        with subprocess.Popen(
            [sys.executable, "-m", "tests.support.warm_program", address],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as server:
            assert server.stdout is not None
            assert server.stdout.readline() == b"loaded\n", "the program does not load"
            yield Path(folder)
            server.communicate()


def _serve(address: str) -> None:
    for module in pkgutil.walk_packages(metering.__path__, "metering."):
        if module.name not in _LEFT_COLD:
            importlib.import_module(module.name)
    # Nobody waits for those that answer; they wait for what they run.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        print("loaded", flush=True)  # noqa: T201 - what the caller waits for
        while listener in select.select([listener, sys.stdin], [], [])[0]:
            caller, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                _answer(caller)
            caller.close()


def _answer(caller: socket.socket) -> NoReturn:
    """Run what a stand-in asks for, tell it how that ended, and end."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _, streams, _, _ = socket.recv_fds(caller, 1, 3)
    with caller.makefile("rb") as asked:
        program, arguments, folder, environment = json.load(asked)
    run = os.fork()
    if run == 0:
        caller.close()
        _become(streams, folder, environment)
        os._exit(_ended(program, arguments))
    _, status = os.waitpid(run, 0)
    caller.sendall(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def _become(streams: list[int], folder: str, environment: dict[str, str]) -> None:
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - open until the end
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - as above
    sys.stderr = open(2, "w", encoding="utf-8", buffering=1, closefd=False)  # noqa: SIM115
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)


def _ended(program: str, arguments: list[str]) -> int:
    """Run one call and return its exit code."""
    from metering.cli.main import main  # noqa: PLC0415 - loaded by then

    sys.argv = [program, *arguments]
    try:
        if program == _SCRIPTS:
            exec(arguments[0], {"__name__": "__main__"})  # noqa: S102 - what a test wrote
        else:
            main(prog_name=program)
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:  # noqa: BLE001 - as the interpreter does
        traceback.print_exc()
        code = 1
    else:
        code = 0
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    return code


if __name__ == "__main__":
    _serve(sys.argv[1])
