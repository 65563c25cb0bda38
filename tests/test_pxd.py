"""What .pxd files tell the compiler agrees with the modules beside them: a missing attribute fails only compiled."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "mqbroker"
PXDS = sorted(path for path in FOLDER.rglob("*.pxd") if path.name != "octets.pxd")
needs_sources = pytest.mark.skipif(not PXDS, reason="an installed wheel is tested, without them")

CLASS = re.compile(r"cdef class (\w+)(?:\((\w+)\))?:")
ATTRIBUTE = re.compile(r"    cdef (?:public |readonly )?[\w. ]+?\b\w+(?:, \w+)*$")


@dataclass
class CClass:
    """A class with C attributes, and the one it is derived from."""

    base: str | None
    attributes: set[str] = field(default_factory=set)


def declared() -> dict[str, CClass]:
    """All such classes by their names."""
    found: dict[str, CClass] = {}
    for path in PXDS:
        current: CClass | None = None
        for line in path.read_text().splitlines():
            if opening := CLASS.match(line):
                current = found[opening[1]] = CClass(opening[2])
            elif line and not line[0].isspace():
                current = None
            elif current is not None and ATTRIBUTE.match(line):
                current.attributes |= {name.split()[-1] for name in line.split(",")}
    return found


CLASSES = declared()


def attributes_of(name: str | None) -> set[str]:
    """The C attributes of a class, inherited ones included."""
    known = CLASSES.get(name or "")
    return known.attributes | attributes_of(known.base) if known is not None else set()


def c_classes(path: Path) -> Iterator[ast.ClassDef]:
    """The classes of a module that have C attributes."""
    names = [found[1] for line in path.read_text().splitlines() if (found := CLASS.match(line))]
    tree = ast.parse(path.with_suffix(".py").read_text())
    yield from (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name in names)


def assigned(body: ast.ClassDef) -> set[str]:
    """The names that the class's methods assign to `self`, or that its slots have."""
    found = set()
    for node in ast.walk(body):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            if isinstance(node.value, ast.Name) and node.value.id == "self":
                found.add(node.attr)
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__slots__":
            slots = ast.literal_eval(node.value)
            found |= {slots} if isinstance(slots, str) else set(slots)
    return found


def setters(body: ast.ClassDef) -> set[str]:
    """The names that are assigned to through a property."""
    return {each.name for each in body.body if isinstance(each, ast.FunctionDef) and each.decorator_list}


@pytest.mark.parametrize("path", PXDS, ids=lambda path: str(path.relative_to(FOLDER)))
def test_a_compiled_class_has_the_attributes_that_its_methods_set(path: Path) -> None:
    """An attribute was added to a class and not to its .pxd: the compiled broker could not serve a single request."""
    for body in c_classes(path):
        missing = assigned(body) - attributes_of(body.name) - setters(body)
        assert missing == set(), f"{body.name} in {path.name} lacks them"


def test_every_pxd_augments_a_module() -> None:
    assert [path.name for path in FOLDER.rglob("*.pxd") if not path.with_suffix(".py").exists()] == []


@pytest.mark.parametrize("path", PXDS, ids=lambda path: str(path.relative_to(FOLDER)))
def test_a_compiled_module_has_no_generators(path: Path) -> None:
    """Fourteen modules had one or two, and the C code for generators was compiled fourteen times: four seconds."""
    source = path.with_suffix(".py")
    nodes = ast.walk(ast.parse(source.read_text())) if source.exists() else ()
    lines = [each.lineno for each in nodes if isinstance(each, ast.GeneratorExp | ast.Yield | ast.YieldFrom)]
    assert lines == [], "a list does, or a loop"


FINAL = re.compile(r"@cython\.final\n(?:@.*\n)*cdef class (\w+).*:\n((?:(?: .*)?\n)*)")
BAD_METHOD = re.compile(r" c?p?def (?:unsigned )?long long (\w+)\(.*\) except")


@pytest.mark.parametrize("path", PXDS, ids=lambda path: str(path.relative_to(FOLDER)))
def test_a_final_class_has_no_method_of_long_long_that_raises(path: Path) -> None:
    """Cython 3 wrote its literal with two suffixes, -1LLLL, and no wheel could be compiled."""
    found = [(name, BAD_METHOD.findall(body)) for name, body in FINAL.findall(path.read_text())]
    assert [(name, methods) for name, methods in found if methods] == [], "it cannot be final"


def of_one_argument(path: Path) -> set[tuple[str, str]]:
    """The functions and methods of a module that take one argument: their names and its name."""
    found = set()
    tree = ast.parse(path.read_text())
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    for body, first in [(tree.body, 0), *((each.body, 1) for each in classes)]:
        for node in body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("__"):
                arguments = node.args.args[first:]
                if len(arguments) == 1 and not (node.args.vararg or node.args.kwarg or node.args.defaults):
                    found.add((node.name, arguments[0].arg))
    return found


@needs_sources
def test_the_one_argument_of_a_compiled_function_is_not_given_by_name() -> None:
    """setup.py has such functions compiled so that they take no keywords: the call failed, and only compiled."""
    known = set().union(*(of_one_argument(path.with_suffix(".py")) for path in PXDS))
    call = re.compile(r"\b(?:" + "|".join(rf"{name}\(\s*{argument}=" for name, argument in sorted(known)) + ")")
    paths = [*FOLDER.rglob("*.py"), *Path(__file__).parent.rglob("*.py")]
    found = [(path.name, call.findall(path.read_text())) for path in paths]
    assert [(name, calls) for name, calls in found if calls] == []


READER = """
from mqbroker.core.message import Entry

def look(entry: Entry) -> int:
    entry.sequence = 2
    entry.attempts = 1
    return entry.sequence + entry.slot
"""


@needs_sources
def test_mypy_tells_what_an_interpreted_module_may_not_reach(tmp_path: Path) -> None:
    """A getter that only C code needed was taken away: who read it from Python failed, and only compiled."""
    reader = tmp_path / "reader.py"
    reader.write_text(READER)
    root = FOLDER.parent
    arguments = ["--config-file", str(root / "pyproject.toml"), "--cache-dir", str(tmp_path), "--follow-imports=silent"]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *arguments, str(reader)], cwd=root, capture_output=True, text=True, check=False
    )
    told = [line.partition("reader.py:")[2] for line in done.stdout.splitlines() if "reader.py:" in line]
    assert [line.partition("  [")[0] for line in told] == [
        "5: error: Entry.sequence is read-only in the .pxd of mqbroker.core.message",
        "7: error: Entry.slot is private in the .pxd of mqbroker.core.message",
    ]
