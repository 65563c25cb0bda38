"""Compiles the hot modules: every `mqbroker/**/x.py` that has an augmenting `x.pxd` beside it, all of them or none.

The rest of the build is declared in pyproject.toml. A module is compiled only into a wheel, never into the source tree:
an editable install stays interpreted, so that no stale extension can shadow a source that has changed since.

Compiled modules rely on the layout of each other's objects, so a build of which a part fails could not be imported.
Then everything is installed as it is, and one line says why. MQBROKER_COMPILE=0 asks for that; with MQBROKER_COMPILE=1
a failure fails the build instead.
"""

import os
import sys
import time
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

DIRECTIVES = {
    "language_level": 3,
    "annotation_typing": False,  # annotations are for mypy; C types come from the .pxd alone
    "binding": False,
    "boundscheck": True,  # what peers send is indexed by these modules: an error must be an IndexError
    "wraparound": True,  # `x[-1]` must mean the same compiled and interpreted
    "initializedcheck": False,
    "cdivision": True,
    "auto_pickle": False,  # nothing is pickled; a sixth of the C code was for that
    "emit_code_comments": False,
}

# The first `make run` waits for this. -O2 and -O3 take one and a half and two times as long to compile as -O1, and save
# the broker 2 % of its CPU at most: most of what it does is calls into Python. -Og takes two thirds of -O1; what it
# compiles needs a fifth more CPU, which is little beside what other work of the same messages costs.
FLAGS = ["-O1", "-g0", "-w", "-fno-asynchronous-unwind-tables", "--param=max-inline-insns-single=20"]
FLAGS_FOR_WARM = ["-Og", *FLAGS[1:]]
WARM = (
    "mqbroker/core/routing/dead_letters.py",
    "mqbroker/core/queues/polled/deadlines.py",
    "mqbroker/core/queues/polled/group_lines.py",
    "mqbroker/core/queues/polled/lines.py",
    "mqbroker/core/queues/polled/queue.py",
    "mqbroker/protocols/amqp/properties.py",
    "mqbroker/protocols/amqp/tables.py",
    "mqbroker/storage/intervals.py",
    "mqbroker/storage/liveness.py",
)
# Making a module's strings, types and functions happens once; by default the compiler optimizes that like the rest.
MACROS = [("CYTHON_SMALL_CODE", '__attribute__((cold, optimize("O0")))')]
SECONDS_PER_MODULE = 1.0

INLINE = {Path("mqbroker/octets.pxd")}  # compiled into the modules that cimport it

WISH = os.environ.get("MQBROKER_COMPILE", "")


def say(text: str) -> None:
    """One line for whoever waits. pip shows it with -v."""
    print(f"mqbroker: {text}", file=sys.stderr, flush=True)


def hot_modules() -> list[Extension]:
    """One extension per module with a .pxd beside it."""
    if WISH == "0":
        return []
    pairs = [(pxd.with_suffix(".py"), pxd) for pxd in sorted(Path("mqbroker").rglob("*.pxd"))]
    return [extension(source, pxd) for source, pxd in pairs if source.exists() and pxd not in INLINE]


def extension(source: Path, pxd: Path) -> Extension:
    """A module as setuptools wants it."""
    name = ".".join(source.with_suffix("").parts)
    flags = FLAGS_FOR_WARM if any(source.match(pattern) for pattern in WARM) else FLAGS
    return Extension(name, [str(source)], depends=[str(pxd)], define_macros=MACROS, extra_compile_args=flags)


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
            self.compile_all_or_none()
        else:
            super().run()

    def compile_all_or_none(self) -> None:
        count = len(self.extensions)
        say(f"compiling {count} modules (about {count * SECONDS_PER_MODULE:.0f} s of CPU) ...")
        start_at = time.monotonic()
        try:
            self.translate()
            super().run()
        except Exception as error:
            if WISH == "1":
                raise
            self.remove_all()
            reason = " ".join(str(error).split()) or type(error).__name__
            say(f"not compiled, installed interpreted, which works and is several times slower: {reason}")
        else:
            say(f"compiled {count} modules in {time.monotonic() - start_at:.0f} s")

    def translate(self) -> None:
        """Puts C sources, which are made in the build folder, in place of the Python ones."""
        from Cython.Build import cythonize

        made = cythonize(
            self.extensions,
            build_dir=self.build_temp,
            compiler_directives=DIRECTIVES,
            nthreads=os.cpu_count() or 1,
            quiet=True,
        )
        sources = {each.name: each.sources for each in made}
        for each in self.extensions:
            each.sources = sources[each.name]

    def remove_all(self) -> None:
        """Takes back what was compiled before something failed."""
        for each in self.extensions:
            Path(self.get_ext_fullpath(each.name)).unlink(missing_ok=True)
        self.extensions = []


setup(ext_modules=hot_modules(), cmdclass={"build_ext": BuildHotModules})
