"""The rules of the house that a linter does not know: layers, banned calls, sizes, opening paragraphs."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import mqbroker

PACKAGE = Path(mqbroker.__file__).parent
ROOT = Path(__file__).parents[1]

FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 70

# Each part may import the parts of the lines above its own, and itself. Parts of one line do not know each other.
LAYERS = (
    ("errors", "limits", "clock", "octets"),
    ("config", "core"),
    ("storage", "built"),
    ("protocols", "replication"),
    ("net",),
    ("runtime",),
    ("aws", "management"),
    ("server",),
    ("cli",),
    ("__main__",),
)
RANKS = {part: rank for rank, parts in enumerate(LAYERS) for part in parts}

WITHOUT_LOOP = ("errors", "limits", "clock", "octets", "config", "core", "storage", "protocols")
WITHOUT_WORLD = ("core", "protocols")

BANNED_EVERYWHERE = {
    "pickle": "records and frames have layouts of their own",
    "marshal": "records and frames have layouts of their own",
    "shelve": "storage/ is where things are kept",
    "importlib": "nothing is imported by a name that came from elsewhere",
}
BANNED_CALLS_EVERYWHERE = {
    "eval": "parse what you expect",
    "exec": "write a function",
    "__import__": "nothing is imported by a name that came from elsewhere",
}
PUBLIC_IN_SPITE_OF_THEIR_NAMES = {
    "_asdict": "of named tuples",
    "_replace": "of named tuples",
    "_srcfile": "the logging HOWTO says that it may be set to None",
}
BANNED_LOOP_MODULES = {"asyncio": "return what is to be done; net/ does it", "uvloop": "net/ owns the loop"}
BANNED_WORLD_MODULES = {
    "time": "take `now` as an argument",
    "datetime": "take `now` as an argument",
    "random": "take the choice or a generator as an argument",
    "secrets": "take the value or a generator as an argument",
    "socket": "take and return bytes",
    "os": "take the value as an argument",
    "pathlib": "storage/ owns files",
    "threading": "storage/ owns the one thread",
}
BANNED_WORLD_CALLS = {"open": "storage/ owns files"}


def sources(*folders: Path) -> list[Path]:
    return sorted(path for folder in folders for path in folder.rglob("*.py") if "__pycache__" not in path.parts)


MODULES = sources(PACKAGE)
EVERYTHING = MODULES + sources(*(ROOT / name for name in ("tests", "certs", "bench")))


def label(path: Path) -> str:
    return str(path.relative_to(PACKAGE.parent if path.is_relative_to(PACKAGE) else ROOT))


def part_of(path: Path) -> str:
    """The part of the package that a module belongs to: its folder below `mqbroker`, or its own name."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def imports(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every imported module by its full name, with its line; `from a import b` is a.b as well as a."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: imports are absolute"
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def calls(tree: ast.AST) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id, node.lineno


def banned(found: Iterator[tuple[str, int]], table: dict[str, str]) -> list[str]:
    names = ((name.partition(".")[0], line) for name, line in found)
    return [f"line {line}: {name} ({table[name]})" for name, line in names if name in table]


def private_fields(tree: ast.AST) -> Iterator[str]:
    """Fields whose names begin with an underscore, of anything but the object or class at hand."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__"):
            is_own = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
            if not is_own and node.attr not in PUBLIC_IN_SPITE_OF_THEIR_NAMES:
                yield f"line {node.lineno}: {ast.unparse(node)}"


def test_every_part_has_its_place_in_the_layers() -> None:
    assert {part_of(path) for path in MODULES} - {"__init__"} <= set(RANKS)


@pytest.mark.parametrize("path", MODULES, ids=label)
def test_imports_go_downwards_only(path: Path) -> None:
    part = part_of(path)
    if part == "__init__":
        return
    upwards = []
    for name, line in imports(parsed(path)):
        words = name.split(".")
        target = words[1] if words[0] == "mqbroker" and len(words) > 1 else part
        if target != part and RANKS.get(target, -1) >= RANKS[part]:
            upwards.append(f"line {line}: {part} must not import {name}")
    assert upwards == []


@pytest.mark.parametrize("path", MODULES, ids=label)
def test_nothing_dangerous_is_used(path: Path) -> None:
    tree = parsed(path)
    assert banned(imports(tree), BANNED_EVERYWHERE) + banned(calls(tree), BANNED_CALLS_EVERYWHERE) == []


@pytest.mark.parametrize("path", MODULES, ids=label)
def test_nobody_reaches_into_what_is_private(path: Path) -> None:
    """A private field of a library was gone in its next version, and every WebSocket client was cut off."""
    assert list(private_fields(parsed(path))) == []


@pytest.mark.parametrize("path", [path for path in MODULES if part_of(path) in WITHOUT_LOOP], ids=label)
def test_below_the_network_there_is_no_loop(path: Path) -> None:
    assert banned(imports(parsed(path)), BANNED_LOOP_MODULES) == []


@pytest.mark.parametrize("path", [path for path in MODULES if part_of(path) in WITHOUT_WORLD], ids=label)
def test_core_and_sessions_do_not_reach_into_the_world(path: Path) -> None:
    tree = parsed(path)
    assert banned(imports(tree), BANNED_WORLD_MODULES) + banned(calls(tree), BANNED_WORLD_CALLS) == []


@pytest.mark.parametrize("path", EVERYTHING, ids=label)
def test_files_and_functions_stay_short(path: Path) -> None:
    text = path.read_text()
    long = [f"file: {len(text.splitlines())} lines"] if len(text.splitlines()) > FILE_LINES_MAX else []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            long += [f"{node.name}: {lines} lines"] if lines > FUNCTION_LINES_MAX else []
    assert long == []


@pytest.mark.parametrize("path", EVERYTHING, ids=label)
def test_every_module_opens_with_what_it_is(path: Path) -> None:
    tree = parsed(path)
    assert not tree.body or ast.get_docstring(tree), "a module that holds anything opens with a paragraph"


@pytest.mark.parametrize("path", EVERYTHING, ids=label)
def test_nothing_is_left_for_later(path: Path) -> None:
    marks = ["TO" + "DO", "FIX" + "ME", "X" * 3]
    assert [mark for mark in marks if mark in path.read_text()] == []


def test_the_lowest_versions_are_the_declared_ones() -> None:
    """The bounds were the versions of the day; pyproject.toml says why each is no lower, and all tests run with it."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    lowest = (ROOT / "requirements" / "lowest.txt").read_text().splitlines()
    assert lowest == [each.replace(">=", "==") for each in declared]


@pytest.mark.parametrize(
    "path", [path for path in MODULES if label(path) != "mqbroker/protocols/session.py"], ids=label
)
def test_reading_is_stopped_and_resumed_by_set_reading(path: Path) -> None:
    """The bug: whoever set `is_reading` had to see to it that the network looked at it, and some did not."""
    assigned = [
        f"line {node.lineno}: is_reading is set (Session.set_reading tells the network)"
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Attribute) and node.attr == "is_reading" and isinstance(node.ctx, ast.Store)
    ]
    assert assigned == []
