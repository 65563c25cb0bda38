"""How mqbroker was built: interpreted in a development install, compiled in the compiled test run, never in between."""

import importlib
import os
import subprocess
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

import mqbroker
from tests.support.broker_process import BrokerProcess

EXPECTED = os.environ.get("MQBROKER_EXPECT_COMPILED", "").split()
FORM = "compiled" if EXPECTED else "interpreted"
PACKAGE = Path(mqbroker.__file__).parent
ROOT = Path(__file__).parents[1]


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
