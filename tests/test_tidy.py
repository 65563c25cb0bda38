"""The rules of the house that a linter does not know: layers, banned calls, sizes, opening paragraphs."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import mqbroker
from mqbroker import limits
from mqbroker.core.events import EVENTS
from mqbroker.core.properties import NAMES
from mqbroker.server import kinds_of
from mqbroker.spoken import PROTOCOLS

PACKAGE = Path(mqbroker.__file__).parent
ROOT = Path(__file__).parents[1]

FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 70
CIRCLE_FILES_MAX = 4

# Each part may import the parts of the lines above its own, and itself. Parts of one line do not know each other.
LAYERS = (
    ("errors", "limits", "clock", "octets"),
    ("config", "core"),
    ("storage", "built"),
    ("protocols", "replication"),
    ("net",),
    ("runtime", "delivery"),
    ("aws", "management", "ctl"),
    ("spoken",),
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
BANNED_LOOP_MODULES = {"asyncio": "return what has to be done; net/ does it", "uvloop": "net/ owns the loop"}
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


PROTOCOL_FOLDERS = [path.parent for path in MODULES if path.name == "protocol.py" and path.parent.name != "protocols"]
PROTOCOL_MODULES = [path for path in MODULES if any(path.is_relative_to(folder) for folder in PROTOCOL_FOLDERS)]
PROTOCOL_NAMES = {
    name
    for each in PROTOCOLS
    for name in (each.name, each.websocket_path, *each.subprotocols, *(scheme.name for scheme in each.schemes))
    if name
}
WITHOUT_PROTOCOLS = ("config", "net", "runtime", "server", "cli")


def dotted(folder: Path) -> str:
    return ".".join(folder.relative_to(PACKAGE.parent).parts)


def is_in(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


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


def known_by(name: str, paths: dict[str, Path]) -> set[str]:
    """The modules of the package that a module imports, for types alone included."""
    found = (full if full in paths else full.rpartition(".")[0] for full, _ in imports(parsed(paths[name])))
    return {each for each in found if each in paths and each != name}


class Circles:
    """Sets of names of which each leads to every other: the strongly connected components of a graph, by Tarjan."""

    def __init__(self, graph: dict[str, set[str]]) -> None:
        self.graph = graph
        self.found: list[set[str]] = []
        self._lowest: dict[str, int] = {}
        """The first place on the line that a name leads back to; of one that is done with, a place beyond all."""
        self._line: list[str] = []
        for name in graph:
            if name not in self._lowest:
                self._visit(name)

    def _visit(self, name: str) -> None:
        place = self._lowest[name] = len(self._line)
        self._line.append(name)
        for other in self.graph[name]:
            if other not in self._lowest:
                self._visit(other)
            self._lowest[name] = min(self._lowest[name], self._lowest[other])
        if self._lowest[name] == place:
            circle, self._line = self._line[place:], self._line[:place]
            self._lowest.update(dict.fromkeys(circle, len(self.graph)))
            self.found.append(set(circle))


def test_circles_are_found() -> None:
    graph = {"a": {"b", "d"}, "b": {"c"}, "c": {"a", "d"}, "d": {"e"}, "e": {"d"}, "f": {"a", "e"}}
    assert sorted(map(sorted, Circles(graph).found)) == [["a", "b", "c"], ["d", "e"], ["f"]]


def test_no_circle_of_imports_is_large() -> None:
    """Nineteen files of MQTT and forty-four of the core knew each other by their types: none could be read alone."""
    paths = {dotted(path.with_suffix("")).removesuffix(".__init__"): path for path in MODULES}
    circles = Circles({name: known_by(name, paths) for name in paths}).found
    assert [sorted(each) for each in circles if len(each) > CIRCLE_FILES_MAX] == []


@pytest.mark.parametrize("path", PROTOCOL_MODULES, ids=label)
def test_no_protocol_imports_another(path: Path) -> None:
    """The second and third protocol leaned on the first, and none could be changed alone."""
    own = next(folder for folder in PROTOCOL_FOLDERS if path.is_relative_to(folder))
    others = [dotted(folder) for folder in PROTOCOL_FOLDERS if folder != own]
    assert [name for name, _ in imports(parsed(path)) if any(is_in(name, other) for other in others)] == []


@pytest.mark.parametrize("path", [path for path in MODULES if part_of(path) in WITHOUT_PROTOCOLS], ids=label)
def test_protocols_are_named_in_the_list_alone(path: Path) -> None:
    """The server knew each protocol in eight places, and net and config each in some more."""
    tree = parsed(path)
    found = [name for name, _ in imports(tree) if any(is_in(name, dotted(folder)) for folder in PROTOCOL_FOLDERS)]
    found += [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and node.value in PROTOCOL_NAMES]
    assert found == []


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


REPLICATION_SHELLS = {"asking", "control", "follower", "health", "leading", "link", "listener", "node", "tls"}
REPLICATION_MACHINES = [
    path
    for path in MODULES
    if part_of(path) == "replication" and path.parent.name == "replication" and path.stem not in REPLICATION_SHELLS
]


@pytest.mark.parametrize("path", [each for each in REPLICATION_MACHINES if each.stem != "election"], ids=label)
def test_the_machines_of_the_pair_have_no_loop_and_no_clock(path: Path) -> None:
    """What the simulation cannot run is not simulated."""
    tree = parsed(path)
    assert banned(imports(tree), BANNED_LOOP_MODULES | BANNED_WORLD_MODULES) == []


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


def bodies_read(tree: ast.AST) -> Iterator[str]:
    """Where the field `body` of a message is read."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr == "body":
            owner = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
            if owner == "message":
                yield f"line {node.lineno}: {ast.unparse(node)}"


