"""How mqbroker was built: interpreted in a development install, compiled in the compiled test run, never in between."""

import importlib
import os
import shutil
import subprocess
import sys
import zipfile
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

import mqbroker
from tests.support.broker_process import BrokerProcess

EXPECTED = os.environ.get("MQBROKER_EXPECT_COMPILED", "").split()
FORM = "compiled" if EXPECTED else "interpreted"
PACKAGE = Path(mqbroker.__file__).parent
ROOT = Path(__file__).parents[1]
BUILD_TIMEOUT_S = 60

needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")


@pytest.mark.parametrize("name", EXPECTED)
def test_a_hot_module_is_an_extension_in_the_compiled_run(name: str) -> None:
    path = importlib.import_module(name).__file__
    assert path is not None
    assert path.endswith(tuple(EXTENSION_SUFFIXES))


@pytest.mark.skipif(bool(EXPECTED), reason="the installed wheel holds extensions on purpose")
def test_no_extension_shadows_a_source_in_a_development_install() -> None:
    assert [path for path in PACKAGE.rglob("*") if path.name.endswith(tuple(EXTENSION_SUFFIXES))] == []


def test_the_version_and_the_banner_say_how_it_was_built(tmp_path: Path) -> None:
    """Whether a broker was fast or slow could be told from nothing that it said."""
    shown = subprocess.run([sys.executable, "-m", "mqbroker", "--version"], capture_output=True, text=True, check=True)
    assert shown.stdout == f"mqbroker {mqbroker.__version__} ({FORM})\n"
    with BrokerProcess(tmp_path / "data") as broker:
        assert broker.banner[0] == f"mqbroker {mqbroker.__version__} ({FORM})"


PYPROJECT = '[project]\nname = "mqbroker"\nversion = "1"\n[tool.setuptools]\npackages = ["mqbroker"]\n'
WHOLE = "cdef class Pair:\n    cdef int left\n"
BROKEN = "cdef class Pair:\n    cdef no_such_type left\n"
MODULE = "class Pair:\n    __slots__ = ('left',)\n"


def built(folder: Path, pxds: dict[str, str], **environment: str) -> tuple[int, str, list[str]]:
    """A wheel of a package with these compiled modules: exit code, what was said, names of its modules' files."""
    package = folder / "mqbroker"
    package.mkdir()
    (package / "__init__.py").touch()
    for name, pxd in pxds.items():
        (package / f"{name}.py").write_text(MODULE)
        (package / f"{name}.pxd").write_text(pxd)
    (folder / "pyproject.toml").write_text(PYPROJECT)
    shutil.copy(ROOT / "setup.py", folder)
    command = [sys.executable, "-W", "ignore", "setup.py", "--quiet", "bdist_wheel", "--dist-dir", "made"]
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "MQBROKER_COMPILE": "", **environment},
        capture_output=True,
        text=True,
        timeout=BUILD_TIMEOUT_S,
        check=False,
    )
    wheels = list((folder / "made").glob("*.whl"))
    names = zipfile.ZipFile(wheels[0]).namelist() if wheels else []
    said = [line for line in done.stderr.splitlines() if line.startswith("mqbroker: ")]
    return done.returncode, said[-1] if said else "", sorted(Path(name).suffix for name in names if "/_" not in name)


@needs_compiler
@pytest.mark.timeout(2 * BUILD_TIMEOUT_S)
def test_a_build_of_which_one_module_fails_is_interpreted_as_a_whole(tmp_path: Path) -> None:
    """pip said that all was well, and the import of what had been compiled failed: its neighbour was missing."""
    code, said, suffixes = built(tmp_path, {"a": WHOLE, "b": BROKEN, "c": WHOLE})
    assert code == 0
    assert said.startswith("mqbroker: not compiled, installed interpreted, which works and is several times slower: ")
    assert ".so" not in suffixes
    assert suffixes.count(".py") == 3


@needs_compiler
@pytest.mark.timeout(2 * BUILD_TIMEOUT_S)
def test_a_build_without_a_fault_is_compiled_and_says_so(tmp_path: Path) -> None:
    code, said, suffixes = built(tmp_path, {"a": WHOLE, "b": WHOLE}, MQBROKER_COMPILE="1")
    assert (code, suffixes.count(".so")) == (0, 2)
    assert said.startswith("mqbroker: compiled 3 modules in "), "the two, and one with what they share"


@needs_compiler
@pytest.mark.timeout(2 * BUILD_TIMEOUT_S)
def test_without_a_compiler_it_is_interpreted_unless_compiling_is_a_must(tmp_path: Path) -> None:
    for wish, expected in (("", 0), ("1", 1)):
        folder = tmp_path / f"wish{wish}"
        folder.mkdir()
        code, _, suffixes = built(folder, {"a": WHOLE}, MQBROKER_COMPILE=wish, CC="/nowhere/cc")
        assert (code != 0, ".so" in suffixes) == (bool(expected), False)


def test_it_is_interpreted_where_that_is_asked_for(tmp_path: Path) -> None:
    code, said, suffixes = built(tmp_path, {"a": BROKEN}, MQBROKER_COMPILE="0")
    assert (code, said, ".so" in suffixes) == (0, "", False)
