"""Compiles the hot modules: every `mqbroker/**/x.py` that has an augmenting `x.pxd` beside it, all of them or none.

The rest of the build is declared in pyproject.toml. A module is compiled only into a wheel, never into the source tree:
an editable install stays interpreted, so that no stale extension can shadow a source that has changed since.

Compiled modules rely on the layout of each other's objects, so a build of which a part fails could not be imported.
Then everything is installed as it is, and one line says why. MQBROKER_COMPILE=0 asks for that; with MQBROKER_COMPILE=1
a failure fails the build instead.
"""

import gc
import itertools
import os
import subprocess
import sys
import time
from contextlib import suppress
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
    "always_allow_keywords": False,  # functions of one argument do not parse it (tests/test_pxd.py)
    "emit_code_comments": False,
}

# The first `make run` waits for this: it should take less than a minute of CPU. -Og takes two thirds of -O1; -O2 and
# -O3 take one and a half times and twice -O1. With -Og a broker needs a tenth to a fifth more CPU than with -O1; with
# -O2 and -O3 2 % less at most, as most of what it does is calls into Python. So the modules that every message of AMQP
# or MQTT passes through have -O1, all others -Og.
FLAGS = ["-Og", "-g0", "-w", "-fno-asynchronous-unwind-tables", "--param=max-inline-insns-single=20"]
FLAGS_FOR_HOTTEST = ["-O1", *FLAGS[1:-1]]  # with all inlining: without, a transient message takes 4 % more
HOTTEST = (
    "mqbroker/core/consumer.py",
    "mqbroker/core/message.py",
    "mqbroker/core/queues/base.py",
    "mqbroker/core/queues/classic.py",
    "mqbroker/core/queues/subscriber.py",
    "mqbroker/core/routing/router.py",
    "mqbroker/net/connection.py",
    "mqbroker/net/frames.py",
    "mqbroker/protocols/amqp/connection.py",
    "mqbroker/protocols/amqp/consumer.py",
    "mqbroker/protocols/amqp/publishing.py",
    "mqbroker/protocols/mqtt/connection.py",
    "mqbroker/protocols/mqtt/connection_state.py",
    "mqbroker/protocols/mqtt/output.py",
    "mqbroker/protocols/mqtt/publishing.py",
    "mqbroker/protocols/mqtt/state.py",
    "mqbroker/protocols/session.py",
    "mqbroker/protocols/unacked.py",
    "mqbroker/storage/ledger.py",
    "mqbroker/storage/log/records.py",
)
# Making a module's strings, types and functions happens once; by default the compiler optimizes that like the rest.
# A cache at each place where a global name is read was a twelfth of the time; from Python 3.12 on there is none anyway.
MACROS = [("CYTHON_SMALL_CODE", '__attribute__((cold, optimize("O0")))')]
WITHOUT_CACHES = [("CYTHON_USE_DICT_VERSIONS", "0")]

# One module with what Cython's code needs everywhere, instead of a copy in each: a twelfth of the time.
SHARED = "mqbroker._cython"

# Precompiled for each set of flags, this saves a twentieth of the time; the code is the same.
HEADER = "#define PY_SSIZE_T_CLEAN\n#include <Python.h>\n"

INLINE = {Path("mqbroker/octets.pxd")}  # compiled into the modules that cimport it

WISH = os.environ.get("MQBROKER_COMPILE", "")


def say(text: str) -> None:
    """One line for whoever waits. pip shows it with -v."""
    print(f"mqbroker: {text}", file=sys.stderr, flush=True)


def hot_modules() -> list[Extension]:
    """One extension per module with a .pxd beside it, and the one that they share."""
    if WISH == "0":
        return []
    pairs = [(pxd.with_suffix(".py"), pxd) for pxd in sorted(Path("mqbroker").rglob("*.pxd"))]
    made = [extension(source, pxd) for source, pxd in pairs if source.exists() and pxd not in INLINE]
    shared = Extension(SHARED, [], define_macros=MACROS, extra_compile_args=FLAGS)
    return [shared, *made] if made else []


def extension(source: Path, pxd: Path) -> Extension:
    """A module as setuptools wants it."""
    name = ".".join(source.with_suffix("").parts)
    if str(source) in HOTTEST:
        macros, flags = MACROS, FLAGS_FOR_HOTTEST
    else:
        macros, flags = MACROS + WITHOUT_CACHES, FLAGS
    return Extension(name, [str(source)], depends=[str(pxd)], define_macros=macros, extra_compile_args=flags)


class BuildHotModules(build_ext):
    """Translates and compiles, except for an editable install."""

    editable_mode: bool

    def finalize_options(self) -> None:
        super().finalize_options()
        self.parallel = self.parallel or os.cpu_count()
        self.numbers = itertools.count(1)

    def run(self) -> None:
        if self.editable_mode:
            self.extensions = []
        if self.extensions:
            self.compile_all_or_none()
        else:
            super().run()

    def compile_all_or_none(self) -> None:
        count = len(self.extensions)
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

        gc.disable()  # a third of the translation looked for garbage; the processes that are forked inherit this
        say(f"translating {len(self.extensions)} modules to C ...")
        made = cythonize(
            self.extensions,
            build_dir=self.build_temp,
            compiler_directives=DIRECTIVES,
            shared_utility_qualified_name=SHARED,
            shared_utility_features_disabled=["MemoryView"],  # no module has one
            nthreads=os.cpu_count() or 1,
            quiet=True,
        )
        sources = {each.name: each.sources for each in made}
        for each in self.extensions:
            each.sources = sources[each.name]

    def build_extensions(self) -> None:
        """Has Python's headers read once for each set of flags, where the compiler can do that."""
        for number, flags in enumerate((FLAGS, FLAGS_FOR_HOTTEST)):
            header = Path(self.build_temp, str(number), "python.h")
            header.parent.mkdir(parents=True, exist_ok=True)
            header.write_text(HEADER)
            with suppress(Exception):
                self.precompile(header, flags)
                for each in self.extensions:
                    if each.extra_compile_args == flags:
                        each.extra_compile_args = [*flags, "-include", str(header)]
        super().build_extensions()

    def precompile(self, header: Path, flags: list[str]) -> None:
        """Raises if the compiler is not GCC, which passes over such a header where its flags are others."""
        compiler = self.compiler.compiler_so
        version = subprocess.run([compiler[0], "--version"], capture_output=True, text=True, check=True).stdout
        if "Free Software Foundation" not in version:
            raise OSError(version)
        folders = [f"-I{folder}" for folder in self.compiler.include_dirs]
        command = [*compiler, *folders, "-x", "c-header", str(header), "-o", f"{header}.gch", *flags]
        subprocess.run(command, capture_output=True, check=True)

    def build_extension(self, ext: Extension) -> None:
        """Compiles one of them, side by side with others."""
        super().build_extension(ext)
        say(f"[{next(self.numbers)}/{len(self.extensions)}] {ext.name}")

    def remove_all(self) -> None:
        """Takes back what was compiled before something failed."""
        for each in self.extensions:
            Path(self.get_ext_fullpath(each.name)).unlink(missing_ok=True)
        self.extensions = []


setup(ext_modules=hot_modules(), cmdclass={"build_ext": BuildHotModules})