@pytest.mark.parametrize("path", [path for path in MODULES if label(path) != "mqbroker/core/message.py"], ids=label)
def test_a_body_is_read_by_content_and_measured_by_size(path: Path) -> None:
    """Nineteen places took a body to be in memory: none of them would have found one that was on disk."""
    assert list(bodies_read(parsed(path))) == []


def test_properties_are_asked_for_by_neutral_names() -> None:
    """A name that only one protocol knows is a name that every other one answers with nothing."""
    asked = {
        (label(path), node.args[0].value)
        for path in MODULES
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "text"
        if len(node.args) == 1 and isinstance(node.args[0], ast.Constant)
    }
    assert asked
    assert {each for each in asked if each[1] not in NAMES} == set()


def kinds_written(tree: ast.AST) -> set[str]:
    """The kinds of definitions that a module makes keys of."""
    return {
        node.args[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "definitions.key"
        if isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str)
    }


def test_every_kind_of_definition_is_registered_once() -> None:
    """A kind that nobody had registered was written, and the next start refused it."""
    written = set[str]().union(*(kinds_written(parsed(path)) for path in MODULES))
    kinds = kinds_of(PROTOCOLS)
    assert written
    assert written <= set(kinds)
    assert len(set(kinds)) == len(kinds)


def told(path: Path) -> Iterator[tuple[str, str, set[str | None]]]:
    """The events that a module tells of: where, which, and with which fields."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("events.tell"):
            name = ast.literal_eval(node.args[0]) if isinstance(node.args[0], ast.Constant) else ""
            yield f"{label(path)} line {node.lineno}", name, {each.arg for each in node.keywords}


def test_events_are_told_as_they_are_declared() -> None:
    """A field that is missing would be noticed by the first one who subscribes in production."""
    found = [each for path in MODULES for each in told(path)]
    assert [(where, name) for where, name, fields in found if name and fields != set(EVENTS.get(name, ()))] == []
    source = "".join(path.read_text() for path in MODULES if label(path) != "mqbroker/core/events.py")
    assert [name for name in EVENTS if f'"{name}"' not in source] == []


PROTOCOL_WORDS = {"amqp", "aws", "erlang", "mqtt", "quorum", "rabbit", "rabbitmq", "sns", "sqs", "stomp"}
NAMES_OF_PROTOCOLS = re.compile(r"\bx-[a-z]|\bamq\.|\bbasic\.|\bqueue\.declare|MessageGroupId|MessageDeduplicationId")
CORE = [path for path in MODULES if part_of(path) == "core" and "rabbitmq" not in path.parts]
SPEAKS_RABBITMQ = {  # where the core is put together
    "mqbroker/core/access/access.py", "mqbroker/core/access/passwords.py", "mqbroker/core/broker.py",
    "mqbroker/core/restoration.py", "mqbroker/core/vhost.py",
}  # fmt: skip


def docstrings(tree: ast.AST) -> set[ast.AST]:
    """Every string that stands by itself: it explains, and may name protocols."""
    found = (node.value for node in ast.walk(tree) if isinstance(node, ast.Expr))
    return {value for value in found if isinstance(value, ast.Constant)}


def words_said(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Identifiers and strings, with their lines; but no imports, and no names of limits, which say their precedents."""
    explaining = docstrings(tree)
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str() as text) if node not in explaining:
                yield text, node.lineno
            case ast.Name(id=text) | ast.Attribute(attr=text) if not hasattr(limits, text):
                yield text, node.lineno
            case ast.FunctionDef(name=text) | ast.ClassDef(name=text) | ast.arg(arg=text):
                yield text, node.lineno


@pytest.mark.parametrize("path", CORE, ids=label)
def test_the_core_has_no_words_of_protocols(path: Path) -> None:
    """The second protocol had to speak the first one's arguments to get a queue; RabbitMQ's stay in core/rabbitmq."""
    assert [
        f"line {line}: {text}"
        for text, line in words_said(parsed(path))
        if NAMES_OF_PROTOCOLS.search(text)
        or PROTOCOL_WORDS & {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", text)}
    ] == []


@pytest.mark.parametrize("path", CORE, ids=label)
def test_queues_and_routing_do_not_know_rabbitmq(path: Path) -> None:
    """A protocol's arguments and texts are translated where the core is put together, and nowhere below."""
    found = [name for name, _ in imports(parsed(path)) if name.startswith("mqbroker.core.rabbitmq")]
    assert not found or label(path) in SPEAKS_RABBITMQ
