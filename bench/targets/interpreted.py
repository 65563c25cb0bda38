"""Runs mqbroker from its Python sources even where compiled modules lie beside them. A script, not to be imported.

Owns one import rule: modules of mqbroker come from .py files. So the compiled and the interpreted broker of a
comparison are the same version in the same environment.
"""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, ModuleSpec, SourceFileLoader
from types import ModuleType

PACKAGE = "mqbroker"


class SourcesOnly(MetaPathFinder):
    """Finds the submodules of one package among its sources, and nothing else."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """The source of a submodule, or None to let the ordinary finders look."""
        if path is None or not name.startswith(PACKAGE + "."):
            return None
        specs = (FileFinder(place, (SourceFileLoader, SOURCE_SUFFIXES)).find_spec(name) for place in path)
        return next((spec for spec in specs if spec is not None), None)


if __name__ == "__main__":
    sys.meta_path.insert(0, SourcesOnly())
    from mqbroker.cli import main

    main()
