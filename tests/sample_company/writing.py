"""How the files are laid down: the same bytes on every machine."""

import gzip
import json
from collections.abc import Iterable, Mapping
from pathlib import Path


def write_page(path: Path, page: Mapping[str, object]) -> None:
    """Write one page of an API, a bucket to a line so that a person can read and diff it."""
    buckets = page["data"]
    if not isinstance(buckets, list):
        raise TypeError("a page holds a list of buckets")
    lines = ",\n".join(compact(bucket) for bucket in buckets)
    fields = (
        f'"{key}":' + (f"[\n{lines}\n]" if key == "data" else compact(value))
        for key, value in page.items()
    )
    write_text(path, "{" + ",".join(fields) + "}\n")


def write_lines(path: Path, rows: Iterable[Mapping[str, object]]) -> None:
    """Write one JSON object to a line."""
    write_text(path, "".join(compact(row) + "\n" for row in rows))


def write_text(path: Path, text: str) -> None:
    """Write a text file with the line ends it has; a name that ends in .gz is compressed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = text.encode()
    if path.suffix == ".gz":
        # No time stamp inside, else every run would write other bytes.
        content = gzip.compress(content, compresslevel=9, mtime=0)
    path.write_bytes(content)


def compact(value: object) -> str:
    """Return JSON without spaces."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
