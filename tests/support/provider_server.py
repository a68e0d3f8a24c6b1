"""A provider's API on loopback: answers what a test says, and remembers what it was asked.

`python -m tests.support.provider_server STATUS ARGUMENT...` runs `metering ARGUMENT...` beside an
OpenRouter that answers everything with one status, and with a page of HTML where that is 200.
"""

import json
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from metering.cli.main import main


@dataclass(frozen=True)
class Asked:
    """One request.

    Attributes:
        path: without the query.
        query: name to values.
        headers: by name in small letters.
        body: the JSON object that was posted; empty for none.
    """

    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: Mapping[str, Any]


@dataclass(frozen=True)
class Reply:
    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, value: object, status: int = 200) -> "Reply":
        return cls(json.dumps(value).encode(), status)


@dataclass(frozen=True)
class Provider:
    url: str
    asked: list[Asked]


@contextmanager
def serving(answer: Callable[[Asked], Reply]) -> Iterator[Provider]:
    """Serve until the block ends."""
    asked: list[Asked] = []

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else {}
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked.append(Asked(parts.path, parse_qs(parts.query), headers, body))
            reply = answer(asked[-1])
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        do_GET = do_POST = _answer  # noqa: N815 - the names that http.server calls

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield Provider(f"http://127.0.0.1:{server.server_port}", asked)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _beside_one_answer(status: int, arguments: list[str]) -> None:
    said = b"<html>sign in</html>" if status == HTTPStatus.OK else b'{"error": "not for you"}'
    os.environ["OPENROUTER_MANAGEMENT_KEY"] = "sk-or-1"
    with serving(lambda _: Reply(said, status, {"Retry-After": "0"})) as provider:
        with Path("metering.toml").open("a", encoding="utf-8") as file:
            file.write(f'\n[pull.openrouter]\nbase_url = "{provider.url}"\n')
        main(arguments)


if __name__ == "__main__":
    _beside_one_answer(int(sys.argv[1]), sys.argv[2:])
