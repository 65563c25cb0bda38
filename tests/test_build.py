"""Which modules are compiled: none in a development install, all hot ones in the compiled test run."""

import importlib
import os
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

import mqbroker

EXPECTED = os.environ.get("MQBROKER_EXPECT_COMPILED", "").split()
PACKAGE = Path(mqbroker.__file__).parent


@pytest.mark.parametrize("name", EXPECTED)
def test_a_hot_module_is_an_extension_in_the_compiled_run(name: str) -> None:
    path = importlib.import_module(name).__file__
    assert path is not None
    assert path.endswith(tuple(EXTENSION_SUFFIXES))


@pytest.mark.skipif(bool(EXPECTED), reason="the installed wheel holds extensions on purpose")
def test_no_extension_shadows_a_source_in_a_development_install() -> None:
    assert [path for path in PACKAGE.rglob("*") if path.name.endswith(tuple(EXTENSION_SUFFIXES))] == []
