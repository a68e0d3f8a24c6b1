"""Pull: ask providers' APIs for their exports, into files that the next `ingest` reads.

A file holds the answers for some days of one export, as they came, one after the other. It stands
in its place when it is whole; what cannot be had is told and keeps nothing else away.
"""

import gzip
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.connectors.caller import Caller
from metering.connectors.contract import Answer, Connector, Days, Export
from metering.connectors.registry import CONNECTORS
from metering.errors import BookError, PullError

if TYPE_CHECKING:
    from metering.settings import Settings

_LEVEL: Final = 6
_OF_ALL: Final = {
    "key_from": "the environment variable that holds the key",
    "base_url": "where the API is",
    "days": "how many days before today are asked for anew",
}
_UNKNOWN_KEY: Final = "key-refused"


@dataclass(frozen=True, slots=True)
class Pulled:
    """What came of one file.

    Attributes:
        provider: name of the connector.
        export: what was asked for.
        ingestor: name of the format that reads it.
        rows: how many rows of usage, cost or activity it holds.
        path: the file; None where there was nothing in those days.
    """

    provider: str
    export: str
    ingestor: str
    days: Days
    rows: int
    path: Path | None


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be pulled.

    Attributes:
        first: the first day; None for as far back as the provider may still change what it said.
        last: the last day, inclusive.
        folder: where files go, a folder for each provider.
    """

    first: date | None
    last: date
    folder: Path


def configured(settings: "Settings") -> tuple[Connector, ...]:
    """Return the connectors that [pull] names, in its order.

    Raises:
        BookError: `bad-settings` for one that there is not.
    """
    return tuple(connector(name, settings) for name in settings.pull)


def connector(name: str, settings: "Settings") -> Connector:
    """Return a connector by its name.

    Raises:
        BookError: `bad-settings`, where [pull] says something of it that nothing reads.
    """
    if name not in CONNECTORS:
        raise _bad_settings(settings, f"[pull.{name}] is no provider", sorted(CONNECTORS))
    found = CONNECTORS[name]
    known = _known(found)
    for key, value in settings.pull.get(name, {}).items():
        if key not in known:
            raise _bad_settings(settings, f"[pull.{name}] has no key {key!r}", sorted(known))
        wanted = int if key == "days" else str
        if not isinstance(value, wanted) or value is True:
            what = "a whole number" if wanted is int else "text"
            raise _bad_settings(settings, f"[pull.{name}] {key} is not {what}", ())
    return found


def pull(
    settings: "Settings",
    connector: Connector,
    order: Order,
    tell: Callable[[str], None] = lambda _: None,
    wait: float = 1.0,
) -> Iterator[Pulled | PullError]:
    """Yield what came of each file, or why it could not be had.

    A key that is refused is refused for all exports, and ends it; whatever else an export is
    refused for leaves the others.

    Args:
        settings: what [pull] says of the account.
        connector: whom to ask.
        order: which days, and where to.
        tell: called with the name of each export before it is asked for.
        wait: factor of the waits between tries, in seconds.
    """
    try:
        yield from _pulled(settings, connector, order, tell, wait)
    except PullError as error:
        yield error


def _pulled(
    settings: "Settings",
    connector: Connector,
    order: Order,
    tell: Callable[[str], None],
    wait: float,
) -> Iterator[Pulled | PullError]:
    options = {key: str(value) for key, value in settings.pull.get(connector.name, {}).items()}
    secret = _secret(connector, options)
    if connector.required and not any(options.get(name) for name in connector.required):
        raise PullError(
            connector.name,
            "no-account",
            "it is not said whose usage to ask for",
            details=tuple(
                f"expected: {name}: {_known(connector)[name]}" for name in connector.required
            ),
            do=f"write it into [pull.{connector.name}] of metering.toml",
        )
    days = _days(connector, options, order)
    with Caller(connector, secret, options, wait) as caller:
        for export in connector.exports:
            asked = days.up_to(order.last - timedelta(days=export.delay))
            if asked is None or (export.needs and not options.get(export.needs)):
                continue
            tell(f"{connector.name} {export.name}")
            try:
                for part in asked.by_day() if export.by_day else asked.by_month():
                    folder = order.folder / connector.name
                    yield _file(caller, connector.name, export, part, folder)
            except PullError as error:
                if error.code == _UNKNOWN_KEY:
                    raise
                yield error


def _known(connector: Connector) -> Mapping[str, str]:
    """Return what [pull.NAME] may say, with what each means."""
    return {**_OF_ALL, **connector.options}


def _secret(connector: Connector, options: Mapping[str, str]) -> str:
    name = options.get("key_from", connector.key_from)
    secret = os.environ.get(name, "").strip()
    # What cannot stand in a header would be told by the library that refuses it, key and all.
    if not secret or not (secret.isascii() and secret.isprintable()) or " " in secret:
        wrong = (
            "holds more than a key: a space, a line break or the like" if secret else "is not set"
        )
        raise PullError(
            connector.name,
            "no-key",
            f"the environment variable {name} {wrong}",
            details=(f"expected: {connector.asks}",),
            do=f"set it, or name another as `key_from` in [pull.{connector.name}] of metering.toml",
        )
    return secret


def _days(connector: Connector, options: Mapping[str, str], order: Order) -> Days:
    back = int(options.get("days", connector.restated))
    return Days(order.first or order.last - timedelta(days=max(back, 1) - 1), order.last)


def _file(caller: Caller, provider: str, export: Export, days: Days, folder: Path) -> Pulled:
    path = folder / f"{export.name}-{days.first}--{days.last}.jsonl.gz"
    folder.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    try:
        rows = _write(part, export.pages(caller, days))
        if rows:
            part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return Pulled(provider, export.name, export.ingestor, days, rows, path if rows else None)


def _write(path: Path, answers: Iterable[Answer]) -> int:
    """Write answers one after the other, and return how many rows they hold."""
    rows = 0
    with path.open("wb") as raw:
        # Without a name and a time the same answers are the same bytes.
        with gzip.GzipFile("", "wb", _LEVEL, raw, mtime=0) as file:
            for answer in answers:
                rows += answer.rows
                file.write(answer.body.rstrip() + b"\n")
        raw.flush()
        os.fsync(raw.fileno())
    return rows


def _bad_settings(settings: "Settings", what: str, known: Iterable[str]) -> BookError:
    names = ", ".join(known)
    details = (f"known:    {names}",) if names else ()
    return BookError("bad-settings", f"{settings.home / 'metering.toml'}: {what}", details=details)
