"""The templates in `reports/`, and a company's own in their place where it has some.

What goes wrong in a template of ours is our defect. One of the company's is a program we did not
write: whatever it raises, or ours for lack of what it took the place of, is told with its file, and
its line where that is known.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from traceback import extract_tb
from typing import Final

from jinja2 import Environment, FunctionLoader, TemplateNotFound, TemplateSyntaxError

from metering.errors import MeteringError, SourceError, SourceRef, on_one_line
from metering.resources import templates_dir

_REMEDY: Final = "correct it, or take it out of the folder to have ours"
# Where a diagnosis of Typst points to: a line of the one text it was given.
_TYPST_LINE: Final = re.compile(r"\.typ:(\d+):")


class Templates:
    """Where templates are looked for: in the company's folder, then in ours.

    Args:
        own: the company's folder; None for none.
    """

    def __init__(self, own: Path | None) -> None:
        self._own = own
        self._folders = tuple(folder for folder in (own, templates_dir()) if folder)
        self._taken: list[Path] = []
        self.loader = FunctionLoader(self._loaded)

    def text(self, name: str) -> str:
        """Return a template or a static part as it stands.

        Raises:
            SourceError: `bad-template`: the company's is not text in UTF-8.
        """
        path = self._path(name)
        if path is None:
            raise FileNotFoundError(name)
        if self._own and path.is_relative_to(self._own):
            self._taken.append(path)
        try:
            return path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise _refused(SourceRef(str(path)), "it is not text in UTF-8") from error

    def rendered(self, environment: Environment, name: str, said: Mapping[str, object]) -> str:
        """Return what a Jinja template makes of what it may name.

        Raises:
            SourceError: `bad-template`: one of the company's is wrong.
        """
        try:
            return environment.get_template(name).render(said)
        except MeteringError:
            raise
        except Exception as error:
            if not self._taken:
                raise
            is_missing = isinstance(error, TemplateNotFound)
            what = f"there is no template called {error}" if is_missing else str(error)
            raise _refused(self._place(error), what) from error

    @contextmanager
    def joined(self, *names: str) -> Iterator[bytes]:
        """Give Typst templates as the one text that is set, and tell what is wrong in one of them.

        Raises:
            SourceError: `bad-template`: one of the company's is wrong.
        """
        texts = {name: f"{self.text(name).rstrip()}\n" for name in names}
        try:
            yield "".join(texts.values()).encode()
        except RuntimeError as error:
            if not self._taken:
                raise
            found = _TYPST_LINE.search(getattr(error, "diagnostic", ""))
            place = self._joined_place(texts, int(found[1]) if found else 0)
            raise _refused(place, getattr(error, "message", str(error))) from error

    def _joined_place(self, texts: Mapping[str, str], line: int) -> SourceRef:
        """Return where a line of the joined text stands, if in a template of the company's."""
        for name, text in texts.items():
            lines = len(text.splitlines())
            path = self._path(name)
            if 0 < line <= lines and path in self._taken:
                return SourceRef(str(path), line)
            line -= lines
        return SourceRef(str(self._taken[-1]))

    def _place(self, error: Exception) -> SourceRef:
        """Return the last line of a company's template on the way to an error."""
        passed = [(frame.filename, frame.lineno or 0) for frame in extract_tb(error.__traceback__)]
        if isinstance(error, TemplateSyntaxError) and error.filename:
            passed.append((error.filename, error.lineno))
        for path, line in reversed(passed):
            if Path(path) in self._taken:
                return SourceRef(path, line)
        return SourceRef(str(self._taken[-1]))

    def _path(self, name: str) -> Path | None:
        return next((path for folder in self._folders if (path := folder / name).is_file()), None)

    def _loaded(self, name: str) -> tuple[str, str, None] | None:
        path = self._path(name)
        return None if path is None else (self.text(name), str(path), None)


def _refused(place: SourceRef, what: str) -> SourceError:
    return SourceError(place, "bad-template", on_one_line(what), do=_REMEDY)
