"""Which room may import which, and which library is at home where."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "metering"
MODULES = sorted(path.relative_to(ROOT) for path in PACKAGE.rglob("*.py"))

# The files at the top of the package; a room may use each of them that is listed beside it.
_GROUND = {"errors", "resources"}
_LEAVES = {"ingest", "connectors", "usage", "engine", "books", "analysis", "reporting"}
MAY_IMPORT = {
    "errors": set(),
    "resources": set(),
    "settings_file": {"errors"},
    "settings": {"settings_file", "errors"},
    "core": {"errors"},
    "rate_cards": {"core", *_GROUND},
    **{leaf: {"core", *_GROUND} for leaf in _LEAVES},
    "workflows": {"core", "rate_cards", "settings", *_LEAVES, *_GROUND},
    "cli": {"core", "workflows", "settings", *_LEAVES, *_GROUND},
}
# Rooms within rooms, and what each may import of the others beside what stands in the room itself.
_WITHIN: dict[str, dict[str, set[str]]] = {
    "core": {
        "pricing": set(),
        "ownership": set(),
        "outcomes": set(),
        "findings": set(),
        "sharing": {"ownership", "pricing"},
        "closing": {"ownership"},
        "flat": {"closing", "ownership", "pricing", "sharing"},
        "planning": {"flat", "ownership", "pricing"},
    },
    "ingest": {
        "values": set(),
        "bulk": set(),
        "shapes": {"bulk", "values"},
        "mapping": {"bulk"},
        "invoices": {"shapes", "values"},
        "formats": {"bulk", "mapping", "shapes", "values"},
        "outcomes": {"bulk", "formats", "mapping", "shapes", "values"},
    },
    "engine": {
        "rollup": set(),
        "charging": {"rollup"},
        "outcomes": {"charging"},
        "behaviour": {"outcomes"},
    },
    "analysis": {
        "observed": set(),
        "evidence": {"observed"},
        "detectors": {"observed"},
        "findings": {"detectors", "evidence", "observed"},
        "economics": set(),
    },
    "reporting": {
        "charts": set(),
        "pack": {"charts"},
        "faces": {"pack"},
        "focus": {"faces"},
        "review": {"charts", "faces"},
    },
}
# What two rooms share beside `core`: the usage record, its columns and their types.
_SHARED_SCHEMA = (
    "metering.usage.columns",
    "metering.usage.rows",
    "metering.usage.schema",
)
_MAY_SHARE_THE_SCHEMA = {"ingest", "engine"}

# A library, and the rooms or files in which a reader may meet it.
AT_HOME = {
    "alembic": ("metering/books/",),
    "altair": ("metering/reporting/",),
    "click": ("metering/cli/",),
    "duckdb": (
        "metering/engine/",
        "metering/usage/",
        "metering/ingest/bulk/staging.py",
        "metering/ingest/readers.py",
    ),
    "genai_prices": ("metering/rate_cards/",),
    "jinja2": ("metering/reporting/",),
    "numpy": (
        "metering/analysis/",
        "metering/reporting/",
        "metering/ingest/decompression.py",  # counts lines, five times as fast as Python or Arrow
        "metering/ingest/bulk/line_batches.py",  # finds the line ends of a block without a loop
    ),
    "pandas": ("metering/analysis/", "metering/reporting/"),
    "psycopg": ("metering/books/standing.py",),  # asked before SQLAlchemy is imported
    "pyarrow": (
        "metering/engine/",
        "metering/ingest/",
        "metering/reporting/",
        "metering/usage/",
        "metering/workflows/",
    ),
    "re2": ("metering/core/",),
    "rich": ("metering/cli/",),
    "sqlalchemy": ("metering/books/",),
    "sqlmodel": ("metering/books/",),
    "vl_convert": ("metering/reporting/",),
    "zstandard": ("metering/ingest/",),
}
_SESSION = {"sqlmodel.Session", "sqlalchemy.orm.Session"}

# What would let a pure function depend on the machine, the hour or chance.
_IMPURE = {
    *("asyncio", "http", "logging", "multiprocessing", "os", "pathlib", "random", "secrets"),
    *("shutil", "socket", "sqlite3", "subprocess", "sys", "tempfile", "threading", "time"),
    "urllib.request",
}
# A module should end before its four hundredth line; past this one it has to be split.
_TOO_LONG = 500


@dataclass(frozen=True, slots=True)
class Imported:
    """One imported name.

    Attributes:
        name: dotted, with the module it comes from.
        line: of the statement.
        for_types_only: whether it stands below `if TYPE_CHECKING`.
        at_module_level: whether importing the module runs it.
    """

    name: str
    line: int
    for_types_only: bool
    at_module_level: bool


@cache
def imports_of(module: Path) -> tuple[Imported, ...]:
    """Return every name that a module imports, wherever in it the statement stands."""
    tree = ast.parse((ROOT / module).read_text(encoding="utf-8"))
    return tuple(_walk(tree, for_types_only=False, at_module_level=True))


def _walk(node: ast.AST, *, for_types_only: bool, at_module_level: bool) -> Iterator[Imported]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield Imported(alias.name, child.lineno, for_types_only, at_module_level)
        elif isinstance(child, ast.ImportFrom):
            for alias in child.names:
                name = f"{child.module}.{alias.name}"
                yield Imported(name, child.lineno, for_types_only, at_module_level)
        else:
            types = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
            inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from _walk(
                child,
                for_types_only=for_types_only or types,
                at_module_level=at_module_level and not inside,
            )


def _room(module: Path) -> str:
    return module.parts[1].removesuffix(".py")


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_imports_point_inwards(module: Path) -> None:
    room = _room(module)
    if room in {"__init__", "__main__"}:
        return
    allowed = MAY_IMPORT[room] | {room, "__version__"}

    for found in imports_of(module):
        if found.name.startswith(_SHARED_SCHEMA) and room in _MAY_SHARE_THE_SCHEMA:
            continue
        top, _, rest = found.name.partition(".")
        if top == "metering":
            assert rest.split(".")[0] in allowed, f"{module}:{found.line} imports {found.name}"


@pytest.mark.parametrize(
    "module",
    [module for module in MODULES if len(module.parts) > 3 and _room(module) in _WITHIN],
    ids=str,
)
def test_imports_within_a_room_point_one_way(module: Path) -> None:
    room, inner = module.parts[1:3]
    inner_rooms = _WITHIN[room]

    for found in imports_of(module):
        other = found.name.removeprefix(f"metering.{room}.").split(".")[0]
        if other != found.name and other in inner_rooms:
            allowed = inner_rooms[inner] | {inner}
            assert other in allowed, f"{module}:{found.line} imports {found.name}"


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_a_library_is_used_where_it_is_at_home(module: Path) -> None:
    for found in imports_of(module):
        top = found.name.split(".")[0]
        if found.for_types_only or top not in AT_HOME:
            continue
        if found.name in _SESSION and _room(module) == "workflows":
            continue

        at_home = str(module).startswith(AT_HOME[top])

        assert at_home, f"{module}:{found.line} imports {found.name}"


@pytest.mark.parametrize(
    "module", [module for module in MODULES if _room(module) == "core"], ids=str
)
def test_core_is_pure(module: Path) -> None:
    for found in imports_of(module):
        top = found.name.split(".")[0]

        known = top in sys.stdlib_module_names or top in {"metering", "re2"}

        assert known, f"{module}:{found.line} imports {found.name}, not the standard library"
        impure = any(f"{found.name}.".startswith(f"{name}.") for name in _IMPURE)
        assert not impure, f"{module}:{found.line} imports {found.name}"


@pytest.mark.parametrize(
    "module", [module for module in MODULES if _room(module) == "cli"], ids=str
)
def test_commands_load_what_they_need_when_they_run(module: Path) -> None:
    light = {"cli", "core", "errors", "resources", "settings", "__version__"}

    for found in imports_of(module):
        if found.for_types_only or not found.at_module_level:
            continue
        top, _, rest = found.name.partition(".")
        if top == "metering":
            assert rest.split(".")[0] in light, f"{module}:{found.line} imports {found.name}"
        else:
            known = top in sys.stdlib_module_names or top == "click"
            assert known, f"{module}:{found.line} imports {found.name}"


def test_help_loads_no_heavy_library() -> None:
    heavy = ("altair", "duckdb", "jinja2", "pandas", "pyarrow", "rich", "sqlalchemy", "sqlmodel")
    program = (
        "import sys\n"
        "from click.testing import CliRunner\n"
        "from metering.cli.main import main\n"
        "assert CliRunner().invoke(main, ['--help']).exit_code == 0\n"
        f"print([name for name in {heavy!r} if name in sys.modules])\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("folder", ["alembic", "reports"])
def test_folders_beside_the_package_are_no_packages(folder: str) -> None:
    # alembic/__init__.py would shadow the library for `python -m …` from the root.
    assert not list((ROOT / folder).rglob("__init__.py"))


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_a_module_says_what_it_is_for_and_stays_readable(module: Path) -> None:
    text = (ROOT / module).read_text(encoding="utf-8")

    assert ast.get_docstring(ast.parse(text)), f"{module} has no docstring"
    assert len(text.splitlines()) < _TOO_LONG, f"{module} wants splitting"
    assert module.stem not in {"utils", "util", "helpers", "common", "misc", "base"}
