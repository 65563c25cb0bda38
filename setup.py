"""Compiles the hot modules: every `mqbroker/**/x.py` that has an augmenting `x.pxd` beside it.

The rest of the build is declared in pyproject.toml. A module is compiled only into a wheel, never into the source tree:
an editable install stays interpreted, so that no stale extension can shadow a source that has changed since. Without
Cython, without a C compiler or with MQBROKER_COMPILE=0 the same modules are installed as they are.
"""

import os
from pathlib import Path
from typing import Any

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

DIRECTIVES = {
    "language_level": 3,
    "annotation_typing": False,  # annotations are for mypy; C types come from the .pxd alone
    "binding": True,
    "boundscheck": True,  # what peers send is indexed by these modules: an error must be an IndexError
    "wraparound": True,  # `x[-1]` must mean the same compiled and interpreted
    "initializedcheck": False,
    "cdivision": True,
}

INLINE = {Path("mqbroker/octets.pxd")}  # compiled into the modules that cimport it


def hot_modules() -> list[Extension]:
    """One optional extension per module with a .pxd beside it."""
    if os.environ.get("MQBROKER_COMPILE") == "0":
        return []
    try:
        import Cython  # noqa: F401
    except ImportError:
        return []
    pairs = [(pxd.with_suffix(".py"), pxd) for pxd in sorted(Path("mqbroker").rglob("*.pxd"))]
    return [extension(source, pxd) for source, pxd in pairs if source.exists() and pxd not in INLINE]


def extension(source: Path, pxd: Path) -> Extension:
    """`optional`: where the compiler is missing or fails, setuptools goes on with the interpreted module."""
    name = ".".join(source.with_suffix("").parts)
    # What has no C types calls into Python anyway: optimizing it more only makes the first `make run` wait.
    level = "-O3" if "cdef" in pxd.read_text() else "-O1"
    return Extension(name, [str(source)], depends=[str(pxd)], optional=True, extra_compile_args=[level, "-g0"])


class BuildHotModules(build_ext):
    """Translates and compiles, except for an editable install."""

    editable_mode: bool

    def finalize_options(self) -> None:
        super().finalize_options()
        self.parallel = self.parallel or os.cpu_count()

    def run(self) -> None:
        if self.editable_mode:
            self.extensions = []
        if self.extensions:
            self.extensions = self.translated()
        super().run()

    def translated(self) -> list[Any]:
        """The extensions with C sources in the build folder in place of the Python ones."""
        from Cython.Build import cythonize

        translated = cythonize(
            self.extensions,
            build_dir=self.build_temp,
            compiler_directives=DIRECTIVES,
            nthreads=os.cpu_count() or 1,
            quiet=True,
        )
        for module in translated:
            module.optional = True
            module._needs_stub = False
        return list(translated)


setup(ext_modules=hot_modules(), cmdclass={"build_ext": BuildHotModules})
